//! The keys of items, and so the places that they go to. Keys are the Collector's, byte by byte, but where it would part what
//! belongs together: a log record has the key of the spans of its trace.

mod attributes;
mod identity;

use std::sync::atomic::{AtomicU32, Ordering};

use host_otlp::view::{self, AnyValue, Data, KeyValue, Metric, Repeated, Resource};
use host_otlp::wire::Fields;
use host_otlp::{Payload, Signal};

use self::attributes::{Around, Order};
use super::config::RoutingKey;
use super::ring::Ring;
use crate::prometheus_remote_write::text::text;

/// The field of a scope that holds its items, and of a metric's data that holds its points.
const ITEMS: u32 = 2;
const POINTS: u32 = 1;

const SERVICE: &str = "service.name";

/// Finds the keys of items.
pub(crate) struct Keys {
    attributes: Vec<String>,
    /// Log records of no trace go to one backend after the other, all of one delivery to the same.
    turn: AtomicU32,
}

/// The places of items, as far as they are known.
struct Places<'r> {
    ring: &'r Ring,
    places: Vec<u32>,
}

impl Places<'_> {
    /// So many items have this key.
    fn put(&mut self, key: &[u8], items: usize) {
        let place = self.ring.backend_of(key);
        self.places.resize(self.places.len() + items, place);
    }
}

impl Keys {
    pub(crate) fn new(attributes: Vec<String>) -> Self {
        Keys { attributes, turn: AtomicU32::new(0) }
    }

    /// The place of each item of a payload, in order.
    ///
    /// # Errors
    /// Where items of its signal have no such key.
    pub(crate) fn places(&self, key: RoutingKey, payload: &Payload, ring: &Ring) -> Result<Vec<u32>, &'static str> {
        let count = usize::try_from(payload.items()).unwrap_or(0);
        let mut to = Places { ring, places: Vec::with_capacity(count) };
        match (payload.signal(), key) {
            (Signal::Traces, RoutingKey::TraceId) => traces_by_id(payload, &mut to),
            (Signal::Traces, RoutingKey::Service) => traces_by_attributes(payload, &[SERVICE.to_owned()], &mut to),
            (Signal::Traces, RoutingKey::Attributes) => traces_by_attributes(payload, &self.attributes, &mut to),
            (Signal::Logs, RoutingKey::TraceId) => self.logs_by_id(payload, &mut to),
            (Signal::Logs, RoutingKey::Service | RoutingKey::Resource) => logs_by_resource(key, payload, &mut to),
            (Signal::Logs, RoutingKey::Attributes) => self.logs_by_attributes(payload, &mut to),
            (Signal::Metrics, RoutingKey::Service | RoutingKey::Resource | RoutingKey::Metric) => {
                metrics_by_name(key, payload, &mut to);
            }
            (Signal::Metrics, RoutingKey::StreamId) => metrics_by_stream(payload, &mut to),
            (Signal::Metrics, RoutingKey::Attributes) => self.metrics_by_attributes(payload, &mut to),
            _ => return Err("the `routing_key` is none that its items have"),
        }
        debug_assert_eq!(to.places.len(), count, "each item has one place");
        // Where a view had seen fewer, the last ones go where nobody is looked for.
        to.places.resize(count, 0);
        Ok(to.places)
    }

    fn logs_by_id(&self, payload: &Payload, to: &mut Places<'_>) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        for scope_logs in view::logs(payload).flat_map(|resource_logs| resource_logs.scope_logs) {
            for record in scope_logs.log_records {
                let has_trace = record.trace_id.iter().any(|byte| *byte != 0);
                to.put(if has_trace { record.trace_id } else { &turn }, 1);
            }
        }
    }

    fn logs_by_attributes(&self, payload: &Payload, to: &mut Places<'_>) {
        for resource_logs in view::logs(payload) {
            let resource = Around::new(&self.attributes, of_resource(resource_logs.resource.as_ref()));
            for scope_logs in resource_logs.scope_logs {
                let around = resource.with(scope_logs.scope.as_ref().map(|scope| scope.attributes.clone()));
                if around.is_complete() {
                    to.put(around.key(Order::ByLevel, |_| None).as_bytes(), count(&scope_logs.fields, ITEMS));
                    continue;
                }
                for record in scope_logs.log_records {
                    let key = around.key(Order::ByLevel, |name| match name {
                        "log.severity" => Some(record.severity_text.into()),
                        "log.body" => Some(text(record.body.as_ref())),
                        _ => attributes::found(record.attributes.clone(), name),
                    });
                    to.put(key.as_bytes(), 1);
                }
            }
        }
    }

    fn metrics_by_attributes(&self, payload: &Payload, to: &mut Places<'_>) {
        for resource_metrics in view::metrics(payload) {
            let resource = Around::new(&self.attributes, of_resource(resource_metrics.resource.as_ref()));
            for scope_metrics in resource_metrics.scope_metrics {
                let around = resource.with(scope_metrics.scope.as_ref().map(|scope| scope.attributes.clone()));
                let whole = around.is_complete().then(|| around.key(Order::ByLevel, |_| None));
                for metric in scope_metrics.metrics {
                    match &whole {
                        Some(key) => to.put(key.as_bytes(), points(&metric)),
                        None => each_point(&metric, |own| {
                            let key = around.key(Order::ByLevel, |name| attributes::found(own.clone(), name));
                            to.put(key.as_bytes(), 1);
                        }),
                    }
                }
            }
        }
    }
}

