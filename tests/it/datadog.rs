//! The exporter to Datadog, from a client through the binary to a checker that knows the limits and shapes of its intakes.

use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric};
use serde_json::{Value, json};
use tonic::Code;

use crate::checkers::datadog::{Datadog, KEY};
use crate::harness::{Client, Collector, Setup, eventually, telemetry};

/// OTLP in, and out to `${env:DATADOG}`, with more of the exporter's section for `MORE`.
const YAML: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317', max_recv_msg_size_mib: 16 } } } }
exporters:
  datadog:
    api: { key: '${env:KEY}', fail_on_invalid_key: true }
    hostname: here
    logs: { endpoint: 'http://${env:DATADOG}' }
    traces: { endpoint: 'http://${env:DATADOG}' }
    metrics: { endpoint: 'http://${env:DATADOG}' METRICS }
    retry_on_failure: { initial_interval: 20ms, max_interval: 50ms MORE }
service:
  limits: { ack_timeout: 60s }
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], exporters: [datadog] }
    traces: { receivers: [otlp], exporters: [datadog] }
    metrics: { receivers: [otlp], exporters: [datadog] }
";

fn collector(datadog: &Datadog, metrics: &str, more: &str) -> Setup {
    let yaml = YAML.replace("METRICS", metrics).replace("MORE", more);
    Collector::from_yaml(&yaml).env("DATADOG", &datadog.address()).env("KEY", &KEY)
}

async fn line(metrics: &str) -> (Datadog, Collector, Client) {
    let datadog = Datadog::start().await;
    let collector = collector(&datadog, metrics, "").start().await;
    let client = Client::connect(collector.grpc()).await;
    (datadog, collector, client)
}

fn nothing_refused(datadog: &Datadog) {
    datadog.with(|taken| assert_eq!(taken.refused, [""; 0]));
}

/// The present, in nanoseconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

fn record(id: &str, body: &str) -> LogRecord {
    LogRecord { time_unix_nano: now(), ..telemetry::record(id, 17, body) }
}

const SECOND: u64 = 1_000_000_000;

/// A sum since a start long ago, so many seconds before now.
fn total(ago: u64, value: f64) -> ExportMetricsServiceRequest {
    let mut request = telemetry::metrics_at(now() - ago * SECOND);
    each(&mut request, |metric| match &mut metric.data {
        Some(metric::Data::Sum(sum)) => {
            sum.is_monotonic = true;
            sum.aggregation_temporality = 2;
            for point in &mut sum.data_points {
                point.start_time_unix_nano = SECOND;
                point.value = Some(opentelemetry_proto::tonic::metrics::v1::number_data_point::Value::AsDouble(value));
            }
            true
        }
        _ => false,
    });
    request
}

/// Keeps the metrics for which `keep` says so, as it leaves them.
fn each(request: &mut ExportMetricsServiceRequest, mut keep: impl FnMut(&mut Metric) -> bool) {
    for scope in request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics) {
        scope.metrics.retain_mut(&mut keep);
    }
}

/// The values of a series, in the order in which they came.
fn values(datadog: &Datadog, name: &str) -> Vec<f64> {
    datadog.with(|taken| {
        let of = taken.series.iter().filter(|series| series["metric"] == name);
        of.map(|series| series["points"][0]["value"].as_f64().unwrap()).collect()
    })
}

#[tokio::test]
async fn log_records_arrive_with_what_datadog_knows_and_everything_else() {
    let (datadog, collector, client) = line("").await;
    client.logs(telemetry::logs(vec![record("a", "it failed")])).await.unwrap();
    nothing_refused(&datadog);
    datadog.with(|taken| {
        let log = &taken.logs[0];
        for (name, wanted) in [
            ("message", json!("it failed")),
            ("status", json!("INFO")),
            ("hostname", json!("here")),
            ("service", json!("shop")),
            ("ddsource", json!("otlp_log_ingestion")),
            ("ddtags", json!("service:shop,otel_source:datadog_exporter")),
            ("id", json!("a")),
            ("map.inner", json!("AJ+Slg==")),
            ("dd.trace_id", json!(u64::from_be_bytes([7; 8]).to_string())),
            ("dd.span_id", json!(u64::from_be_bytes([8; 8]).to_string())),
            ("otel.severity_number", json!("17")),
        ] {
            assert_eq!(log[name], wanted, "{name}");
        }
        assert_eq!(taken.checks, 1, "the key was looked up at the start");
    });
    let sent = eventually("it is counted", async || {
        let sent = collector.metrics().await.sum("otelcol_exporter_sent_log_records", &["datadog"]);
        (sent > 0.0).then_some(sent)
    });
    assert_eq!(sent.await, 1.0);
}

