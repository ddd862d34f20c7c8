//! The durable queue: what was acknowledged is delivered, whatever becomes of the process and the backend.

use std::collections::BTreeSet;
use std::process::Output;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use serde_json::Value;
use tonic::{Code, Status};

use crate::harness::telemetry::{logs, record, text_of};
use crate::harness::{Backend, Client, Collector, Setup, eventually, tidegate};

const QUEUED: &str = "
extensions: { file_storage: { directory: queues, create_directory: true } }
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  otlp_grpc/hub:
    endpoint: '${env:BACKEND}'
    tls: { insecure: true }
    compression: none
    sending_queue: { storage: file_storage, queue_size: 100 }
    retry_on_failure: { initial_interval: 50ms, max_interval: 200ms }
service:
  extensions: [file_storage]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_grpc/hub] }
";

fn setup(yaml: &str, backend: &Backend) -> Setup {
    Collector::from_yaml(yaml).env("BACKEND", &backend.address())
}

fn one(id: &str) -> ExportLogsServiceRequest {
    logs(vec![record(id, 9, "to keep")])
}

fn ids(backend: &Backend) -> BTreeSet<String> {
    backend.log_records().iter().map(|record| text_of(&record.attributes, "id").unwrap().to_owned()).collect()
}

async fn delivered(backend: &Backend, wanted: &[String]) {
    let wanted: BTreeSet<String> = wanted.iter().cloned().collect();
    eventually("all of it is delivered", async || (ids(backend) == wanted).then_some(())).await;
}

fn queue(collector: &Collector, args: &[&str]) -> Output {
    let place = collector.path("queues");
    tidegate().arg("queue").args(args).arg("--path").arg(place).output().unwrap()
}

