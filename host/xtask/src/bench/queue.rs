//! `cargo xtask bench queue`: what a durable queue costs beside otelcol's, with one configuration for both: data is written to disk,
//! acknowledged, delivered and removed.

use std::fs;

use anyhow::{Context, Result, bail};

use super::collector::{Measured, Peer, Peers};
use super::rig::{self, Cores, Drive, Rig};
use super::scenario::{Load, Signal};
use super::table::{median, spread};
use crate::needs;
use crate::workspace::Workspace;

/// How many times less CPU an item Tidegate has to take.
const CPU_BAR: f64 = 5.0;
/// How many bytes it may write for one of the payload.
const WRITTEN_BAR: f64 = 2.0;
const LOADS: [(Signal, Load); 2] = [(Signal::Logs, Load::Pods), (Signal::Traces, Load::Unique(100))];
const CONFIG: &str = "queue";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// How long each run is measured
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Fail where a bar does not hold
    #[arg(long)]
    enforce: bool,
    #[command(flatten)]
    measured: Measured,
    #[command(flatten)]
    cores: Cores,
}

struct Sample {
    cpu_us: f64,
    /// Bytes written to disk for one of the payload.
    written: f64,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::taskset()?;
    let rig = Rig::build(workspace, args.cores)?;
    let peers = Peers::all(workspace, &rig, &args.measured)?;
    let mut lines = vec![HEADER.to_owned()];
    let mut held = true;
    for (signal, load) in LOADS {
        for fsync in [false, true] {
            let (mut theirs, mut ours) = (Vec::new(), Vec::new());
            // In turn, so that a busy neighbour is both's.
            for _ in 0..args.runs.max(1) {
                theirs.push(sample(&rig, &peers, Peer::Otelcol, (signal, load), fsync, args.seconds)?);
                ours.push(sample(&rig, &peers, Peer::Tidegate, (signal, load), fsync, args.seconds)?);
            }
            let cpu = |samples: &[Sample]| samples.iter().map(|sample| sample.cpu_us).collect::<Vec<_>>();
            let written = |samples: &[Sample]| samples.iter().map(|sample| sample.written).collect::<Vec<_>>();
            let middle = |values: &[f64]| median(values).unwrap_or(f64::NAN);
            let times = middle(&cpu(&theirs)) / middle(&cpu(&ours));
            let holds = times >= CPU_BAR && middle(&written(&ours)) <= WRITTEN_BAR;
            held &= holds;
            lines.push(format!(
                "| {load}/{} | {} | {} | {} | {times:.1} | {:.2} | {:.2} | {} |",
                signal.name(),
                if fsync { "on" } else { "off" },
                spread(&cpu(&theirs)),
                spread(&cpu(&ours)),
                middle(&written(&theirs)),
                middle(&written(&ours)),
                if holds { "pass" } else { "FAIL" },
            ));
            println!("{}", lines.last().map(String::as_str).unwrap_or_default());
        }
    }
    println!("\n{}", lines.join("\n"));
    println!("\nbars: {CPU_BAR} times less CPU an item, and {WRITTEN_BAR} bytes written for one of the payload");
    if args.enforce && !held {
        bail!("a bar does not hold");
    }
    Ok(())
}

const HEADER: &str = "\
| load | fsync | otelcol µs an item | tidegate µs an item | times less | otelcol writes bytes a byte | tidegate writes | |
|---|---|---|---|---|---|---|---|";

/// One run with an empty queue. What counts is counted when the sink has everything.
fn sample(
    rig: &Rig,
    peers: &Peers,
    peer: Peer,
    (signal, load): (Signal, Load),
    fsync: bool,
    seconds: f64,
) -> Result<Sample> {
    let folder = peers.logs.join("queue").join(peer.name());
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => fs::create_dir_all(&folder)?,
    }
    let environment = [("QUEUE", folder.as_os_str()), ("FSYNC", if fsync { "true" } else { "false" }.as_ref())];
    let sink = rig.sink()?;
    // Both get the Collector's own file.
    let collector = peers.start_within(rig, peer, Peer::Otelcol, CONFIG, &environment)?;
    let drive = |seconds, seed| rig.send(&Drive::of(signal, load, seconds, seed)).with_context(|| peer.name());
    let warm = rig::settle(drive(2.0, 1)?.items)?.items;
    let (cpu, written) = (collector.cpu()?, collector.written()?);
    let sent = drive(seconds, 2)?;
    let received = rig::settle(warm + sent.items)?.items - warm;
    let (cpu, written) = (collector.cpu()? - cpu, collector.written()? - written);
    collector.end()?;
    drop(sink);
    if received < sent.items {
        bail!("{} delivered {received} of {} items", peer.name(), sent.items);
    }
    let cpu_us = cpu.as_secs_f64() * 1e6 / sent.items as f64;
    Ok(Sample { cpu_us, written: written as f64 / sent.bytes as f64 })
}
