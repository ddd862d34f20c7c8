//! `cpu`: what the CPUs spend their time on.

use std::collections::{BTreeMap, BTreeSet};

use host_periodic::{Choices, Kind, Spec};

use super::super::parse::{self, Ticks};
use super::{Found, Scraper};

const TIME: Spec =
    Spec::new(Kind::Counter, "system.cpu.time", "s", "Total seconds each logical CPU spent on each mode.").per("cpu");
const FREQUENCY: Spec =
    Spec::new(Kind::Gauge, "system.cpu.frequency", "Hz", "Current frequency of the CPU core in Hz.").optional();
const LOGICAL: Spec = Spec::new(Kind::Sum, "system.cpu.logical.count", "{cpu}", "Number of available logical CPUs.");
const PHYSICAL: Spec =
    Spec::new(Kind::Sum, "system.cpu.physical.count", "{cpu}", "Number of available physical CPUs.").optional();
const UTILIZATION: Spec = Spec::new(
    Kind::Gauge,
    "system.cpu.utilization",
    "1",
    "Difference in system.cpu.time since the last measurement per logical CPU, divided by the elapsed time (value in \
     interval [0,1]).",
)
.optional()
.per("cpu");

pub(crate) const METRICS: &[Spec] = &[TIME, FREQUENCY, LOGICAL, PHYSICAL, UTILIZATION];

/// The modes in the order of the kernel's file.
const STATES: [&str; 8] = ["user", "nice", "system", "idle", "wait", "interrupt", "softirq", "steal"];

pub(crate) struct Cpu {
    metrics: Choices,
    ticks_per_second: f64,
    /// Of the last time, by the name of the CPU.
    before: BTreeMap<String, Ticks>,
}

impl Cpu {
    pub(crate) fn new(metrics: &Choices) -> Self {
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1) as f64;
        Cpu { metrics: metrics.clone(), ticks_per_second, before: BTreeMap::new() }
    }

    fn times(&mut self, found: &mut Found<'_>) {
        let Some(text) = found.proc("stat", STATES.len() as u64) else { return };
        let stat = parse::stat(&text);
        let seconds = |ticks: &Ticks| ticks.map(|ticks| ticks as f64 / self.ticks_per_second);
        let times: Vec<_> = stat.cpus.iter().map(|(cpu, ticks)| (cpu.as_str(), seconds(ticks))).collect();
        told(&TIME, &times, 1.0, &self.metrics, found);
        let since = |(cpu, ticks): &'_ (String, Ticks)| Some(shares(self.before.get(cpu)?, ticks));
        let parts: Vec<_> = stat.cpus.iter().filter_map(|cpu| Some((cpu.0.as_str(), since(cpu)?))).collect();
        told(&UTILIZATION, &parts, parts.len() as f64, &self.metrics, found);
        found.record.record(&LOGICAL, stat.cpus.len() as u64, &[]);
        if found.record.wants(&PHYSICAL) {
            cores(&stat.cpus, found);
        }
        self.before = stat.cpus.into_iter().collect();
    }
}

/// Tells the numbers of each CPU, or their sum over all in so many parts.
fn told(spec: &Spec, cpus: &[(&str, [f64; 8])], parts: f64, metrics: &Choices, found: &mut Found<'_>) {
    if metrics.is_told_apart(spec) {
        for (cpu, numbers) in cpus {
            for (state, number) in STATES.iter().zip(numbers) {
                found.record.record(spec, *number, &[("cpu", cpu), ("state", state)]);
            }
        }
    } else if !cpus.is_empty() {
        for (at, state) in STATES.iter().enumerate() {
            let sum: f64 = cpus.iter().filter_map(|(_, numbers)| numbers.get(at)).sum();
            found.record.record(spec, sum / parts, &[("state", state)]);
        }
    }
}

/// What part of the time between went to each mode; nothing where no time has passed.
fn shares(before: &Ticks, now: &Ticks) -> [f64; 8] {
    let mut spent = [0; 8];
    for ((spent, now), before) in spent.iter_mut().zip(now).zip(before) {
        *spent = now.saturating_sub(*before);
    }
    let all: u64 = spent.iter().fold(0, |all, spent| all.saturating_add(*spent));
    spent.map(|spent| if all == 0 { 0.0 } else { spent as f64 / all as f64 })
}

/// CPUs that share a core name the same siblings.
fn cores(cpus: &[(String, Ticks)], found: &mut Found<'_>) {
    let mut cores = BTreeSet::new();
    for (cpu, _) in cpus {
        let of = |file: &str| found.root.at(&format!("sys/devices/system/cpu/{cpu}/topology/{file}"));
        let named =
            found.root.read(&of("core_cpus_list"), 0).or_else(|_| found.root.read(&of("thread_siblings_list"), 1));
        match named {
            Ok(siblings) => cores.insert(siblings),
            Err(missed) => return found.missed.push(missed),
        };
    }
    found.record.record(&PHYSICAL, cores.len() as u64, &[]);
}

impl Scraper for Cpu {
    const NAME: &'static str = "cpu";

    fn choices(&self) -> &Choices {
        &self.metrics
    }

    fn scrape(&mut self, found: &mut Found<'_>) {
        self.times(found);
        if found.record.wants(&FREQUENCY)
            && let Some(text) = found.proc("cpuinfo", 1)
        {
            for (cpu, megahertz) in parse::clocks(&text) {
                found.record.record(&FREQUENCY, megahertz * 1e6, &[("cpu", &format!("cpu{cpu}"))]);
            }
        }
    }
}
