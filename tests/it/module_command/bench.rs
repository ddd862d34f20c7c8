//! `tidegate module bench`: what a module costs.

use super::{Folder, logs};

#[test]
fn a_module_is_measured_beside_one_that_changes_nothing() {
    let folder =
        Folder::new().file("in.json", logs(&["a@b.com", "two"])).file("rules.yaml", "detectors: { email: {} }\n");
    let line = "bench pii-scrub --config rules.yaml --input in.json --time 100ms";
    let told = folder.module(&format!("{line} --json")).json();
    assert_eq!(told["input"]["items"], 2);
    assert!(told["calls"].as_u64() >= Some(10), "{told:#}");
    assert_eq!((&told["cells"], &told["matches"]), (&3.into(), &3.into()));
    assert_eq!((&told["module"]["edits"], &told["no_change"]["edits"]), (&3.into(), &0.into()));
    assert_eq!((&told["module"]["called"], &told["no_change"]["called"]), (&true.into(), &true.into()));
    for side in ["module", "no_change"] {
        for number in ["/cpu_seconds/median", "/start_cpu_seconds", "/memory_bytes", "/native_bytes"] {
            assert!(told[side].pointer(number).unwrap().as_f64() > Some(0.0), "{side}{number}: {told:#}");
        }
    }
    let told = folder.module(line).fine();
    for name in
        ["CPU a batch, median", "CPU an item", "cells seen", "bytes of linear memory", "CPU to start an instance"]
    {
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn telemetry_is_made_up_where_there_is_none() {
    let folder = Folder::new().file("labels.yaml", "attributes: { cluster.id: eu-1 }\n");
    for (signal, items) in [("logs", 500), ("traces", 20), ("metrics", 20)] {
        let line =
            format!("bench cluster-labels --config labels.yaml --signal {signal} --items {items} --time 10ms --json");
        let told = folder.module(&line).json();
        assert_eq!(told["input"]["signal"], signal);
        assert!(told["input"]["items"].as_u64() >= Some(items), "{told:#}");
    }
}

#[test]
fn a_module_that_is_not_asked_is_told_from_one_that_is() {
    let folder = Folder::new().file("in.json", r#"{ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{}] }] }] }"#);
    let told = folder.file("rules.yaml", "detectors: { email: {} }\n");
    let told = told.module("bench pii-scrub --config rules.yaml --input in.json --time 10ms").fine();
    assert!(told.contains("Neither was asked: no pattern matched"), "{told}");
}
