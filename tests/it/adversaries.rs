//! Modules that mean harm, in a pipeline of their own beside a good one: the host stays up, the good pipeline delivers all,
//! memory returns, the cause is told, and nothing passes the bad one unprocessed.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use test_adversaries::{Adversary, Guest, MARK, RECORDS, live, loading, surviving};
use tonic::{Code, Status};

use crate::harness::telemetry::{logs, record, text_of};
use crate::harness::{Client, Collector, Setup, eventually, modules};

const TWO: &str = "
receivers:
  otlp/bad: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } }
  otlp/good: { protocols: { grpc: { endpoint: '${env:HOST}:4319' } } }
processors:
  wasm/bad: { module: bad }
  wasm/good:
    module: cluster-labels
    config: { attributes: { cluster.id: eu-1 } }
exporters:
  file/bad: { path: bad.jsonl }
  file/good: { path: good.jsonl }
modules:
  folder: modules
  cache: '${env:CACHE}'
  grants:
    bad:
      reads: ['resource.attributes[*]', log.body, log.severity_text]
      writes: ['resource.attributes[*]', log.body, drop, log, counters]
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs/bad: { receivers: [otlp/bad], processors: [wasm/bad], exporters: [file/bad] }
    logs/good: { receivers: [otlp/good], processors: [wasm/good], exporters: [file/good] }
";
const BATCHES: u32 = 12;
const MIB: f64 = 1024.0 * 1024.0;

fn with(module: impl AsRef<[u8]>) -> Setup {
    Collector::from_yaml(TWO).file("modules/bad.wasm", module)
}

/// The ids of one batch; each begins with the name of its sender.
fn ids(sender: &str, batch: u32) -> Vec<String> {
    (0..RECORDS).map(|record| format!("{sender}-{batch}-{record}")).collect()
}

/// A batch whose bodies begin with a character of two bytes.
fn batch(ids: &[String]) -> ExportLogsServiceRequest {
    logs(ids.iter().map(|id| record(id, 9, "übung macht den meister")).collect())
}

/// Sends batches one after the other: what became of each.
async fn send(client: &Client, sender: &str) -> Vec<(Vec<String>, Result<(), Status>)> {
    let mut told = Vec::new();
    for number in 0..BATCHES {
        let ids = ids(sender, number);
        let outcome = client.logs(batch(&ids)).await;
        told.push((ids, outcome));
    }
    told
}

/// The ids in a file, each with the text of this attribute of its resource; an id that is there twice is a failure.
fn delivered(collector: &Collector, path: &str, key: &str) -> Vec<(String, Option<String>)> {
    let text = collector.read(path);
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for line in text.lines() {
        let request: ExportLogsServiceRequest = serde_json::from_str(line).expect("each line is a request");
        for resource in request.resource_logs {
            let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
            let mark = text_of(&attributes, key).map(str::to_owned);
            for record in resource.scope_logs.iter().flat_map(|scope| &scope.log_records) {
                let id = text_of(&record.attributes, "id").unwrap().to_owned();
                assert!(seen.insert(id.clone()), "{id} is there twice");
                out.push((id, mark.clone()));
            }
        }
    }
    out
}

async fn resident(collector: &Collector) -> f64 {
    collector.metrics().await.sum("otelcol_process_memory_rss", &[])
}

/// A collector with the good pipeline beside `bad`, and a connection to each of the two.
struct Pair {
    collector: Collector,
    bad: Client,
    good: Client,
}

impl Pair {
    async fn start(setup: Setup) -> Pair {
        let collector = setup.start().await;
        let bad = Client::connect(collector.grpc()).await;
        let mut address = collector.grpc();
        address.set_port(4319);
        let good = Client::connect(address).await;
        Pair { collector, bad, good }
    }

    /// Sends to both at once; what became of the bad one's batches. The good one delivers all.
    async fn run(&self, round: &str) -> Vec<(Vec<String>, Result<(), Status>)> {
        let (bad, good) = (format!("bad{round}"), format!("good{round}"));
        let (bad, told) = tokio::join!(send(&self.bad, &bad), send(&self.good, &good));
        let there = delivered(&self.collector, "good.jsonl", "cluster.id");
        for (ids, outcome) in told {
            outcome.unwrap_or_else(|status| panic!("the good pipeline: {status}"));
            for id in ids {
                assert!(there.contains(&(id.clone(), Some("eu-1".to_owned()))), "{id} is acknowledged and not there");
            }
        }
        bad
    }

