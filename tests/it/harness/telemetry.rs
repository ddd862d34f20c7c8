//! Telemetry for the tests: requests in which most fields of OTLP have a value.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, metric,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

/// Seconds since the epoch, in nanoseconds: when all of this happened.
pub(crate) const THEN: u64 = 1_767_225_600_000_000_000;

pub(crate) fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.to_owned())) }
}

pub(crate) fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

/// The text of the attribute `key`, where it is there and text.
pub(crate) fn text_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?;
    match value.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The body of a record, where it is text.
pub(crate) fn body_of(record: &LogRecord) -> Option<&str> {
    match record.body.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn attributes() -> Vec<KeyValue> {
    let of = |value| AnyValue { value: Some(value) };
    let list = ArrayValue { values: vec![text("a"), of(Value::IntValue(-7)), AnyValue { value: None }] };
    let map = KeyValueList { values: vec![attribute("inner", of(Value::BytesValue(vec![0, 159, 146, 150])))] };
    vec![
        attribute("text", text("grüße")),
        attribute("integer", of(Value::IntValue(i64::MIN))),
        attribute("double", of(Value::DoubleValue(-0.5))),
        attribute("truth", of(Value::BoolValue(false))),
        attribute("list", of(Value::ArrayValue(list))),
        attribute("map", of(Value::KvlistValue(map))),
        KeyValue { key: "nothing".to_owned(), value: None, ..KeyValue::default() },
    ]
}

fn resource(service: &str) -> Option<Resource> {
    let mut attributes = attributes();
    attributes.push(attribute("service.name", text(service)));
    Some(Resource { attributes, dropped_attributes_count: 2, entity_refs: Vec::new() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "tests".to_owned(),
        version: "1.2.3".to_owned(),
        attributes: attributes(),
        dropped_attributes_count: 1,
    })
}

/// One record with this body and severity number, and with this attribute `id`.
pub(crate) fn record(id: &str, severity_number: i32, body: &str) -> LogRecord {
    let mut attributes = attributes();
    attributes.push(attribute("id", text(id)));
    LogRecord {
        time_unix_nano: THEN,
        observed_time_unix_nano: THEN + 1,
        severity_number,
        severity_text: "INFO".to_owned(),
        body: Some(text(body)),
        attributes,
        dropped_attributes_count: 3,
        flags: 1,
        trace_id: vec![7; 16],
        span_id: vec![8; 8],
        event_name: "tested".to_owned(),
    }
}

/// One request of one resource with these records.
pub(crate) fn logs(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let schema_url = "https://opentelemetry.io/schemas/1.30.0".to_owned();
    let scope_logs = vec![ScopeLogs { scope: scope(), log_records: records, schema_url: schema_url.clone() }];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource: resource("shop"), scope_logs, schema_url }],
    }
}

/// One request with a span that has an event and a link.
pub(crate) fn traces(name: &str) -> ExportTraceServiceRequest {
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        trace_state: "vendor=1".to_owned(),
        parent_span_id: vec![3; 8],
        flags: 0x101,
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: THEN,
        end_time_unix_nano: THEN + 5,
        attributes: attributes(),
        dropped_attributes_count: 1,
        events: vec![Event {
            time_unix_nano: THEN + 1,
            name: "retried".to_owned(),
            attributes: attributes(),
            dropped_attributes_count: 0,
        }],
        dropped_events_count: 4,
        links: vec![Link {
            trace_id: vec![4; 16],
            span_id: vec![5; 8],
            trace_state: String::new(),
            attributes: attributes(),
            dropped_attributes_count: 0,
            flags: 1,
        }],
        dropped_links_count: 5,
        status: Some(Status { message: "late".to_owned(), code: 2 }),
    };
    let scope_spans = vec![ScopeSpans { scope: scope(), spans: vec![span], schema_url: String::new() }];
    let resource_spans = vec![ResourceSpans { resource: resource("shop"), scope_spans, schema_url: String::new() }];
    ExportTraceServiceRequest { resource_spans }
}

