//! What is read of OTLP/JSON, and what is refused.

use serde_json::json;

use crate::build::{Logs, Metrics, Traces, Value};
use crate::check::{Limits, check};
use crate::json::{ReadError, Request, read};
use crate::payload::Payload;
use crate::signal::Signal;

fn request(signal: Signal, text: &str) -> Result<Request, ReadError> {
    read(signal, text.as_bytes(), &Limits::default(), 1 << 20, &mut |_| true)
}

pub(super) fn payload(signal: Signal, text: &str) -> Result<Payload, String> {
    let request = request(signal, text).map_err(|error| error.to_string())?;
    check(signal, request.bytes, &Limits::default()).map_err(|error| error.to_string())
}

fn json_of(payload: &Payload) -> serde_json::Value {
    let mut out = Vec::new();
    crate::json::write(payload, &mut out);
    serde_json::from_slice(&out).unwrap()
}

/// A request with this log record.
fn record(fields: &str) -> String {
    format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{fields}]}}]}}]}}")
}

fn point(fields: &str) -> String {
    format!("{{\"resourceMetrics\":[{{\"scopeMetrics\":[{{\"metrics\":[{fields}]}}]}}]}}")
}

#[test]
fn takes_the_example_of_the_specification() {
    let text = json!({ "resourceSpans": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "my.service" } }] },
        "scopeSpans": [{
            "scope": { "name": "my.library", "version": "1.0.0" },
            "spans": [{
                "traceId": "5B8EFFF798038103D269B633813FC60C",
                "spanId": "EEE19B7EC3C1B174",
                "name": "I'm a server span",
                "startTimeUnixNano": "1544712660000000000",
                "endTimeUnixNano": 1_544_712_661_000_000_000u64,
                "kind": 2,
                "attributes": [{ "key": "my.span.attr", "value": { "intValue": "-3" } }],
                "status": {},
            }],
        }],
    }] });
    let mut expected = Traces::new();
    expected.resource_spans(|resource_spans| {
        resource_spans.resource(|resource| resource.attribute("service.name", "my.service"));
        resource_spans.scope_spans(|scope_spans| {
            scope_spans.scope(|scope| {
                scope.name("my.library");
                scope.version("1.0.0");
            });
            scope_spans.span(|span| {
                span.trace_id(&0x5B8E_FFF7_9803_8103_D269_B633_813F_C60C_u128.to_be_bytes());
                span.span_id(&0xEEE1_9B7E_C3C1_B174_u64.to_be_bytes());
                span.name("I'm a server span");
                span.start_time_unix_nano(1_544_712_660_000_000_000);
                span.end_time_unix_nano(1_544_712_661_000_000_000);
                span.kind(crate::build::SpanKind::Server);
                span.attribute("my.span.attr", -3);
                span.status(|_| ());
            });
        });
    });
    // The order of its keys is the order of the numbers here, but for `kind`.
    let read = payload(Signal::Traces, &text.to_string()).unwrap();
    assert_eq!(json_of(&read), json_of(&expected.finish()));
    assert_eq!(read.items(), 1);
}

