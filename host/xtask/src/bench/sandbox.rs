//! `cargo xtask bench sandbox`: what each bundled guest costs in the sandbox, beside the same source linked in. What a pipeline costs
//! around it is measured first, on the binary.

use anyhow::Result;

use super::collector::{Measured, Peer, Peers};
use super::example;
use super::measure::measure;
use super::rig::{Cores, Rig};
use super::scenario::{Load, Scenario, Signal, Work};
use crate::needs;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long the pipeline around the guests is measured, for each signal and run
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    #[arg(long, default_value_t = 3)]
    runs: usize,
    #[command(flatten)]
    cores: Cores,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::taskset()?;
    let rig = Rig::build(workspace, args.cores)?;
    let peers = Peers::alone(workspace, &rig, &Measured::default())?;
    let mut around = Vec::new();
    for signal in [Signal::Logs, Signal::Traces, Signal::Metrics] {
        let scenario = Scenario { work: Work::Passthrough, load: Load::Pods, signal };
        let mut least = f64::MAX;
        for _ in 0..args.runs.max(1) {
            least = least.min(measure(&rig, &peers, Peer::Tidegate, scenario, args.seconds)?.cpu_us_per_item);
        }
        println!("{scenario}: {least:.2} µs an item");
        around.push(format!("{}={least}", signal.name()));
    }
    example(workspace, "sandbox", &around)
}
