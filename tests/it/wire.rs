//! What the wire may look like: both protocols, both encodings and every compression, in and out, and their limits.

use std::net::SocketAddr;

use host_compression::{Coding, pack};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Backend, Client, Collector, eventually, telemetry};
use crate::passthrough::PASS;

/// Posts this; the status of the answer, and its body.
async fn post(address: SocketAddr, path: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The collector may refuse before it has read everything.
    let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn packed(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    pack(coding, None, std::iter::once(plain), plain.len(), &mut out).unwrap();
    out
}

fn some_logs() -> ExportLogsServiceRequest {
    telemetry::logs(vec![telemetry::record("a", 9, "first"), telemetry::record("b", 17, "second")])
}

#[tokio::test]
async fn json_arrives_as_the_same_as_protobuf() {
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).start().await;
    let (logs, traces, metrics) = (some_logs(), telemetry::traces("GET /"), telemetry::metrics());
    for (path, text) in [
        ("/v1/logs", serde_json::to_string(&logs).unwrap()),
        ("/v1/traces", serde_json::to_string(&traces).unwrap()),
        ("/v1/metrics", serde_json::to_string(&metrics).unwrap()),
    ] {
        let headers = "content-type: application/json\r\ncontent-encoding: zstd\r\n";
        let (status, body) = post(collector.http(), path, headers, &packed(Coding::Zstd, text.as_bytes())).await;
        assert_eq!((status, body.as_str()), (200, "{\"partialSuccess\":{}}"), "{path}");
    }
    backend.with(|taken| {
        assert_eq!(taken.logs, [logs]);
        assert_eq!(taken.traces, [traces]);
        assert_eq!(taken.metrics, [metrics]);
    });
}

#[tokio::test]
async fn a_mistake_in_json_is_told_in_json_with_its_place() {
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).start().await;
    let headers = "content-type: application/json\r\n";
    let text = "{\"resourceLogs\":\n[{\"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\":\"yesterday\"}]}]}]}";
    let (status, body) = post(collector.http(), "/v1/logs", headers, text.as_bytes()).await;
    let told: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &told["code"]), (400, &json!(3)));
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("`timeUnixNano`") && message.contains("line 2"), "{message}");
    let refused = collector.metrics().await.sum("tidegate_receiver_requests_refused", &["reason=\"malformed\""]);
    assert_eq!(refused, 1.0);
}

#[tokio::test]
async fn a_bomb_of_any_kind_is_refused_and_counted_and_leaves_nothing_behind() {
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).start().await;
    let names = ["gzip", "zstd", "zlib", "deflate", "snappy", "x-snappy-framed", "lz4"];
    for name in names {
        let bomb = packed(Coding::of_http(name.as_bytes()).unwrap(), &vec![0; 200 << 20]);
        let headers = format!("content-type: application/x-protobuf\r\ncontent-encoding: {name}\r\n");
        let (status, _) = post(collector.http(), "/v1/logs", &headers, &bomb).await;
        assert_eq!(status, 413, "{name}");
    }
    let metrics = collector.metrics().await;
    let refused = metrics.sum("tidegate_receiver_requests_refused", &["reason=\"too_large\""]);
    assert_eq!(refused, names.len() as f64);
    assert_eq!(metrics.sum("tidegate_receiver_in_flight_bytes", &[]), 0.0);
}

/// OTLP in, and out by the exporter of `${env:EXPORTER}`.
const FIRST: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  otlp_http/proto: { endpoint: 'http://${env:HTTP}', compression: '${env:OVER_HTTP:-none}' }
  otlp_http/json: { endpoint: 'http://${env:HTTP}', compression: '${env:OVER_HTTP:-none}', encoding: json }
  otlp_grpc/next: { endpoint: '${env:GRPC}', tls: { insecure: true }, compression: '${env:OVER_GRPC:-none}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], exporters: ['${env:EXPORTER}'] }
    traces: { receivers: [otlp], exporters: ['${env:EXPORTER}'] }
    metrics: { receivers: [otlp], exporters: ['${env:EXPORTER}'] }
";

/// Sends telemetry of each kind through two collectors, with this exporter and compression between them.
async fn passes_two(exporter: &str, compression: &str) {
    let backend = Backend::start().await;
    let second = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).start().await;
    let first = Collector::from_yaml(FIRST)
        .env("EXPORTER", &exporter)
        .env(if exporter.starts_with("otlp_grpc") { "OVER_GRPC" } else { "OVER_HTTP" }, &compression)
        .env("GRPC", &second.grpc())
        .env("HTTP", &second.http())
        .start()
        .await;
    let client = Client::connect(first.grpc()).await;
    let (logs, traces, metrics) = (some_logs(), telemetry::traces("GET /"), telemetry::metrics());
    client.logs(logs.clone()).await.unwrap();
    client.traces(traces.clone()).await.unwrap();
    client.metrics(metrics.clone()).await.unwrap();
    backend.with(|taken| {
        assert_eq!(taken.logs, [logs], "{exporter} {compression}");
        assert_eq!(taken.traces, [traces], "{exporter} {compression}");
        assert_eq!(taken.metrics, [metrics], "{exporter} {compression}");
    });
}

#[tokio::test]
async fn all_signals_pass_two_collectors_over_http_with_each_compression() {
    for compression in ["none", "gzip", "zstd", "zlib", "deflate", "snappy", "x-snappy-framed", "lz4"] {
        passes_two("otlp_http/proto", compression).await;
    }
}

#[tokio::test]
async fn all_signals_pass_two_collectors_as_json() {
    for compression in ["none", "zstd"] {
        passes_two("otlp_http/json", compression).await;
    }
}

