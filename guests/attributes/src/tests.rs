//! Which items the actions are for.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{TestBatch, Tester, json};

use super::Attributes;

/// The rows of a context that got the attribute `seen`.
fn seen(signal: Signal, matching: serde_json::Value, batch: &TestBatch, context: &str, rows: usize) -> Vec<usize> {
    let mut config = matching;
    config["actions"] = json!([{ "key": "seen", "value": true, "action": "upsert" }]);
    let after = Tester::<Attributes>::new(signal, &config).unwrap().process(batch).unwrap();
    (0..rows).filter(|row| after.attribute(context, *row, "seen").is_some()).collect()
}

fn spans() -> TestBatch {
    TestBatch::traces()
        .resource(json!({ "service.name": "shop", "zone": 1 }))
        .scope("lib", json!({}))
        .with("scope", "version", "1.2")
        .span("GET /a", json!({ "http.status": 200, "ok": true }))
        .with("span", "kind", 2)
        .span("", json!({ "http.status": "200" }))
        .resource(json!({}))
        .span("POST /b", json!({}))
        .with("span", "kind", 3)
}

#[test]
fn spans_are_matched_by_each_property() {
    for (include, rows) in [
        (json!({ "match_type": "strict", "services": ["shop"] }), vec![0, 1]),
        (json!({ "match_type": "regexp", "services": ["nil-service"] }), vec![2]),
        (json!({ "match_type": "regexp", "services": ["^s", "x"] }), vec![0, 1]),
        (json!({ "match_type": "strict", "span_names": ["GET /a", "POST /b"] }), vec![0, 2]),
        (json!({ "match_type": "strict", "span_names": [""] }), vec![1]),
        (json!({ "match_type": "regexp", "span_names": ["^$|POST"] }), vec![1, 2]),
        (json!({ "match_type": "strict", "span_kinds": ["SPAN_KIND_SERVER"] }), vec![0]),
        (json!({ "match_type": "regexp", "span_kinds": ["UNSPECIFIED|CLIENT"] }), vec![1, 2]),
        (json!({ "match_type": "strict", "libraries": [{ "name": "lib" }] }), vec![0, 1]),
        (json!({ "match_type": "strict", "libraries": [{ "name": "lib", "version": "1.2" }] }), vec![0, 1]),
        (json!({ "match_type": "strict", "libraries": [{ "name": "lib", "version": "" }] }), vec![]),
        (json!({ "match_type": "regexp", "libraries": [{ "name": "^$" }] }), vec![2]),
        (json!({ "match_type": "strict", "resources": [{ "key": "zone", "value": 1 }] }), vec![0, 1]),
        (json!({ "match_type": "strict", "resources": [{ "key": "zone", "value": "1" }] }), vec![]),
        (json!({ "match_type": "strict", "attributes": [{ "key": "http.status" }] }), vec![0, 1]),
        (json!({ "match_type": "strict", "attributes": [{ "key": "http.status", "value": "200" }] }), vec![1]),
        (json!({ "match_type": "regexp", "attributes": [{ "key": "http.status", "value": "^2" }] }), vec![0, 1]),
        (json!({ "match_type": "strict", "attributes": [{ "key": "ok", "value": true }] }), vec![0]),
        (
            json!({ "match_type": "strict", "services": ["shop"], "attributes": [{ "key": "http.status", "value": 200 }] }),
            vec![0],
        ),
    ] {
        assert_eq!(seen(Signal::Traces, json!({ "include": include }), &spans(), "span", 3), rows, "{include}");
    }
}

#[test]
fn what_is_excluded_is_left_of_what_is_included() {
    let matching = json!({
        "include": { "match_type": "regexp", "span_names": ["/"] },
        "exclude": { "match_type": "strict", "span_names": ["POST /b"] },
    });
    assert_eq!(seen(Signal::Traces, matching, &spans(), "span", 3), [0]);
    let matching = json!({ "exclude": { "match_type": "strict", "services": ["shop"] } });
    assert_eq!(seen(Signal::Traces, matching, &spans(), "span", 3), [2]);
}