#[test]
fn takes_every_form_that_a_number_may_have() {
    let body = |value: &str| payload(Signal::Logs, &record(&format!("{{\"body\":{value}}}")));
    let built = |value: Value<'_>| {
        let mut logs = Logs::new();
        logs.resource_logs(|r| r.scope_logs(|s| s.log_record(|record| record.body(value))));
        logs.finish().contiguous()
    };
    for (text, value) in [
        (r#"{"intValue":"-7"}"#, Value::Int(-7)),
        (r#"{"intValue":-7}"#, Value::Int(-7)),
        (r#"{"intValue":1e3}"#, Value::Int(1000)),
        (r#"{"intValue":"9223372036854775807"}"#, Value::Int(i64::MAX)),
        (r#"{"doubleValue":1}"#, Value::Double(1.0)),
        (r#"{"doubleValue":-0.1}"#, Value::Double(-0.1)),
        (r#"{"doubleValue":"2.5e-3"}"#, Value::Double(2.5e-3)),
        (r#"{"doubleValue":"-Infinity"}"#, Value::Double(f64::NEG_INFINITY)),
        (r#"{"boolValue":true}"#, Value::Bool(true)),
        (r#"{"bytesValue":"AAH+/w=="}"#, Value::Bytes(&[0, 1, 254, 255])),
        (r#"{"bytesValue":"AAH+/w"}"#, Value::Bytes(&[0, 1, 254, 255])),
        (r#"{"stringValue":"a \"\u00fc\"\n"}"#, Value::Text("a \"ü\"\n")),
        ("{}", Value::Empty),
    ] {
        assert_eq!(body(text).map(|payload| payload.contiguous()), Ok(built(value)), "{text}");
    }
}

#[test]
fn enums_may_stand_by_their_names() {
    let span = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"kind":"SPAN_KIND_CONSUMER","status":{"code":"STATUS_CODE_ERROR"}}]}]}]}"#;
    assert_eq!(json_of(&payload(Signal::Traces, span).unwrap())["resourceSpans"][0]["scopeSpans"][0]["spans"][0], {
        json!({ "kind": 5, "status": { "code": 2 } })
    });
    for (name, number) in [("UNSPECIFIED", 0), ("TRACE", 1), ("DEBUG4", 8), ("INFO", 9), ("FATAL4", 24)] {
        let text = record(&format!("{{\"severityNumber\":\"SEVERITY_NUMBER_{name}\"}}"));
        let read = json_of(&payload(Signal::Logs, &text).unwrap());
        assert_eq!(read["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["severityNumber"], number, "{name}");
    }
    let sum = point(r#"{"sum":{"aggregationTemporality":"AGGREGATION_TEMPORALITY_DELTA"}}"#);
    let read = json_of(&payload(Signal::Metrics, &sum).unwrap());
    assert_eq!(read["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["sum"]["aggregationTemporality"], 1);
}

#[test]
fn null_is_the_same_as_nothing_and_an_empty_list_too() {
    let mut empty = Logs::new();
    empty.resource_logs(|r| r.scope_logs(|s| s.log_record(|_| ())));
    let expected = empty.finish().contiguous();
    for fields in
        ["{}", r#"{"body":null,"timeUnixNano":null,"attributes":null,"traceId":null}"#, r#"{"attributes":[]}"#]
    {
        assert_eq!(payload(Signal::Logs, &record(fields)).unwrap().contiguous(), expected, "{fields}");
    }
    assert_eq!(payload(Signal::Logs, "{}").unwrap().items(), 0);
    assert_eq!(payload(Signal::Logs, r#"{"resourceLogs":null}"#).unwrap().items(), 0);
}

#[test]
fn packed_numbers_are_read_and_an_empty_list_of_them_is_nothing() {
    let text = r#"{"histogram":{"dataPoints":[
        {"bucketCounts":["1",2],"explicitBounds":[0.5,"NaN"]},{"bucketCounts":[],"explicitBounds":[]}]}}"#;
    let mut expected = Metrics::new();
    expected.resource_metrics(|r| {
        r.scope_metrics(|s| {
            s.metric(|metric| {
                metric.histogram(|histogram| {
                    histogram.data_point(|point| {
                        point.bucket_counts(&[1, 2]);
                        point.explicit_bounds(&[0.5, f64::NAN]);
                    });
                    histogram.data_point(|_| ());
                });
            });
        });
    });
    assert_eq!(payload(Signal::Metrics, &point(text)).unwrap().contiguous(), expected.finish().contiguous());
}

#[test]
fn keys_that_otlp_does_not_know_are_passed_over_and_counted() {
    let text = record(r#"{"body":{"stringValue":"x"},"time_unix_nano":"1","more":{"a":[1,{"b":null}]},"":0}"#);
    let read = request(Signal::Logs, &text).unwrap();
    assert_eq!(read.unknown_keys, 3, "the names of the proto are no keys");
    let known = request(Signal::Logs, &record(r#"{"body":{"stringValue":"x"}}"#)).unwrap();
    assert_eq!(read.bytes, known.bytes);
}

#[test]
fn what_is_wrong_is_told_with_its_field_and_its_place() {
    let deep = format!("{{\"body\":{}{{}}{}}}", "{\"arrayValue\":{\"values\":[".repeat(40), "]}}".repeat(40));
    for (fields, why) in [
        (r#"{"severityNumber":"SEVERITY_NUMBER_INFO5"}"#, "expected a whole number for `severityNumber`"),
        (r#"{"severityNumber":3000000000}"#, "3000000000 is beyond what `severityNumber` can hold"),
        (r#"{"timeUnixNano":"-1"}"#, "-1 is beyond what `timeUnixNano` can hold"),
        (r#"{"timeUnixNano":1.5}"#, "expected a whole number, as text or not, for `timeUnixNano`"),
        (r#"{"body":"plain"}"#, "expected an object for `body`"),
        (r#"{"body":{"boolValue":1}}"#, "expected true or false for `boolValue`"),
        (r#"{"body":{"doubleValue":"inf"}}"#, "`doubleValue`"),
        (r#"{"body":{"bytesValue":"?"}}"#, "expected bytes in base64 for `bytesValue`"),
        (r#"{"body":{"stringValue":"a","intValue":"1"}}"#, "may stand only once"),
        (r#"{"body":{},"body":{}}"#, "the key `body` stands twice in a LogRecord"),
        (r#"{"attributes":[],"attributes":[]}"#, "the key `attributes` stands twice"),
        (r#"{"attributes":{}}"#, "expected a list for `attributes`"),
        (r#"{"attributes":[null]}"#, "expected an object for `attributes`"),
        (r#"{"traceId":"abc"}"#, "expected an id in hex for `traceId`"),
        (r#"{"traceId":"zz"}"#, "expected an id in hex for `traceId`"),
        (r#"{"traceId":"abcd"}"#, "the id of a trace has 16 bytes"),
        (r#"{"body":{"stringValue":"a}}"#, "at line 1"),
        (&deep, "nested deeper"),
    ] {
        let error = payload(Signal::Logs, &record(fields)).unwrap_err();
        assert!(error.contains(why), "{fields}: {error}");
    }
    for text in ["", "[]", "null", "{} x", "{\"resourceLogs\":[", "\u{feff}{}"] {
        assert!(payload(Signal::Logs, text).is_err(), "{text}");
    }
    let place = payload(Signal::Logs, "{\"resourceLogs\":\n[{\"scopeLogs\":7}]}").unwrap_err();
    assert!(place.ends_with("at line 2 column 15"), "{place}");
}

#[test]
fn takes_no_memory_that_it_was_not_granted() {
    let numbers = "0,".repeat(9_999);
    let text = point(&format!("{{\"histogram\":{{\"dataPoints\":[{{\"bucketCounts\":[{numbers}0]}}]}}}}"));
    let attempt = |most: usize, granted: usize| {
        let mut taken = 0;
        let read = read(Signal::Metrics, text.as_bytes(), &Limits::default(), most, &mut |bytes| {
            taken += bytes;
            taken <= granted
        });
        (read.map(|request| request.bytes.len()), taken)
    };
    let (read, taken) = attempt(1 << 20, 1 << 20);
    assert!(read.clone().unwrap() > 80_000, "twenty thousand bytes of text become four times as much");
    assert!(taken < 2 * read.unwrap());
    assert_eq!(attempt(60_000, 1 << 20).0, Err(ReadError::TooLarge(60_000)));
    assert_eq!(attempt(1 << 20, 60_000).0, Err(ReadError::NoRoom));
}

#[test]
fn asks_for_what_the_text_itself_makes_it_keep() {
    let taken = |fields: &str| {
        let (text, mut taken) = (record(fields), 0);
        let read = read(Signal::Logs, text.as_bytes(), &Limits::default(), 1 << 20, &mut |bytes| {
            taken += bytes;
            true
        });
        (read.unwrap().bytes.len(), taken, text.len())
    };
    let long = "x".repeat(100_000);
    let body = |value: &str| format!(r#"{{"body":{{"stringValue":"{value}"}}}}"#);
    let (_, plain, _) = taken(&body(&long));
    let (_, escaped, _) = taken(&body(&format!("{long}\\n")));
    assert!((plain + 99_000..plain + 101_000).contains(&escaped), "{plain} and {escaped}");
    let (open, close) = ("[".repeat(50_000), "]".repeat(50_000));
    let (len, nested, _) = taken(&format!(r#"{{"nobodyKnows":{open}{close}}}"#));
    assert!(len < 100 && nested >= 50_000 + 50_000, "{nested}");
    // What is base64 goes where it stays, without another buffer.
    let (len, bytes, text) = taken(&format!(r#"{{"body":{{"bytesValue":"{}"}}}}"#, "QUJD".repeat(25_000)));
    assert!(len > 75_000 && bytes < len + text / 2, "{bytes} for {len}");
}

#[test]
fn takes_base64_with_its_signs_of_filling_and_without() {
    let body = |text: &str| {
        let fields = format!(r#"{{"body":{{"bytesValue":"{text}"}}}}"#);
        payload(Signal::Logs, &record(&fields)).map(|payload| json_of(&payload))
    };
    for (text, told) in
        [("", ""), ("QQ", "QQ=="), ("QQ==", "QQ=="), ("QUI", "QUI="), ("QUJD", "QUJD"), ("QUJDRA==", "QUJDRA==")]
    {
        let json = body(text).unwrap();
        assert_eq!(json["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"]["bytesValue"], told);
    }
    for text in ["Q", "=", "====", "QQ===", "Q=Q=", "QUJD=", "Q Q=", "QR=="] {
        assert!(body(text).unwrap_err().contains("base64"), "{text}");
    }
}
