//! OTLP/JSON as the specification has it, both ways.

mod reading;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::json;

use crate::build::{Logs, Metrics, Span, SpanKind, StatusCode, Temporality, Traces, Value};
use crate::check::{Limits, check};
use crate::payload::Payload;
use crate::signal::Signal;

fn text(payload: &Payload) -> String {
    let mut out = Vec::new();
    super::write(payload, &mut out);
    String::from_utf8(out).unwrap()
}

fn value(payload: &Payload) -> serde_json::Value {
    serde_json::from_str(&text(payload)).unwrap()
}

/// What another reader of OTLP/JSON makes of it is what a protobuf decoder makes of the bytes, and so is what ours does.
fn agrees<T: Message + Default + PartialEq + serde::de::DeserializeOwned + std::fmt::Debug>(payload: &Payload) {
    let read: T = serde_json::from_str(&text(payload)).unwrap();
    assert_eq!(read, T::decode(payload.contiguous()).unwrap());
    let ours = reading::payload(payload.signal(), &text(payload)).unwrap();
    assert_eq!(T::decode(ours.contiguous()).unwrap(), read);
    assert_eq!(ours.items(), payload.items());
}

fn logs() -> Payload {
    let mut logs = Logs::new();
    logs.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| {
            resource.attribute("service.name", "checkout");
            resource.dropped_attributes_count(4_000_000_000);
        });
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.scope(|scope| scope.name("io.example"));
            scope_logs.log_record(|record| {
                record.time_unix_nano(u64::MAX);
                record.severity_number(9);
                record.body(Value::Map(&[
                    ("text", Value::Text("a \"quote\",\na line, ünïcode\u{1}")),
                    ("list", Value::Array(&[Value::Bool(false), Value::Double(1.5), Value::Empty])),
                    ("least", Value::Int(i64::MIN)),
                    ("bytes", Value::Bytes(&[0, 1, 254, 255])),
                ]));
                record.attribute("empty", "");
                record.flags(1);
                record.trace_id(&[0xab; 16]);
                record.span_id(&[1, 2, 3, 4, 5, 6, 7, 8]);
            });
        });
        resource_logs.schema_url("https://opentelemetry.io/schemas/1.30.0");
    });
    logs.finish()
}

#[test]
fn a_log_record_looks_as_the_specification_says() {
    let expected = json!({ "resourceLogs": [{
        "resource": {
            "attributes": [{ "key": "service.name", "value": { "stringValue": "checkout" } }],
            "droppedAttributesCount": 4_000_000_000_u32,
        },
        "scopeLogs": [{
            "scope": { "name": "io.example" },
            "logRecords": [{
                "timeUnixNano": "18446744073709551615",
                "severityNumber": 9,
                "body": { "kvlistValue": { "values": [
                    { "key": "text", "value": { "stringValue": "a \"quote\",\na line, ünïcode\u{1}" } },
                    { "key": "list", "value": { "arrayValue": { "values": [
                        { "boolValue": false }, { "doubleValue": 1.5 }, {}
                    ] } } },
                    { "key": "least", "value": { "intValue": "-9223372036854775808" } },
                    { "key": "bytes", "value": { "bytesValue": "AAH+/w==" } },
                ] } },
                "attributes": [{ "key": "empty", "value": { "stringValue": "" } }],
                "flags": 1,
                "traceId": "abababababababababababababababab",
                "spanId": "0102030405060708",
            }],
        }],
        "schemaUrl": "https://opentelemetry.io/schemas/1.30.0",
    }] });
    assert_eq!(value(&logs()), expected);
    assert!(!text(&logs()).contains('\n'), "a request is one line");
    agrees::<ExportLogsServiceRequest>(&logs());
}

#[test]
fn spans_have_ids_in_hex_and_enums_as_numbers() {
    let mut traces = Traces::new();
    traces.resource_spans(|resource| {
        resource.scope_spans(|scope| {
            scope.span(|span: &mut Span<'_>| {
                span.trace_id(&[1; 16]);
                span.span_id(&[2; 8]);
                span.parent_span_id(&[3; 8]);
                span.name("GET /");
                span.kind(SpanKind::Server);
                span.start_time_unix_nano(1);
                span.end_time_unix_nano(2);
                span.event(|event| event.name("retry"));
                span.link(|link| {
                    link.trace_id(&[4; 16]);
                    link.span_id(&[5; 8]);
                });
                span.event(|event| event.name("again"));
                span.status(|status| {
                    status.code(StatusCode::Error);
                    status.message("timeout");
                });
            });
        });
    });
    let payload = traces.finish();
    agrees::<ExportTraceServiceRequest>(&payload);
    let span = &value(&payload)["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["kind"], 2);
    assert_eq!(span["parentSpanId"], "0303030303030303");
    assert_eq!(span["status"], json!({ "message": "timeout", "code": 2 }));
    assert_eq!(span["events"], json!([{ "name": "retry" }, { "name": "again" }]), "what lies apart stands together");
}