#[tokio::test]
async fn many_and_long_logs_keep_to_the_limits_of_the_intake() {
    let (datadog, _collector, client) = line("").await;
    let many = (0..2500).map(|i| record(&format!("<{i}>"), "x")).collect();
    client.logs(telemetry::logs(many)).await.unwrap();
    let long = (0..7).map(|i| record(&format!("<long {i}>"), &"y".repeat(950_000))).collect();
    client.logs(telemetry::logs(long)).await.unwrap();
    client.logs(telemetry::logs(vec![record("<cut>", &"ü".repeat(1_000_000))])).await.unwrap();
    nothing_refused(&datadog);
    datadog.with(|taken| {
        assert_eq!(taken.log_requests, [1000, 1000, 500, 5, 2, 1]);
        let cut = taken.logs.last().unwrap()["message"].as_str().unwrap();
        assert!(cut.ends_with("ü...TRUNCATED..."), "{}", cut.len());
        let ids: std::collections::BTreeSet<_> = taken.logs.iter().map(|log| log["id"].to_string()).collect();
        assert_eq!((ids.len(), taken.logs.len()), (2508, 2508));
    });
}

#[tokio::test]
async fn spans_arrive_as_they_were_sent() {
    let (datadog, _collector, client) = line("").await;
    let traces = telemetry::traces("GET /");
    client.traces(traces.clone()).await.unwrap();
    nothing_refused(&datadog);
    datadog.with(|taken| {
        assert_eq!(taken.traces, [traces]);
        assert_eq!(taken.with_stats, ["true"]);
    });
}

#[tokio::test]
async fn metrics_of_every_kind_arrive_as_series_and_distributions() {
    let (datadog, _collector, client) = line(", histograms: { send_aggregation_metrics: true }").await;
    let mut request = telemetry::metrics_at(now());
    // Of what is cumulative nothing is known yet.
    each(&mut request, |metric| {
        match &mut metric.data {
            Some(metric::Data::Histogram(histogram)) => histogram.aggregation_temporality = 1,
            Some(metric::Data::ExponentialHistogram(histogram)) => histogram.aggregation_temporality = 1,
            Some(metric::Data::Sum(sum)) => sum.aggregation_temporality = 1,
            _ => {}
        }
        true
    });
    client.metrics(request).await.unwrap();
    nothing_refused(&datadog);
    datadog.with(|taken| {
        let kind = |name: &str| -> Option<&Value> {
            taken.series.iter().find(|series| series["metric"] == name).map(|series| &series["type"])
        };
        assert_eq!((kind("metric.0"), kind("metric.1")), (Some(&json!(3)), Some(&json!(1))));
        assert_eq!((kind("metric.2.count"), kind("metric.4.quantile")), (Some(&json!(1)), Some(&json!(3))));
        let gauge = taken.series.iter().find(|series| series["metric"] == "metric.0").unwrap();
        assert_eq!(
            (&gauge["unit"], &gauge["resources"]),
            (&json!("byte"), &json!([{ "name": "here", "type": "host" }]))
        );
        let tags = gauge["tags"].to_string();
        for tag in ["\"service:shop\"", "\"instrumentation_scope:tests\"", "\"text:grüße\""] {
            assert!(tags.contains(tag), "{tag} in {tags}");
        }
        let sketches: Vec<_> = taken.sketches.iter().map(|sketch| sketch.metric.as_str()).collect();
        assert_eq!(sketches, ["metric.2", "metric.3"]);
    });
}

