//! The load rig: what sends telemetry to a collector and what receives it from there.
//!
//! Every role is one sub-command and runs on one thread, so that it can be pinned to a core next to the collector's.
//! Whatever a role has to tell, it prints as one line of JSON.

mod calib;
mod data;
mod export;
mod expose;
mod http;
mod load;
mod pb;
mod rng;
mod sink;
mod stats;
mod walk;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Send OTLP/gRPC export requests in a closed loop.
    Load(load::Options),
    /// Accept and count telemetry.
    Sink(sink::Options),
    /// Time a fixed piece of work: how fast is this core now?
    Calib(calib::Options),
    /// Be scraped.
    Expose(expose::Options),
    /// Write one encoded request to the standard output.
    Dump(data::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().role {
        Role::Load(options) => block_on(load::run(options)),
        Role::Sink(options) => block_on(sink::run(options)),
        Role::Calib(options) => calib::run(&options),
        Role::Expose(options) => block_on(expose::run(options)),
        Role::Dump(options) => data::dump(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("rig: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts").block_on(future)
}
