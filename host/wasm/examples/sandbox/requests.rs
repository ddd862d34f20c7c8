//! What the guests are given: requests of 100 records or spans in four resources, or of 500 data points; single items; and
//! requests in which no pattern matches.

use host_component::{Payload, Signal};
use host_otlp::{Limits, check};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::{REQUESTS, data};

/// Requests as a cluster sends them.
pub(crate) fn of(signal: Signal) -> Vec<Payload> {
    match signal {
        Signal::Logs => (0..REQUESTS).map(data::request).collect(),
        Signal::Traces => (0..REQUESTS).map(|seed| traces(seed, 4, 25, true)).collect(),
        Signal::Metrics => (0..REQUESTS).map(|seed| metrics(seed, 10, 50)).collect(),
    }
}

/// One item each.
pub(crate) fn single(signal: Signal) -> Vec<Payload> {
    match signal {
        Signal::Logs => {
            let one = |seed| data::request(seed).split(1, usize::MAX).into_iter().next();
            (0..REQUESTS).filter_map(one).collect()
        }
        Signal::Traces => (0..REQUESTS).map(|seed| traces(seed, 1, 1, true)).collect(),
        Signal::Metrics => (0..REQUESTS).map(|seed| metrics(seed, 1, 1)).collect(),
    }
}

/// Requests without anything personal.
pub(crate) fn without_matches(signal: Signal) -> Option<Vec<Payload>> {
    (signal == Signal::Traces).then(|| (0..REQUESTS).map(|seed| traces(seed, 4, 25, false)).collect())
}

fn text(key: &str, value: String) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value)) };
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

fn resource(seed: u64, number: u64) -> Option<Resource> {
    let keys = ["service.name", "service.instance.id", "k8s.pod.name", "k8s.namespace.name", "telemetry.sdk.language"];
    let attributes = keys.map(|key| text(key, format!("{key}-of-{number}-{}", seed % 7))).into();
    Some(Resource { attributes, ..Resource::default() })
}

fn traces(seed: u64, resources: u64, spans: u64, is_personal: bool) -> Payload {
    let span = |number: u64| {
        let mut attributes = vec![
            text("http.request.method", "GET".to_owned()),
            text("url.path", "/api/v1/orders/{id}".to_owned()),
            text("request.id", format!("{:x}", (seed + 1) * (number + 1) * 0x9e37_79b9)),
            text("thread.name", format!("http-nio-exec-{}", number % 64)),
        ];
        if is_personal && number.is_multiple_of(4) {
            attributes.push(text("enduser.id", format!("ada.{number}@staff.example")));
            attributes.push(text("client.address", format!("10.77.{}.{}", seed % 256, number % 256)));
        }
        Span {
            trace_id: (u128::from(seed) << 64 | u128::from(number)).to_be_bytes().into(),
            span_id: (number + 1).to_be_bytes().into(),
            name: "GET /orders".to_owned(),
            kind: 2,
            start_time_unix_nano: 1_700_000_000_000_000_000 + number,
            end_time_unix_nano: 1_700_000_000_000_100_000 + number,
            attributes,
            ..Span::default()
        }
    };
    let of_resource = |number: u64| ResourceSpans {
        resource: resource(seed, number),
        scope_spans: vec![ScopeSpans { spans: (0..spans).map(span).collect(), ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    };
    payload(Signal::Traces, &ExportTraceServiceRequest { resource_spans: (0..resources).map(of_resource).collect() })
}

fn metrics(seed: u64, count: u64, points: u64) -> Payload {
    let point = |number: u64| NumberDataPoint {
        attributes: vec![
            text("http.route", format!("/orders/{}", number % 10)),
            text("http.request.method", "GET".to_owned()),
            text("status", format!("{}", number % 5)),
        ],
        start_time_unix_nano: 1_700_000_000_000_000_000,
        time_unix_nano: 1_700_000_010_000_000_000 + seed,
        value: Some(number_data_point::Value::AsInt((seed * number).cast_signed())),
        ..NumberDataPoint::default()
    };
    let metric = |number: u64| {
        let data_points = (0..points).map(point).collect();
        let sum = Sum { data_points, aggregation_temporality: 2, is_monotonic: true };
        Metric { name: format!("requests.{number}"), data: Some(metric::Data::Sum(sum)), ..Metric::default() }
    };
    let scope = ScopeMetrics { metrics: (0..count).map(metric).collect(), ..ScopeMetrics::default() };
    let resource =
        ResourceMetrics { resource: resource(seed, 0), scope_metrics: vec![scope], ..ResourceMetrics::default() };
    payload(Signal::Metrics, &ExportMetricsServiceRequest { resource_metrics: vec![resource] })
}

fn payload(signal: Signal, request: &impl Message) -> Payload {
    check(signal, request.encode_to_vec().into(), &Limits::default()).expect("a request of prost's is one")
}
