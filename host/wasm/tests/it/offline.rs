//! The workbench: modules on their own, with the words of a start and the limits of a collector.

use std::time::Duration;

use bytes::Bytes;
use host_otlp::Signal;
use host_projection::script::{Edit, Value};
use host_wasm::{
    BatchContext, Bundled, Compile, GrantsConfig, Limits, NativeCode, Opened, Severity, Trial, Wanted, Workbench,
};

use crate::rig::{decode, logs};
use test_adversaries::Guest;

/// A workbench that compiles for itself.
fn workbench() -> Workbench {
    let compiler = Compile { program: env!("CARGO_BIN_EXE_host-wasm-compile").into(), arguments: vec![] };
    Workbench::start_with(NativeCode::Anew, compiler).unwrap()
}

async fn open(bytes: Vec<u8>) -> Result<Opened, String> {
    let component: &'static [u8] = Box::leak(bytes.into_boxed_slice());
    let bundled = [Bundled { name: "mine", component, reads: &[], writes: &[] }];
    workbench().open("mine", &bundled).await.map_err(|error| error.to_string())
}

/// What every guest of these tests imports.
fn says() -> Vec<String> {
    vec!["log".to_owned(), "counters".to_owned()]
}

fn wanted(grants: Option<&GrantsConfig>) -> Wanted<'_> {
    Wanted { signal: Signal::Logs, config: "{}", limits: Limits::default(), grants }
}

async fn trial(guest: &Guest) -> Trial {
    open(guest.build()).await.unwrap().configure(&wanted(None)).unwrap()
}

#[tokio::test]
async fn a_module_is_tried_with_what_it_asks_for() {
    let trial = trial(&Guest::label("cluster.id", "eu-1")).await;
    assert_eq!(trial.plan().writes, ["resource.attributes[*]", "log", "counters"]);
    let processed = trial.process(logs(&["one", "two"]).payload, &BatchContext::default()).unwrap();
    assert!(processed.called);
    assert_eq!((processed.cells, processed.bytes, processed.edits), (1, "checkout".len() as u64, 1));
    assert!(processed.memory >= 128 << 10, "two pages at least: {}", processed.memory);
    let [part] = processed.parts.as_slice() else { panic!("one payload") };
    assert_eq!(part.route, None);
    let resource = decode(&part.payload).resource_logs[0].resource.clone().unwrap();
    assert!(resource.attributes.iter().any(|attribute| attribute.key == "cluster.id"));
}

#[tokio::test]
async fn what_the_operator_grants_is_all_that_it_may() {
    let opened = open(Guest::label("cluster.id", "eu-1").build()).await.unwrap();
    let grants = GrantsConfig { reads: vec!["*".to_owned()], writes: says(), ..GrantsConfig::default() };
    let refused = opened.configure(&wanted(Some(&grants))).unwrap_err().to_string();
    assert!(refused.contains("writes `resource.attributes[*]`, which is not granted"), "{refused}");
}

#[tokio::test]
async fn what_is_no_module_is_refused_as_at_a_start() {
    let whole = Guest::idle().build();
    for (bytes, reason) in [
        (Vec::new(), "the file is empty"),
        (b"#!/bin/sh\n".to_vec(), "the file is no WebAssembly"),
        (whole[..whole.len() / 2].to_vec(), "damaged or cut off"),
        (Guest::idle().core(), "core WebAssembly module"),
        (Guest::idle().foreign().build(), "imports open-file"),
        (Guest::idle().version("0.1.0").build(), "built for tidegate:processor@0.1.0"),
    ] {
        let refused = open(bytes).await.err().expect("it is refused");
        assert!(refused.contains(reason), "{refused}");
    }
    let opened = open(Guest::idle().refuses("no such rule").build()).await.unwrap();
    let refused = opened.configure(&wanted(None)).unwrap_err().to_string();
    assert_eq!(refused, "the module cannot be configured: no such rule");
    let opened = open(Guest::idle().in_process("unreachable").build()).await.unwrap();
    let refused = opened.configure(&wanted(None)).unwrap_err().to_string();
    assert!(refused.starts_with("the module failed its self-test: the guest trapped"), "{refused}");
}

#[tokio::test]
async fn a_component_tells_of_itself() {
    let guest = Guest::idle();
    let opened = open(guest.build()).await.unwrap();
    let facts = opened.facts();
    assert_eq!(facts.contract().as_deref(), Some("tidegate:processor@0.2.0"));
    assert_eq!(facts.bytes, guest.build().len() as u64);
    assert!(facts.exports.contains(&"configure".to_owned()) && facts.exports.contains(&"process".to_owned()));
    assert!(facts.core_modules.iter().any(|size| *size > 0 && *size < facts.bytes), "{facts:?}");
    assert!(facts.producers.iter().any(|producer| producer.name == "wit-component"), "{facts:?}");
    assert!(opened.native_bytes() > 0);
    assert_eq!((opened.name(), opened.digest().len()), ("mine", 64));
}

