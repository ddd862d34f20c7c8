//! `cargo xtask bench push`: how soon a pushed module is live, and what the data that flows meanwhile feels of it, with an API server
//! of its own.

use anyhow::{Context, Result};

use super::collector::Measured;
use crate::environment::Environment;
use crate::workspace::Workspace;
use crate::{cluster, faults, needs, process};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each kind of push is measured
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Requests a second
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Seconds before each push in which nothing happens
    #[arg(long, default_value_t = 4.0)]
    quiet: f64,
    #[command(flatten)]
    measured: Measured,
}

/// Ends with a failure where a bar does not hold.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::python()?;
    needs::go()?;
    let rig = workspace.rig()?.join("rig");
    let binary = args.measured.program(workspace)?;
    // It runs in the root of the repository.
    let binary = binary.canonicalize().with_context(|| binary.display().to_string())?;
    process::run(&mut workspace.command(cluster::BUILD))?;
    let python = Environment::of(workspace, cluster::ENVIRONMENT, cluster::REQUIREMENTS)?;
    let mut script = workspace.command(python.program("python"));
    script.arg("tests/cluster/measure_push.py").env("PYTHONDONTWRITEBYTECODE", "1");
    script.arg("--tidegate").arg(binary).arg("--rig").arg(rig);
    let numbers = [args.rounds.to_string(), args.rate.to_string(), args.quiet.to_string()];
    for (name, number) in ["--rounds", "--rate", "--quiet"].iter().zip(numbers) {
        script.arg(name).arg(number);
    }
    // Whoever interrupts this interrupts the script with it, which takes down what it has brought up.
    ctrlc::set_handler(|| ()).context("the handler of Ctrl-C")?;
    faults::judged(&mut script)
}
