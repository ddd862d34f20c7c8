//! A collector for OpenTelemetry data whose processors are sandboxed WebAssembly components.

mod app;
mod bundled;
mod catalog;
mod cli;
mod client;
mod components;
mod configuration;
mod debug;
mod elections;
mod endpoints;
mod explain;
mod extensions;
mod factories;
mod forward;
mod generate;
mod health;
mod memory;
mod metadata;
mod module;
mod modules;
mod own;
mod quarantine;
mod queue;
mod queues;
mod resend;
mod schema;
mod signals;
mod summary;
mod tap;
mod watch;

#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use host_config::{Errors, Mode, Os};
use host_telemetry::{Metrics, logs};

use crate::app::{App, Ending, Settings};
use crate::cli::{Cli, Command, PrintArgs, PrintMode, RunArgs, ValidateArgs};
use crate::watch::{Noted, Watch};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the collector still has to tell about itself at the end may take so long.
const OWN_PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // The allocator asks for huge pages, which an idle process fills with nothing: 16 MiB of them (docs/measurements.md). Where
    // the kernel does not know the call, memory is all that it costs.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let outcome = match Cli::parse().command() {
        Command::Run(args) => run(&args),
        Command::Validate(args) => validate(&args),
        Command::PrintConfig(args) => print_config(&args),
        Command::Schema => schema::print().map(|()| ExitCode::SUCCESS),
        Command::Components(args) => components::print(args.json).map(|()| ExitCode::SUCCESS),
        Command::Generate(args) => generate::run(args),
        Command::Tap(args) => tap::run(&args),
        Command::Module(args) => return module::run(&args),
        Command::Quarantine(args) => quarantine::run(&args),
        Command::Queue(args) => queue::run(&args),
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
    let settings = Settings {
        locations: args.locations(),
        drain_timeout: Duration::from_secs(args.drain_timeout),
        watches: !args.no_watch,
    };
    let noted = Noted::default();
    let config =
        configuration::load(&settings.locations, &noted, &noted.named()).map_err(|errors| unusable(&errors))?;
    let metrics = Metrics::new();
    let own = own::start(&config.telemetry, &config.validated.base, &metrics)?;
    let log = logs::install(&config.telemetry.logs, &own).context("cannot set up the log")?;
    config.tell_warnings();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the threads that serve the network")?;
    let ending = runtime.block_on(async {
        let mut signals = signals::Signals::listen().context("cannot listen for signals")?;
        let app = tokio::select! {
            app = App::build(settings, config, metrics, log, Watch::over(noted)) => app?,
            signal = signals.next() => {
                tracing::info!(signal, "ended before anything ran");
                return anyhow::Ok(Ending::Drained);
            }
        };
        anyhow::Ok(app.run(&mut signals).await)
    });
    // Whatever a thread is still at, nobody waits for it any more.
    runtime.shutdown_background();
    if !matches!(ending, Ok(Ending::Impatient)) {
        own.drain(OWN_PATIENCE);
    }
    Ok(match ending? {
        Ending::Drained => ExitCode::SUCCESS,
        Ending::Incomplete | Ending::Failed | Ending::Impatient => ExitCode::FAILURE,
    })
}

fn unusable(errors: &Errors) -> anyhow::Error {
    anyhow!("the configuration cannot be used\n{errors}")
}

fn validate(args: &ValidateArgs) -> anyhow::Result<ExitCode> {
    let locations = args.inputs.locations();
    let config = configuration::load(&locations, &Os, &Os).map_err(|errors| unusable(&errors))?;
    let mut out = io::stdout().lock();
    for warning in &config.warnings {
        writeln!(out, "{warning} (warning)")?;
    }
    if args.explain {
        for difference in explain::differences(&config.validated) {
            writeln!(out, "{difference} (difference)")?;
        }
    }
    if args.modules {
        modules::show(&config.validated, &mut out)?;
    }
    let names: Vec<String> = locations.iter().map(ToString::to_string).collect();
    writeln!(out, "{}: valid", names.join(", "))?;
    Ok(ExitCode::SUCCESS)
}

fn print_config(args: &PrintArgs) -> anyhow::Result<ExitCode> {
    let config = configuration::load(&args.inputs.locations(), &Os, &Os).map_err(|errors| unusable(&errors))?;
    for warning in &config.warnings {
        eprintln!("{warning} (warning)");
    }
    let mode = match args.mode {
        PrintMode::Redacted => Mode::Redacted,
        PrintMode::Unredacted => Mode::Unredacted,
    };
    io::stdout().lock().write_all(config.validated.whole.to_yaml(mode).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
