//! `cargo xtask bench peers`: Tidegate beside otelcol and a relay of bytes, run by run in turn.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use anyhow::{Result, bail};

use super::collector::{Measured, Peer, Peers};
use super::measure::{Sample, measure};
use super::memory;
use super::rig::{Cores, Rig};
use super::scenario::{self, Scenario, Work};
use super::table::Row;
use crate::needs;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only scenarios whose name contains one of these, such as `passthrough/pods` or `memory`
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How long each run is measured
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// Fail where a bar does not hold
    #[arg(long)]
    enforce: bool,
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    cores: Cores,
}

/// How long the closed loop of the memory bar runs, whatever `--seconds` says of the others.
const MEMORY_SECONDS: f64 = 60.0;

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::taskset()?;
    let chosen = |name: &str| args.only.is_empty() || args.only.iter().any(|part| name.contains(part));
    let scenarios: Vec<Scenario> = scenario::all().into_iter().filter(|s| chosen(&s.to_string())).collect();
    if scenarios.is_empty() && !chosen("memory") {
        let names: Vec<String> = scenario::all().iter().map(Scenario::to_string).collect();
        bail!("no scenario is named so; there are memory, {}", names.join(", "));
    }

    let rig = Rig::build(workspace, args.cores)?;
    let peers = Peers::all(workspace, &rig, &args.measured)?;
    let record_path = peers.logs.join("peers.jsonl");
    let mut record = File::create(&record_path)?;
    let mut rows = Vec::new();
    for scenario in scenarios {
        let row = compare(&rig, &peers, scenario, args, &mut record)?;
        println!("{}", row.summary());
        rows.push(row);
    }
    let mut held = rows.iter().all(Row::holds);
    if !rows.is_empty() {
        println!("\n{}", Row::HEADER);
        rows.iter().for_each(|row| println!("{}", row.line()));
        rows.iter().filter_map(Row::needles_that_differ).for_each(|text| println!("{text}"));
        println!();
    }
    if chosen("memory") {
        held &= memory::run(&rig, &peers, MEMORY_SECONDS)?;
    }
    println!("each run is in {}", record_path.display());
    if args.enforce && !held {
        bail!("a bar does not hold");
    }
    Ok(())
}

/// All runs of one scenario, the peers taking turns, so that a busy neighbour is everybody's.
fn compare(rig: &Rig, peers: &Peers, scenario: Scenario, args: &Args, record: &mut File) -> Result<Row> {
    let mut taking_turns = vec![Peer::Otelcol, Peer::Tidegate];
    if scenario.work == Work::Passthrough {
        taking_turns.push(Peer::Relay);
    }
    let mut samples: BTreeMap<Peer, Vec<Sample>> = BTreeMap::new();
    for _ in 0..args.runs {
        for &peer in &taking_turns {
            let sample = measure(rig, peers, peer, scenario, args.seconds)?;
            let line = serde_json::json!({
                "scenario": scenario.to_string(), "peer": peer.name(), "sample": sample,
            });
            writeln!(record, "{line}")?;
            samples.entry(peer).or_default().push(sample);
        }
    }
    Ok(Row::new(scenario, &samples))
}
