//! Views turned back into the structs of `opentelemetry-proto`, for comparison.

use host_otlp::{Payload, Signal, view};
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

/// The payload as its views show it, encoded anew: what `decoded` gives for the same bytes if views and prost agree.
/// Encodings are compared, since a NaN does not equal itself.
pub(crate) fn viewed(payload: &Payload) -> Vec<u8> {
    match payload.signal() {
        Signal::Logs => {
            ExportLogsServiceRequest { resource_logs: view::logs(payload).map(resource_logs).collect() }.encode_to_vec()
        }
        Signal::Traces => {
            ExportTraceServiceRequest { resource_spans: view::traces(payload).map(resource_spans).collect() }
                .encode_to_vec()
        }
        Signal::Metrics => {
            ExportMetricsServiceRequest { resource_metrics: view::metrics(payload).map(resource_metrics).collect() }
                .encode_to_vec()
        }
    }
}

/// The request as prost decodes it, encoded anew.
pub(crate) fn decoded(signal: Signal, bytes: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    Ok(match signal {
        Signal::Logs => ExportLogsServiceRequest::decode(bytes)?.encode_to_vec(),
        Signal::Traces => ExportTraceServiceRequest::decode(bytes)?.encode_to_vec(),
        Signal::Metrics => ExportMetricsServiceRequest::decode(bytes)?.encode_to_vec(),
    })
}

fn resource_logs(it: view::ResourceLogs<'_>) -> ResourceLogs {
    ResourceLogs {
        resource: it.resource.map(resource),
        scope_logs: it
            .scope_logs
            .map(|it| ScopeLogs {
                scope: it.scope.map(scope),
                log_records: it.log_records.map(log_record).collect(),
                schema_url: it.schema_url.to_owned(),
            })
            .collect(),
        schema_url: it.schema_url.to_owned(),
    }
}

fn resource_spans(it: view::ResourceSpans<'_>) -> ResourceSpans {
    ResourceSpans {
        resource: it.resource.map(resource),
        scope_spans: it
            .scope_spans
            .map(|it| ScopeSpans {
                scope: it.scope.map(scope),
                spans: it.spans.map(span).collect(),
                schema_url: it.schema_url.to_owned(),
            })
            .collect(),
        schema_url: it.schema_url.to_owned(),
    }
}

fn resource_metrics(it: view::ResourceMetrics<'_>) -> ResourceMetrics {
    ResourceMetrics {
        resource: it.resource.map(resource),
        scope_metrics: it
            .scope_metrics
            .map(|it| ScopeMetrics {
                scope: it.scope.map(scope),
                metrics: it.metrics.map(metric).collect(),
                schema_url: it.schema_url.to_owned(),
            })
            .collect(),
        schema_url: it.schema_url.to_owned(),
    }
}

fn any_value(it: view::AnyValue<'_>) -> AnyValue {
    let value = match it {
        view::AnyValue::Empty => None,
        view::AnyValue::Text(text) => Some(Value::StringValue(text.to_owned())),
        view::AnyValue::Bool(value) => Some(Value::BoolValue(value)),
        view::AnyValue::Int(value) => Some(Value::IntValue(value)),
        view::AnyValue::Double(value) => Some(Value::DoubleValue(value)),
        view::AnyValue::Array(it) => Some(Value::ArrayValue(ArrayValue { values: it.map(any_value).collect() })),
        view::AnyValue::Map(it) => Some(Value::KvlistValue(KeyValueList { values: attributes(it) })),
        view::AnyValue::Bytes(bytes) => Some(Value::BytesValue(bytes.to_owned())),
        view::AnyValue::TextIndex(index) => Some(Value::StringValueStrindex(index)),
    };
    AnyValue { value }
}

fn attributes<'a>(it: impl Iterator<Item = view::KeyValue<'a>>) -> Vec<KeyValue> {
    it.map(|it| KeyValue { key: it.key.to_owned(), value: it.value.map(any_value), key_strindex: it.key_strindex })
        .collect()
}

fn resource(it: view::Resource<'_>) -> Resource {
    Resource {
        attributes: attributes(it.attributes),
        dropped_attributes_count: it.dropped_attributes_count,
        entity_refs: it
            .entity_refs
            .map(|it| EntityRef {
                schema_url: it.schema_url.to_owned(),
                r#type: it.r#type.to_owned(),
                id_keys: it.id_keys.map(str::to_owned).collect(),
                description_keys: it.description_keys.map(str::to_owned).collect(),
            })
            .collect(),
    }
}

fn scope(it: view::Scope<'_>) -> InstrumentationScope {
    InstrumentationScope {
        name: it.name.to_owned(),
        version: it.version.to_owned(),
        attributes: attributes(it.attributes),
        dropped_attributes_count: it.dropped_attributes_count,
    }
}

fn log_record(it: view::LogRecord<'_>) -> LogRecord {
    LogRecord {
        time_unix_nano: it.time_unix_nano,
        observed_time_unix_nano: it.observed_time_unix_nano,
        severity_number: it.severity_number,
        severity_text: it.severity_text.to_owned(),
        body: it.body.map(any_value),
        attributes: attributes(it.attributes),
        dropped_attributes_count: it.dropped_attributes_count,
        flags: it.flags,
        trace_id: it.trace_id.to_owned(),
        span_id: it.span_id.to_owned(),
        event_name: it.event_name.to_owned(),
    }
}

