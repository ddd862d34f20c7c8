//! A line an item: what it is called or says, and its attributes.

use std::fmt::Write as _;

use host_component::{Payload, Signal};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, number_data_point};
use prost::Message;

use super::text;

/// Appends a line for each item of `payload`.
pub(super) fn write(payload: &Payload, out: &mut String) {
    let bytes = payload.contiguous();
    let written = match payload.signal() {
        Signal::Logs => ExportLogsServiceRequest::decode(bytes).map(|request| logs(&request, out)),
        Signal::Traces => ExportTraceServiceRequest::decode(bytes).map(|request| traces(&request, out)),
        Signal::Metrics => ExportMetricsServiceRequest::decode(bytes).map(|request| metrics(&request, out)),
    };
    if let Err(error) = written {
        writeln!(out, "(not shown: {error})").expect("text is written to memory");
    }
}

fn line(out: &mut String, head: &str, attributes: &[KeyValue]) {
    out.push_str(&text::line(head));
    text::attributes(attributes, out);
    out.push('\n');
}

fn logs(request: &ExportLogsServiceRequest, out: &mut String) {
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    for record in scopes.flat_map(|scope| &scope.log_records) {
        line(out, &text::value(record.body.as_ref()), &record.attributes);
    }
}

fn traces(request: &ExportTraceServiceRequest, out: &mut String) {
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    for span in scopes.flat_map(|scope| &scope.spans) {
        let head = format!("{} {} {}", span.name, text::hex(&span.trace_id), text::hex(&span.span_id));
        line(out, &head, &span.attributes);
    }
}

fn metrics(request: &ExportMetricsServiceRequest, out: &mut String) {
    let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
    for metric in scopes.flat_map(|scope| &scope.metrics) {
        points(metric, out);
    }
}

fn points(metric: &Metric, out: &mut String) {
    let name = &metric.name;
    match &metric.data {
        None => {}
        Some(Data::Gauge(gauge)) => gauge.data_points.iter().for_each(|point| number(name, point, out)),
        Some(Data::Sum(sum)) => sum.data_points.iter().for_each(|point| number(name, point, out)),
        Some(Data::Histogram(histogram)) => {
            for point in &histogram.data_points {
                let head = format!("{name} count={} sum={}", point.count, point.sum.unwrap_or_default());
                line(out, &head, &point.attributes);
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            for point in &histogram.data_points {
                let head = format!("{name} count={} sum={}", point.count, point.sum.unwrap_or_default());
                line(out, &head, &point.attributes);
            }
        }
        Some(Data::Summary(summary)) => {
            for point in &summary.data_points {
                line(out, &format!("{name} count={} sum={}", point.count, point.sum), &point.attributes);
            }
        }
    }
}

fn number(name: &str, point: &NumberDataPoint, out: &mut String) {
    let head = match point.value {
        None => name.to_owned(),
        Some(number_data_point::Value::AsInt(value)) => format!("{name} {value}"),
        Some(number_data_point::Value::AsDouble(value)) => format!("{name} {value}"),
    };
    line(out, &head, &point.attributes);
}
