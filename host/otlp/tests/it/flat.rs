//! A request item by item: what splitting and concatenation must keep.

use host_otlp::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

/// An item, or a message that could hold items and has none, with everything around it, encoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Flat {
    pub(crate) around: Vec<u8>,
    pub(crate) item: Option<Vec<u8>>,
}

/// The request's items in order.
pub(crate) fn flat(signal: Signal, bytes: &[u8]) -> Vec<Flat> {
    match signal {
        Signal::Logs => logs(ExportLogsServiceRequest::decode(bytes).expect("a piece is valid")),
        Signal::Traces => traces(ExportTraceServiceRequest::decode(bytes).expect("a piece is valid")),
        Signal::Metrics => metrics(ExportMetricsServiceRequest::decode(bytes).expect("a piece is valid")),
    }
}

/// Takes the children out of a message, encodes what is left as part of what is around them, and visits them.
macro_rules! descend {
    ($out:ident, $around:expr, $parent:ident . $children:ident, |$child:ident, $inner:ident| $visit:expr) => {{
        let children = std::mem::take(&mut $parent.$children);
        let $inner = [$around, $parent.encode_to_vec()].concat();
        if children.is_empty() {
            $out.push(Flat { around: $inner, item: None });
        } else {
            for $child in children {
                $visit;
            }
        }
    }};
}

fn item(out: &mut Vec<Flat>, around: &[u8], item: &impl Message) {
    out.push(Flat { around: around.to_owned(), item: Some(item.encode_to_vec()) });
}

fn logs(request: ExportLogsServiceRequest) -> Vec<Flat> {
    let mut out = Vec::new();
    for mut rl in request.resource_logs {
        descend!(out, vec![], rl.scope_logs, |sl, around| {
            let mut sl = sl;
            descend!(out, around.clone(), sl.log_records, |record, inner| item(&mut out, &inner, &record));
        });
    }
    out
}

fn traces(request: ExportTraceServiceRequest) -> Vec<Flat> {
    let mut out = Vec::new();
    for mut rs in request.resource_spans {
        descend!(out, vec![], rs.scope_spans, |ss, around| {
            let mut ss = ss;
            descend!(out, around.clone(), ss.spans, |span, inner| item(&mut out, &inner, &span));
        });
    }
    out
}

fn metrics(request: ExportMetricsServiceRequest) -> Vec<Flat> {
    let mut out = Vec::new();
    for mut rm in request.resource_metrics {
        descend!(out, vec![], rm.scope_metrics, |sm, around| {
            let mut sm = sm;
            descend!(out, around.clone(), sm.metrics, |metric, inner| points(&mut out, &inner, metric));
        });
    }
    out
}

fn points(out: &mut Vec<Flat>, around: &[u8], mut metric: Metric) {
    let data = metric.data.take();
    // The kind and its own fields stay around the points.
    let frame = [around, &metric.encode_to_vec()].concat();
    match data {
        None => out.push(Flat { around: frame, item: None }),
        Some(Data::Gauge(mut it)) => {
            descend!(out, [frame, b"gauge".to_vec()].concat(), it.data_points, |p, inner| item(out, &inner, &p));
        }
        Some(Data::Sum(mut it)) => {
            descend!(out, [frame, b"sum".to_vec()].concat(), it.data_points, |p, inner| item(out, &inner, &p));
        }
        Some(Data::Histogram(mut it)) => {
            descend!(out, [frame, b"histogram".to_vec()].concat(), it.data_points, |p, inner| item(out, &inner, &p));
        }
        Some(Data::ExponentialHistogram(mut it)) => {
            descend!(out, [frame, b"exponential".to_vec()].concat(), it.data_points, |p, inner| item(out, &inner, &p));
        }
        Some(Data::Summary(mut it)) => {
            descend!(out, [frame, b"summary".to_vec()].concat(), it.data_points, |p, inner| item(out, &inner, &p));
        }
    }
}
