//! Sections, objects as the API server writes them, and what is told of them in lines that compare.

use std::collections::BTreeMap;

use host_kubernetes::Seen;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Point;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Config;
use crate::objects::Tell;
use crate::store::Table;

pub(super) fn section(keys: &Value) -> Config {
    serde_json::from_value(keys.clone()).unwrap()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let said = |one: &KeyValue| match one.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|one| (one.key.clone(), said(one))).collect()
}

/// The attributes of a resource.
pub(super) fn about(told: &ResourceMetrics) -> BTreeMap<String, String> {
    texts(&told.resource.as_ref().unwrap().attributes)
}

/// Each point as `name{labels} value unit`, sorted; those of sums with a `+`.
pub(super) fn lines(told: &ResourceMetrics) -> Vec<String> {
    let mut lines = Vec::new();
    for metric in told.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
        let (points, sum) = match metric.data.as_ref().unwrap() {
            Data::Gauge(gauge) => (&gauge.data_points, ""),
            Data::Sum(sum) => (&sum.data_points, "+"),
            other => panic!("{other:?}"),
        };
        for point in points {
            let labels: Vec<String> = texts(&point.attributes).into_values().collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let value = match point.value.unwrap() {
                Point::AsInt(value) => value.to_string(),
                Point::AsDouble(value) => format!("{value:?}"),
            };
            lines.push(format!("{sum}{}{labels} {value} {}", metric.name, metric.unit).trim_end().to_owned());
        }
    }
    lines.sort();
    lines
}

/// What is told of an object, with a section of these keys.
pub(super) fn told<K: Tell + DeserializeOwned>(object: &Value, keys: &Value) -> Vec<ResourceMetrics> {
    let plan = section(keys).plan();
    let object: K = serde_json::from_value(object.clone()).unwrap();
    let mut table = Table::default();
    table.see(&Seen::Begin::<K>, &plan);
    table.see(&Seen::There(object), &plan);
    table.see(&Seen::All::<K>, &plan);
    table.told().map(|told| told.at(&plan, 1, 2)).collect()
}
