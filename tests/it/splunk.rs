//! The exporter to Splunk, from a client through the binary to a checker that knows Splunk's limits, shapes and errors.

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Value, json};
use tonic::Code;

use crate::checkers::splunk::{Manner, Splunk, TOKEN, Taken};
use crate::harness::{Client, Collector, Setup, eventually, telemetry};

/// OTLP in, and out to `${env:SPLUNK}`, with more of the exporter's section for `MORE`.
const YAML: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  splunk_hec:
    endpoint: 'http://${env:SPLUNK}'
    token: '${env:TOKEN}'
    retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }
    MORE
service:
  limits: { ack_timeout: 60s }
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], exporters: [splunk_hec] }
    traces: { receivers: [otlp], exporters: [splunk_hec] }
    metrics: { receivers: [otlp], exporters: [splunk_hec] }
";

fn collector(splunk: &Splunk, more: &str) -> Setup {
    Collector::from_yaml(&YAML.replace("MORE", more)).env("SPLUNK", &splunk.address()).env("TOKEN", &TOKEN)
}

/// A checker, a collector before it with `more` in its section, and a client.
async fn line(manner: Manner, more: &str) -> (Splunk, Collector, Client) {
    let splunk = Splunk::start(manner).await;
    let collector = collector(&splunk, more).start().await;
    let client = Client::connect(collector.grpc()).await;
    (splunk, collector, client)
}

fn records(count: usize, body: &str) -> Vec<LogRecord> {
    (0..count).map(|i| telemetry::record(&format!("<{i}>"), 9, body)).collect()
}

fn nothing_refused(splunk: &Splunk) {
    splunk.with(|taken| assert_eq!(taken.refused, [""; 0]));
}

/// How often an event with this id was taken.
fn times(taken: &Taken, id: &str) -> usize {
    taken.events.iter().filter(|event| event["fields"]["id"] == id).count()
}

#[tokio::test]
async fn log_records_arrive_as_events_with_all_that_they_say() {
    let (splunk, collector, client) = line(Manner::default(), "index: main\n    sourcetype: otel").await;
    client.logs(telemetry::logs(vec![telemetry::record("a", 9, "first")])).await.unwrap();
    nothing_refused(&splunk);
    splunk.with(|taken| {
        let seconds = telemetry::THEN / 1_000_000_000;
        let event = &taken.events[0];
        assert_eq!((&event["event"], &event["host"]), (&json!("first"), &json!("unknown")));
        assert_eq!((&event["index"], &event["sourcetype"]), (&json!("main"), &json!("otel")));
        assert_eq!(event["time"].as_f64().unwrap() as u64, seconds);
        let fields = &event["fields"];
        for (name, wanted) in [
            ("text", json!("grüße")),
            ("integer", json!(i64::MIN)),
            ("double", json!(-0.5)),
            ("truth", json!(false)),
            ("list", json!("[\"a\",-7,null]")),
            ("map.inner", json!("AJ+Slg==")),
            ("service.name", json!("shop")),
            ("otel.log.severity.number", json!(9)),
            ("otel.log.severity.text", json!("INFO")),
            ("otel.log.name", json!("tested")),
            ("trace_id", json!("07".repeat(16))),
            ("span_id", json!("08".repeat(8))),
        ] {
            assert_eq!(fields[name], wanted, "{name}");
        }
        assert_eq!(fields.get("nothing"), None);
        assert_eq!(taken.members[0], ["event", "fields", "host", "sourcetype", "index", "time"]);
        let headers = &taken.headers[0];
        assert_eq!(headers["content-encoding"], "gzip");
        assert_eq!(headers["__splunk_app_name"], "tidegate");
        assert!(headers["user-agent"].starts_with("tidegate/"));
    });
    let sent = eventually("it is counted", async || {
        let sent = collector.metrics().await.sum("otelcol_exporter_sent_log_records", &["splunk_hec"]);
        (sent > 0.0).then_some(sent)
    });
    assert_eq!(sent.await, 1.0);
}

#[tokio::test]
async fn spans_arrive_as_events_with_all_that_they_say() {
    let (splunk, _collector, client) = line(Manner::default(), "").await;
    client.traces(telemetry::traces("GET /")).await.unwrap();
    nothing_refused(&splunk);
    splunk.with(|taken| {
        let span = &taken.events[0]["event"];
        assert_eq!((&span["name"], &span["kind"]), (&json!("GET /"), &json!("SPAN_KIND_SERVER")));
        assert_eq!(span["status"], json!({ "message": "late", "code": "STATUS_CODE_ERROR" }));
        assert_eq!((&span["start_time"], &span["end_time"]), (&json!(telemetry::THEN), &json!(telemetry::THEN + 5)));
        assert_eq!(span["events"][0]["attributes"]["map"], json!({ "inner": "AJ+Slg==" }));
        assert_eq!(span["links"][0]["trace_id"], json!("04".repeat(16)));
        assert_eq!(taken.events[0]["fields"]["integer"], json!(i64::MIN.to_string()));
    });
}

