//! Measurements: against peers, in instructions, and of ways across the sandbox's border.

mod collector;
mod instructions;
mod measure;
mod memory;
mod peers;
mod rig;
mod scenario;
mod table;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// CPU an item, memory and delivery beside otelcol's, and beside a relay of bytes
    Peers(peers::Args),
    /// Instructions of the operations on payloads, compared with the checked-in counts
    Instructions(instructions::Args),
    /// What a record costs by each way of handing it to a guest
    Abi,
}

pub(crate) fn run(workspace: &Workspace, command: &Command) -> Result<()> {
    match command {
        Command::Peers(args) => peers::run(workspace, args),
        Command::Instructions(args) => instructions::run(workspace, args),
        Command::Abi => {
            crate::guests::build(&workspace.root)?;
            // As a part of the workspace, it is built from the dependencies that the tests were built from.
            process::run(&mut workspace.cargo(["build", "--release", "--workspace", "--example", "abi"]))?;
            process::run(&mut workspace.command(workspace.target.join("release/examples/abi")))
        }
    }
}

/// Compares the instruction counts with those that are checked in.
pub(crate) fn instructions(workspace: &Workspace) -> Result<()> {
    instructions::run(workspace, &instructions::Args::default())
}

#[cfg(test)]
mod tests;