    /// Runs an adversary that fails each batch.
    async fn holds_against(adversary: &Adversary) {
        let Adversary { name, module, says } = adversary;
        let pair = Pair::start(with(module)).await;
        let before = resident(&pair.collector).await;
        let told = pair.run("").await;
        let mut why = Vec::new();
        for (_, outcome) in told {
            let status = outcome.expect_err(name);
            assert_eq!(status.code(), Code::Unavailable, "a guest that {name}: {status}");
            why.push(status.message().to_owned());
        }
        assert!(why.iter().any(|why| why.contains(says)), "a guest that {name}: {why:?}");
        assert_eq!(delivered(&pair.collector, "bad.jsonl", ""), [], "a guest that {name}: nothing passes");
        let refused = pair.collector.metrics().await.sum("tidegate_processor_refused_items_total", &["wasm/bad"]);
        assert_eq!(refused, f64::from(BATCHES * RECORDS), "a guest that {name}");
        eventually(&format!("memory returns after a guest that {name}"), async || {
            (resident(&pair.collector).await < before + 32.0 * MIB).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_guest_that_fails_each_batch_harms_nobody_but_its_own_pipeline() {
    for adversary in live() {
        Pair::holds_against(&adversary).await;
    }
}

#[tokio::test]
async fn a_guest_that_does_harm_and_its_work_delivers_each_batch_processed() {
    for adversary in surviving() {
        let name = adversary.name;
        let pair = Pair::start(with(&adversary.module)).await;
        let before = resident(&pair.collector).await;
        for round in 0..6 {
            for (ids, outcome) in pair.run(&round.to_string()).await {
                outcome.unwrap_or_else(|status| panic!("a guest that {name}: {status}"));
                let there = delivered(&pair.collector, "bad.jsonl", MARK.0);
                for id in ids {
                    assert!(there.contains(&(id.clone(), Some(MARK.1.to_owned()))), "a guest that {name}: {id}");
                }
            }
        }
        // Two threads with one instance each, which are given back at their high-water mark.
        assert!(resident(&pair.collector).await < before + 160.0 * MIB, "a guest that {name}");
        let lines = pair.collector.log.having(0, &["module=\"bad\""]).len();
        assert!(lines < 2_000, "a guest that {name}: the log has {lines} lines of it");
    }
}

#[tokio::test]
async fn a_record_on_which_a_guest_traps_does_not_pass_and_those_before_and_behind_it_do() {
    // The host hands over the one cell in which the pattern matches, and calls for no other batch.
    let guest = Guest::default().reads("log.body", &["poison"]).in_live_process("unreachable");
    let pair = Pair::start(with(guest.build())).await;
    let of = |body: &str, id: &str| logs(vec![record(id, 9, body)]);
    for number in 0..1_000 {
        let (id, body) = (format!("r{number}"), if number == 700 { "poison" } else { "bread" });
        let outcome = pair.bad.logs(of(body, &id)).await;
        assert_eq!(outcome.is_err(), number == 700, "{id}: {outcome:?}");
    }
    let there = delivered(&pair.collector, "bad.jsonl", "");
    assert_eq!(there.len(), 999);
    assert!(!there.iter().any(|(id, _)| id == "r700"));
}

/// Puts modules where a good one runs: each is refused, told why, and the good one runs on.
async fn stays(modules: impl IntoIterator<Item = Adversary>) {
    stays_with(TWO, modules).await;
}

async fn stays_with(yaml: &str, modules: impl IntoIterator<Item = Adversary>) {
    let good = Guest::label(MARK.0, MARK.1).build();
    let pair = Pair::start(Collector::from_yaml(yaml).file("modules/bad.wasm", good)).await;
    let before = resident(&pair.collector).await;
    for (number, Adversary { name, module, says }) in modules.into_iter().enumerate() {
        let seen = pair.collector.log.len();
        pair.collector.replace("modules/bad.wasm", module);
        let refused = pair.collector.log.wait_for(seen, &["module refused", "wasm/bad"]).await;
        assert!(refused.contains(says), "a module that {name}: {refused:.2000}");
        let id = format!("after-{number}");
        pair.bad.logs(batch(std::slice::from_ref(&id))).await.unwrap_or_else(|status| panic!("{name}: {status}"));
        let there = delivered(&pair.collector, "bad.jsonl", MARK.0);
        assert!(there.contains(&(id, Some(MARK.1.to_owned()))), "a module that {name}");
    }
    pair.run("").await;
    eventually("memory returns", async || (resident(&pair.collector).await < before + 32.0 * MIB).then_some(())).await;
}

#[tokio::test]
async fn a_module_that_does_harm_before_it_has_data_is_refused_and_the_one_before_it_runs_on() {
    stays(loading()).await;
}

#[tokio::test]
async fn a_module_that_is_cut_off_anywhere_is_refused_and_the_one_before_it_runs_on() {
    let whole = modules::bundled("cluster-labels");
    let cut = (1..whole.len().div_ceil(1 << 10)).map(|kib| kib << 10);
    stays(cut.map(|len| Adversary { name: "is cut off", module: whole[..len].to_vec(), says: "" })).await;
}

#[tokio::test]
async fn a_module_whose_native_code_is_huge_is_refused_and_the_one_before_it_runs_on() {
    let bounded = TWO.replace("  folder: modules\n", "  folder: modules\n  limits: { native_mib: 1 }\n");
    let huge = Adversary { name: "is huge", module: modules::bundled("transform"), says: "native_mib" };
    stays_with(&bounded, [huge]).await;
}