#[tokio::test]
async fn all_signals_pass_two_collectors_over_grpc_with_each_compression() {
    for compression in ["none", "gzip", "zstd", "snappy"] {
        passes_two("otlp_grpc/next", compression).await;
    }
}

const SMALL: &str = "
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '${env:HOST}:4317', max_recv_msg_size_mib: 1 }
      http: { endpoint: '${env:HOST}:4318', max_request_body_size: 1048576 }
exporters: { file: { path: out.jsonl } }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], exporters: [file] } }
";

#[tokio::test]
async fn a_next_hop_that_takes_less_is_sent_less_each_item_once() {
    for exporter in ["otlp_grpc/next", "otlp_http/proto", "otlp_http/json"] {
        let second = Collector::from_yaml(SMALL).start().await;
        let first = Collector::from_yaml(FIRST)
            .env("EXPORTER", &exporter)
            .env("OVER_GRPC", &"gzip")
            .env("OVER_HTTP", &"gzip")
            .env("GRPC", &second.grpc())
            .env("HTTP", &second.http())
            .start()
            .await;
        let client = Client::connect(first.grpc()).await;
        let line = "x".repeat(50_000);
        let records = |of: &str| (0..60).map(|i| telemetry::record(&format!("<{of}-{i}>"), 9, &line)).collect();
        client.logs(telemetry::logs(records("a"))).await.unwrap();
        let cut = async || first.metrics().await.sum("tidegate_exporter_requests_too_large", &[]);
        let once = cut().await;
        assert!(once >= 1.0, "{exporter}");
        client.logs(telemetry::logs(records("b"))).await.unwrap();
        assert_eq!(cut().await, once, "{exporter} keeps to what it has learned");
        let learned = first.metrics().await.sum("tidegate_exporter_learned_limit_bytes", &[]);
        assert!((100_000.0..=1_048_576.0).contains(&learned), "{exporter}: {learned}");
        let file = second.read("out.jsonl");
        for id in (0..60).flat_map(|i| [format!("\"<a-{i}>\""), format!("\"<b-{i}>\"")]) {
            assert_eq!(file.matches(&id).count(), 1, "{exporter} {id}");
        }
        let told = first.log.having(0, &["the next hop takes no larger requests"]);
        assert_eq!(told.len(), 1, "{exporter}: {told:?}");
    }
}

#[tokio::test]
async fn an_http_next_hop_that_is_away_is_tried_again_until_it_is_back() {
    let backend = Backend::start().await;
    let yaml = PASS.replace("compression: none", "compression: none, retry_on_failure: { enabled: false }");
    let second = Collector::from_yaml(&yaml).env("BACKEND", &backend.address()).start().await;
    let yaml = FIRST.replace("encoding: json", "encoding: json, retry_on_failure: { initial_interval: 20ms }");
    let first = Collector::from_yaml(&yaml)
        .env("EXPORTER", &"otlp_http/json")
        .env("GRPC", &second.grpc())
        .env("HTTP", &second.http())
        .start()
        .await;
    backend.refuse(tonic::Status::invalid_argument("never"));
    let client = Client::connect(first.grpc()).await;
    assert_eq!(client.logs(some_logs()).await.unwrap_err().code(), tonic::Code::InvalidArgument);
    backend.refuse(tonic::Status::unavailable("restarting"));
    let sending = tokio::spawn(async move { client.logs(some_logs()).await });
    first.log.wait_for(0, &["will be tried again", "503"]).await;
    backend.accept();
    sending.await.unwrap().unwrap();
    let sent = eventually("it is counted", async || {
        let sent = first.metrics().await.sum("otelcol_exporter_sent_log_records", &["otlp_http/json"]);
        (sent > 0.0).then_some(sent)
    });
    assert_eq!(sent.await, 2.0);
}

#[tokio::test]
async fn profiles_are_refused_by_name_wherever_they_come() {
    let yaml = PASS.replace("    logs:", "    profiles: { receivers: [otlp], exporters: [otlp_grpc] }\n    logs:");
    let (valid, text) = Collector::from_yaml(&yaml).env("BACKEND", &"next:4317").validate();
    let line = text.lines().find(|line| line.contains("service.pipelines.profiles")).unwrap_or_default();
    assert!(!valid && line.contains("profiles are not served: take the pipeline out"), "{text}");

    let backend = Backend::start().await;
    let collector = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).start().await;
    let headers = "content-type: application/json\r\n";
    let (status, body) = post(collector.http(), "/v1development/profiles", headers, b"{}").await;
    assert_eq!(status, 404);
    assert!(body.contains("profiles are not served"), "{body}");
}

#[test]
fn validate_says_what_to_do_about_keys_of_the_http_client_that_are_not_served() {
    let yaml = "
receivers: { otlp: { protocols: { http: } } }
exporters:
  otlphttp:
    endpoint: hub:4318
    proxy_url: http://proxy:3128
    compression: gzip
    compression_params: { level: 12 }
service: { pipelines: { logs: { receivers: [otlp], exporters: [otlphttp] } } }
";
    let (valid, text) = Collector::from_yaml(yaml).validate();
    assert!(!valid);
    for (line, part) in [
        (5, "exporters.otlphttp.endpoint: \"hub:4318\" is no address"),
        (6, "exporters.otlphttp.proxy_url: proxies are not served"),
        (8, "exporters.otlphttp.compression_params.level: gzip has levels from 1 to 9"),
    ] {
        let told = text.lines().any(|told| told.starts_with(&format!("tidegate.yaml:{line}:")) && told.contains(part));
        assert!(told, "{part} in:\n{text}");
    }
}
