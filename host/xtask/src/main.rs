//! cargo xtask: build, run, test and measure Tidegate.

mod backends;
mod bench;
mod cluster;
mod conformance;
mod cosign;
mod demo;
mod deploy;
mod environment;
mod faults;
mod fuzz;
mod guests;
mod interop;
mod needs;
mod otelcol;
mod process;
mod rotation;
mod steps;
mod suite;
mod tidy;
mod up;
mod wit;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, run, test and measure Tidegate")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything, start the quickstart under a load, and say what to look at
    Up(up::Args),
    /// Run all tests that this machine can run
    Test(suite::Args),
    /// Build the modules, or one of your own
    Guests(guests::Args),
    /// Check what clippy cannot: layout, reading order and the arrows between crates
    Tidy,
    /// Measure
    #[command(subcommand)]
    Bench(bench::Command),
    /// Hold the SDKs of all languages to one suite, in a host
    Conformance(conformance::Args),
    /// Break everything around running collectors, and count what became of each acknowledged item
    Faults(faults::Args),
    /// Rotate files that are followed while something goes wrong, and count what became of each line
    Rotation(rotation::Args),
    /// Show a design at work
    #[command(subcommand)]
    Demo(demo::Command),
    /// Run the fuzz targets
    Fuzz(fuzz::Args),
}

fn main() -> ExitCode {
    let outcome = Workspace::locate().and_then(|workspace| match Cli::parse().command {
        Command::Up(args) => up::run(&workspace, &args),
        Command::Test(args) => suite::run(&workspace, &args),
        Command::Guests(args) => guests::run(&workspace.root, &args),
        Command::Tidy => tidy::run(&workspace),
        Command::Bench(command) => bench::run(&workspace, &command),
        Command::Conformance(args) => conformance::run_alone(&workspace, &args),
        Command::Faults(args) => faults::run(&workspace, &args),
        Command::Rotation(args) => rotation::run(&workspace, &args),
        Command::Demo(command) => demo::run(&workspace, &command),
        Command::Fuzz(args) => fuzz::run(&workspace, &args),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem:#}");
            ExitCode::FAILURE
        }
    }
}
