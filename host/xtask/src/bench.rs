//! Measurements: against peers, in instructions, and of ways across the sandbox's border.

mod collector;
mod edge;
mod exporters;
mod instructions;
mod measure;
mod memory;
mod neighbour;
mod peers;
mod push;
mod queue;
mod rig;
mod sandbox;
mod scenario;
mod table;

use anyhow::Result;

use crate::process;
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// CPU an item, memory and delivery beside otelcol's, and beside a relay of bytes
    Peers(peers::Args),
    /// What a pipeline feels of another whose module spins for its whole budget on each batch
    Neighbour(neighbour::Args),
    /// Instructions of the operations on payloads, compared with the checked-in counts
    Instructions(instructions::Args),
    /// What a record costs by each way of handing it to a guest
    Abi,
    /// What exporters cost that say telemetry in a backend's own form, beside pass-through
    Exporters(exporters::Args),
    /// What a durable queue costs, beside otelcol's
    Queue(queue::Args),
    /// Lines that are read, files that are followed and a target that is scraped, beside otelcol's
    Edge(edge::Args),
    /// What a gateway of 200 clusters with modules of their own costs, beside one of a single module
    Clusters,
    /// How soon a pushed module is live, and what the data that flows meanwhile feels of it
    Push(push::Args),
    /// What the sandbox costs: each bundled guest in it, beside the same source linked in
    Sandbox(sandbox::Args),
}

pub(crate) fn run(workspace: &Workspace, command: &Command) -> Result<()> {
    match command {
        Command::Peers(args) => peers::run(workspace, args),
        Command::Neighbour(args) => neighbour::run(workspace, args),
        Command::Instructions(args) => instructions::run(workspace, args),
        Command::Abi => example(workspace, "abi", &[]),
        Command::Exporters(args) => exporters::run(workspace, args),
        Command::Queue(args) => queue::run(workspace, args),
        Command::Edge(args) => edge::run(workspace, args),
        Command::Clusters => example(workspace, "clusters", &[]),
        Command::Push(args) => push::run(workspace, args),
        Command::Sandbox(args) => sandbox::run(workspace, args),
    }
}

/// Builds an example of the sandbox's crate and runs it.
fn example(workspace: &Workspace, name: &str, arguments: &[String]) -> Result<()> {
    crate::guests::build(&workspace.root)?;
    // As a part of the workspace, it is built from the dependencies that the tests were built from.
    process::run(&mut workspace.cargo(["build", "--release", "--workspace", "--example", name]))?;
    process::run(workspace.command(workspace.target.join("release/examples").join(name)).args(arguments))
}

/// Compares the instruction counts with those that are checked in.
pub(crate) fn instructions(workspace: &Workspace) -> Result<()> {
    instructions::run(workspace, &instructions::Args::default())
}

#[cfg(test)]
mod tests;
