//! What a module fails on: acknowledged once it lies in the quarantine, there after a crash, and sent again from there.

use std::process::Output;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use serde_json::Value;
use tonic::Code;

use crate::harness::telemetry::{logs, record, text_of};
use crate::harness::{Backend, Client, Collector, Setup, eventually, tidegate};

/// A program that cannot go on where a body that looks like JSON is none.
const PARSED: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  transform:
    error_mode: propagate
    log_statements:
      - context: log
        statements: ['set(attributes[\"parsed\"], ParseJSON(body)[\"n\"]) where IsString(body) and IsMatch(body, \"^[{]\")']
exporters:
  otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true }, compression: none }
modules:
  cache: '${env:CACHE}'
  quarantine: { path: quarantine }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [transform], exporters: [otlp_grpc] }
";

/// So many records, the one at `poison` broken.
fn records(count: usize, poison: usize) -> ExportLogsServiceRequest {
    let body = |n| if n == poison { "{broken".to_owned() } else { format!("{{\"n\": {n}}}") };
    logs((0..count).map(|n| record(&format!("r{n}"), 9, &body(n))).collect())
}

fn ids(backend: &Backend) -> Vec<String> {
    backend.log_records().iter().map(|record| text_of(&record.attributes, "id").unwrap().to_owned()).collect()
}

fn parsed(backend: &Backend) -> usize {
    backend.log_records().iter().filter(|record| record.attributes.iter().any(|pair| pair.key == "parsed")).count()
}