/// One request with a metric of each kind.
pub(crate) fn metrics() -> ExportMetricsServiceRequest {
    let kinds = [gauge(), sum(), histogram(), exponential_histogram(), summary()];
    let metric = |(i, data)| Metric {
        name: format!("metric.{i}"),
        description: "of the tests".to_owned(),
        unit: "By".to_owned(),
        metadata: attributes(),
        data: Some(data),
    };
    let metrics = kinds.into_iter().enumerate().map(metric).collect();
    let scope_metrics = vec![ScopeMetrics { scope: scope(), metrics, schema_url: String::new() }];
    let resource = resource("shop");
    let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, schema_url: String::new() }];
    ExportMetricsServiceRequest { resource_metrics }
}

/// The same, with points that have a value and this time, and whose counts add up.
pub(crate) fn metrics_at(time: u64) -> ExportMetricsServiceRequest {
    let mut request = metrics();
    let scopes = request.resource_metrics.iter_mut().flat_map(|resource| &mut resource.scope_metrics);
    for data in scopes.flat_map(|scope| &mut scope.metrics).filter_map(|metric| metric.data.as_mut()) {
        match data {
            metric::Data::Gauge(Gauge { data_points }) | metric::Data::Sum(Sum { data_points, .. }) => {
                for point in data_points {
                    (point.flags, point.time_unix_nano) = (0, time);
                }
            }
            metric::Data::Histogram(histogram) => histogram.data_points[0].time_unix_nano = time,
            metric::Data::ExponentialHistogram(histogram) => {
                let point = &mut histogram.data_points[0];
                (point.time_unix_nano, point.count) = (time, 304);
            }
            metric::Data::Summary(summary) => summary.data_points[0].time_unix_nano = time,
        }
    }
    request
}

fn exemplars() -> Vec<Exemplar> {
    vec![Exemplar {
        filtered_attributes: attributes(),
        time_unix_nano: THEN,
        span_id: vec![6; 8],
        trace_id: vec![7; 16],
        value: Some(exemplar::Value::AsDouble(1.5)),
    }]
}

fn point(value: number_data_point::Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(),
        start_time_unix_nano: THEN,
        time_unix_nano: THEN + 9,
        exemplars: exemplars(),
        flags: 1,
        value: Some(value),
    }
}

fn gauge() -> metric::Data {
    metric::Data::Gauge(Gauge { data_points: vec![point(number_data_point::Value::AsInt(-3))] })
}

fn sum() -> metric::Data {
    let data_points = vec![point(number_data_point::Value::AsDouble(2.5))];
    metric::Data::Sum(Sum { data_points, aggregation_temporality: 2, is_monotonic: true })
}

fn histogram() -> metric::Data {
    let point = HistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: THEN,
        time_unix_nano: THEN + 9,
        count: 3,
        sum: Some(7.5),
        bucket_counts: vec![1, 2, 0],
        explicit_bounds: vec![0.5, 10.0],
        exemplars: exemplars(),
        flags: 0,
        min: Some(0.25),
        max: Some(5.0),
    };
    metric::Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 1 })
}

fn exponential_histogram() -> metric::Data {
    let point = ExponentialHistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: THEN,
        time_unix_nano: THEN + 9,
        count: 6,
        sum: Some(1.0),
        scale: -2,
        zero_count: 1,
        positive: Some(Buckets { offset: -4, bucket_counts: vec![1, 300] }),
        negative: Some(Buckets { offset: 5, bucket_counts: vec![2] }),
        flags: 0,
        exemplars: exemplars(),
        min: None,
        max: Some(3.0),
        zero_threshold: 0.001,
    };
    let data_points = vec![point];
    metric::Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality: 2 })
}

fn summary() -> metric::Data {
    let point = SummaryDataPoint {
        attributes: attributes(),
        start_time_unix_nano: THEN,
        time_unix_nano: THEN + 9,
        count: 2,
        sum: 4.0,
        quantile_values: vec![ValueAtQuantile { quantile: 0.99, value: 3.0 }],
        flags: 0,
    };
    metric::Data::Summary(Summary { data_points: vec![point] })
}