#[tokio::test]
async fn of_a_cumulative_sum_what_came_is_sent_and_what_could_not_be_is_sent_later() {
    let datadog = Datadog::start().await;
    let collector = collector(&datadog, "", ", max_elapsed_time: 100ms").start().await;
    let client = Client::connect(collector.grpc()).await;
    client.metrics(total(50, 10.0)).await.unwrap();
    client.metrics(total(40, 13.0)).await.unwrap();
    assert_eq!(values(&datadog, "metric.1"), [3.0]);
    // Datadog is away for longer than the exporter tries.
    datadog.busy(usize::MAX, 503, None);
    let lost = total(30, 20.0);
    assert_eq!(client.metrics(lost.clone()).await.unwrap_err().code(), Code::Unavailable);
    datadog.busy(0, 503, None);
    // Its sender sends it again, and that once more.
    client.metrics(lost.clone()).await.unwrap();
    client.metrics(lost).await.unwrap();
    assert_eq!(values(&datadog, "metric.1"), [3.0, 7.0]);
    datadog.busy(usize::MAX, 503, None);
    client.metrics(total(20, 21.0)).await.unwrap_err();
    datadog.busy(0, 503, None);
    client.metrics(total(10, 25.0)).await.unwrap();
    assert_eq!(values(&datadog, "metric.1"), [3.0, 7.0, 5.0]);
    nothing_refused(&datadog);
}

#[tokio::test]
async fn many_series_keep_to_the_limits_of_the_intake_and_what_is_too_large_all_the_same_is_halved() {
    let (datadog, _collector, client) = line("").await;
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{state:016x}")
    };
    let mut of = |count: usize| {
        let mut request = telemetry::metrics_at(now());
        each(&mut request, |metric| matches!(metric.data, Some(metric::Data::Gauge(_))));
        let metrics = &mut request.resource_metrics[0].scope_metrics[0].metrics;
        let Some(metric::Data::Gauge(gauge)) = &mut metrics[0].data else { panic!("it is a gauge") };
        let point = gauge.data_points[0].clone();
        gauge.data_points = (0..count)
            .map(|_| {
                let mut point = point.clone();
                // What is random cannot be compressed.
                point.attributes =
                    (0..20).map(|i| telemetry::attribute(&format!("k{i}"), telemetry::text(&noise()))).collect();
                point
            })
            .collect();
        request
    };
    client.metrics(of(5000)).await.unwrap();
    nothing_refused(&datadog);
    datadog.with(|taken| {
        assert_eq!(taken.series.len(), 5000);
        assert!(taken.series_bytes.len() > 1, "{:?}", taken.series_bytes);
        assert!(taken.series_bytes.iter().all(|(_, packed)| *packed <= 512_000));
    });
    datadog.limit_series(100_000);
    client.metrics(of(1500)).await.unwrap();
    datadog.with(|taken| {
        assert_eq!(taken.series.len(), 6500);
        assert!(!taken.refused.is_empty() && taken.refused.iter().all(|why| why.starts_with("413")));
    });
}

#[tokio::test]
async fn a_busy_datadog_is_asked_again() {
    for (status, after) in [(429, Some(1)), (500, None), (503, None), (408, None)] {
        let (datadog, _collector, client) = line("").await;
        datadog.busy(1, status, after);
        let start = SystemTime::now();
        client.logs(telemetry::logs(vec![record("a", "x")])).await.unwrap();
        assert_eq!(datadog.with(|taken| taken.logs.len()), 1, "{status}");
        assert!(start.elapsed().unwrap().as_secs() >= after.unwrap_or(0), "{status}");
    }
}

#[tokio::test]
async fn a_key_that_datadog_does_not_know_ends_the_start_where_that_is_wanted() {
    let datadog = Datadog::start().await;
    let (status, log) = collector(&datadog, "", "").env("KEY", &"ffff0000deadbeef").fails().await;
    assert!(!status.success());
    assert!(
        log.contains("api.fail_on_invalid_key") && log.contains("Forbidden") && !log.contains("ffff0000deadbeef"),
        "{log}"
    );
    // Without that it is told with the first request.
    let yaml = YAML.replace("METRICS", "").replace(" MORE", "").replace(", fail_on_invalid_key: true", "");
    let collector =
        Collector::from_yaml(&yaml).env("DATADOG", &datadog.address()).env("KEY", &"ffff0000deadbeef").start().await;
    let client = Client::connect(collector.grpc()).await;
    let refused = client.logs(telemetry::logs(vec![record("a", "x")])).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(refused.message().contains("Forbidden"), "{refused}");
}