fn quarantine(collector: &Collector, args: &[&str]) -> Output {
    let place = collector.path("quarantine");
    tidegate().arg("quarantine").args(args).arg("--path").arg(place).output().unwrap()
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

fn printed(collector: &Collector, args: &[&str]) -> String {
    let output = quarantine(collector, args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn complaint(collector: &Collector, args: &[&str]) -> String {
    let output = quarantine(collector, args);
    assert!(!output.status.success(), "{}", text(&output.stdout));
    text(&output.stderr)
}

fn listed(collector: &Collector) -> Vec<Value> {
    let list: Value = serde_json::from_str(&printed(collector, &["list", "--json"])).unwrap();
    list["records"].as_array().unwrap().clone()
}

fn setup(backend: &Backend) -> Setup {
    Collector::from_yaml(PARSED).env("BACKEND", &backend.address())
}

// The backend serves while the test waits for the command.
#[tokio::test(flavor = "multi_thread")]
async fn poison_is_acknowledged_and_can_be_listed_shown_and_sent_again() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    client.logs(records(40, 17)).await.unwrap();
    let good: Vec<String> = (0..40).filter(|n| *n != 17).map(|n| format!("r{n}")).collect();
    assert_eq!((ids(&backend), parsed(&backend)), (good, 39));

    let table = printed(&collector, &["list"]);
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.contains("transform in logs") && !table.contains("broken"), "{table}");
    let record = listed(&collector).remove(0);
    let id = record["id"].as_str().unwrap().to_owned();
    assert_eq!((&record["items"], &record["signal"]), (&1.into(), &"logs".into()));
    assert!(record.get("context").is_none(), "what senders say of themselves is not in a list");
    let shown: Value = serde_json::from_str(&printed(&collector, &["show", &id[..6]])).unwrap();
    let records = &shown["payload"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!(records[0]["body"]["stringValue"], "{broken");
    assert!(shown["reason"].as_str().unwrap().contains("ParseJSON"), "{shown}");
    assert!(shown["context"]["now"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    // What is shown is a captured batch: another version of the module may be tried on it.
    collector.overwrite("poison.json", shown.to_string());
    collector.overwrite("other.yaml", "log_statements: [ 'set(log.attributes[\"seen\"], true)' ]");
    let mut replay = tidegate();
    replay.args([
        "module",
        "replay",
        "transform",
        "--config",
        "other.yaml",
        "--batch",
        "poison.json",
        "--timeout",
        "5s",
    ]);
    let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/authors");
    let replayed = replay.current_dir(collector.path("")).env("XDG_CACHE_HOME", cache).output().unwrap();
    assert!(text(&replayed.stdout).contains("attributes[\"seen\"]"), "{replayed:?}");
    let metrics = collector.metrics().await;
    assert_eq!(metrics.sum("tidegate_quarantine_items_total", &["processor=\"transform\""]), 1.0);

    // Behind the same module it comes back, as a record of its own.
    let endpoint = collector.grpc().to_string();
    printed(&collector, &["replay", &id, "--endpoint", &endpoint]);
    let again = listed(&collector);
    assert!(again.len() == 1 && again[0]["id"] != id.as_str(), "{again:?}");
    // Where nothing fails on it, it is done with.
    let endpoint = backend.address().to_string();
    let said = printed(&collector, &["replay", "--all", "--endpoint", &endpoint]);
    assert!(said.contains("1 log records taken"), "{said}");
    assert!(ids(&backend).contains(&"r17".to_owned()));
    assert!(listed(&collector).is_empty());
    assert!(printed(&collector, &["replay", "--all", "--endpoint", &endpoint]).contains("nothing to send"));
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_quarantine_after_a_crash() {
    let backend = Backend::start().await;
    let mut collector = setup(&backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    for n in 0..3 {
        client.logs(records(10, n)).await.unwrap();
    }
    collector.kill();
    collector.ended().await;
    assert_eq!(listed(&collector).len(), 3);
    // The next one finds them, and goes on.
    let next = setup(&backend);
    let from = collector.path("quarantine").join("quarantine.tgq");
    let next = next.file("quarantine/quarantine.tgq", std::fs::read(from).unwrap());
    next.make_private("quarantine");
    let next = next.start().await;
    assert_eq!(next.metrics().await.sum("tidegate_quarantine_records", &[]), 3.0);
    let client = Client::connect(next.grpc()).await;
    client.logs(records(10, 4)).await.unwrap();
    assert_eq!(listed(&next).len(), 4);
}

// The backend serves while the test waits for the command.
#[tokio::test(flavor = "multi_thread")]
async fn replay_leaves_in_place_what_is_not_taken_and_says_why() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    client.logs(records(10, 4)).await.unwrap();
    backend.refuse(tonic::Status::invalid_argument("not like this"));
    let endpoint = backend.address().to_string();
    let said = complaint(&collector, &["replay", "--all", "--endpoint", &endpoint]);
    assert!(said.contains("InvalidArgument: not like this") && said.contains("1 records were not taken"), "{said}");
    let said = complaint(&collector, &["replay", "--all", "--endpoint", "127.0.0.1:9"]);
    assert!(said.contains("no receiver answers at 127.0.0.1:9"), "{said}");
    let said = complaint(&collector, &["replay", "beef", "--endpoint", &endpoint]);
    assert!(said.contains("there is no record \"beef\""), "{said}");
    assert_eq!(listed(&collector).len(), 1);
}

#[tokio::test]
async fn a_quarantine_is_named_or_found_by_the_configuration_and_what_is_none_is_told() {
    let said = |args: &[&str]| text(&tidegate().arg("quarantine").args(args).output().unwrap().stderr);
    assert!(said(&["list"]).contains("--path FOLDER, or --config FILE"));
    let none = PARSED.replace("  quarantine: { path: quarantine }\n", "");
    let without = Collector::from_yaml(&none);
    let file = without.path("tidegate.yaml");
    let in_place = |args: &[&str]| {
        let mut command = tidegate();
        command.env("HOST", "127.0.0.1").env("BACKEND", "127.0.0.1:1").env("CACHE", "c").arg("quarantine").args(args);
        text(&command.output().unwrap().stderr)
    };
    let told = in_place(&["list", "--config", file.to_str().unwrap()]);
    assert!(told.contains("modules.quarantine.path is not set"), "{told}");
    let nothing = Collector::from_yaml(PARSED);
    let told = in_place(&["list", "--config", nothing.path("tidegate.yaml").to_str().unwrap()]);
    assert!(told.contains("there is no quarantine in") && told.contains("nothing was ever put into it"), "{told}");
    let newer = nothing.file("quarantine/quarantine.tgq", b"TIDEQUAR\x02\0\0\0salt-----");
    let told = said(&["list", "--path", newer.path("quarantine").to_str().unwrap()]);
    assert!(told.contains("newer tidegate, in version 2"), "{told}");
}

#[test]
fn what_makes_no_sense_is_told_by_validate_with_its_place() {
    let yaml = PARSED.replace("{ path: quarantine }", "{ path: quarantine, max_records: 0 }");
    let yaml =
        yaml.replace("exporters:\n", "  wasm/mine: { module: mine, rollback: { error_percent: 101 } }\nexporters:\n");
    let setup = Collector::from_yaml(&yaml.replace("[transform]", "[transform, wasm/mine]"));
    let (passed, said) = setup.env("BACKEND", &"127.0.0.1:1").validate();
    assert!(!passed);
    assert!(said.contains("modules.quarantine.max_records: nothing could be kept there"), "{said}");
    assert!(said.contains("wasm/mine.rollback.error_percent: a share of batches"), "{said}");
}

#[tokio::test]
async fn a_quarantine_that_cannot_be_used_is_told_at_the_start() {
    let backend = Backend::start().await;
    let (status, log) = setup(&backend).file("quarantine", "a file").fails().await;
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("modules.quarantine.path") && log.contains("cannot be used"), "{log}");
}

#[tokio::test]
async fn a_module_that_is_not_there_yet_is_told_by_ready_and_its_data_refused_until_it_is() {
    let yaml = PARSED.replace("processors: [transform]", "processors: [wasm/mine]").replace(
        "exporters:\n",
        "  wasm/mine: { module: mine, if_missing: refuse, config: { attributes: { a: b } } }\nexporters:\n",
    );
    let modules = "modules:\n  folder: modules\n  grants: { mine: { writes: ['resource.attributes[*]', log] } }\n";
    let backend = Backend::start().await;
    let setup = Collector::from_yaml(&yaml.replace("modules:\n", modules)).env("BACKEND", &backend.address());
    let collector = setup.file("modules/.keep", "").start().await;
    let client = Client::connect(collector.grpc()).await;
    let refused = client.logs(records(1, 1)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("the module mine is not loaded"), "{refused}");
    let ready = async || collector.raw(8888, "GET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let answer = ready().await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("wasm/mine in logs"), "{answer}");

    collector.replace("modules/mine.wasm", crate::harness::modules::bundled("cluster-labels"));
    eventually("the module is loaded", async || ready().await.starts_with("HTTP/1.1 200").then_some(())).await;
    client.logs(records(1, 1)).await.unwrap();
    assert_eq!(ids(&backend), ["r0"]);
}

#[tokio::test]
async fn a_module_at_fault_is_shown_and_its_sender_told_when_to_come_again() {
    let backend = Backend::start().await;
    let collector = setup(&backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    let broken: Vec<_> = (0..200).map(|n| record(&format!("r{n}"), 9, "{broken")).collect();
    let refused = client.logs(logs(broken)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("the module transform is at fault"), "{refused}");
    let refused = client.logs(records(10, 99)).await.unwrap_err();
    assert!(refused.message().contains("at fault"), "{refused}");
    let page: Value = serde_json::from_str(&collector.page("/debug/modules").await).unwrap();
    assert_eq!(page[0]["breaker"]["backoff_seconds"], 1.0, "{page}");
    assert!(!collector.log.having(0, &["the module is at fault", "transform"]).is_empty());
    let sent = async || client.logs(records(10, 99)).await.ok();
    eventually("a batch is let in and processed", sent).await;
    assert!(!collector.log.having(0, &["the module processes batches again"]).is_empty());
    assert_eq!(parsed(&backend), 10);
    tokio::time::timeout(Duration::from_secs(60), client.logs(records(10, 99))).await.unwrap().unwrap();
}
