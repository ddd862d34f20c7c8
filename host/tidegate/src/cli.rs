//! What a user typed, and what the program makes of it: one of a few commands.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::generate;
use crate::tap::TapArgs;

/// What was typed.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    about = "Receives, processes and exports OpenTelemetry data; its processors are sandboxed WebAssembly components"
)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    run: Option<RunArgs>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a configuration until SIGTERM or SIGINT (the default command)
    ///
    /// The signal begins the drain: nothing new is taken, what was taken is delivered and answered. A second signal ends
    /// the process at once. The exit code is 0 where the drain was complete, and 1 where it was not, a component failed or
    /// the configuration cannot be used.
    Run(RunArgs),
    /// Say everything that is wrong with a configuration
    ///
    /// This reads the configuration, the environment, the files that it refers to with ${file:...}, and the certificates,
    /// keys and credentials that it names, and nothing else.
    /// Left to the start are: whether an address is free or a next hop is there, whether the folder of a `file` exporter
    /// exists and can be written to, whether modules load, and what a module makes of its `config`.
    ///
    /// The exit code is 0 for a valid configuration, with or without warnings, and 1 otherwise.
    Validate(ConfigArgs),
    /// List the components of this binary
    Components(ComponentsArgs),
    /// Send made-up telemetry over OTLP
    Generate(generate::Args),
    /// Show what passes through a pipeline of a running collector on this machine, as readable lines
    ///
    /// A sample of so many items a second; the data itself is not held up, and who reads slowly misses some, which is told.
    Tap(TapArgs),
    /// Turn a module into native code; the collector starts this itself, in a process with limits
    #[command(hide = true)]
    Compile(CompileArgs),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration, in the Collector's YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// The configuration, in the Collector's YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// How long to wait at the end for what is in flight, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    pub(crate) drain_timeout: u64,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ComponentsArgs {
    /// As JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CompileArgs {
    /// What the collector passes on
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

impl Cli {
    /// The command; `tidegate --config F` is `tidegate run --config F`. Without either, the help is shown and the process
    /// ends as clap ends it.
    pub(crate) fn command(self) -> Command {
        match (self.command, self.run) {
            (Some(command), _) => command,
            (None, Some(run)) => Command::Run(run),
            (None, None) => Cli::command_or_help(),
        }
    }

    fn command_or_help() -> ! {
        let mut command = <Cli as CommandFactory>::command();
        command.error(clap::error::ErrorKind::MissingSubcommand, "name a configuration: tidegate --config FILE").exit()
    }
}
