//! `tidegate module`: the tools of those who write modules.
//!
//! Each runs a module in the collector's own sandbox, under its limits, with files in the place of a network and an exit code
//! in the place of an acknowledgement.

mod bench;
mod capture;
mod desk;
mod diff;
mod difference;
mod files;
mod inspect;
mod otlp;
mod project;
mod pushed;
mod replay;
mod sign;
mod test;
mod told;

use std::io;
use std::process::ExitCode;

/// What was typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ModuleArgs {
    #[command(subcommand)]
    command: ModuleCommand,
    /// When to colour what is printed; NO_COLOR is kept to
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    color: Color,
}

/// What is to be done with a module: a bundled one by its name, or a file of the author's own.
#[derive(Clone, Debug, clap::Subcommand)]
enum ModuleCommand {
    /// Write a new project: a processor in a language of the SDKs, with all that its build needs but the language's own tool
    New(project::NewArgs),
    /// Build a project, by its language's tool, to build/NAME.wasm
    Build(project::BuildArgs),
    /// Say what a module is and what it asks for, with the grants to paste
    Inspect(inspect::Args),
    /// Run the tests of a project and its cases: what goes in, and what is to come out
    ///
    /// Where DIR has a module.yaml, its language's own tests come first, on this machine and without a host; the cases run in the sandbox.
    /// A case is a folder in DIR/tests with input.json (an OTLP request in JSON) and expected.json or expected-error.txt;
    /// config.yaml, context.yaml, expected-logs.txt and expected-counters.json may stand beside them.
    ///
    /// The exit code is 0 where every case is as expected, and 1 otherwise.
    Test(test::Args),
    /// Measure what a module costs, beside one that changes nothing
    Bench(bench::Args),
    /// Show what changes in telemetry between two modules, or between a module and none
    ///
    /// The exit code is 0 where nothing differs, 1 where something does, and 2 on an error.
    Diff(diff::Args),
    /// Run a captured batch through a module, with the time and the seed that it was captured with
    ///
    /// The exit code is 0 where the module processed it, and 1 otherwise.
    Replay(replay::Args),
    /// Sign a manifest as `cosign sign-blob --key` does
    Sign(sign::SignArgs),
    /// Say whether a manifest is signed by a key, as `cosign verify-blob --key` does
    ///
    /// The exit code is 0 where it is, and 1 otherwise.
    Verify(sign::VerifyArgs),
    /// Publish a module to a cluster, where hosts take it up without a restart
    Push(pushed::PushArgs),
    /// Publish again what was in force before, under a higher revision
    Undo(pushed::UndoArgs),
    /// Say which modules are published, and how they stand on each host
    Status(pushed::StatusArgs),
}

/// When there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Does what was asked for. Errors are told here, as cargo tells them.
pub(crate) fn run(args: &ModuleArgs) -> ExitCode {
    match args.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let mut out = anstream::stdout();
    let (outcome, on_error) = match &args.command {
        ModuleCommand::New(args) => (project::create(args), 1),
        ModuleCommand::Build(args) => (project::build(args, &mut out), 1),
        ModuleCommand::Inspect(args) => (inspect::run(args, &mut out), 1),
        ModuleCommand::Test(args) => (test::run(args, &mut out), 1),
        ModuleCommand::Bench(args) => (bench::run(args, &mut out), 1),
        ModuleCommand::Diff(args) => (diff::run(args, &mut out), 2),
        ModuleCommand::Replay(args) => (replay::run(args, &mut out), 1),
        ModuleCommand::Sign(args) => (sign::sign(args, &mut out), 1),
        ModuleCommand::Verify(args) => (sign::verify(args, &mut out), 1),
        ModuleCommand::Push(args) => (pushed::push(args, &mut out), 1),
        ModuleCommand::Undo(args) => (pushed::undo(args, &mut out), 1),
        ModuleCommand::Status(args) => (pushed::status(args, &mut out), 1),
    };
    match outcome {
        Ok(code) => code,
        // Whoever read the output has seen enough: something differs, or was not told.
        Err(error) if error.downcast_ref().is_some_and(is_closed) => ExitCode::FAILURE,
        Err(error) => {
            told::error(&error);
            ExitCode::from(on_error)
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// `1 log record`, `2 log records`.
fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {one}{plural}", grouped(count))
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
