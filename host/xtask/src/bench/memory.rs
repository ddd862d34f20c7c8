//! What memory Tidegate takes with three guests: idle, and under a closed loop of many connections.

use std::time::Duration;

use anyhow::{Result, bail};

use super::collector::{Peer, Peers};
use super::rig::{self, Drive, Rig};
use super::scenario::{Load, Signal};

const CONFIG: &str = "three-guests";
const IDLE_BAR_MIB: f64 = 40.0;
const LOADED_BAR_MIB: f64 = 120.0;

/// Measures both, prints them beside their bars, and returns whether the bars hold.
pub(crate) fn run(rig: &Rig, peers: &Peers, seconds: f64) -> Result<bool> {
    let sink = rig.sink()?;
    let collector = peers.start(rig, Peer::Tidegate, CONFIG)?;
    std::thread::sleep(Duration::from_secs(10));
    let (idle, _) = collector.memory()?;

    let mut sent = 0;
    for (seed, signal) in (1..).zip([Signal::Logs, Signal::Traces, Signal::Metrics]) {
        let drive = Drive {
            endpoint: rig::INGEST,
            rate: None,
            signal,
            load: Load::Unique(100),
            inflight: 16 * 4,
            conns: 16,
            seconds: seconds / 3.0,
            requests: None,
            seed,
        };
        let report = rig.drive(&drive)?;
        if let Some(failure) = report.first_failure {
            bail!("{} requests failed, the first with: {failure}", report.failed_requests);
        }
        sent += report.items;
    }
    let received = rig::settle(sent)?.items;
    let (_, loaded) = collector.memory()?;
    collector.end()?;
    drop(sink);

    let verdict = |mib: f64, bar: f64| if mib <= bar { "pass" } else { "FAIL" };
    println!("| memory with three guests | MiB | bar | |");
    println!("|---|---|---|---|");
    println!("| idle, resident | {idle:.1} | {IDLE_BAR_MIB} | {} |", verdict(idle, IDLE_BAR_MIB));
    println!(
        "| 16 connections × 4 requests for {seconds} s, peak | {loaded:.1} | {LOADED_BAR_MIB} | {} |",
        verdict(loaded, LOADED_BAR_MIB)
    );
    println!("\nof {sent} items that were acknowledged under that load, {received} were delivered");
    Ok(idle <= IDLE_BAR_MIB && loaded <= LOADED_BAR_MIB && received >= sent)
}