fn printed(collector: &Collector, args: &[&str]) -> String {
    let output = queue(collector, args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn complaint(collector: &Collector, args: &[&str]) -> String {
    let output = queue(collector, args);
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn listed(collector: &Collector) -> Value {
    let list: Value = serde_json::from_str(&printed(collector, &["list", "--json"])).unwrap();
    list["queues"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_while_the_backend_is_away_is_delivered_after_kill_9() {
    let backend = Backend::start().await;
    backend.refuse(Status::unavailable("away"));
    let mut collector = setup(QUEUED, &backend).start().await;
    let mut wanted = Vec::new();
    for round in 0..3 {
        let client = Client::connect(collector.grpc()).await;
        for n in 0..20 {
            let id = format!("r{round}-{n}");
            client.logs(one(&id)).await.unwrap();
            wanted.push(id);
        }
        collector.kill_and_restart().await;
    }
    assert_eq!(listed(&collector)["items"], 60);
    backend.accept();
    delivered(&backend, &wanted).await;
    eventually("the queue is empty", async || (listed(&collector)["items"] == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_in_the_form_that_makes_senders_come_again() {
    let backend = Backend::start().await;
    backend.refuse(Status::unavailable("away"));
    let collector = setup(&QUEUED.replace("queue_size: 100", "queue_size: 3"), &backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    for n in 0..3 {
        client.logs(one(&format!("r{n}"))).await.unwrap();
    }
    let refused = client.logs(one("r3")).await.unwrap_err();
    assert!(matches!(refused.code(), Code::Unavailable | Code::ResourceExhausted), "{refused:?}");
    assert!(refused.code() == Code::Unavailable || !refused.details().is_empty(), "{refused:?}");
    let metrics = collector.metrics().await;
    assert_eq!(metrics.sum("otelcol_exporter_enqueue_failed_log_records", &[]), 1.0);
    assert_eq!(metrics.sum("otelcol_exporter_queue_capacity", &[]), 3.0);
    backend.accept();
    delivered(&backend, &["r0", "r1", "r2"].map(str::to_owned)).await;
    client.logs(one("r3")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_backend_will_never_take_is_acknowledged_and_kept_as_a_dead_letter() {
    let backend = Backend::start().await;
    backend.refuse(Status::invalid_argument("no such tenant"));
    let collector = setup(QUEUED, &backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    client.logs(one("dead")).await.unwrap();
    eventually("it is put away", async || (listed(&collector)["dead_letters"] == 1).then_some(())).await;
    let list: Value = serde_json::from_str(&printed(&collector, &["dead", "list", "otlp_grpc/hub"])).unwrap();
    let letter = &list["letters"][0];
    assert!(letter["reason"].as_str().unwrap().contains("no such tenant"), "{letter}");
    let id = letter["id"].as_str().unwrap();
    let shown = printed(&collector, &["dead", "show", "otlp/hub", &id[..6]]);
    assert!(shown.contains("to keep"), "{shown}");
    backend.accept();
    let endpoint = backend.address().to_string();
    printed(&collector, &["dead", "replay", "otlp_grpc/hub", "--all", "--endpoint", &endpoint]);
    delivered(&backend, &["dead".to_owned()]).await;
    assert_eq!(listed(&collector)["dead_letters"], 0);
    let metrics = collector.metrics().await;
    assert_eq!(metrics.sum("tidegate_queue_dead_letter_items", &[]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_of_an_exporter_that_was_removed_is_told_of_shown_and_drained() {
    let backend = Backend::start().await;
    backend.refuse(Status::unavailable("away"));
    let mut collector = setup(QUEUED, &backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    client.logs(one("left")).await.unwrap();
    let held = complaint(&collector, &["drop", "otlp_grpc/hub"]);
    assert!(held.contains(&format!("process {}", collector.id())), "{held}");

    collector.replace("tidegate.yaml", QUEUED.replace("otlp_grpc/hub", "otlp_grpc/other"));
    collector.kill_and_restart().await;
    collector.log.wait_for(0, &["no exporter has this queue any more", "exporter_otlp_grpc_hub"]).await;
    let shown = printed(&collector, &["show", "exporter_otlp_grpc_hub"]);
    assert!(shown.contains("to keep"), "{shown}");
    let refused = complaint(&collector, &["drop", "exporter_otlp_grpc_hub"]);
    assert!(refused.contains("--yes"), "{refused}");
    backend.accept();
    let endpoint = backend.address().to_string();
    printed(&collector, &["drain", "otlp_grpc/hub", "--endpoint", &endpoint]);
    delivered(&backend, &["left".to_owned()]).await;
    printed(&collector, &["drop", "otlp_grpc/hub", "--yes"]);
    assert_eq!(listed(&collector)["exporter"], Value::Null, "the other holds nothing yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_waits_for_the_first_and_says_so() {
    let backend = Backend::start().await;
    let mut collector = setup(QUEUED, &backend).start().await;
    let (mut second, log) = collector.beside();
    log.wait_for(0, &["waiting for another process that has the queue", &format!("process {}", collector.id())]).await;
    collector.signal_term();
    collector.ended().await;
    log.wait_for(0, &["ready"]).await;
    second.kill().unwrap();
    second.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_changes_the_exporter_hands_its_queue_over() {
    let backend = Backend::start().await;
    backend.refuse(Status::unavailable("away"));
    let collector = setup(QUEUED, &backend).start().await;
    let client = Client::connect(collector.grpc()).await;
    client.logs(one("before")).await.unwrap();
    collector.replace("tidegate.yaml", QUEUED.replace("queue_size: 100", "queue_size: 200"));
    collector.log.wait_for(0, &["configuration taken over"]).await;
    client.logs(one("after")).await.unwrap();
    backend.accept();
    delivered(&backend, &["before".to_owned(), "after".to_owned()]).await;
    eventually("the queue is empty", async || (listed(&collector)["items"] == 0).then_some(())).await;
    assert_eq!(backend.log_records().len(), 2, "nothing comes twice");
}
