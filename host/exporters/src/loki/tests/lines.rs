//! The line in its forms.

use host_otlp::Payload;
use host_otlp::build::{Logs, Value};

use super::super::line::Format;
use super::super::push::Manner;
use super::{bare, entry, payload};

fn line(format: Format, payload: &Payload) -> String {
    let manner = bare(&["service.name"], &[]);
    entry(&Manner { format, ..manner }, payload).line
}

fn full() -> Payload {
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| {
            resource.attribute("service.name", "cart");
            resource.attribute("host.name", "h");
        });
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.scope(|scope| {
                scope.name("lib");
                scope.version("1");
            });
            scope_logs.log_record(|record| {
                record.severity_text("INFO");
                record.body("it's \"done\"");
                record.attribute("n", 3);
                record.attribute("map", Value::Map(&[("k", "v w".into())]));
                record.flags(1);
                record.trace_id(&[1; 16]);
                record.span_id(&[2; 8]);
            });
        });
    });
    request.finish()
}

#[test]
fn a_body_that_is_no_text_is_json() {
    let body = |value: Value<'_>| line(Format::Raw, &payload(|_| {}, &[&|r| r.body(value)]));
    assert_eq!(body("as it is\n".into()), "as it is\n");
    assert_eq!(
        body(Value::Map(&[("a", 1.into()), ("b", Value::Array(&[true.into(), Value::Empty]))])),
        r#"{"a":1,"b":[true,null]}"#
    );
    assert_eq!(body(Value::Array(&["x\"y".into(), f64::NAN.into()])), r#"["x\"y","NaN"]"#);
    assert_eq!(body(Value::Bytes(b"\x00\xff")), "AP8=");
    assert_eq!(body(42.into()), "42");
    assert_eq!(body(1.5e-9.into()), "1.5e-9");
    assert_eq!(body(3.0.into()), "3");
    assert_eq!(body(Value::Empty), "");
}

#[test]
fn as_json_a_line_is_the_whole_record_but_for_its_labels() {
    assert_eq!(
        line(Format::Json, &full()),
        concat!(
            r#"{"body":"it's \"done\"","traceid":"01010101010101010101010101010101","spanid":"0202020202020202","#,
            r#""severity":"INFO","flags":1,"attributes":{"n":3,"map":{"k":"v w"}},"resources":{"host.name":"h"},"#,
            r#""instrumentation_scope":{"name":"lib","version":"1"}}"#
        )
    );
}

#[test]
fn as_logfmt_it_is_pairs() {
    assert_eq!(
        line(Format::Logfmt, &full()),
        concat!(
            r#"msg="it's \"done\"" traceID=01010101010101010101010101010101 spanID=0202020202020202 severity=INFO flags=1 "#,
            r#"attribute_n=3 attribute_map_k="v w" resource_host.name=h instrumentation_scope_name=lib "#,
            r#"instrumentation_scope_version=1"#
        )
    );
}

#[test]
fn a_body_in_logfmt_stays_as_it_is() {
    let body = |text: &str| line(Format::Logfmt, &payload(|_| {}, &[&|r| r.body(text)]));
    for logfmt in [r#"a=1 b="x \" y" c="#, "ts=2024-01-01T00:00:00Z level=info"] {
        assert_eq!(body(logfmt), logfmt);
    }
    for other in ["two words", "a=1 b", "=x", r#"a="open"#, r#"a="x"b"#, ""] {
        assert_eq!(body(other), format!("msg={}", serde_json::to_string(other).unwrap()), "{other}");
    }
}

#[test]
fn a_hint_chooses_the_form_of_its_records() {
    let hinted = payload(
        |_| {},
        &[&|r| {
            r.attribute("loki.format", "logfmt");
            r.body("b");
        }],
    );
    assert_eq!(line(Format::Raw, &hinted), "msg=b");
    let unknown = payload(|r| r.attribute("loki.format", "xml"), &[&|r| r.body("b")]);
    assert_eq!(line(Format::Raw, &unknown), "b");
}
