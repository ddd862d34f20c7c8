//! Points as lines, for tests to read.

use host_config::Value;
use host_periodic::Collected;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, number_data_point};
use serde::de::DeserializeOwned;

/// What a section says, which is YAML.
pub(crate) fn section<C: DeserializeOwned>(text: &str) -> C {
    Value::parse("test", text).unwrap().decode().unwrap_or_else(|errors| panic!("{errors}"))
}

/// All points of a collection.
pub(crate) fn lines(collected: &Collected) -> Vec<String> {
    collected.parts.iter().flat_map(|part| &part.metrics).flat_map(of_resource).collect()
}

pub(crate) fn of_resource(resource: &ResourceMetrics) -> Vec<String> {
    resource.scope_metrics.iter().flat_map(|scope| &scope.metrics).flat_map(of_metric).collect()
}

/// `name [unit] kind {attributes} value`.
fn of_metric(metric: &Metric) -> Vec<String> {
    let (kind, points) = match &metric.data {
        Some(Data::Gauge(gauge)) => ("gauge", &gauge.data_points),
        Some(Data::Sum(sum)) => {
            assert_eq!(sum.aggregation_temporality, 2, "{}", metric.name);
            (if sum.is_monotonic { "counter" } else { "sum" }, &sum.data_points)
        }
        other => panic!("{other:?}"),
    };
    let line = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        let value = match point.value {
            Some(number_data_point::Value::AsInt(value)) => value.to_string(),
            Some(number_data_point::Value::AsDouble(value)) => format!("{value:?}"),
            None => panic!("a point without a value"),
        };
        format!("{} [{}] {kind} {{{}}} {value}", metric.name, metric.unit, attributes(&point.attributes))
    };
    points.iter().map(line).collect()
}

pub(crate) fn attributes(attributes: &[KeyValue]) -> String {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
        let value = match value {
            Some(any_value::Value::StringValue(text)) => text.clone(),
            Some(any_value::Value::IntValue(number)) => number.to_string(),
            other => panic!("{other:?}"),
        };
        format!("{}={value}", attribute.key)
    };
    attributes.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// Those that begin so, without that.
pub(crate) fn of<'a>(lines: &'a [String], start: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_prefix(start)).map(str::trim_start).collect()
}
