//! What a request claims, as prost reads it: the rules written down a second time, on decoded structs and in another way.

use host_otlp::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::Exemplar;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

/// The name that Prometheus knows a key by, and small letters: one underscore for each run of other characters.
pub(crate) fn normal(key: &str) -> String {
    let mut name = String::new();
    for c in key.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => name.push(c.to_ascii_lowercase()),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    name.trim_matches('_').to_owned()
}

/// Every claim in a request: `cluster_id` or `cluster_role`, and the text, none for what is no text.
pub(crate) fn of(signal: Signal, bytes: &[u8]) -> Vec<(String, Option<String>)> {
    let mut claims = Claims::default();
    match signal {
        Signal::Logs => claims.logs(&ExportLogsServiceRequest::decode(bytes).expect("the request was let in")),
        Signal::Traces => claims.traces(&ExportTraceServiceRequest::decode(bytes).expect("the request was let in")),
        Signal::Metrics => claims.metrics(&ExportMetricsServiceRequest::decode(bytes).expect("the request was let in")),
    }
    claims.0
}

#[derive(Default)]
struct Claims(Vec<(String, Option<String>)>);

impl Claims {
    fn note(&mut self, name: String, value: Option<&Value>) {
        if name == "cluster_id" || name == "cluster_role" {
            let text = match value {
                Some(Value::StringValue(text)) => Some(text.clone()),
                _ => None,
            };
            self.0.push((name, text));
        }
    }

    fn attributes(&mut self, pairs: &[KeyValue]) {
        pairs.iter().for_each(|pair| self.pair(pair, Some("")));
    }

    /// An entry, in what flattening makes of the keys around it; none in an array.
    fn pair(&mut self, pair: &KeyValue, prefix: Option<&str>) {
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
        let flat = prefix.map(|prefix| format!("{prefix}.{}", pair.key));
        let own = normal(&pair.key);
        match flat.as_deref().map(normal) {
            Some(flat) if flat != own => {
                self.note(flat, value);
                self.note(own, value);
            }
            _ => self.note(own, value),
        }
        self.value(value, flat.as_deref());
    }

    fn value(&mut self, value: Option<&Value>, prefix: Option<&str>) {
        match value {
            Some(Value::KvlistValue(list)) => list.values.iter().for_each(|pair| self.pair(pair, prefix)),
            Some(Value::ArrayValue(array)) => array.values.iter().for_each(|value| self.any(Some(value), None)),
            _ => {}
        }
    }

    fn any(&mut self, value: Option<&AnyValue>, prefix: Option<&str>) {
        self.value(value.and_then(|value| value.value.as_ref()), prefix);
    }

    fn resource(&mut self, resource: Option<&Resource>) {
        resource.iter().for_each(|resource| self.attributes(&resource.attributes));
    }

    fn scope(&mut self, scope: Option<&InstrumentationScope>) {
        scope.iter().for_each(|scope| self.attributes(&scope.attributes));
    }

    fn logs(&mut self, request: &ExportLogsServiceRequest) {
        for resource_logs in &request.resource_logs {
            self.resource(resource_logs.resource.as_ref());
            for scope_logs in &resource_logs.scope_logs {
                self.scope(scope_logs.scope.as_ref());
                for record in &scope_logs.log_records {
                    self.any(record.body.as_ref(), Some(""));
                    self.attributes(&record.attributes);
                }
            }
        }
    }

    fn traces(&mut self, request: &ExportTraceServiceRequest) {
        for resource_spans in &request.resource_spans {
            self.resource(resource_spans.resource.as_ref());
            for scope_spans in &resource_spans.scope_spans {
                self.scope(scope_spans.scope.as_ref());
                for span in &scope_spans.spans {
                    self.attributes(&span.attributes);
                    span.events.iter().for_each(|event| self.attributes(&event.attributes));
                    span.links.iter().for_each(|link| self.attributes(&link.attributes));
                }
            }
        }
    }

    fn metrics(&mut self, request: &ExportMetricsServiceRequest) {
        for resource_metrics in &request.resource_metrics {
            self.resource(resource_metrics.resource.as_ref());
            for scope_metrics in &resource_metrics.scope_metrics {
                self.scope(scope_metrics.scope.as_ref());
                for metric in &scope_metrics.metrics {
                    self.attributes(&metric.metadata);
                    self.data(metric.data.as_ref());
                }
            }
        }
    }

    fn data(&mut self, data: Option<&Data>) {
        macro_rules! points {
            ($points:expr) => {
                for point in $points {
                    self.attributes(&point.attributes);
                    self.exemplars(&point.exemplars);
                }
            };
        }
        match data {
            Some(Data::Gauge(gauge)) => points!(&gauge.data_points),
            Some(Data::Sum(sum)) => points!(&sum.data_points),
            Some(Data::Histogram(histogram)) => points!(&histogram.data_points),
            Some(Data::ExponentialHistogram(histogram)) => points!(&histogram.data_points),
            Some(Data::Summary(summary)) => {
                summary.data_points.iter().for_each(|point| self.attributes(&point.attributes));
            }
            None => {}
        }
    }

    fn exemplars(&mut self, exemplars: &[Exemplar]) {
        exemplars.iter().for_each(|exemplar| self.attributes(&exemplar.filtered_attributes));
    }
}
