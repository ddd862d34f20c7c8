//! What a user typed, and what the program makes of it: one of a few commands.

use std::ffi::OsString;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use host_config::{Location, LocationError};

use crate::generate;
use crate::module::ModuleArgs;
use crate::quarantine::QuarantineArgs;
use crate::queue::QueueArgs;
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
    /// SIGHUP, and a change of a file of the configuration, has the configuration read again: what is new in it is built
    /// beside what runs, and takes over when all of it could be built. What did not change runs on.
    ///
    /// SIGTERM or SIGINT begins the drain: nothing new is taken, what was taken is delivered and answered. A second signal ends
    /// the process at once. The exit code is 0 where the drain was complete, and 1 where it was not, a component failed or
    /// the configuration cannot be used.
    Run(RunArgs),
    /// Say everything that is wrong with a configuration
    ///
    /// This reads the configuration, the environment, the files that it refers to with ${file:...}, and the certificates,
    /// keys and credentials that it names, and nothing else.
    /// Left to the start are: whether an address is free or a next hop is there, whether the folder of a `file` exporter
    /// exists and can be written to, whether a quarantine can, and, without --modules, whether modules load and what they make
    /// of their `config`.
    ///
    /// The exit code is 0 for a valid configuration, with or without warnings, and 1 otherwise.
    Validate(ValidateArgs),
    /// Show a valid configuration as one YAML document: merged, with references replaced
    PrintConfig(PrintArgs),
    /// Print a JSON Schema of the configuration, for editors that check and complete while one types
    Schema,
    /// List the components of this binary
    Components(ComponentsArgs),
    /// Send made-up telemetry over OTLP
    Generate(generate::Args),
    /// Show what passes through a pipeline of a running collector on this machine, as readable lines
    ///
    /// A sample of so many items a second; the data itself is not held up, and who reads slowly misses some, which is told.
    Tap(TapArgs),
    /// Look at a module, test it, measure it, and see what it changes
    ///
    /// MODULE is a bundled module by its name, or the path of a component. It runs in the sandbox of a collector, under the same
    /// limits, and sees nothing but the files that are named.
    Module(ModuleArgs),
    /// Look at the items that no module could process, and send them again
    ///
    /// They lie in the folder that modules.quarantine.path names, as they came to the module: nothing was scrubbed from them.
    Quarantine(QuarantineArgs),
    /// Look at what waits on disk for exporters, send it elsewhere, and see to what no backend takes
    ///
    /// The queues lie in the folder of a `file_storage` extension. They can be looked at while a collector has them; to take
    /// from one, no collector may have it.
    Queue(QueueArgs),
    /// Turn a module into native code; the collector starts this itself, in a process with limits
    #[command(hide = true)]
    Compile(CompileArgs),
}

/// Where a configuration comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration, in the Collector's YAML: a PATH or file:PATH, env:NAME or yaml:TEXT
    ///
    /// May be given several times: mappings are joined, lists are replaced, and what comes later wins.
    #[arg(long, value_name = "LOCATION", required = true)]
    config: Vec<Location>,
    /// One value that wins over all files, such as processors.batch.timeout=2s; it is read as YAML
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<Location>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// The configuration, in the Collector's YAML: a PATH or file:PATH, env:NAME or yaml:TEXT
    ///
    /// May be given several times: mappings are joined, lists are replaced, and what comes later wins.
    #[arg(long, value_name = "LOCATION", required = true)]
    config: Vec<Location>,
    /// One value that wins over all files, such as processors.batch.timeout=2s; it is read as YAML
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    set: Vec<Location>,
    /// How long to wait at the end for what is in flight, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    pub(crate) drain_timeout: u64,
    /// Do not look whether files of the configuration change; SIGHUP has it read again all the same
    #[arg(long)]
    pub(crate) no_watch: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) inputs: ConfigArgs,
    /// List what in it means something else here than in the Collector
    #[arg(long)]
    pub(crate) explain: bool,
    /// Also load the modules of its wasm processors, in the sandbox, and show what each asks for beside what it is granted
    #[arg(long)]
    pub(crate) modules: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PrintArgs {
    #[command(flatten)]
    pub(crate) inputs: ConfigArgs,
    /// Whether passwords, tokens, keys and headers are shown
    #[arg(long, value_enum, default_value_t = PrintMode::Redacted)]
    pub(crate) mode: PrintMode,
}

/// What `print-config` shows of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrintMode {
    Redacted,
    Unredacted,
}

fn setting(text: &str) -> Result<Location, LocationError> {
    Location::set(text)
}

impl ConfigArgs {
    /// All locations, in the order in which they win.
    pub(crate) fn locations(&self) -> Vec<Location> {
        self.config.iter().chain(&self.set).cloned().collect()
    }
}

impl RunArgs {
    /// As [`ConfigArgs::locations`].
    pub(crate) fn locations(&self) -> Vec<Location> {
        self.config.iter().chain(&self.set).cloned().collect()
    }
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
