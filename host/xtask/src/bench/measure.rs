//! One run of one scenario with one peer.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::collector::{Peer, Peers};
use super::rig::{self, Drive, Rig};
use super::scenario::Scenario;

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) cpu_us_per_item: f64,
    pub(crate) peak_mib: f64,
    /// Items that the sink got of those that the collector acknowledged.
    pub(crate) delivered: f64,
    /// How often each needle was found in what a fixed number of requests became.
    pub(crate) needles: BTreeMap<String, u64>,
    /// How fast the core was just before.
    pub(crate) calib_ms: f64,
}

pub(crate) fn measure(rig: &Rig, peers: &Peers, peer: Peer, scenario: Scenario, seconds: f64) -> Result<Sample> {
    let drive = |seconds, requests, seed| {
        let drive = Drive { requests, ..Drive::of(scenario.signal, scenario.load, seconds, seed) };
        rig.send(&drive).map(|sent| sent.items).with_context(|| peer.name())
    };
    let calib_ms = rig.calibrate()?;
    let sink = rig.sink()?;
    let collector = match scenario.work.same() {
        Some(config) => peers.start_as(rig, peer, Peer::Otelcol, config)?,
        None => peers.start(rig, peer, scenario.work.name())?,
    };

    let warm = rig::settle(drive(2.0, None, 1)?)?;
    let before = collector.cpu()?;
    let sent = drive(seconds, None, 2)?;
    let received = rig::settle(warm.items + sent)?;
    let cpu = collector.cpu()? - before;
    let (_, peak_mib) = collector.memory()?;
    if received.malformed > 0 {
        bail!("{} delivered {} malformed requests of {sent} items", peer.name(), received.malformed);
    }

    rig::search()?;
    let searched = drive(120.0, Some(scenario.load.searched()), 3)?;
    let needles = rig::settle(searched)?.needles;
    collector.end()?;
    drop(sink);
    Ok(Sample {
        cpu_us_per_item: cpu.as_secs_f64() * 1e6 / sent as f64,
        peak_mib,
        delivered: (received.items - warm.items) as f64 / sent as f64,
        needles,
        calib_ms,
    })
}
