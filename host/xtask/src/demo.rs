//! What shows a design at work: scripts of tests/ that end with a verdict, with all that they need.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::environment::Environment;
use crate::workspace::Workspace;
use crate::{cluster, faults, needs, process};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Two clusters send logs to one gateway, and a scrubber is pushed to one of them; it needs what `test --cluster` needs
    Clusters(Args),
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A binary to show, instead of one of this checkout
    #[arg(long)]
    tidegate: Option<PathBuf>,
    /// Leave both clusters up at the end
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(workspace: &Workspace, command: &Command) -> Result<()> {
    let Command::Clusters(args) = command;
    needs::kubectl()?;
    needs::cluster()?;
    let binary = faults::binary(workspace, args.tidegate.as_deref())?;
    process::run(&mut workspace.command(cluster::BUILD))?;
    let python = Environment::of(workspace, cluster::ENVIRONMENT, cluster::REQUIREMENTS)?;
    let mut script = workspace.command(python.program("python"));
    script.arg("tests/cluster/demo_clusters.py").args(args.keep.then_some("--keep"));
    // It runs in the root of the repository.
    let binary = binary.canonicalize().with_context(|| binary.display().to_string())?;
    script.env("TIDEGATE", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    // Whoever interrupts this interrupts the script with it, which takes down what it has brought up.
    ctrlc::set_handler(|| ()).context("the handler of Ctrl-C")?;
    faults::judged(&mut script)
}
