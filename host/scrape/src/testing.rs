//! What tests read OTLP with: a line for each data point, as a decoder of protobuf sees it.

use host_component::Payload;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, NumberDataPoint};
use prost::Message as _;

pub(crate) fn decoded(payload: &Payload) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(payload.contiguous()).unwrap()
}

/// `a=1,b=2`, in order.
pub(crate) fn attributes(attributes: &[KeyValue]) -> String {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => format!("{}={text}", attribute.key),
        other => panic!("{other:?}"),
    };
    let mut all: Vec<String> = attributes.iter().map(text).collect();
    all.sort();
    all.join(",")
}

/// All points, without the time: `name kind {attributes} value`.
pub(crate) fn lines(payload: &Payload) -> Vec<String> {
    let request = decoded(payload);
    let mut lines = Vec::new();
    for metric in request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics) {
        let name = &metric.name;
        match metric.data.as_ref().unwrap() {
            Data::Gauge(gauge) => lines.extend(gauge.data_points.iter().map(|p| number(name, "gauge", p))),
            Data::Sum(sum) => {
                let kind = if sum.is_monotonic { "counter" } else { "sum" };
                assert_eq!(sum.aggregation_temporality, 2);
                lines.extend(sum.data_points.iter().map(|p| number(name, kind, p)));
            }
            Data::Histogram(histogram) => {
                assert_eq!(histogram.aggregation_temporality, 2);
                for p in &histogram.data_points {
                    let gone = if p.flags == 1 { " gone" } else { "" };
                    let sum = p.sum.map_or("-".to_owned(), |sum| sum.to_string());
                    lines.push(format!(
                        "{name} histogram {{{}}} {} {sum} {:?} {:?}{}{}{gone}",
                        attributes(&p.attributes),
                        p.count,
                        p.explicit_bounds,
                        p.bucket_counts,
                        start(p.start_time_unix_nano),
                        exemplars(&p.exemplars),
                    ));
                }
            }
            Data::Summary(summary) => {
                for p in &summary.data_points {
                    let gone = if p.flags == 1 { " gone" } else { "" };
                    let quantiles: Vec<(f64, f64)> = p.quantile_values.iter().map(|q| (q.quantile, q.value)).collect();
                    let attributes = attributes(&p.attributes);
                    lines.push(format!("{name} summary {{{attributes}}} {} {} {quantiles:?}{gone}", p.count, p.sum));
                }
            }
            Data::ExponentialHistogram(histogram) => {
                for p in &histogram.data_points {
                    let gone = if p.flags == 1 { " gone" } else { "" };
                    let side = |b: &Option<
                        opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets,
                    >| {
                        b.as_ref().map_or("-".to_owned(), |b| format!("{}:{:?}", b.offset, b.bucket_counts))
                    };
                    lines.push(format!(
                        "{name} native {{{}}} {} {:?} scale {} zero {}<{} {} {}{}{gone}",
                        attributes(&p.attributes),
                        p.count,
                        p.sum,
                        p.scale,
                        p.zero_count,
                        p.zero_threshold,
                        side(&p.positive),
                        side(&p.negative),
                        start(p.start_time_unix_nano),
                    ));
                }
            }
        }
    }
    lines
}

/// The points without those that tell of the scrape.
pub(crate) fn own(payload: &Payload) -> Vec<String> {
    let is_own = |line: &String| !line.starts_with("up ") && !line.starts_with("scrape_");
    lines(payload).into_iter().filter(is_own).collect()
}

/// The value of the one point of this name.
pub(crate) fn value(payload: &Payload, name: &str) -> f64 {
    let start = format!("{name} ");
    let found: Vec<String> = lines(payload).into_iter().filter(|line| line.starts_with(&start)).collect();
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found[0].rsplit(' ').next().unwrap().parse().unwrap()
}

fn number(name: &str, kind: &str, point: &NumberDataPoint) -> String {
    let value = match (point.value, point.flags) {
        (Some(Value::AsDouble(value)), 0) => value.to_string(),
        (None, 1) => "gone".to_owned(),
        other => panic!("{other:?}"),
    };
    let start = start(point.start_time_unix_nano);
    format!("{name} {kind} {{{}}} {value}{start}{}", attributes(&point.attributes), exemplars(&point.exemplars))
}

fn start(nanos: u64) -> String {
    if nanos == 0 { String::new() } else { format!(" since {}", nanos / 1_000_000) }
}

fn exemplars(exemplars: &[Exemplar]) -> String {
    let text = |exemplar: &Exemplar| {
        let id = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let Some(opentelemetry_proto::tonic::metrics::v1::exemplar::Value::AsDouble(value)) = exemplar.value else {
            panic!("{exemplar:?}")
        };
        let rest = attributes(&exemplar.filtered_attributes);
        format!(" [{value} {} {} {rest}]", id(&exemplar.trace_id), id(&exemplar.span_id))
    };
    exemplars.iter().map(text).collect()
}
