//! Points as lines, for tests to read, and a pipeline that hands them over.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, MetadataKeys, Outcome, Payload, Receiver, Shutdown,
    Signal, Trigger,
};
use host_config::Value;
use host_periodic::Collected;
use host_receivers::{Budget, Deps};
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, number_data_point};
use prost::Message as _;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

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

/// No test waits longer.
const CAP: Duration = Duration::from_secs(30);

struct Sink(mpsc::UnboundedSender<Payload>);

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let _ = self.0.send(delivery.payload);
        Box::pin(async { Ok(()) })
    }
}

/// Runs a receiver until its pipeline has something; gives the points of that, and what was counted.
pub(crate) async fn first_of(build: impl FnOnce(&Consumers, &Deps<'_>) -> Box<dyn Receiver>) -> (Vec<String>, Metrics) {
    let (sender, mut payloads) = mpsc::unbounded_channel();
    let mut consumers = Consumers::default();
    consumers.set(Signal::Metrics, Arc::new(Sink(sender)));
    let metrics = Metrics::new();
    let deps = Deps {
        budget: &Budget::default(),
        ack_timeout: Duration::from_secs(5),
        base: Path::new("/"),
        auth: &Authenticators::default(),
        metadata: &MetadataKeys::default(),
        metrics: &metrics,
    };
    let receiver = build(&consumers, &deps);
    let (trigger, shutdown): (Trigger, Shutdown) = Trigger::new();
    let running = tokio::spawn(receiver.run(shutdown));
    let payload = tokio::time::timeout(CAP, payloads.recv()).await.expect("points in time").unwrap();
    trigger.fire();
    tokio::time::timeout(CAP, running).await.expect("an end in time").unwrap();
    let request = ExportMetricsServiceRequest::decode(payload.contiguous()).unwrap();
    (request.resource_metrics.iter().flat_map(of_resource).collect(), metrics)
}