/// Metrics of each kind whose points have values.
fn metrics() -> ExportMetricsServiceRequest {
    telemetry::metrics_at(telemetry::THEN)
}

#[tokio::test]
async fn metrics_of_every_kind_arrive_as_metric_events() {
    let (splunk, _collector, client) = line(Manner::default(), "").await;
    client.metrics(metrics()).await.unwrap();
    nothing_refused(&splunk);
    splunk.with(|taken| {
        let kinds = |kind: &str| taken.events.iter().filter(|event| event["fields"]["metric_type"] == kind).count();
        assert_eq!((kinds("Gauge"), kinds("Sum")), (1, 1));
        for kind in ["Histogram", "ExponentialHistogram", "Summary"] {
            assert!(kinds(kind) > 2, "{kind}: {}", kinds(kind));
        }
        // The buckets of a histogram add up to its count.
        let values = |name: &str| -> Vec<&Value> {
            let of = |event: &'_ Value| event["fields"].get(format!("metric_name:{name}")).cloned();
            taken.events.iter().filter(|event| of(event).is_some()).map(|event| &event["fields"]).collect()
        };
        for name in ["metric.2", "metric.3"] {
            let count = &values(&format!("{name}_count"))[0][format!("metric_name:{name}_count")];
            let buckets = values(&format!("{name}_bucket"));
            let last = buckets.iter().find(|fields| fields["le"] == "+Inf").unwrap();
            assert_eq!(&last[format!("metric_name:{name}_bucket")], count, "{name}");
        }
    });
    let (merged, _collector, client) = line(Manner::default(), "use_multi_metric_format: true").await;
    client.metrics(metrics()).await.unwrap();
    nothing_refused(&merged);
    assert!(merged.with(|taken| taken.events.len()) < splunk.with(|taken| taken.events.len()));
}

#[tokio::test]
async fn raw_data_is_bodies_alone_and_what_else_is_known_stands_in_the_address() {
    let (splunk, _collector, client) = line(Manner::default(), "export_raw: true\n    source: 'a b'").await;
    client.logs(telemetry::logs(records(2, "a line"))).await.unwrap();
    client.traces(telemetry::traces("GET /")).await.unwrap();
    nothing_refused(&splunk);
    splunk.with(|taken| {
        let lines: Vec<&str> = taken.lines.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines, ["a line", "a line"]);
        assert_eq!((taken.lines[0].1["host"].as_str(), taken.lines[0].1["source"].as_str()), ("unknown", "a%20b"));
        assert_eq!(taken.events.len(), 1, "spans stay events");
    });
}

#[tokio::test]
async fn requests_keep_to_their_size_and_what_splunk_finds_too_large_is_halved() {
    let small = Manner { max_content_length: 20_000, ..Manner::default() };
    let (splunk, collector, client) = line(small, "max_content_length_logs: 60000").await;
    client.logs(telemetry::logs(records(200, &"x".repeat(500)))).await.unwrap();
    splunk.with(|taken| {
        assert!(
            !taken.refused.is_empty() && taken.refused.iter().all(|why| why.starts_with("413")),
            "{:?}",
            taken.refused
        );
        assert!(taken.bodies.iter().all(|body| body.len() <= 20_000));
        assert!((0..200).all(|i| times(taken, &format!("<{i}>")) == 1));
    });
    // One that fits nowhere is left out alone.
    let mut some = records(3, "short");
    some[1] = telemetry::record("<long>", 9, &"x".repeat(30_000));
    client.logs(telemetry::logs(some)).await.unwrap();
    splunk.with(|taken| assert_eq!((times(taken, "<2>"), times(taken, "<long>")), (2, 0)));
    let failed = eventually("it is counted", async || {
        let failed = collector.metrics().await.sum("otelcol_exporter_send_failed_log_records", &["splunk_hec"]);
        (failed > 0.0).then_some(failed)
    });
    assert_eq!(failed.await, 1.0);
}

#[tokio::test]
async fn an_event_that_is_too_long_is_counted_by_its_reason() {
    let (splunk, collector, client) = line(Manner::default(), "max_event_size: 5000").await;
    let mut some = records(2, "short");
    some.push(telemetry::record("<long>", 9, &"x".repeat(6000)));
    client.logs(telemetry::logs(some)).await.unwrap();
    assert_eq!(splunk.with(|taken| taken.events.len()), 2);
    let rejected = eventually("it is counted", async || {
        let reason = ["splunk_hec", "reason=\"too_long\""];
        let rejected = collector.metrics().await.sum("tidegate_exporter_rejected_log_records", &reason);
        (rejected > 0.0).then_some(rejected)
    });
    assert_eq!(rejected.await, 1.0);
}

