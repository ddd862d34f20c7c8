//! What the collector tells about itself over OTLP: its log and its spans arrive, hold up nothing, and breed none of their
//! kind.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::harness::telemetry::{body_of, logs, record, text_of};
use crate::harness::{Backend, Client, Collector, eventually};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Pipelines, and what is sent of the collector itself, which stands for `TELEMETRY`.
fn yaml(telemetry: &str) -> String {
    "
receivers:
  otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' }, http: { endpoint: '${env:HOST}:4318' } } }
processors:
  resource: { attributes: [{ key: seen, value: 'yes', action: insert }] }
  batch:
exporters:
  file: { path: out.jsonl }
  otlp_grpc: { endpoint: '${env:DATA:-127.0.0.1:1}', tls: { insecure: true }, compression: none, retry_on_failure: { enabled: false } }
modules: { cache: '${env:CACHE}' }
service:
  telemetry:
    metrics: { address: '${env:HOST}:8888' }
TELEMETRY
  pipelines:
    logs: { receivers: [otlp], processors: [resource], exporters: [otlp_grpc] }
    metrics: { receivers: [otlp], exporters: [file] }
    traces: { receivers: [otlp], processors: [batch], exporters: [file] }
"
    .replace("TELEMETRY", telemetry)
}

const LOGS: &str = "
    resource: { service.name: edge-agent, service.version: , site: '7' }
    logs:
      processors:
        - batch:
            schedule_delay: 20
            exporter: { otlp: { protocol: grpc, endpoint: '${env:OWN}', insecure: true, headers: [{ name: X-Token, value: sesame }] } }
";

const TRACES: &str = "
    traces:
      propagators: [tracecontext, b3]
      processors:
        - batch: { schedule_delay: 20, exporter: { otlp: { protocol: grpc, endpoint: 'http://${env:OWN}' } } }
";

/// The record that the collector tells of itself with these words.
async fn told(backend: &Backend, words: &str) -> LogRecord {
    eventually(&format!("a record with {words:?}"), async || {
        backend.log_records().into_iter().find(|record| body_of(record).is_some_and(|body| body.contains(words)))
    })
    .await
}

fn spans(backend: &Backend) -> Vec<Span> {
    backend.with(|taken| {
        let scopes = taken.traces.iter().flat_map(|r| &r.resource_spans).flat_map(|r| &r.scope_spans);
        scopes.flat_map(|scope| &scope.spans).cloned().collect()
    })
}

