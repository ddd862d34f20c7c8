//! The table of `bench peers`: medians side by side, and whether the bar holds.

use std::collections::BTreeMap;

use super::collector::Peer;
use super::measure::Sample;
use super::scenario::{FLOOR_AIM, Scenario};

/// One peer's medians.
pub(crate) struct Medians {
    cpu: f64,
    spread: (f64, f64),
    peak_mib: f64,
    delivered: f64,
    needles: BTreeMap<String, u64>,
}

/// One scenario.
pub(crate) struct Row {
    scenario: Scenario,
    peers: BTreeMap<Peer, Medians>,
}

impl Medians {
    fn of(samples: &[Sample]) -> Option<Medians> {
        let cpu: Vec<f64> = samples.iter().map(|s| s.cpu_us_per_item).collect();
        Some(Medians {
            cpu: median(&cpu)?,
            spread: (cpu.iter().copied().fold(f64::INFINITY, f64::min), cpu.iter().copied().fold(0.0, f64::max)),
            peak_mib: median(&samples.iter().map(|s| s.peak_mib).collect::<Vec<_>>())?,
            delivered: samples.iter().map(|s| s.delivered).max_by(|a, b| off(*a).total_cmp(&off(*b)))?,
            needles: samples.first()?.needles.clone(),
        })
    }

    fn cpu_cell(&self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.cpu, self.spread.0, self.spread.1)
    }
}

impl Row {
    pub(crate) const HEADER: &str = "\
| scenario | otelcol µs an item | tidegate | relay | otelcol ÷ tidegate | bar (aim) | | tidegate ÷ relay (aim 1.5) | peak MiB otelcol / tidegate | delivered otelcol / tidegate | needles |
|---|---|---|---|---|---|---|---|---|---|---|";

    pub(crate) fn new(scenario: Scenario, samples: &BTreeMap<Peer, Vec<Sample>>) -> Row {
        let peers = samples.iter().filter_map(|(peer, samples)| Some((*peer, Medians::of(samples)?))).collect();
        Row { scenario, peers }
    }

    fn ratio(&self, more: Peer, less: Peer) -> Option<f64> {
        Some(self.peers.get(&more)?.cpu / self.peers.get(&less)?.cpu.max(f64::EPSILON))
    }

    fn needles_equal(&self) -> bool {
        let mut needles = self.peers.values().map(|m| &m.needles);
        needles.next().is_none_or(|first| needles.all(|other| other == first))
    }

    /// Whether the bar holds, nothing was lost, and the sink found the same in what either peer delivered.
    pub(crate) fn holds(&self) -> bool {
        let fast = self.ratio(Peer::Otelcol, Peer::Tidegate).is_some_and(|ratio| ratio >= self.scenario.bar().least);
        let whole = self.peers.get(&Peer::Tidegate).is_some_and(|tidegate| off(tidegate.delivered) < f64::EPSILON);
        fast && whole && self.needles_equal()
    }

    /// The row in a few words, printed as soon as it is known.
    pub(crate) fn summary(&self) -> String {
        let ratio = self.ratio(Peer::Otelcol, Peer::Tidegate).unwrap_or(f64::NAN);
        let cpu: Vec<String> = self.peers.iter().map(|(p, m)| format!("{} {:.2} µs", p.name(), m.cpu)).collect();
        format!("{:28} {}, ratio {ratio:.1}", self.scenario.to_string(), cpu.join(", "))
    }

    pub(crate) fn line(&self) -> String {
        let cell = |peer, show: fn(&Medians) -> String| self.peers.get(&peer).map_or_else(|| "–".to_owned(), show);
        let pair =
            |show: fn(&Medians) -> String| format!("{} / {}", cell(Peer::Otelcol, show), cell(Peer::Tidegate, show));
        let number = |ratio: Option<f64>| ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
        let bar = self.scenario.bar();
        let floor = self.ratio(Peer::Tidegate, Peer::Relay);
        [
            self.scenario.to_string(),
            cell(Peer::Otelcol, Medians::cpu_cell),
            cell(Peer::Tidegate, Medians::cpu_cell),
            cell(Peer::Relay, Medians::cpu_cell),
            number(self.ratio(Peer::Otelcol, Peer::Tidegate)),
            format!("{} ({})", bar.least, bar.aim),
            if self.holds() { "pass" } else { "FAIL" }.to_owned(),
            format!("{}{}", number(floor), if floor.is_some_and(|f| f > FLOOR_AIM) { " over" } else { "" }),
            pair(|m| format!("{:.0}", m.peak_mib)),
            pair(|m| format!("{:.4}", m.delivered)),
            if self.needles_equal() { "equal" } else { "DIFFER" }.to_owned(),
        ]
        .iter()
        .fold("|".to_owned(), |line, cell| format!("{line} {cell} |"))
    }

    pub(crate) fn needles_that_differ(&self) -> Option<String> {
        let list =
            || self.peers.iter().map(|(peer, m)| format!("\n  {}: {:?}", peer.name(), m.needles)).collect::<String>();
        (!self.needles_equal()).then(|| format!("{}: the sink found{}", self.scenario, list()))
    }
}

/// How far from all and only what was sent; of several runs, the worst one counts.
fn off(delivered: f64) -> f64 {
    (delivered - 1.0).abs()
}

/// The median, and least and most.
pub(crate) fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::MAX, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({least:.2}–{most:.2})", median(values).unwrap_or(f64::NAN))
}

pub(crate) fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[n / 2]),
        n => Some(f64::midpoint(sorted[n / 2 - 1], sorted[n / 2])),
    }
}