fn metrics(of: f64) -> Payload {
    let mut metrics = Metrics::new();
    metrics.resource_metrics(|resource| {
        resource.scope_metrics(|scope| {
            scope.metric(|metric| {
                metric.name("requests");
                metric.sum(|sum| {
                    sum.data_point(|point| {
                        point.as_int(-5);
                        point.flags(1);
                        point.exemplar(|exemplar| {
                            exemplar.as_double(of);
                            exemplar.trace_id(&[1; 16]);
                        });
                    });
                    sum.aggregation_temporality(Temporality::Cumulative);
                    sum.is_monotonic(true);
                });
            });
            scope.metric(|metric| {
                metric.name("latency");
                metric.histogram(|histogram| {
                    histogram.data_point(|point| {
                        point.count(3);
                        point.sum(of);
                        point.bucket_counts(&[1, 2, u64::MAX]);
                        point.explicit_bounds(&[0.5, 1e300]);
                    });
                });
            });
            scope.metric(|metric| {
                metric.name("sizes");
                metric.exponential_histogram(|histogram| {
                    histogram.data_point(|point| {
                        point.scale(-3);
                        point.zero_count(7);
                        point.positive(|buckets| {
                            buckets.offset(-2);
                            buckets.bucket_counts(&[1, 300]);
                        });
                    });
                });
            });
            scope.metric(|metric| {
                metric.name("quantiles");
                metric.summary(|summary| {
                    summary.data_point(|point| {
                        point.quantile_value(|quantile| {
                            quantile.quantile(0.99);
                            quantile.value(of);
                        });
                    });
                });
            });
        });
    });
    metrics.finish()
}

#[test]
fn metrics_of_every_kind_are_read_back() {
    agrees::<ExportMetricsServiceRequest>(&metrics(2.5));
    let metrics = &value(&metrics(2.5))["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    assert_eq!(metrics[0]["sum"]["dataPoints"][0]["asInt"], "-5");
    assert_eq!(metrics[0]["sum"]["isMonotonic"], true);
    assert_eq!(metrics[0]["sum"]["aggregationTemporality"], 2);
    assert_eq!(metrics[1]["histogram"]["dataPoints"][0]["bucketCounts"], json!(["1", "2", "18446744073709551615"]));
    assert_eq!(metrics[1]["histogram"]["dataPoints"][0]["explicitBounds"], json!([0.5, 1e300]));
    let exponential = &metrics[2]["exponentialHistogram"]["dataPoints"][0];
    assert_eq!((&exponential["scale"], &exponential["zeroCount"]), (&json!(-3), &json!("7")));
    assert_eq!(exponential["positive"], json!({ "offset": -2, "bucketCounts": ["1", "300"] }));
}

#[test]
fn numbers_that_json_lacks_are_text() {
    for (number, expected) in [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")] {
        let metrics = &value(&metrics(number))["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        assert_eq!(metrics[0]["sum"]["dataPoints"][0]["exemplars"][0]["asDouble"], expected);
        assert_eq!(metrics[1]["histogram"]["dataPoints"][0]["sum"], expected);
        assert_eq!(metrics[3]["summary"]["dataPoints"][0]["quantileValues"][0]["value"], expected);
    }
}

#[test]
fn elements_that_are_not_packed_and_fields_without_a_name_do_no_harm() {
    // A data point with `bucket_counts` once unpacked and once packed, and an unknown field 900.
    let mut point = vec![0x31, 1, 0, 0, 0, 0, 0, 0, 0, 0x32, 8, 2, 0, 0, 0, 0, 0, 0, 0];
    point.extend_from_slice(&[0xa0, 0x38, 5]);
    let wrap = |number: u8, inner: &[u8]| [&[number << 3 | 2, inner.len() as u8][..], inner].concat();
    let request = [1, 2, 2, 9, 1].iter().rev().fold(point, |inner, number| wrap(*number, &inner));
    let payload = check(Signal::Metrics, request.into(), &Limits::default()).unwrap();
    assert_eq!(payload.unknown_fields(), 1);
    let metric = &value(&payload)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
    assert_eq!(metric["histogram"]["dataPoints"], json!([{ "bucketCounts": ["1", "2"] }]));
}

#[test]
fn a_payload_without_items_is_an_empty_list() {
    assert_eq!(text(&Payload::empty(Signal::Traces)), "{\"resourceSpans\":[]}");
}
