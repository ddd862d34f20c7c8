//! Files that are rotated while something goes wrong: a scenario of tests/faults, with otelcol beside it where it is there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{faults, otelcol, process};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A binary to try, instead of one of this checkout
    #[arg(long)]
    tidegate: Option<PathBuf>,
    /// How long each cell is written to
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// What is random is drawn from it; another one each time where it is not said
    #[arg(long)]
    seed: Option<u64>,
    /// What the scenario takes besides: `--only copytruncate`, `--trouble kill`, `--at-once 1`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let binary = faults::binary(workspace, args.tidegate.as_deref())?;
    let mut harness = harness(workspace, &binary, args.seconds)?;
    if let Some(seed) = args.seed {
        harness.arg(format!("--seed={seed}"));
    }
    faults::judged(harness.args(&args.arguments))
}

/// What every run of the tests does: a short while of every cell.
pub(crate) fn short(workspace: &Workspace, binary: &Path) -> Result<()> {
    process::run(&mut harness(workspace, binary, 10)?)
}

fn harness(workspace: &Workspace, binary: &Path, seconds: u64) -> Result<Command> {
    let mut harness = faults::harness(workspace, binary)?;
    match otelcol::cached() {
        Ok(otelcol) => {
            harness.arg("--otelcol").arg(otelcol);
        }
        Err(missing) => println!("SKIP: {missing}"),
    }
    harness.args(["rotation", &format!("--seconds={seconds}")]);
    Ok(harness)
}
