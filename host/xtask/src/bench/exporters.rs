//! `cargo xtask bench exporters`: what it costs to say telemetry in a backend's own form, beside passing it on as it lies.

use anyhow::{Context, Result, bail};

use super::collector::{Measured, Peer, Peers};
use super::rig::{Cores, Drive, Rig};
use super::scenario::{Load, Signal};
use super::table::{median, spread};
use crate::needs;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only exporters whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
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

/// An exporter: the name of its configuration, and how many times the CPU of pass-through it may take.
struct Exporter {
    name: &'static str,
    signals: &'static [Signal],
    bar: f64,
}

const EXPORTERS: [Exporter; 1] = [Exporter { name: "loki", signals: &[Signal::Logs], bar: 3.0 }];
const LOADS: [Load; 2] = [Load::Pods, Load::Unique(100)];
const PASSTHROUGH: &str = "passthrough";

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    needs::taskset()?;
    let rig = Rig::build(workspace, args.cores)?;
    let peers = Peers::alone(workspace, &rig, &args.measured)?;
    let chosen = |exporter: &&Exporter| {
        args.only.is_empty() || args.only.iter().any(|part| exporter.name.contains(part.as_str()))
    };
    let mut lines = vec![
        "| exporter | pass-through µs an item | exporter µs an item | ratio | bar | |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    let mut held = true;
    for exporter in EXPORTERS.iter().filter(chosen) {
        for (&signal, load) in exporter.signals.iter().flat_map(|signal| LOADS.map(|load| (signal, load))) {
            let (mut plain, mut own) = (Vec::new(), Vec::new());
            // In turn, so that a busy neighbour is both's.
            for _ in 0..args.runs.max(1) {
                plain.push(cost(&rig, &peers, PASSTHROUGH, signal, load, args.seconds)?);
                own.push(cost(&rig, &peers, exporter.name, signal, load, args.seconds)?);
            }
            let ratio = median(&own).zip(median(&plain)).map_or(f64::NAN, |(own, plain)| own / plain);
            let verdict = if ratio <= exporter.bar { "pass" } else { "FAIL" };
            held &= ratio <= exporter.bar;
            let Exporter { name, bar, .. } = exporter;
            let line = format!(
                "| {name}/{load}/{} | {} | {} | {ratio:.2} | {bar} | {verdict} |",
                signal.name(),
                spread(&plain),
                spread(&own),
            );
            println!("{line}");
            lines.push(line);
        }
    }
    println!("\n{}", lines.join("\n"));
    if args.enforce && !held {
        bail!("a bar does not hold");
    }
    Ok(())
}

/// CPU microseconds an item of the collector with this configuration. What it acknowledges has been delivered.
fn cost(rig: &Rig, peers: &Peers, config: &str, signal: Signal, load: Load, seconds: f64) -> Result<f64> {
    let sink = rig.sink()?;
    let collector = peers.start(rig, Peer::Tidegate, config)?;
    let drive = |seconds, seed| {
        let sent = rig.send(&Drive::of(signal, load, seconds, seed)).with_context(|| format!("through {config}"));
        sent.map(|sent| sent.items)
    };
    drive(2.0, 1)?;
    let before = collector.cpu()?;
    let items = drive(seconds, 2)?;
    let cpu = collector.cpu()? - before;
    collector.end()?;
    drop(sink);
    Ok(cpu.as_secs_f64() * 1e6 / items as f64)
}
