//! Requests of all signals with everything that OTLP has, made from entropy.

use host_otlp::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use crate::entropy::Entropy;

/// An encoded request of any signal.
pub(crate) fn request(e: &mut Entropy<'_>) -> (Signal, Vec<u8>) {
    let signal = e.pick(&Signal::ALL);
    (signal, of(signal, e))
}

/// An encoded request of one signal.
pub(crate) fn of(signal: Signal, e: &mut Entropy<'_>) -> Vec<u8> {
    match signal {
        Signal::Logs => logs(e).encode_to_vec(),
        Signal::Traces => traces(e).encode_to_vec(),
        Signal::Metrics => metrics(e).encode_to_vec(),
    }
}

pub(crate) fn logs(e: &mut Entropy<'_>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: list(e, 3, |e| ResourceLogs {
            resource: optional(e, resource),
            scope_logs: list(e, 3, |e| ScopeLogs {
                scope: optional(e, scope),
                log_records: list(e, 6, log_record),
                schema_url: text(e),
            }),
            schema_url: text(e),
        }),
    }
}

pub(crate) fn traces(e: &mut Entropy<'_>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: list(e, 3, |e| ResourceSpans {
            resource: optional(e, resource),
            scope_spans: list(e, 3, |e| ScopeSpans {
                scope: optional(e, scope),
                spans: list(e, 6, span),
                schema_url: text(e),
            }),
            schema_url: text(e),
        }),
    }
}

pub(crate) fn metrics(e: &mut Entropy<'_>) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest {
        resource_metrics: list(e, 3, |e| ResourceMetrics {
            resource: optional(e, resource),
            scope_metrics: list(e, 3, |e| ScopeMetrics {
                scope: optional(e, scope),
                metrics: list(e, 4, metric),
                schema_url: text(e),
            }),
            schema_url: text(e),
        }),
    }
}

fn list<T>(e: &mut Entropy<'_>, most: usize, mut element: impl FnMut(&mut Entropy<'_>) -> T) -> Vec<T> {
    (0..e.below(most + 1)).map(|_| element(e)).collect()
}

fn optional<T>(e: &mut Entropy<'_>, value: impl FnOnce(&mut Entropy<'_>) -> T) -> Option<T> {
    e.flag().then(|| value(e))
}

/// Empty, short, of every length around the blocks of the UTF-8 check, and longer than a one-byte length.
fn text(e: &mut Entropy<'_>) -> String {
    let mut text = match e.below(6) {
        0 => String::new(),
        1 => "service.name".to_owned(),
        2 => "x".repeat(e.below(40)),
        3 => "y".repeat(e.below(300)),
        4 if e.below(16) == 1 => "long ".repeat(e.below(4_000)),
        4 => "few ".repeat(e.below(50)),
        _ => "é".repeat(e.below(20)),
    };
    if e.below(8) == 7 {
        text.push('🦀');
    }
    text
}

fn bytes(e: &mut Entropy<'_>) -> Vec<u8> {
    let len = e.pick(&[0, 8, 16, 3, 200]);
    (0..len).map(|_| e.byte()).collect()
}

fn id(e: &mut Entropy<'_>, len: usize) -> Vec<u8> {
    let len = if e.flag() { len } else { 0 };
    (0..len).map(|_| e.byte()).collect()
}

fn numbers(e: &mut Entropy<'_>) -> Vec<u64> {
    (0..e.below(5)).map(|_| e.number()).collect()
}

fn double(e: &mut Entropy<'_>) -> f64 {
    f64::from_bits(e.number())
}

fn any_value(e: &mut Entropy<'_>, depth: u32) -> AnyValue {
    let value = match e.below(if depth == 0 { 7 } else { 9 }) {
        0 => Some(Value::StringValue(text(e))),
        1 => Some(Value::IntValue(e.number().cast_signed())),
        2 => Some(Value::BoolValue(e.flag())),
        3 => Some(Value::DoubleValue(double(e))),
        4 => Some(Value::BytesValue(bytes(e))),
        5 => Some(Value::StringValueStrindex(e.number() as i32)),
        6 => None,
        7 => Some(Value::ArrayValue(ArrayValue { values: list(e, 3, |e| any_value(e, depth - 1)) })),
        _ => Some(Value::KvlistValue(KeyValueList { values: list(e, 3, |e| key_value(e, depth - 1)) })),
    };
    AnyValue { value }
}

fn key_value(e: &mut Entropy<'_>, depth: u32) -> KeyValue {
    let value = optional(e, |e| any_value(e, depth));
    KeyValue { key: text(e), value, key_strindex: if e.below(8) == 1 { e.number() as i32 } else { 0 } }
}

fn attributes(e: &mut Entropy<'_>) -> Vec<KeyValue> {
    list(e, 4, |e| key_value(e, 3))
}

fn resource(e: &mut Entropy<'_>) -> Resource {
    Resource {
        attributes: attributes(e),
        dropped_attributes_count: e.number() as u32,
        entity_refs: list(e, 1, |e| EntityRef {
            schema_url: text(e),
            r#type: text(e),
            id_keys: list(e, 2, text),
            description_keys: list(e, 2, text),
        }),
    }
}