#[tokio::test]
async fn a_busy_splunk_is_asked_again_and_not_before_it_wants() {
    for (status, after) in [(503, None), (429, None), (500, None), (503, Some(1))] {
        let (splunk, _collector, client) = line(Manner { busy: (2, status, after), ..Manner::default() }, "").await;
        let start = SystemTime::now();
        client.logs(telemetry::logs(records(1, "x"))).await.unwrap();
        splunk.with(|taken| assert_eq!((times(taken, "<0>"), taken.headers.len()), (1, 3), "{status}"));
        let wanted = Duration::from_secs(2 * after.unwrap_or(0));
        assert!(start.elapsed().unwrap() >= wanted, "{status}");
    }
}

#[tokio::test]
async fn a_token_that_splunk_does_not_know_is_a_failure_for_good() {
    let splunk = Splunk::start(Manner::default()).await;
    let collector = collector(&splunk, "").env("TOKEN", &"unheard-of-4711").start().await;
    let client = Client::connect(collector.grpc()).await;
    let refused = client.logs(telemetry::logs(records(1, "x"))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(refused.message().contains("Invalid token"), "{refused}");
    assert_eq!(splunk.with(|taken| taken.headers.len()), 1, "it is not tried again");
    assert!(!collector.log.text().contains("unheard-of-4711"), "the token is in no log");
}

const ACKS: &str = "indexer_acknowledgement: { enabled: true, query_interval: 20ms, timeout: 50s }";

#[tokio::test]
async fn data_is_delivered_when_it_is_indexed_and_not_before() {
    let waiting = Manner { with_acks: true, is_indexing: false, ..Manner::default() };
    let (splunk, _collector, client) = line(waiting, ACKS).await;
    let sends: Vec<_> = (0..3)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.logs(telemetry::logs(records(1, "x"))).await })
        })
        .collect();
    eventually("all were taken, and asked for", async || {
        splunk.with(|taken| taken.events.len() == 3 && taken.queries > 5).then_some(())
    })
    .await;
    assert!(sends.iter().all(|send| !send.is_finished()), "nothing is indexed");
    splunk.change(|manner| manner.is_indexing = true);
    for send in sends {
        send.await.unwrap().unwrap();
    }
    nothing_refused(&splunk);
    splunk.with(|taken| {
        assert_eq!(taken.events.len(), 3, "nothing is sent twice");
        let channels: std::collections::BTreeSet<_> =
            taken.headers.iter().map(|headers| headers["x-splunk-request-channel"].clone()).collect();
        assert_eq!(channels.len(), 1);
    });
}

#[tokio::test]
async fn what_is_not_indexed_in_time_is_sent_again() {
    let waiting = Manner { with_acks: true, is_indexing: false, ..Manner::default() };
    let more = ACKS.replace("timeout: 50s", "timeout: 200ms");
    let (splunk, _collector, client) = line(waiting, &more).await;
    let send = tokio::spawn(async move { client.logs(telemetry::logs(records(1, "x"))).await });
    eventually("it was sent again", async || splunk.with(|taken| taken.events.len() > 1).then_some(())).await;
    splunk.change(|manner| manner.is_indexing = true);
    send.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_token_without_acknowledgement_is_told_and_not_taken_for_an_acknowledgement() {
    let (_splunk, _collector, client) = line(Manner::default(), ACKS).await;
    let refused = client.logs(telemetry::logs(records(1, "x"))).await.unwrap_err();
    assert!(refused.message().contains("turn on indexer acknowledgement for the token"), "{refused}");
}

#[tokio::test]
async fn the_collector_starts_where_splunk_is_healthy_and_takes_a_heartbeat_where_that_is_wanted() {
    let more = "health_check_enabled: true\n    heartbeat: { startup: true, interval: 50ms }";
    let (splunk, collector, _client) = line(Manner::default(), more).await;
    splunk.with(|taken| assert_eq!(taken.checks, 1));
    eventually("it beats", async || splunk.with(|taken| taken.events.len() > 2).then_some(())).await;
    nothing_refused(&splunk);
    splunk.with(|taken| {
        let beat = &taken.events[0];
        assert_eq!((&beat["index"], &beat["sourcetype"]), (&json!("_internal"), &json!("heartbeat")));
        assert!(beat["event"].as_str().unwrap().starts_with("HeartbeatInfo version="), "{beat}");
    });
    eventually("it is counted", async || {
        let sent = collector.metrics().await.sum("otelcol_exporter_splunkhec_heartbeats_sent", &["splunk_hec"]);
        (sent > 1.0).then_some(())
    })
    .await;

    let ill = Splunk::start(Manner { is_healthy: false, ..Manner::default() }).await;
    let (status, log) = self::collector(&ill, "health_check_enabled: true").fails().await;
    assert!(!status.success());
    assert!(log.contains("splunk_hec") && log.contains("HEC is unhealthy"), "{log}");
}