#[tokio::test]
async fn what_it_says_is_kept_and_no_more_of_it_than_a_module_may() {
    let flood = "(loop $again (call $log (i32.const 1) (i32.const 1024) (i32.const 8)) \
        (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))";
    let count = "(call $count (i32.const 1024) (i32.const 3) (i64.const 3))";
    // What lies at the beginning of its memory is the path that it reads.
    let trial = trial(&Guest::idle().in_live_process(flood).in_process(count)).await;
    let live = BatchContext { now: 1, ..BatchContext::default() };
    for _ in 0..2 {
        trial.process(logs(&["one"]).payload, &live).unwrap();
        let said = trial.said();
        assert_eq!(said.lines.len(), 100);
        assert_eq!(said.lines[0], (Severity::Info, "log.body".to_owned()));
        assert_eq!(said.counters, [("log".to_owned(), 3)].into());
    }
    assert_eq!(trial.said().lines, []);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_the_next_one_a_fresh_instance() {
    let trial = trial(&Guest::idle().in_live_process("unreachable")).await;
    let live = BatchContext { now: 1, ..BatchContext::default() };
    let failed = trial.process(logs(&["one"]).payload, &live).unwrap_err().to_string();
    assert!(failed.starts_with("the guest trapped"), "{failed}");
    trial.process(logs(&["one"]).payload, &BatchContext::default()).unwrap();
}

#[tokio::test]
async fn the_limits_are_those_of_a_collector() {
    let opened = open(Guest::idle().in_live_process("(loop $again (br $again))").build()).await.unwrap();
    let limits = Limits { timeout: Duration::from_millis(30), ..Limits::default() };
    let trial = opened.configure(&Wanted { limits, ..wanted(None) }).unwrap();
    let live = BatchContext { now: 1, ..BatchContext::default() };
    let failed = trial.process(logs(&["one"]).payload, &live).unwrap_err().to_string();
    assert!(failed.contains("longer than 30ms"), "{failed}");
}

#[tokio::test]
async fn routes_are_named() {
    let guest = Guest::idle().routes(&["errors"]);
    let guest = guest.edit(Edit::Route { level: host_projection::Level::Item, first_row: 0, end_row: 1, route: 0 });
    let processed = trial(&guest).await.process(logs(&["one", "two"]).payload, &BatchContext::default()).unwrap();
    let mut parts: Vec<_> = processed.parts.iter().map(|part| (part.route.as_deref(), part.payload.items())).collect();
    parts.sort_unstable();
    assert_eq!(parts, [(None, 1), (Some("errors"), 1)]);
}

#[tokio::test]
async fn its_twin_sees_the_same_and_changes_nothing() {
    let workbench = workbench();
    let mut guest = Guest::idle().writes("log.body");
    let with = guest.slice("****");
    let guest = guest.edit(Edit::Replace { cell: 0, value: Value::Text(with) });
    let trial = trial(&guest).await;
    let twin = trial.idle_twin(&workbench.idle().await.unwrap()).unwrap();
    let payload = logs(&["one", "two"]).payload;
    let (one, other) = (
        trial.process(payload.clone(), &BatchContext::default()).unwrap(),
        twin.process(payload.clone(), &BatchContext::default()).unwrap(),
    );
    assert_eq!((one.cells, one.bytes, one.edits), (2, 6, 1));
    assert_eq!((other.cells, other.bytes, other.edits, other.called), (2, 6, 0, true));
    let unchanged: Vec<Bytes> = other.parts.iter().map(|part| part.payload.contiguous()).collect();
    assert_eq!(unchanged, [payload.contiguous()]);
    // A batch that its memory has to grow for, and one after it.
    let large = "x".repeat(3 << 20);
    for bodies in [&[large.as_str(), large.as_str()][..], &["one"]] {
        assert!(twin.process(logs(bodies).payload, &BatchContext::default()).unwrap().called);
    }
    assert!(trial.start_again().is_ok() && twin.start_again().is_ok());
}

#[tokio::test]
async fn the_context_is_told_to_the_module() {
    // It traps unless it is told of a cluster whose name has four letters, and of no metadata that was not granted.
    let fits = "(if (i32.or (i32.eqz (local.get $cluster)) \
        (i32.or (i32.ne (local.get $cluster-len) (i32.const 4)) (i32.ne (local.get $metadata-len) (i32.const 1)))) \
        (then unreachable))";
    let opened = open(Guest::idle().in_live_process(fits).build()).await.unwrap();
    let grants = GrantsConfig { reads: vec!["*".to_owned()], writes: says(), metadata: vec!["Tenant".to_owned()] };
    let trial = opened.configure(&wanted(Some(&grants))).unwrap();
    let pair = |key: &str| (key.to_owned(), "a".to_owned());
    let metadata = vec![pair("tenant"), pair("authorization")];
    let context = BatchContext { now: 1, seed: 1, cluster: Some("eu-1".to_owned()), metadata };
    trial.process(logs(&["one"]).payload, &context).unwrap();
    trial.process(logs(&["one"]).payload, &BatchContext { cluster: None, ..context }).unwrap_err();
}