fn span(it: view::Span<'_>) -> Span {
    Span {
        trace_id: it.trace_id.to_owned(),
        span_id: it.span_id.to_owned(),
        trace_state: it.trace_state.to_owned(),
        parent_span_id: it.parent_span_id.to_owned(),
        flags: it.flags,
        name: it.name.to_owned(),
        kind: it.kind,
        start_time_unix_nano: it.start_time_unix_nano,
        end_time_unix_nano: it.end_time_unix_nano,
        attributes: attributes(it.attributes),
        dropped_attributes_count: it.dropped_attributes_count,
        events: it
            .events
            .map(|it| Event {
                time_unix_nano: it.time_unix_nano,
                name: it.name.to_owned(),
                attributes: attributes(it.attributes),
                dropped_attributes_count: it.dropped_attributes_count,
            })
            .collect(),
        dropped_events_count: it.dropped_events_count,
        links: it
            .links
            .map(|it| Link {
                trace_id: it.trace_id.to_owned(),
                span_id: it.span_id.to_owned(),
                trace_state: it.trace_state.to_owned(),
                attributes: attributes(it.attributes),
                dropped_attributes_count: it.dropped_attributes_count,
                flags: it.flags,
            })
            .collect(),
        dropped_links_count: it.dropped_links_count,
        status: it.status.map(|it| Status { message: it.message.to_owned(), code: it.code }),
    }
}

fn metric(it: view::Metric<'_>) -> Metric {
    let data = it.data().map(|data| match data {
        view::Data::Gauge(it) => Data::Gauge(Gauge { data_points: it.data_points.map(number_point).collect() }),
        view::Data::Sum(it) => Data::Sum(Sum {
            data_points: it.data_points.map(number_point).collect(),
            aggregation_temporality: it.aggregation_temporality,
            is_monotonic: it.is_monotonic,
        }),
        view::Data::Histogram(it) => Data::Histogram(Histogram {
            data_points: it.data_points.map(histogram_point).collect(),
            aggregation_temporality: it.aggregation_temporality,
        }),
        view::Data::ExponentialHistogram(it) => Data::ExponentialHistogram(ExponentialHistogram {
            data_points: it.data_points.map(exponential_point).collect(),
            aggregation_temporality: it.aggregation_temporality,
        }),
        view::Data::Summary(it) => Data::Summary(Summary { data_points: it.data_points.map(summary_point).collect() }),
    });
    Metric {
        name: it.name.to_owned(),
        description: it.description.to_owned(),
        unit: it.unit.to_owned(),
        metadata: attributes(it.metadata),
        data,
    }
}

fn number_point(it: view::NumberDataPoint<'_>) -> NumberDataPoint {
    NumberDataPoint {
        value: it.value().map(|value| match value {
            view::Number::Double(value) => number_data_point::Value::AsDouble(value),
            view::Number::Int(value) => number_data_point::Value::AsInt(value),
        }),
        attributes: attributes(it.attributes),
        start_time_unix_nano: it.start_time_unix_nano,
        time_unix_nano: it.time_unix_nano,
        exemplars: it.exemplars.map(exemplar).collect(),
        flags: it.flags,
    }
}

fn histogram_point(it: view::HistogramDataPoint<'_>) -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(it.attributes),
        start_time_unix_nano: it.start_time_unix_nano,
        time_unix_nano: it.time_unix_nano,
        count: it.count,
        sum: it.sum,
        bucket_counts: it.bucket_counts.collect(),
        explicit_bounds: it.explicit_bounds.collect(),
        exemplars: it.exemplars.map(exemplar).collect(),
        flags: it.flags,
        min: it.min,
        max: it.max,
    }
}

fn exponential_point(it: view::ExponentialHistogramDataPoint<'_>) -> ExponentialHistogramDataPoint {
    let buckets = |it: view::Buckets<'_>| Buckets { offset: it.offset, bucket_counts: it.bucket_counts.collect() };
    ExponentialHistogramDataPoint {
        attributes: attributes(it.attributes),
        start_time_unix_nano: it.start_time_unix_nano,
        time_unix_nano: it.time_unix_nano,
        count: it.count,
        sum: it.sum,
        scale: it.scale,
        zero_count: it.zero_count,
        positive: it.positive.map(buckets),
        negative: it.negative.map(buckets),
        flags: it.flags,
        exemplars: it.exemplars.map(exemplar).collect(),
        min: it.min,
        max: it.max,
        zero_threshold: it.zero_threshold,
    }
}

fn summary_point(it: view::SummaryDataPoint<'_>) -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(it.attributes),
        start_time_unix_nano: it.start_time_unix_nano,
        time_unix_nano: it.time_unix_nano,
        count: it.count,
        sum: it.sum,
        quantile_values: it
            .quantile_values
            .map(|it| ValueAtQuantile { quantile: it.quantile, value: it.value })
            .collect(),
        flags: it.flags,
    }
}

fn exemplar(it: view::Exemplar<'_>) -> Exemplar {
    Exemplar {
        value: it.value().map(|value| match value {
            view::Number::Double(value) => exemplar::Value::AsDouble(value),
            view::Number::Int(value) => exemplar::Value::AsInt(value),
        }),
        filtered_attributes: attributes(it.filtered_attributes),
        time_unix_nano: it.time_unix_nano,
        span_id: it.span_id.to_owned(),
        trace_id: it.trace_id.to_owned(),
    }
}
