//! A collector that is told to end takes nothing new, delivers what it has taken, and tells what it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::{Client, Collector, eventually, telemetry};

const TO_A_FILE: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors: { batch: }
exporters: { file: { path: out.jsonl } }
extensions: { health_check: { endpoint: '${env:HOST}:13133' } }
service:
  extensions: [health_check]
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [file] }
";

/// Sends one record after the other until the collector is gone; the ids that were acknowledged.
async fn send_until_refused(client: Client, name: usize, ended: Arc<AtomicBool>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for i in 0.. {
        let id = format!("<{name}-{i}>");
        match client.logs(telemetry::logs(vec![telemetry::record(&id, 9, "of a stream")])).await {
            Ok(()) => acknowledged.push(id),
            Err(_) if ended.load(Ordering::Relaxed) => return acknowledged,
            Err(status) => panic!("refused before it was told to end: {status:?}"),
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_was_acknowledged_before_sigterm_is_in_the_file() {
    let mut collector = Collector::from_yaml(TO_A_FILE).start().await;
    let ended = Arc::new(AtomicBool::new(false));
    let mut senders = Vec::new();
    for name in 0..4 {
        let client = Client::connect(collector.grpc()).await;
        senders.push(tokio::spawn(send_until_refused(client, name, Arc::clone(&ended))));
    }
    eventually("there is a stream", async || {
        let accepted = collector.metrics().await.sum("otelcol_receiver_accepted_log_records", &[]);
        (accepted >= 200.0).then_some(())
    })
    .await;
    ended.store(true, Ordering::Relaxed);
    collector.signal_term();
    assert_eq!(collector.ended().await.code(), Some(0));
    let file = collector.read("out.jsonl");
    let mut sent = 0;
    for sender in senders {
        for id in sender.await.unwrap() {
            sent += 1;
            assert_eq!(file.matches(&format!("\"{id}\"")).count(), 1, "{id} was acknowledged");
        }
    }
    let log = collector.log.whole().await;
    let summary: Vec<&str> = log.lines().filter(|line| line.contains("logs: received ")).collect();
    assert_eq!(summary.len(), 1, "{log}");
    assert!(sent >= 200 && summary[0].contains(" to file"), "{sent}: {}", summary[0]);
}

#[tokio::test]
async fn health_is_told_while_data_is_taken() {
    let collector = Collector::from_yaml(TO_A_FILE).start().await;
    let healthy = collector.page_of(13133, "/").await;
    assert!(healthy.contains("Server available"), "{healthy}");
    let pipelines: serde_json::Value = serde_json::from_str(&collector.page("/debug/pipelines").await).unwrap();
    assert_eq!(pipelines[0]["exporters"][0], "file");
    let metrics = collector.metrics().await;
    assert!(metrics.sum("otelcol_process_memory_rss", &[]) > 1e6, "{}", metrics.0);
}

const TO_A_NEXT_HOP: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors: { batch: }
exporters: { otlp_grpc: { endpoint: '${env:NEXT}', tls: { insecure: true }, timeout: 1h } }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
";

fn one() -> opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest {
    telemetry::logs(vec![telemetry::record("<one>", 9, "on its way")])
}

#[tokio::test]
async fn a_next_hop_that_is_away_holds_up_no_end_and_its_senders_are_told() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let next = gone.local_addr().unwrap();
    drop(gone);
    let mut collector = Collector::from_yaml(TO_A_NEXT_HOP).env("NEXT", &next).start().await;
    let client = Client::connect(collector.grpc()).await;
    let waiting = tokio::spawn(async move { client.logs(one()).await });
    collector.log.wait_for(0, &["will be tried again"]).await;
    collector.signal_term();
    assert_eq!(collector.ended().await.code(), Some(0), "all that was taken is answered");
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    // It takes connections and answers nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let next = silent.local_addr().unwrap();
    let mut collector = Collector::from_yaml(TO_A_NEXT_HOP).env("NEXT", &next).start().await;
    let client = Client::connect(collector.grpc()).await;
    let waiting = tokio::spawn(async move { client.logs(one()).await });
    let (_taken, _) = tokio::task::spawn_blocking(move || silent.accept().unwrap()).await.unwrap();
    collector.signal_term();
    collector.log.wait_for(0, &["a second signal ends at once"]).await;
    collector.signal_term();
    assert_eq!(collector.ended().await.code(), Some(1));
    waiting.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_drain_ends_at_its_deadline_and_says_what_was_left() {
    // It takes connections and answers nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let next = silent.local_addr().unwrap();
    let setup = Collector::from_yaml(TO_A_NEXT_HOP).env("NEXT", &next).args(&["--drain-timeout", "1"]);
    let mut collector = setup.start().await;
    let client = Client::connect(collector.grpc()).await;
    let waiting = tokio::spawn(async move { client.logs(one()).await });
    let (_taken, _) = tokio::task::spawn_blocking(move || silent.accept().unwrap()).await.unwrap();
    collector.signal_term();
    assert_eq!(collector.ended().await.code(), Some(1), "something was left");
    let log = collector.log.whole().await;
    assert!(log.contains("had not ended at the deadline"), "{log}");
    waiting.await.unwrap().unwrap_err();
}
