//! Request metadata: it goes along with the data where something reads it, and keeps data apart.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::harness::{Backend, Collector, eventually, telemetry};

/// Batches that hold everything back until the backend answers.
const TENANTS: &str = "
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '${env:HOST}:4317', include_metadata: true }
      http: { endpoint: '${env:HOST}:4318', include_metadata: true }
processors:
  batch: { metadata_keys: [X-Tenant], metadata_cardinality_limit: 2, timeout: 10s, max_in_flight: 1 }
exporters: { otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true }, compression: none, retry_on_failure: { initial_interval: 50ms, max_interval: 50ms } } }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] } }
";

async fn channel(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// Sends a record with this id and these headers.
async fn send(channel: &Channel, id: &str, headers: &[(&'static str, &str)]) -> Result<(), Status> {
    let mut request = Request::new(telemetry::logs(vec![telemetry::record(id, 9, "of a tenant")]));
    for (key, value) in headers {
        request.metadata_mut().append(*key, value.parse().unwrap());
    }
    LogsServiceClient::new(channel.clone()).export(request).await.map(|_| ())
}

/// The ids of the records that each request to the backend had.
fn batches(backend: &Backend) -> Vec<Vec<String>> {
    backend.with(|taken| {
        let ids = |request: &opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest| {
            let scopes = request.resource_logs.iter().flat_map(|logs| &logs.scope_logs);
            let records = scopes.flat_map(|scope| &scope.log_records);
            records.map(|record| telemetry::text_of(&record.attributes, "id").unwrap().to_owned()).collect()
        };
        taken.logs.iter().map(ids).collect()
    })
}

/// Starts sending many at once while the backend is away, so that all that may be joined is.
async fn sent_at_once(
    collector: &Collector,
    backend: &Backend,
    records: &[(&'static str, &'static [(&'static str, &'static str)])],
) -> Vec<Vec<String>> {
    backend.refuse(Status::unavailable("later"));
    let channel = channel(collector.grpc()).await;
    let mut senders = Vec::new();
    for &(id, headers) in records {
        let channel = channel.clone();
        senders.push(tokio::spawn(async move { send(&channel, id, headers).await }));
    }
    let expected = records.len() as f64;
    eventually("all are on their way", async || {
        let metrics = collector.metrics().await;
        (metrics.sum("otelcol_processor_incoming_items", &["processor=\"batch\""]) >= expected).then_some(())
    })
    .await;
    backend.accept();
    for sender in senders {
        sender.await.unwrap().unwrap();
    }
    batches(backend)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_different_tenants_is_never_joined() {
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(TENANTS).env("BACKEND", &backend.address()).start().await;
    let blue: &[_] = &[("x-tenant", "blue"), ("x-request", "1")];
    let green: &[_] = &[("x-tenant", "green"), ("x-request", "2")];
    let records = [("b1", blue), ("g1", green), ("b2", blue), ("g2", green), ("b3", blue), ("g3", green)];
    let batches = sent_at_once(&collector, &backend, &records).await;
    for batch in &batches {
        assert!(batch.iter().all(|id| id[..1] == batch[0][..1]), "{batches:?}");
    }
    assert!(batches.iter().any(|batch| batch.len() > 1), "what no one reads keeps nothing apart: {batches:?}");
    assert_eq!(batches.iter().flatten().count(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_passes_a_connector_to_who_reads_it_behind() {
    let backend = Backend::start().await;
    let pipelines = "{ logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] } }";
    assert!(TENANTS.contains(pipelines));
    let joined = "{ logs/in: { receivers: [otlp], exporters: [forward] }, \
                  logs: { receivers: [forward], processors: [batch], exporters: [otlp_grpc] } }";
    let yaml = TENANTS.replace(pipelines, joined).replace("exporters: {", "connectors: { forward: }\nexporters: {");
    let collector = Collector::from_yaml(&yaml).env("BACKEND", &backend.address()).start().await;
    let blue: &[_] = &[("x-tenant", "blue"), ("x-request", "1")];
    let green: &[_] = &[("x-tenant", "green"), ("x-request", "2")];
    let records = [("b1", blue), ("g1", green), ("b2", blue), ("g2", green), ("b3", blue), ("g3", green)];
    let batches = sent_at_once(&collector, &backend, &records).await;
    for batch in &batches {
        assert!(batch.iter().all(|id| id[..1] == batch[0][..1]), "{batches:?}");
    }
    assert!(batches.iter().any(|batch| batch.len() > 1), "what no one reads keeps nothing apart: {batches:?}");
}

#[tokio::test]
async fn more_tenants_at_a_time_than_may_be_are_told_to_come_again() {
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(TENANTS).env("BACKEND", &backend.address()).start().await;
    backend.refuse(Status::unavailable("later"));
    let channel = channel(collector.grpc()).await;
    let waiting = ["blue", "green"].map(|tenant| {
        let channel = channel.clone();
        tokio::spawn(async move { send(&channel, tenant, &[("x-tenant", tenant)]).await })
    });
    eventually("two tenants are there", async || {
        let metrics = collector.metrics().await;
        (metrics.sum("otelcol_processor_batch_metadata_cardinality", &[]) == 2.0).then_some(())
    })
    .await;
    let refused = send(&channel, "red", &[("x-tenant", "red")]).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains("metadata_cardinality_limit"), "{refused:?}");
    assert!(!refused.details().is_empty(), "it says when to come again");
    assert_eq!(collector.metrics().await.sum("tidegate_processor_batch_refused_items", &[]), 1.0);
    backend.accept();
    for sender in waiting {
        sender.await.unwrap().unwrap();
    }
    eventually("there is room for another", async || {
        send(&channel, "red", &[("x-tenant", "red")]).await.is_ok().then_some(())
    })
    .await;
}

#[tokio::test]
async fn metadata_comes_over_http_too_and_has_to_be_text() {
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(TENANTS).env("BACKEND", &backend.address()).start().await;
    let body = telemetry::logs(vec![telemetry::record("a", 9, "over HTTP")]).encode_to_vec();
    for (value, status) in [(&b"blue"[..], "HTTP/1.1 200"), (&b"\xff\xfe"[..], "HTTP/1.1 400")] {
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-protobuf\r\n\
             content-length: {}\r\nX-TENANT: ",
            body.len()
        );
        let mut stream = TcpStream::connect(collector.http()).await.unwrap();
        stream.write_all(&[head.as_bytes(), value, b"\r\n\r\n", &body].concat()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(status.as_bytes()), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(batches(&backend), [["a"]]);
}

#[test]
fn validate_names_a_key_that_stands_twice() {
    let yaml = TENANTS.replace("[X-Tenant]", "[X-Tenant, x-tenant]");
    let (valid, text) = Collector::from_yaml(&yaml).validate();
    assert!(!valid && text.contains("processors.batch.metadata_keys: \"x-tenant\" stands there twice"), "{text}");
}

/// Where the tenants of a request go, and who they are told to be.
const ROUTED: &str = r#"
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317', include_metadata: true } } } }
processors:
  attributes: { actions: [{ key: tenant, from_context: metadata.X-Tenant, default_value: none, action: insert }] }
connectors:
  routing:
    default_pipelines: [logs/rest]
    table:
      - { context: request, condition: 'request["X-Tenant"] == "blue"', pipelines: [logs/blue] }
      - { context: log, condition: 'IsMatch(body, "^of a")', pipelines: [logs/green, logs/rest] }
exporters:
  file/blue: { path: blue.jsonl }
  file/green: { path: green.jsonl }
  file/rest: { path: rest.jsonl }
modules: { cache: '${env:CACHE}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs/in: { receivers: [otlp], processors: [attributes], exporters: [routing] }
    logs/blue: { receivers: [routing], exporters: [file/blue] }
    logs/green: { receivers: [routing], exporters: [file/green] }
    logs/rest: { receivers: [routing], exporters: [file/rest] }
"#;

#[tokio::test]
async fn a_request_is_routed_and_labeled_by_its_metadata() {
    let collector = Collector::from_yaml(ROUTED).start().await;
    let channel = channel(collector.grpc()).await;
    send(&channel, "b", &[("x-tenant", "blue")]).await.unwrap();
    send(&channel, "g", &[("x-tenant", "green")]).await.unwrap();
    let other = Request::new(telemetry::logs(vec![telemetry::record("o", 9, "other")]));
    LogsServiceClient::new(channel.clone()).export(other).await.unwrap();
    let ids = |file: &str| -> Vec<(String, String)> {
        let lines = collector.read(file);
        let records = lines.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let attributes = line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"].clone();
            let text = |key: &str| {
                let found = attributes.as_array().unwrap().iter().find(|pair| pair["key"] == key);
                found.map(|pair| pair["value"]["stringValue"].as_str().unwrap().to_owned()).unwrap_or_default()
            };
            (text("id"), text("tenant"))
        });
        records.collect()
    };
    let pair = |id: &str, tenant: &str| (id.to_owned(), tenant.to_owned());
    assert_eq!(ids("blue.jsonl"), [pair("b", "blue")]);
    assert_eq!(ids("green.jsonl"), [pair("g", "green")]);
    assert_eq!(ids("rest.jsonl"), [pair("g", "green"), pair("o", "none")]);
}