fn scope(e: &mut Entropy<'_>) -> InstrumentationScope {
    InstrumentationScope {
        name: text(e),
        version: text(e),
        attributes: attributes(e),
        dropped_attributes_count: e.number() as u32,
    }
}

fn log_record(e: &mut Entropy<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: e.number(),
        observed_time_unix_nano: e.number(),
        severity_number: e.number() as i32,
        severity_text: text(e),
        body: optional(e, |e| any_value(e, 4)),
        attributes: attributes(e),
        dropped_attributes_count: e.number() as u32,
        flags: e.number() as u32,
        trace_id: id(e, 16),
        span_id: id(e, 8),
        event_name: text(e),
    }
}

fn span(e: &mut Entropy<'_>) -> Span {
    Span {
        trace_id: id(e, 16),
        span_id: id(e, 8),
        trace_state: text(e),
        parent_span_id: id(e, 8),
        flags: e.number() as u32,
        name: text(e),
        kind: e.number() as i32,
        start_time_unix_nano: e.number(),
        end_time_unix_nano: e.number(),
        attributes: attributes(e),
        dropped_attributes_count: e.number() as u32,
        events: list(e, 2, |e| Event {
            time_unix_nano: e.number(),
            name: text(e),
            attributes: attributes(e),
            dropped_attributes_count: e.number() as u32,
        }),
        dropped_events_count: e.number() as u32,
        links: list(e, 2, |e| Link {
            trace_id: id(e, 16),
            span_id: id(e, 8),
            trace_state: text(e),
            attributes: attributes(e),
            dropped_attributes_count: e.number() as u32,
            flags: e.number() as u32,
        }),
        dropped_links_count: e.number() as u32,
        status: optional(e, |e| Status { message: text(e), code: e.number() as i32 }),
    }
}

fn metric(e: &mut Entropy<'_>) -> Metric {
    let data = match e.below(6) {
        0 => Some(Data::Gauge(Gauge { data_points: list(e, 5, number_point) })),
        1 => Some(Data::Sum(Sum {
            data_points: list(e, 5, number_point),
            aggregation_temporality: e.number() as i32,
            is_monotonic: e.flag(),
        })),
        2 => Some(Data::Histogram(Histogram {
            data_points: list(e, 5, histogram_point),
            aggregation_temporality: e.number() as i32,
        })),
        3 => Some(Data::ExponentialHistogram(ExponentialHistogram {
            data_points: list(e, 5, exponential_point),
            aggregation_temporality: e.number() as i32,
        })),
        4 => Some(Data::Summary(Summary { data_points: list(e, 5, summary_point) })),
        _ => None,
    };
    Metric { name: text(e), description: text(e), unit: text(e), metadata: attributes(e), data }
}

fn number_point(e: &mut Entropy<'_>) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(e),
        start_time_unix_nano: e.number(),
        time_unix_nano: e.number(),
        exemplars: list(e, 2, exemplar),
        flags: e.number() as u32,
        value: match e.below(3) {
            0 => None,
            1 => Some(number_data_point::Value::AsDouble(double(e))),
            _ => Some(number_data_point::Value::AsInt(e.number().cast_signed())),
        },
    }
}

fn histogram_point(e: &mut Entropy<'_>) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(e),
        start_time_unix_nano: e.number(),
        time_unix_nano: e.number(),
        count: e.number(),
        sum: optional(e, double),
        bucket_counts: numbers(e),
        explicit_bounds: list(e, 4, double),
        exemplars: list(e, 2, exemplar),
        flags: e.number() as u32,
        min: optional(e, double),
        max: optional(e, double),
    }
}

fn exponential_point(e: &mut Entropy<'_>) -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(e),
        start_time_unix_nano: e.number(),
        time_unix_nano: e.number(),
        count: e.number(),
        sum: optional(e, double),
        scale: e.number() as i32,
        zero_count: e.number(),
        positive: optional(e, buckets),
        negative: optional(e, buckets),
        flags: e.number() as u32,
        exemplars: list(e, 2, exemplar),
        min: optional(e, double),
        max: optional(e, double),
        zero_threshold: double(e),
    }
}

fn buckets(e: &mut Entropy<'_>) -> Buckets {
    Buckets { offset: e.number() as i32, bucket_counts: numbers(e) }
}

fn summary_point(e: &mut Entropy<'_>) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(e),
        start_time_unix_nano: e.number(),
        time_unix_nano: e.number(),
        count: e.number(),
        sum: double(e),
        quantile_values: list(e, 3, |e| ValueAtQuantile { quantile: double(e), value: double(e) }),
        flags: e.number() as u32,
    }
}

fn exemplar(e: &mut Entropy<'_>) -> Exemplar {
    Exemplar {
        filtered_attributes: attributes(e),
        time_unix_nano: e.number(),
        span_id: id(e, 8),
        trace_id: id(e, 16),
        value: match e.below(3) {
            0 => None,
            1 => Some(exemplar::Value::AsDouble(double(e))),
            _ => Some(exemplar::Value::AsInt(e.number().cast_signed())),
        },
    }
}