/// The span of this name in the trace of these digits.
async fn span(backend: &Backend, trace: &str, name: &str) -> Span {
    eventually(&format!("a span {name:?} of {trace}"), async || {
        spans(backend).into_iter().find(|span| span.name == name && hex(&span.trace_id) == trace)
    })
    .await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number_of(attributes: &[KeyValue], key: &str) -> Option<i64> {
    match attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()? {
        Value::IntValue(number) => Some(*number),
        _ => None,
    }
}

/// Sends a record with these headers.
async fn send(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<(), Status> {
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut request = Request::new(logs(vec![record("a", 9, "of a request")]));
    for (key, value) in headers {
        request.metadata_mut().insert(*key, value.parse().unwrap());
    }
    LogsServiceClient::new(channel).export(request).await.map(|_| ())
}

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{SPAN}-{flags}")
}

#[tokio::test]
async fn own_records_arrive_over_grpc_with_severity_component_and_resource() {
    let own = Backend::start().await;
    let collector = Collector::from_yaml(&yaml(LOGS)).env("OWN", &own.address()).start().await;
    let listening = told(&own, "listening").await;
    assert_eq!((listening.severity_number, &*listening.severity_text), (9, "info"));
    assert!(listening.time_unix_nano > 0 && listening.trace_id.is_empty());
    assert_eq!(text_of(&listening.attributes, "otelcol.component.id"), Some("otlp"));
    assert_eq!(text_of(&listening.attributes, "otelcol.component.kind"), Some("receiver"));
    let loaded = told(&own, "module loaded").await;
    assert_eq!(text_of(&loaded.attributes, "otelcol.pipeline.id"), Some("logs"));
    assert_eq!(text_of(&loaded.attributes, "module"), Some("resource"));
    own.with(|taken| {
        let resource = taken.logs[0].resource_logs[0].resource.clone().unwrap();
        assert_eq!(text_of(&resource.attributes, "service.name"), Some("edge-agent"));
        assert_eq!(text_of(&resource.attributes, "site"), Some("7"));
        assert_eq!(text_of(&resource.attributes, "service.version"), None, "nothing behind its name takes it out");
        assert_eq!(text_of(&resource.attributes, "service.instance.id").map(str::len), Some(36));
        assert_eq!(taken.logs[0].resource_logs[0].schema_url, "https://opentelemetry.io/schemas/1.40.0");
        let scopes = &taken.logs[0].resource_logs[0].scope_logs;
        assert!(scopes.iter().all(|scope| scope.scope.as_ref().is_some_and(|scope| !scope.name.is_empty())));
        assert_eq!(taken.metadata[0]["x-token"], "sesame");
    });
    assert!(collector.log.text().contains("listening"), "the lines stay where they are");
    // It is counted when the answer is there, which may be after the backend has told us of the record.
    eventually("what was sent is counted", async || {
        let sent = collector.metrics().await.sum("tidegate_telemetry_sent_items", &["otel_signal=\"logs\""]);
        (sent >= 2.0).then_some(())
    })
    .await;
}

const OVER_HTTP: &str = "
    resource: { attributes: [{ name: service.name, value: edge }, { name: shards, value: [1, 2] }] }
    logs:
      level: warn
      processors:
        - simple:
            exporter: { otlp: { protocol: http/protobuf, endpoint: '${env:OWN}/v1/logs', compression: gzip, headers_list: 'a=b%20c,d=e' } }
";

#[tokio::test]
async fn own_records_arrive_over_http_and_only_from_their_level_up() {
    let backend = Backend::start().await;
    let hub = yaml("").replace("processors: [resource]", "processors: []");
    let hub = Collector::from_yaml(&hub).env("DATA", &backend.address()).start().await;
    let own = format!("http://{}", hub.http());
    let collector = Collector::from_yaml(&yaml(OVER_HTTP)).env("OWN", &own).start_quietly().await;
    assert!(collector.log.having(0, &["INFO"]).is_empty(), "{}", collector.log.text());
    send(collector.grpc(), &[]).await.unwrap_err();
    let failed = told(&backend, "export failed").await;
    assert_eq!((failed.severity_number, &*failed.severity_text), (13, "warn"));
    assert_eq!(text_of(&failed.attributes, "otelcol.component.id"), Some("otlp_grpc"));
    assert_eq!(text_of(&failed.attributes, "otelcol.component.kind"), Some("exporter"));
    assert!(backend.log_records().iter().all(|record| record.severity_number >= 13));
    backend.with(|taken| {
        let resource = taken.logs[0].resource_logs[0].resource.clone().unwrap();
        assert_eq!(text_of(&resource.attributes, "service.name"), Some("edge"));
        assert_eq!(text_of(&resource.attributes, "service.version"), Some(env!("CARGO_PKG_VERSION")));
        assert!(resource.attributes.iter().any(|attribute| attribute.key == "shards"));
    });
}

#[tokio::test]
async fn the_spans_of_a_request_are_children_of_its_senders() {
    let (own, data) = (Backend::start().await, Backend::start().await);
    let both = format!("{LOGS}{TRACES}");
    let setup = Collector::from_yaml(&yaml(&both)).env("OWN", &own.address()).env("DATA", &data.address());
    let collector = setup.start().await;
    send(collector.grpc(), &[("traceparent", &traceparent("01"))]).await.unwrap();
    let received = span(&own, TRACE, "receiver/otlp/LogsReceived").await;
    assert_eq!(hex(&received.parent_span_id), SPAN);
    assert_eq!(received.kind, 2, "it is the server's side");
    assert_eq!(number_of(&received.attributes, "accepted_log_records"), Some(1));
    assert_eq!(number_of(&received.attributes, "refused_log_records"), Some(0));
    assert_eq!(text_of(&received.attributes, "transport"), Some("grpc"));
    let processed = span(&own, TRACE, "processor/resource/logs").await;
    assert_eq!(processed.parent_span_id, received.span_id);
    let called = span(&own, TRACE, "guest/resource").await;
    assert_eq!(called.parent_span_id, processed.span_id);
    assert_eq!(text_of(&called.attributes, "module"), Some("resource"));
    assert_eq!(text_of(&called.attributes, "digest").map(str::len), Some(64));
    let exported = span(&own, TRACE, "exporter/otlp_grpc/logs").await;
    assert_eq!(exported.parent_span_id, processed.span_id);
    assert_eq!(number_of(&exported.attributes, "items.sent"), Some(1));
    let header = data.with(|taken| taken.metadata[0]["traceparent"].to_str().unwrap().to_owned());
    assert_eq!(header, format!("00-{TRACE}-{}-01", hex(&exported.span_id)), "the next hop is told");
    let resource = own.with(|taken| taken.traces[0].resource_spans[0].resource.clone().unwrap());
    assert_eq!(text_of(&resource.attributes, "service.name"), Some("edge-agent"));

    data.refuse(Status::invalid_argument("not this"));
    let b3 = format!("{}-{SPAN}-1", TRACE.replace('0', "1"));
    send(collector.grpc(), &[("b3", &b3)]).await.unwrap_err();
    let failed = span(&own, &b3[..32], "exporter/otlp_grpc/logs").await;
    assert_eq!(number_of(&failed.attributes, "items.failed"), Some(1));
    assert_eq!(failed.status.as_ref().unwrap().code, 2);
    assert!(failed.status.unwrap().message.contains("not this"));
    let received = span(&own, &b3[..32], "receiver/otlp/LogsReceived").await;
    assert_eq!(number_of(&received.attributes, "failed_log_records"), Some(1));
    let told = told(&own, "export failed").await;
    assert_eq!((told.trace_id, told.span_id), (failed.trace_id, failed.span_id), "the line is of the span");
}

#[tokio::test]
async fn only_what_is_sampled_is_sent_and_a_batch_goes_on_in_the_trace_of_its_sender() {
    let no_roots = "      sampler: { parent_based: { root: { always_off: {} } } }\n";
    for sampler in ["", no_roots] {
        let own = Backend::start().await;
        let telemetry = format!("{TRACES}{sampler}");
        let collector = Collector::from_yaml(&yaml(&telemetry)).env("OWN", &own.address()).start().await;
        if !sampler.is_empty() {
            let client = Client::connect(collector.grpc()).await;
            client.traces(crate::harness::telemetry::traces("without a parent")).await.unwrap();
        }
        post_trace(&collector, &traceparent("00").replace(TRACE, &TRACE.replace('0', "2"))).await;
        post_trace(&collector, &traceparent("01")).await;
        let received = span(&own, TRACE, "receiver/otlp/TraceDataReceived").await;
        assert_eq!(text_of(&received.attributes, "transport"), Some("http"));
        assert_eq!(text_of(&received.attributes, "format"), Some("json"));
        let batch = span(&own, TRACE, "batch/batch").await;
        let processed = span(&own, TRACE, "processor/batch/traces").await;
        assert_eq!(batch.parent_span_id, processed.span_id);
        let exported = span(&own, TRACE, "exporter/file/traces").await;
        assert_eq!(exported.parent_span_id, batch.span_id);
        let others = spans(&own).into_iter().filter(|span| hex(&span.trace_id) != TRACE).count();
        assert_eq!(others, 0, "{sampler}");
    }
}

/// Sends a span as JSON.
async fn post_trace(collector: &Collector, traceparent: &str) {
    let body = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01010101010101010101010101010101","spanId":"0202020202020202","name":"x"}]}]}]}"#;
    let request = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntraceparent: {traceparent}\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = collector.raw(4318, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

const AWAY: &str = "
    logs:
      level: debug
      processors:
        - batch:
            { schedule_delay: 10, export_timeout: 100, max_queue_size: 4, exporter: { otlp: { protocol: grpc, endpoint: 'http://${env:OWN}' } } }
    traces:
      processors:
        - batch:
            { schedule_delay: 10, max_queue_size: 2, exporter: { otlp: { protocol: http/protobuf, endpoint: 'http://${env:OWN}' } } }
";

#[tokio::test]
async fn a_backend_that_is_silent_or_away_holds_up_neither_data_nor_start_nor_end() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = gone.local_addr().unwrap();
    drop(gone);
    for own in [silent.local_addr().unwrap(), away] {
        let mut collector = Collector::from_yaml(&yaml(AWAY)).env("OWN", &own).start().await;
        let client = Client::connect(collector.grpc()).await;
        for _ in 0..20 {
            client.metrics(crate::harness::telemetry::metrics()).await.unwrap();
        }
        eventually("what is dropped is counted", async || {
            let metrics = collector.metrics().await;
            let dropped = |labels: &[&str]| metrics.sum("tidegate_telemetry_dropped_items", labels);
            let of = |signal, reason| dropped(&[signal, reason]) > 0.0;
            let logs = of("otel_signal=\"logs\"", "reason=\"not_sent\"");
            (logs && of("otel_signal=\"traces\"", "reason=\"queue_full\"")).then_some(())
        })
        .await;
        collector.log.wait_for(0, &["WARN", "own telemetry was dropped", "signal=logs"]).await;
        let before = Instant::now();
        collector.signal_term();
        assert_eq!(collector.ended().await.code(), Some(0));
        assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
        let log = collector.log.whole().await;
        let complaints = log.lines().filter(|line| line.contains("own telemetry was dropped")).count();
        assert!(complaints <= 4, "it is told now and then: {log}");
        assert!(!log.contains("will be tried again"), "not each attempt: {log}");
    }
}

const TO_ITSELF: &str = "
    logs:
      level: debug
      processors:
        - batch: { schedule_delay: 10, exporter: { otlp: { protocol: grpc, endpoint: '${env:HOST}:4317', insecure: true } } }
    traces:
      propagators: [tracecontext]
      processors:
        - batch: { schedule_delay: 10, exporter: { otlp: { protocol: http/protobuf, endpoint: 'http://${env:HOST}:4318' } } }
";

#[tokio::test]
async fn a_collector_that_sends_to_itself_does_not_tell_of_its_telling() {
    let debug = "file: { path: out.jsonl }\n  debug: { verbosity: detailed }";
    let yaml = yaml(TO_ITSELF)
        .replace("file: { path: out.jsonl }", debug)
        .replace("exporters: [otlp_grpc]", "exporters: [debug, file]")
        .replace("processors: [batch], exporters: [file]", "exporters: [debug, file]");
    let collector = Collector::from_yaml(&yaml).start().await;
    let client = Client::connect(collector.grpc()).await;
    let sent = async |signal: &str| collector.metrics().await.sum("tidegate_telemetry_sent_items", &[signal]);
    // Each of these has two spans, which come back once.
    for number in 1..=5 {
        client.metrics(crate::harness::telemetry::metrics()).await.unwrap();
        let expected = f64::from(number) * 2.0;
        eventually("its spans came back", async || (sent("otel_signal=\"traces\"").await >= expected).then_some(()))
            .await;
    }
    eventually("its records came back", async || collector.read("out.jsonl").contains("listening").then_some(())).await;
    let metrics = collector.metrics().await;
    let sent = |signal: &str| metrics.sum("tidegate_telemetry_sent_items", &[signal]);
    assert_eq!(sent("otel_signal=\"traces\""), 10.0, "the spans of five requests, and none of their sending");
    assert!(sent("otel_signal=\"logs\"") < 100.0, "{}", metrics.0);
    let shown = collector.log.having(0, &["host_exporters::debug"]);
    assert!(!shown.is_empty(), "what passes is shown");
    assert!(!collector.read("out.jsonl").contains("resource logs"), "what is shown comes back no more");
    assert_eq!(metrics.sum("tidegate_telemetry_dropped_items", &[]), 0.0, "{}", metrics.0);
}

#[tokio::test]
async fn a_change_of_what_is_sent_asks_for_a_restart_and_leaves_all_as_it_was() {
    let own = Backend::start().await;
    let collector = Collector::from_yaml(&yaml(LOGS)).env("OWN", &own.address()).start().await;
    let changes = [
        (yaml(&LOGS.replace("schedule_delay: 20", "schedule_delay: 30")), "logs.processors"),
        (yaml(&format!("{LOGS}{TRACES}")), "traces"),
        (yaml(&LOGS.replace("edge-agent", "other")), "resource"),
    ];
    for (changed, key) in changes {
        let seen = collector.log.len();
        collector.replace("tidegate.yaml", changed);
        let path = format!("service.telemetry.{key}: it cannot change while the collector runs: restart it");
        collector.log.wait_for(seen, &["tidegate.yaml:", &path]).await;
    }
    told(&own, "stays in force").await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named_before_anything_runs() {
    let bad =
        LOGS.replace("endpoint: '${env:OWN}', insecure: true", "endpoint: 'https://x:4317', certificate: none.pem");
    let (valid, said) = Collector::from_yaml(&yaml(&bad)).validate();
    assert!(
        !valid && said.contains("service.telemetry.logs.processors[0].batch.exporter.otlp.certificate: "),
        "{said}"
    );
    let (status, log) = Collector::from_yaml(&yaml(&bad)).fails().await;
    assert!(!status.success() && log.contains("otlp.certificate"), "{log}");
}
