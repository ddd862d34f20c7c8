//! Tests of what stands in `difference`: a request and another, and what is told of the two.

use bytes::Bytes;
use host_otlp::{Limits, Payload, Signal, check, json};
use serde_json::{Value, json};

use super::Outcome;

fn payload(signal: Signal, request: &Value) -> Payload {
    let limits = Limits::default();
    let text = request.to_string();
    let bytes: Bytes = json::read(signal, text.as_bytes(), &limits, 1 << 20, &mut |_| true).unwrap().bytes;
    check(signal, bytes, &limits).unwrap()
}

/// What is told of two requests.
fn told(signal: Signal, old: &Value, new: &Value) -> Vec<String> {
    let outcome = |request| Outcome::unchanged(&payload(signal, request)).unwrap();
    outcome(old).differences(&outcome(new)).iter().map(ToString::to_string).collect()
}

fn logs(records: &Value) -> Value {
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] })
}

fn of_logs(old: &Value, new: &Value) -> Vec<String> {
    told(Signal::Logs, &logs(old), &logs(new))
}

/// As an attribute's value.
fn any(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(truth) => json!({ "boolValue": truth }),
        Value::Number(number) if number.is_i64() => json!({ "intValue": number }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::String(text) => json!({ "stringValue": text }),
        Value::Array(items) => json!({ "arrayValue": { "values": items.iter().map(any).collect::<Vec<_>>() } }),
        Value::Object(fields) => {
            let pairs: Vec<Value> =
                fields.iter().map(|(key, value)| json!({ "key": key, "value": any(value) })).collect();
            json!({ "kvlistValue": { "values": pairs } })
        }
    }
}

/// A record with these attributes, in this order.
fn record(attributes: &[(&str, Value)]) -> Value {
    let pairs: Vec<Value> = attributes.iter().map(|(key, value)| json!({ "key": key, "value": any(value) })).collect();
    json!({ "attributes": pairs })
}

fn body(text: &str) -> Value {
    json!({ "body": { "stringValue": text } })
}

#[test]
fn an_attribute_is_named_by_its_key() {
    let old = record(&[("user.email", json!("a@b")), ("n", json!(1)), ("gone", json!([1, "x"]))]);
    let new = record(&[("user.email", json!("****")), ("n", json!(1.0)), ("come", json!({ "a": null }))]);
    let place = "resourceLogs[0].scopeLogs[0].logRecords[0].attributes";
    assert_eq!(
        of_logs(&json!([old]), &json!([new])),
        [
            format!("{place}[\"user.email\"]: \"a@b\" → \"****\""),
            format!("{place}[\"n\"]: 1 → 1.0"),
            format!("- {place}[\"gone\"]: [1, \"x\"]"),
            format!("+ {place}[\"come\"]: {{\"a\": null}}"),
        ]
    );
}

#[test]
fn what_lies_in_lists_and_maps_is_named_by_the_way_to_it() {
    let old = record(&[("deep", json!({ "list": [1, { "leaf": "a" }], "same": true }))]);
    let new = record(&[("deep", json!({ "list": [1, { "leaf": "b" }, 3], "same": true }))]);
    let place = "resourceLogs[0].scopeLogs[0].logRecords[0].attributes[\"deep\"][\"list\"]";
    let expected = [format!("{place}[1][\"leaf\"]: \"a\" → \"b\""), format!("+ {place}[2]: 3")];
    assert_eq!(of_logs(&json!([old]), &json!([new])), expected);
}

#[test]
fn the_order_of_attributes_counts() {
    let old = record(&[("a", json!(1)), ("b", json!(2)), ("c", json!(3))]);
    let new = record(&[("b", json!(2)), ("a", json!(1))]);
    let place = "resourceLogs[0].scopeLogs[0].logRecords[0].attributes";
    let expected = [format!("- {place}[\"c\"]: 3"), format!("{place}: in the order \"a\", \"b\" → \"b\", \"a\"")];
    assert_eq!(of_logs(&json!([old]), &json!([new])), expected);
}

#[test]
fn a_key_that_stands_twice_is_told_apart() {
    let old = record(&[("k", json!(1)), ("k", json!(2))]);
    let new = record(&[("k", json!(1)), ("k", json!(3))]);
    let expected = ["resourceLogs[0].scopeLogs[0].logRecords[0].attributes[\"k\"; 2]: 2 → 3"];
    assert_eq!(of_logs(&json!([old]), &json!([new])), expected);
}

#[test]
fn a_field_that_is_absent_is_one_with_its_default() {
    let old = json!([{ "severityNumber": 0, "timeUnixNano": "0", "severityText": "", "attributes": [], "flags": 0 }]);
    assert_eq!(of_logs(&old, &json!([{}])), [""; 0]);
    // A text of one digit is a text, and a value that is there is there.
    assert_eq!(
        of_logs(&json!([{ "severityText": "0" }]), &json!([{}])),
        ["- resourceLogs[0].scopeLogs[0].logRecords[0].severityText: \"0\""]
    );
    assert_eq!(
        of_logs(&json!([{ "body": { "stringValue": "" } }]), &json!([{}])),
        ["- resourceLogs[0].scopeLogs[0].logRecords[0].body: \"\""]
    );
}

#[test]
fn a_record_that_was_dropped_does_not_make_those_behind_it_differ() {
    let old = json!([body("one"), body("two"), body("three"), body("four")]);
    let new = json!([body("one"), body("three"), body("four"), body("five")]);
    let place = "resourceLogs[0].scopeLogs[0].logRecords";
    let expected = [format!("- {place}[1]: log record \"two\""), format!("+ {place}[3]: log record \"five\"")];
    assert_eq!(of_logs(&old, &new), expected);
}

