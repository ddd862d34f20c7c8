//! The harness of tests/faults: collectors, everything around them broken, and a verdict as the last line.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{guests, otelcol, process};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A binary to break, instead of one of this checkout
    #[arg(long)]
    tidegate: Option<PathBuf>,
    /// What the harness takes: `--minutes 30 --seed 7`, or a scenario such as `kills --kills 200`; `help` lists all
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// The scenario that needs the Collector.
const WITH_OTELCOL: &str = "otelcol";

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut harness = harness(workspace, &binary(workspace, args.tidegate.as_deref())?)?;
    if args.arguments.iter().any(|argument| argument == WITH_OTELCOL) {
        harness.arg("--otelcol").arg(otelcol::build(workspace)?);
    }
    judged(harness.args(&args.arguments))
}

/// The binary that is to be broken: the one that was named, or one of this checkout.
pub(crate) fn binary(workspace: &Workspace, named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    guests::build(&workspace.root)?;
    workspace.binary("release")
}

/// Runs the harness, whose last line is the verdict.
pub(crate) fn judged(harness: &mut Command) -> Result<()> {
    let status = harness.status().context("the harness")?;
    if !status.success() {
        // Ours would be one more line.
        std::process::exit(status.code().unwrap_or(1));
    }
    Ok(())
}

/// What every run of the tests does: a short while of everything.
pub(crate) fn short(workspace: &Workspace, binary: &Path) -> Result<()> {
    process::run(&mut workspace.cargo_of_faults("test"))?;
    process::run(harness(workspace, binary)?.args(["--seconds", "20", "--kills", "3"]))
}

pub(crate) fn harness(workspace: &Workspace, binary: &Path) -> Result<Command> {
    process::run(&mut workspace.cargo_of_faults("build"))?;
    let mut harness = workspace.command(workspace.faults_target().join("release/faults"));
    harness.arg("--tidegate").arg(binary);
    Ok(harness)
}
