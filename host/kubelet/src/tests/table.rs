//! What a test reads metrics as: a line for each resource, and one for each of its points.

use std::fmt::Write as _;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics};

/// All of it. Seconds are those of the Unix epoch.
pub(super) fn table(all: &[ResourceMetrics]) -> String {
    let mut text = String::new();
    for resource in all {
        let attributes = &resource.resource.as_ref().unwrap().attributes;
        writeln!(text, "{}", pairs(attributes)).unwrap();
        for scope in &resource.scope_metrics {
            assert_eq!(
                scope.scope.as_ref().unwrap().name,
                "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kubeletstatsreceiver"
            );
            scope.metrics.iter().flat_map(points).for_each(|point| writeln!(text, "  {point}").unwrap());
        }
    }
    text
}

/// The points of all resources that have this attribute, or all where it is empty.
pub(super) fn lines(all: &[ResourceMetrics], attribute: &str) -> Vec<String> {
    let has = |resource: &&ResourceMetrics| {
        let attributes = &resource.resource.as_ref().unwrap().attributes;
        attribute.is_empty() || pairs(attributes).split(' ').any(|pair| pair == attribute)
    };
    let scopes = all.iter().filter(has).flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).flat_map(points).collect()
}

/// The names of all metrics.
pub(super) fn names(all: &[ResourceMetrics]) -> std::collections::BTreeSet<String> {
    let scopes = all.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).map(|metric| metric.name.clone()).collect()
}

pub(super) fn pairs(attributes: &[KeyValue]) -> String {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => format!("{}={text}", attribute.key),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(text).collect::<Vec<_>>().join(" ")
}

fn points(metric: &Metric) -> Vec<String> {
    assert!(!metric.description.is_empty());
    let (kind, points) = match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => ("gauge", &gauge.data_points),
        Data::Sum(sum) => {
            assert_eq!(sum.aggregation_temporality, 2);
            (if sum.is_monotonic { "counter" } else { "sum" }, &sum.data_points)
        }
        other => panic!("{other:?}"),
    };
    let line = |point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint| {
        let value = match point.value {
            Some(Value::AsInt(value)) => value.to_string(),
            // With its point, also where it is whole.
            Some(Value::AsDouble(value)) => format!("{value:?}"),
            None => panic!("{metric:?}"),
        };
        let (attributes, start) = (pairs(&point.attributes), point.start_time_unix_nano / 1_000_000_000);
        format!("{} {kind} {} {{{attributes}}} {value} since {start}", metric.name, metric.unit)
    };
    points.iter().map(line).collect()
}
