//! A collector that takes more memory than it may refuses what comes, in the form that makes a sender try again, and takes data
//! again when it has room.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::{Code, Status};

use crate::harness::{Backend, Client, Collector, eventually, telemetry};

/// What the process takes by itself fits; the flood, which fits into what may be in flight, does not.
const LIMITED: &str = "
receivers:
  otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' }, http: { endpoint: '${env:HOST}:4318' } } }
processors: { memory_limiter: { check_interval: 200ms, limit_mib: 100, spike_limit_mib: 30 } }
exporters:
  otlp_grpc: { endpoint: '${env:NEXT}', tls: { insecure: true }, compression: none, retry_on_failure: { max_elapsed_time: 0s, max_interval: 200ms } }
service:
  limits: { in_flight_mib: 1024, ack_timeout: 0s }
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [memory_limiter], exporters: [otlp_grpc] }
    traces: { receivers: [otlp], processors: [memory_limiter], exporters: [otlp_grpc] }
";
const SENDERS: usize = 160;
const MIB: f64 = 1024.0 * 1024.0;

fn large(id: usize) -> ExportLogsServiceRequest {
    telemetry::logs(vec![telemetry::record(&format!("<{id}>"), 9, &"x".repeat(1 << 20))])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_refused_so_that_its_senders_try_again_and_the_process_stays_small() {
    let backend = Backend::start().await;
    backend.refuse(Status::unavailable("away"));
    let collector = Collector::from_yaml(LIMITED).env("NEXT", &backend.address()).start().await;
    let mut senders = Vec::new();
    for id in 0..SENDERS {
        let client = Client::connect(collector.grpc()).await;
        senders.push(tokio::spawn(async move { client.logs(large(id)).await }));
    }
    let refused = eventually("some are refused", async || {
        let refused = collector.metrics().await.sum("otelcol_processor_refused_log_records", &[]);
        (refused > 0.0 && senders.iter().any(tokio::task::JoinHandle::is_finished)).then_some(refused)
    })
    .await;
    let page = collector.metrics().await;
    let resident = page.sum("otelcol_process_memory_rss", &[]) / MIB;
    assert!(resident < 220.0, "{resident} MiB, {refused} refused");
    assert!(page.sum("tidegate_processor_memory_limiter_limit_bytes", &["limit=\"soft\""]) == 70.0 * MIB, "{}", page.0);

    eventually("each is let in or refused", async || {
        let come = collector.metrics().await.sum("otelcol_processor_incoming_items", &["otel_signal=\"logs\""]);
        (come == SENDERS as f64).then_some(())
    })
    .await;
    // Of each signal: what there is room for after all comes to be under way like the flood, until something is refused.
    let client = Client::connect(collector.grpc()).await;
    let mut late = JoinSet::new();
    let status = eventually("traces are refused", async || {
        let client = client.clone();
        late.spawn(async move { client.traces(telemetry::traces(&"x".repeat(1 << 20))).await });
        timeout(Duration::from_millis(200), late.join_next()).await.ok().flatten()
    })
    .await
    .unwrap()
    .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(details.contains("google.rpc.RetryInfo"), "{details:?}");
    assert!(status.message().contains("high memory usage"), "{status:?}");
    // Over HTTP too, with more than there can be room for.
    let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"late"}}]}]}]}"#;
    let body = body.replace("late", &"x".repeat(8 << 20));
    let head = "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let over_http = collector.raw(4318, &format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
    assert!(over_http.starts_with("HTTP/1.1 429") && over_http.contains("retry-after: "), "{over_http}");

    // What was let in is delivered, what was not is not; then there is room again.
    backend.accept();
    let mut taken = 0;
    for sender in senders {
        match sender.await.unwrap() {
            Ok(()) => taken += 1,
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}"),
        }
    }
    assert_eq!(backend.log_records().len(), taken);
    assert!(taken > 0 && taken < SENDERS, "{taken}");
    eventually("data is taken again", async || client.logs(large(SENDERS)).await.ok()).await;
    let page = collector.metrics().await;
    assert_eq!(page.sum("tidegate_processor_memory_limiter_refusing", &[]), 0.0);
    assert_eq!(page.sum("otelcol_processor_accepted_log_records", &[]), taken as f64 + 1.0);
}

#[test]
fn validate_warns_of_a_limiter_behind_others_and_refuses_the_extension() {
    let late = LIMITED
        .replace("processors: { ", "processors: { batch: , ")
        .replace("[memory_limiter]", "[batch, memory_limiter]");
    let (valid, told) = Collector::from_yaml(&late).env("NEXT", &"hub:4317").validate();
    assert!(valid && told.contains("should be: what it refuses has been processed"), "{told}");
    let extension = LIMITED.replace("service:", "extensions: { memory_limiter: { check_interval: 1s } }\nservice:");
    let (valid, told) = Collector::from_yaml(&extension).env("NEXT", &"hub:4317").validate();
    assert!(!valid && told.contains("put the processor `memory_limiter` first into each pipeline"), "{told}");
}
