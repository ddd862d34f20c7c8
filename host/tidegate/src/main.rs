//! A collector for OpenTelemetry data whose processors are sandboxed WebAssembly components.

mod app;
mod bundled;
mod catalog;
mod cli;
mod components;
mod configuration;
mod debug;
mod extensions;
mod factories;
mod generate;
mod health;
mod metadata;
mod signals;
mod summary;
mod tap;

#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use host_telemetry::logs;

use crate::app::{App, Ending};
use crate::cli::{Cli, Command, ConfigArgs, RunArgs};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command() {
        Command::Run(args) => run(&args),
        Command::Validate(args) => validate(&args),
        Command::Components(args) => components::print(args.json).map(|()| ExitCode::SUCCESS),
        Command::Generate(args) => generate::run(args),
        Command::Tap(args) => tap::run(&args),
        Command::Compile(args) => return host_wasm::compile_main(args.args),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("tidegate: {}", told(&error));
        ExitCode::FAILURE
    })
}

/// The error and its causes on one line; a cause that the error before it has told already is left out.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match () {
        () if told.is_empty() => cause,
        () if told.ends_with(&cause) => told,
        () => format!("{told}: {cause}"),
    })
}

fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let config = configuration::load(&args.config)?;
    logs::install(&config.telemetry.logs).context("cannot set up the log")?;
    config.tell_warnings();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the threads that serve the network")?;
    let ending = runtime.block_on(async {
        let mut signals = signals::Signals::listen().context("cannot listen for signals")?;
        let app = tokio::select! {
            app = App::build(config) => app?,
            signal = signals.next() => {
                tracing::info!(signal, "ended before anything ran");
                return anyhow::Ok(Ending::Drained);
            }
        };
        anyhow::Ok(app.run(&mut signals, Duration::from_secs(args.drain_timeout)).await)
    });
    // Whatever a thread is still at, nobody waits for it any more.
    runtime.shutdown_background();
    Ok(match ending? {
        Ending::Drained => ExitCode::SUCCESS,
        Ending::Incomplete | Ending::Failed | Ending::Impatient => ExitCode::FAILURE,
    })
}

fn validate(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let config = configuration::load(&args.config)?;
    let mut out = io::stdout().lock();
    for warning in &config.warnings {
        writeln!(out, "{warning} (warning)")?;
    }
    writeln!(out, "{}: valid", args.config.display())?;
    Ok(ExitCode::SUCCESS)
}