#[test]
fn log_records_are_matched_by_body_and_severity() {
    let batch = TestBatch::logs()
        .resource(json!({}))
        .log("login failed", json!({}))
        .with("log", "severity_number", 17)
        .with("log", "severity_text", "ERROR")
        .log(json!({ "msg": "login", "n": 1 }), json!({}))
        .with("log", "severity_number", 9)
        .log(4711, json!({}));
    for (include, rows) in [
        (json!({ "match_type": "regexp", "log_bodies": ["login"] }), vec![0, 1]),
        (json!({ "match_type": "strict", "log_bodies": [r#"{"msg":"login","n":1}"#] }), vec![1]),
        (json!({ "match_type": "regexp", "log_bodies": ["^47"] }), vec![2]),
        (json!({ "match_type": "strict", "log_severity_texts": ["ERROR"] }), vec![0]),
        (json!({ "match_type": "strict", "log_severity_number": { "min": 10 } }), vec![0]),
        (json!({ "match_type": "strict", "log_severity_number": { "min": 10, "match_undefined": true } }), vec![0, 2]),
    ] {
        assert_eq!(seen(Signal::Logs, json!({ "include": include }), &batch, "log", 3), rows, "{include}");
    }
}

#[test]
fn data_points_are_matched_by_the_name_of_their_metric() {
    let batch = TestBatch::metrics()
        .resource(json!({}))
        .metric("cpu")
        .point(json!({}))
        .point(json!({}))
        .metric("memory")
        .point(json!({}));
    let matching = json!({ "include": { "match_type": "regexp", "metric_names": ["^cpu$"] } });
    assert_eq!(seen(Signal::Metrics, matching, &batch, "datapoint", 3), [0, 1]);
}

#[test]
fn rows_that_are_left_keep_their_keys_while_others_change() {
    let config = json!({
        "exclude": { "match_type": "strict", "attributes": [{ "key": "keep" }] },
        "actions": [{ "key": "a", "action": "hash" }, { "key": "b", "from_attribute": "a", "action": "insert" }],
    });
    let batch =
        TestBatch::logs().resource(json!({})).log("", json!({ "a": "1", "keep": 1 })).log("", json!({ "a": true }));
    let after = Tester::<Attributes>::new(Signal::Logs, &config).unwrap().process(&batch).unwrap();
    assert_eq!(after.attribute("log", 0, "a"), Some(&"1".into()));
    let hash = "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a";
    assert_eq!(after.attribute("log", 1, "a"), Some(&hash.into()));
    assert_eq!(after.attribute("log", 1, "b"), Some(&hash.into()));
}

#[test]
fn what_a_signal_cannot_be_matched_by_is_named() {
    for (signal, include, key) in [
        (Signal::Logs, json!({ "match_type": "strict", "services": ["a"] }), "include.services"),
        (Signal::Metrics, json!({ "match_type": "strict", "attributes": [{ "key": "a" }] }), "include.attributes"),
        (Signal::Traces, json!({ "match_type": "strict", "log_bodies": ["a"] }), "include.log_bodies"),
        (Signal::Traces, json!({ "match_type": "strict" }), "include"),
        (Signal::Traces, json!({ "span_names": ["a"] }), "include.match_type"),
        (Signal::Traces, json!({ "match_type": "strict", "span_kinds": ["SERVER"] }), "include.span_kinds[0]"),
        (
            Signal::Logs,
            json!({ "match_type": "regexp", "attributes": [{ "key": "a", "value": 1 }] }),
            "include.attributes[0].value",
        ),
    ] {
        let config = json!({ "include": include, "actions": [{ "key": "a", "action": "delete" }] });
        let error = Tester::<Attributes>::new(signal, &config).err().unwrap();
        assert_eq!(error.key(), Some(key), "{error}");
    }
}
