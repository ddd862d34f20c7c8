//! The machine that the test runs on: what is told is what its kernel says before and after.

use std::collections::BTreeMap;

use host_periodic::{CollectNow as _, Collected};

use super::super::Config;
use crate::testing::{lines, of, section};

fn collect(scrapers: &str) -> Collected {
    section::<Config>(&format!("{{scrapers: {scrapers}}}")).made().unwrap().collect_now().unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The numbers behind a name in a file of the kernel.
fn numbers(text: &str, name: &str) -> Vec<u64> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
    line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn cpu_times_lie_between_those_before_and_after() {
    let before = numbers(&read("/proc/stat"), "cpu0");
    let lines = lines(&collect("{cpu: {metrics: {system.cpu.time: {attributes: [cpu, state]}}}}"));
    let after = numbers(&read("/proc/stat"), "cpu0");
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    for (at, state) in ["user", "nice", "system", "idle"].into_iter().enumerate() {
        let told = of(&lines, &format!("system.cpu.time [s] counter {{cpu=cpu0 state={state}}}"));
        let told = (told[0].parse::<f64>().unwrap() * ticks).round() as u64;
        assert!((before[at]..=after[at]).contains(&told), "{state}: {} {told} {}", before[at], after[at]);
    }
}

#[test]
fn memory_and_load_are_the_kernels() {
    let info = read("/proc/meminfo");
    let collected = collect("{memory: {metrics: {system.memory.limit: {enabled: true}}}, load: }");
    let lines = lines(&collected);
    let total = numbers(&info, "MemTotal:")[0] * 1024;
    assert_eq!(of(&lines, "system.memory.limit [By] sum {}"), [total.to_string()]);
    let states: BTreeMap<&str, u64> = of(&lines, "system.memory.usage [By] sum {state=")
        .into_iter()
        .map(|line| line.split_once("} ").unwrap())
        .map(|(state, bytes)| (state, bytes.parse().unwrap()))
        .collect();
    assert_eq!(states.len(), 6);
    assert!(states.values().all(|bytes| *bytes <= total), "{states:?}");
    assert!(states["used"] > 0 && states["free"] > 0);
    assert_eq!(of(&lines, "system.cpu.load_average").len(), 3);
    assert!(collected.parts.iter().all(|part| part.missed.is_empty()), "{collected:?}");
}

#[test]
fn interfaces_are_all_that_the_kernel_lists() {
    let before = read("/proc/self/net/dev");
    let lines = lines(&collect("{network: }"));
    let names: Vec<&str> =
        before.lines().skip(2).filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim()).collect();
    assert!(!names.is_empty());
    for name in names {
        let line = before.lines().find(|line| line.trim_start().starts_with(&format!("{name}:"))).unwrap();
        let bytes: u64 = line.split_once(':').unwrap().1.split_whitespace().next().unwrap().parse().unwrap();
        let told = of(&lines, &format!("system.network.io [By] counter {{device={name} direction=receive}}"));
        assert!(told[0].parse::<u64>().unwrap() >= bytes, "{name}");
    }
}

#[test]
fn this_process_is_among_those_that_run_and_everything_is_found() {
    let collected = collect("{processes: , system: , disk: , paging: }");
    let lines = lines(&collected);
    let created: u64 = of(&lines, "system.processes.created [{processes}] counter {}")[0].parse().unwrap();
    assert!(created > 0);
    let all: u64 = of(&lines, "system.processes.count [{processes}] sum")
        .into_iter()
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
        .sum();
    assert!(all > 0);
    let uptime: f64 = of(&lines, "system.uptime [s] gauge {}")[0].parse().unwrap();
    let now: f64 = read("/proc/uptime").split_whitespace().next().unwrap().parse().unwrap();
    assert!(uptime > 0.0 && uptime <= now);
}