#[test]
fn records_that_were_changed_and_dropped_at_once_are_paired_by_what_they_have_in_common() {
    let with = |n: u32, mail: &str| record(&[("id", json!(n)), ("kind", json!("order")), ("mail", json!(mail))]);
    let old = json!([with(1, "a@b"), with(2, "c@d"), with(3, "e@f")]);
    let new = json!([with(2, "****"), with(3, "****")]);
    let place = "resourceLogs[0].scopeLogs[0].logRecords";
    assert_eq!(
        of_logs(&old, &new),
        [
            format!("- {place}[0]: log record null"),
            format!("{place}[1].attributes[\"mail\"]: \"c@d\" → \"****\""),
            format!("{place}[2].attributes[\"mail\"]: \"e@f\" → \"****\""),
        ]
    );
}

#[test]
fn more_rows_than_can_be_compared_each_with_each_are_paired_as_they_stand() {
    let rows = |kind: &str| Value::Array((0..1_500).map(|n| body(&format!("{kind} {n}"))).collect());
    let told = of_logs(&rows("old"), &rows("new"));
    assert_eq!(told.len(), 1_500);
    assert_eq!(told[7], "resourceLogs[0].scopeLogs[0].logRecords[7].body: \"old 7\" → \"new 7\"");
}

#[test]
fn of_long_texts_the_part_is_shown_that_differs() {
    let text = |middle: &str| body(&format!("{}{middle}{}", "a".repeat(500), "b".repeat(500)));
    let told = of_logs(&json!([text("one")]), &json!([text("two")]));
    let (a, b) = ("a".repeat(40), "b".repeat(40));
    let place = "resourceLogs[0].scopeLogs[0].logRecords[0].body";
    assert_eq!(told, [format!("{place}: …{a}one{b}… → …{a}two{b}…")]);
    // One is the beginning of the other.
    let told = of_logs(&json!([body(&"a".repeat(300))]), &json!([body(&"a".repeat(400))]));
    assert!(told[0].starts_with(&format!("{place}: …{}\" → …", "a".repeat(40))), "{told:?}");
}

#[test]
fn nothing_in_a_value_reaches_a_terminal_as_it_is() {
    let told = of_logs(&json!([body("a")]), &json!([body("\u{1b}[2J\u{9b}31m\nnext")]));
    let expected = r#"resourceLogs[0].scopeLogs[0].logRecords[0].body: "a" → "\u{1b}[2J\u{9b}31m\nnext""#;
    assert_eq!(told, [expected]);
}

#[test]
fn metrics_and_spans_are_told_by_their_names() {
    let metric = |data: Value| {
        let mut metric = json!({ "name": "requests" });
        metric.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [metric] }] }] })
    };
    let sum = |value: u32| metric(json!({ "sum": { "dataPoints": [{ "asInt": value }], "isMonotonic": true } }));
    let place = "resourceMetrics[0].scopeMetrics[0].metrics[0]";
    assert_eq!(told(Signal::Metrics, &sum(0), &sum(2)), [format!("{place}.sum.dataPoints[0].asInt: 0 → 2")]);
    let gauge = metric(json!({ "gauge": {} }));
    let changed = told(Signal::Metrics, &gauge, &sum(1));
    assert_eq!(changed[0], format!("- {place}.gauge: {{}}"));
    assert!(changed[1].starts_with(&format!("+ {place}.sum: {{")), "{changed:?}");

    let spans = |names: &[&str]| {
        let spans: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        json!({ "resourceSpans": [{ "resource": {}, "scopeSpans": [{ "spans": spans }] }] })
    };
    let told = told(Signal::Traces, &spans(&["GET /", "GET /b"]), &spans(&["GET /"]));
    assert_eq!(told, ["- resourceSpans[0].scopeSpans[0].spans[1]: span \"GET /b\""]);
}

#[test]
fn telemetry_that_takes_another_route_is_told_with_it() {
    let (one, two) = (
        payload(Signal::Logs, &logs(&json!([body("a"), body("b")]))),
        payload(Signal::Logs, &logs(&json!([body("b")]))),
    );
    let before = Outcome::unchanged(&one).unwrap();
    let parts = [(None, &payload(Signal::Logs, &logs(&json!([body("a")])))), (Some("errors".to_owned()), &two)];
    let told = before.differences(&Outcome::by_route(parts).unwrap());
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "- resourceLogs[0].scopeLogs[0].logRecords[1]: log record \"b\"",
            "+ route \"errors\": resourceLogs[0]: 1 log record",
        ]
    );
}

#[test]
fn a_batch_of_which_nothing_is_left_is_one_without_rows() {
    let before = Outcome::unchanged(&payload(Signal::Logs, &logs(&json!([body("a")])))).unwrap();
    let told = before.differences(&Outcome::by_route([]).unwrap());
    assert_eq!(told.iter().map(ToString::to_string).collect::<Vec<_>>(), ["- resourceLogs[0]: 1 log record"]);
    let nothing = Outcome::by_route([(None, &payload(Signal::Logs, &json!({ "resourceLogs": [] })))]).unwrap();
    assert_eq!(nothing, Outcome::default());
}

#[test]
fn a_difference_that_has_no_words_of_its_own_is_told_all_the_same() {
    let keyed = |index: u32| json!([{ "attributes": [{ "keyStrindex": index }] }]);
    let place = "resourceLogs[0].scopeLogs[0].logRecords[0].attributes";
    let expected = [format!("{place}: [{{\"keyStrindex\":1}}] → [{{\"keyStrindex\":2}}]")];
    assert_eq!(of_logs(&keyed(1), &keyed(2)), expected);
}
