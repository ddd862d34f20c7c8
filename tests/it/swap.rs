//! The swap test: under load a module is swapped for another, good or broken, several times a second, and nobody who was
//! told that his record was taken finds it lost, doubled, unprocessed or processed by halves.
//!
//! It takes ten seconds, or `TIDEGATE_SWAP_SECONDS`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::harness::telemetry::{attribute, body_of, logs, record, text, text_of};
use crate::harness::{Backend, Client, Collector, PATIENCE, modules};

const SCRUBBED: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  batch: {}
  wasm/scrub:
    module: pii-scrub
    config: { audit: { attribute: audit } }
    failure_policy: closed
    limits: { timeout: 5s }
exporters:
  otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true }, compression: none }
modules: { folder: modules, cache: '${env:CACHE}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch, wasm/scrub], exporters: [otlp_grpc] }
";

const MODULE: &str = "modules/pii-scrub.wasm";
const EVERY: Duration = Duration::from_millis(300);
const BUILDS: u8 = 4;
/// What the log says of each kind of module: a good one, and those that trap, are of another version, are cut off.
const KINDS: [&str; 4] = ["module loaded", "unreachable", "0.9.0", "damaged or cut off"];
const SENDERS: usize = 4;
const RECORDS: usize = 5;
/// What each record has twice, and no record may have when it arrives.
const SECRET: &str = "123-45-6789";

fn duration() -> Duration {
    let seconds = std::env::var("TIDEGATE_SWAP_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(seconds.unwrap_or(10))
}

/// What one sender was told.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    refused: usize,
}

fn send(client: Client, sender: usize, ended: Arc<AtomicBool>) -> JoinHandle<Told> {
    tokio::spawn(async move {
        let mut told = Told::default();
        let mut sent = 0;
        while !ended.load(Ordering::Relaxed) {
            let ids: Vec<String> = (sent..sent + RECORDS).map(|n| format!("s{sender}.{n}")).collect();
            sent += RECORDS;
            match client.logs(logs(ids.iter().map(|id| with_secrets(id)).collect())).await {
                Ok(()) => told.acknowledged.extend(ids),
                Err(_) => told.refused += 1,
            }
        }
        told
    })
}

fn with_secrets(id: &str) -> opentelemetry_proto::tonic::logs::v1::LogRecord {
    let mut record = record(id, 9, &format!("ssn {SECRET}"));
    record.attributes.push(attribute("ssn", text(SECRET)));
    record
}

/// Puts the modules in place in turn, for as long as it shall take and until each kind was seen; how often it did.
async fn swap(collector: &Collector, duration: Duration) -> u32 {
    let seen = collector.log.len();
    let every_kind_was_seen = || KINDS.iter().all(|kind| !collector.log.having(seen, &[kind]).is_empty());
    let good: Vec<Vec<u8>> = (0..BUILDS).map(modules::scrubber).collect();
    let (trapping, truncated) = (modules::trapping(), modules::truncated(&good[0]));
    let foreign = modules::of_another_version(&good[0]);
    let end = Instant::now() + duration;
    let mut ticks = tokio::time::interval(EVERY);
    let mut swaps = 0;
    while Instant::now() < end || !every_kind_was_seen() {
        assert!(Instant::now() < end + PATIENCE, "a swap of each kind of {KINDS:?} is seen");
        ticks.tick().await;
        match swaps % 4 {
            0 => collector.replace(MODULE, &good[(swaps / 4 + 2) as usize % good.len()]),
            1 => collector.replace(MODULE, &trapping),
            2 => collector.replace(MODULE, &foreign),
            _ => collector.overwrite(MODULE, &truncated),
        }
        swaps += 1;
    }
    swaps
}

/// Lets the collector compile every module once, so that the test is about swaps and not about the compiler.
async fn warm_up(collector: &Collector) {
    for build in (1..BUILDS).chain([0]) {
        let seen = collector.log.len();
        collector.replace(MODULE, modules::scrubber(build));
        collector.log.wait_for(seen, &["module loaded"]).await;
    }
    let seen = collector.log.len();
    collector.replace(MODULE, modules::trapping());
    collector.log.wait_for(seen, &["module refused"]).await;
    let seen = collector.log.len();
    collector.replace(MODULE, modules::scrubber(1));
    collector.log.wait_for(seen, &["module loaded"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swaps_under_load_lose_nothing_double_nothing_and_let_nothing_pass_unprocessed() {
    let backend = Backend::start().await;
    let setup = Collector::from_yaml(SCRUBBED).env("BACKEND", &backend.address());
    let collector = setup.file(MODULE, modules::scrubber(0)).start().await;
    warm_up(&collector).await;
    let loads_before = collector.metrics().await.sum("tidegate_module_loads_total", &[]);

    let ended = Arc::new(AtomicBool::new(false));
    let mut senders = Vec::new();
    for sender in 0..SENDERS {
        senders.push(send(Client::connect(collector.grpc()).await, sender, Arc::clone(&ended)));
    }
    let swaps = swap(&collector, duration()).await;
    ended.store(true, Ordering::Relaxed);
    let mut told = Told::default();
    for sender in senders {
        let one = sender.await.unwrap();
        told.acknowledged.extend(one.acknowledged);
        told.refused += one.refused;
    }

    let loads = collector.metrics().await.sum("tidegate_module_loads_total", &[]) - loads_before;
    let requests = told.acknowledged.len() / RECORDS;
    println!("{swaps} swaps, {loads} loads, {requests} requests acknowledged, {} refused", told.refused);
    assert!(requests > 100, "there was a load");
    if duration() >= Duration::from_secs(60) {
        assert!(loads >= 180.0, "{loads} of {swaps} swaps were seen");
    }
    check(&backend, &told.acknowledged);
}

/// Each acknowledged id is there once, each record was scrubbed, and by one build alone.
fn check(backend: &Backend, acknowledged: &[String]) {
    let audits: Vec<String> = (0..BUILDS).map(|build| format!("{}=2", modules::detector(build))).collect();
    let mut delivered: HashMap<String, u32> = HashMap::new();
    let mut by_build = vec![0; audits.len()];
    for record in backend.log_records() {
        let id = text_of(&record.attributes, "id").expect("each record has an id");
        *delivered.entry(id.to_owned()).or_default() += 1;
        assert_eq!(body_of(&record), Some("ssn ****"), "{id}");
        assert_eq!(text_of(&record.attributes, "ssn"), Some("****"), "{id}");
        let audit = text_of(&record.attributes, "audit").unwrap_or("none");
        let build = audits.iter().position(|of_build| of_build == audit);
        by_build[build.unwrap_or_else(|| panic!("{id} has the audit {audit}"))] += 1;
    }
    assert!(delivered.values().all(|times| *times == 1), "no record is there twice");
    for id in acknowledged {
        assert!(delivered.contains_key(id), "{id} was acknowledged and is not there");
    }
    assert!(by_build.iter().filter(|records| **records > 0).count() >= 2, "several builds were at work: {by_build:?}");
}
