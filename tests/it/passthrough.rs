//! What no processor touches arrives as it was sent.

use std::future::Future;

use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::backend::Taken;
use crate::harness::{Backend, Client, Collector, eventually, telemetry};

/// OTLP in, batch, OTLP out.
pub(crate) const PASS: &str = "
receivers:
  otlp:
    protocols:
      grpc: { endpoint: '${env:HOST}:4317' }
      http: { endpoint: '${env:HOST}:4318' }
processors:
  batch: {}
exporters:
  otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true }, compression: none }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
    traces: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
    metrics: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
";

async fn passes<T, F>(sent: T, send: impl FnOnce(Client, T) -> F, taken: impl Fn(&Taken) -> Vec<T>)
where
    T: Clone + PartialEq + std::fmt::Debug,
    F: Future<Output = Result<(), tonic::Status>>,
{
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).start().await;
    send(Client::connect(collector.grpc()).await, sent.clone()).await.unwrap();
    assert_eq!(backend.with(taken), [sent], "an acknowledged request is delivered, and as it was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_without_a_folder_for_native_code_where_no_module_is_configured() {
    let backend = Backend::start().await;
    let setup = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).env("XDG_CACHE_HOME", &"/dev/null/none");
    let collector = setup.start().await;
    Client::connect(collector.grpc()).await.traces(telemetry::traces("paid")).await.unwrap();
    assert_eq!(backend.with(|taken| taken.traces.len()), 1);
    let with_a_module = PASS.replace("batch: {}", "batch: {}\n  wasm/labels: { module: cluster-labels }").replace(
        "processors: [batch], exporters: [otlp_grpc] }\n    traces",
        "processors: [batch, wasm/labels], exporters: [otlp_grpc] }\n    traces",
    );
    let setup = Collector::from_yaml(&with_a_module).env("BACKEND", &backend.address());
    let (_, told) = setup.env("XDG_CACHE_HOME", &"/dev/null/none").fails().await;
    assert!(told.contains("the folder for native code /dev/null/none") && told.contains("modules.cache"), "{told}");
}

#[tokio::test]
async fn passes_logs_through_unchanged() {
    let sent = telemetry::logs(vec![telemetry::record("a", 9, "first"), telemetry::record("b", 17, "second")]);
    passes(sent, async |client: Client, sent| client.logs(sent).await, |taken| taken.logs.clone()).await;
}

#[tokio::test]
async fn passes_traces_through_unchanged() {
    passes(
        telemetry::traces("GET /"),
        async |client: Client, sent| client.traces(sent).await,
        |taken| taken.traces.clone(),
    )
    .await;
}

#[tokio::test]
async fn passes_metrics_of_every_kind_through_unchanged() {
    passes(
        telemetry::metrics(),
        async |client: Client, sent| client.metrics(sent).await,
        |taken| taken.metrics.clone(),
    )
    .await;
}

#[tokio::test]
async fn takes_protobuf_over_http_and_counts_it() {
    let backend = Backend::start().await;
    let collector = Collector::from_yaml(PASS).env("BACKEND", &backend.address()).start().await;
    let sent = telemetry::logs(vec![telemetry::record("a", 9, "over HTTP")]);
    let body = sent.encode_to_vec();
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/x-protobuf\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(collector.http()).await.unwrap();
    stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(backend.with(|taken| taken.logs.clone()), [sent]);
    let accepted = eventually("the request is counted", async || {
        let metrics = collector.metrics().await;
        let over = |transport| metrics.sum("otelcol_receiver_accepted_log_records", &[transport]);
        (over("transport=\"http\"") > 0.0).then(|| (over("transport=\"http\""), over("transport=\"grpc\"")))
    });
    assert_eq!(accepted.await, (1.0, 0.0));
}