fn traces_by_id(payload: &Payload, to: &mut Places<'_>) {
    for scope_spans in view::traces(payload).flat_map(|resource_spans| resource_spans.scope_spans) {
        for span in scope_spans.spans {
            to.put(if span.trace_id.is_empty() { &[0; 16] } else { span.trace_id }, 1);
        }
    }
}

fn traces_by_attributes(payload: &Payload, names: &[String], to: &mut Places<'_>) {
    for resource_spans in view::traces(payload) {
        let resource = Around::new(names, of_resource(resource_spans.resource.as_ref()));
        for scope_spans in resource_spans.scope_spans {
            let around = resource.with(scope_spans.scope.as_ref().map(|scope| scope.attributes.clone()));
            if around.is_complete() {
                to.put(around.key(Order::AsListed, |_| None).as_bytes(), count(&scope_spans.fields, ITEMS));
                continue;
            }
            for span in scope_spans.spans {
                let key = around.key(Order::AsListed, |name| match name {
                    "span.kind" => Some(kind(span.kind).into()),
                    "span.name" => Some(span.name.into()),
                    _ => attributes::found(span.attributes.clone(), name),
                });
                to.put(key.as_bytes(), 1);
            }
        }
    }
}

fn logs_by_resource(key: RoutingKey, payload: &Payload, to: &mut Places<'_>) {
    for resource_logs in view::logs(payload) {
        let items = resource_logs.scope_logs.clone().map(|scope_logs| count(&scope_logs.fields, ITEMS)).sum();
        to.put(of_whole(key, resource_logs.resource.as_ref()).as_bytes(), items);
    }
}

fn metrics_by_name(key: RoutingKey, payload: &Payload, to: &mut Places<'_>) {
    for resource_metrics in view::metrics(payload) {
        let whole = of_whole(key, resource_metrics.resource.as_ref());
        for metric in resource_metrics.scope_metrics.flat_map(|scope_metrics| scope_metrics.metrics) {
            let own = if key == RoutingKey::Metric { metric.name } else { &whole };
            to.put(own.as_bytes(), points(&metric));
        }
    }
}

fn metrics_by_stream(payload: &Payload, to: &mut Places<'_>) {
    for resource_metrics in view::metrics(payload) {
        let resource = identity::Identity::of_resource(of_resource(resource_metrics.resource.as_ref()));
        for scope_metrics in resource_metrics.scope_metrics {
            let scope = resource.clone().with_scope(scope_metrics.scope.as_ref());
            for metric in scope_metrics.metrics {
                let stream = scope.clone().with_metric(&metric);
                each_point(&metric, |own| to.put(stream.clone().with_point(own).stream().as_bytes(), 1));
            }
        }
    }
}

/// The key of all that is of one resource; none where the key is another.
fn of_whole(key: RoutingKey, resource: Option<&Resource<'_>>) -> String {
    match key {
        RoutingKey::Resource => identity::Identity::of_resource(of_resource(resource)).resource(),
        RoutingKey::Service => {
            let mut attributes = of_resource(resource).into_iter().flatten();
            match attributes.find(|pair| pair.key == SERVICE).and_then(|pair| pair.value) {
                Some(AnyValue::Text(name)) => name.to_owned(),
                // As there: what is no text has none.
                _ => String::new(),
            }
        }
        _ => String::new(),
    }
}

fn of_resource<'a>(resource: Option<&Resource<'a>>) -> Option<Repeated<'a, KeyValue<'a>>> {
    resource.map(|resource| resource.attributes.clone())
}

fn count(fields: &Fields<'_>, number: u32) -> usize {
    fields.clone().filter(|field| field.number == number).count()
}

fn points(metric: &Metric<'_>) -> usize {
    match metric.data() {
        None => 0,
        Some(Data::Gauge(gauge)) => count(&gauge.fields, POINTS),
        Some(Data::Sum(sum)) => count(&sum.fields, POINTS),
        Some(Data::Histogram(histogram)) => count(&histogram.fields, POINTS),
        Some(Data::ExponentialHistogram(histogram)) => count(&histogram.fields, POINTS),
        Some(Data::Summary(summary)) => count(&summary.fields, POINTS),
    }
}

/// Visits the attributes of each point of a metric.
fn each_point<'a>(metric: &Metric<'a>, mut visit: impl FnMut(Repeated<'a, KeyValue<'a>>)) {
    match metric.data() {
        None => {}
        Some(Data::Gauge(gauge)) => gauge.data_points.for_each(|point| visit(point.attributes)),
        Some(Data::Sum(sum)) => sum.data_points.for_each(|point| visit(point.attributes)),
        Some(Data::Histogram(histogram)) => histogram.data_points.for_each(|point| visit(point.attributes)),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.for_each(|point| visit(point.attributes)),
        Some(Data::Summary(summary)) => summary.data_points.for_each(|point| visit(point.attributes)),
    }
}

/// The Collector's word for the kind of a span.
fn kind(kind: i32) -> &'static str {
    match kind {
        0 => "Unspecified",
        1 => "Internal",
        2 => "Server",
        3 => "Client",
        4 => "Producer",
        5 => "Consumer",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
