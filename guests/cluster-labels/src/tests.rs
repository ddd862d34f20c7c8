//! What an operator gets for what they configure.

use tidegate_sdk::testing::{Any, TestBatch, Tester, json};
use tidegate_sdk::{Error, Signal};

use super::ClusterLabels;

fn labels(config: &(impl ToString + ?Sized)) -> Result<Tester<ClusterLabels>, Error> {
    Tester::new(Signal::Logs, config)
}

fn two_resources() -> TestBatch {
    TestBatch::logs()
        .resource(json!({ "cluster.id": "old", "service.name": "checkout" }))
        .log("a", json!({ "cluster.id": "an item's own" }))
        .resource(Any::Empty)
        .log("b", json!({}))
}

#[test]
fn every_resource_gets_every_label_and_nothing_else_changes() {
    let config = json!({ "attributes": { "cluster.id": "eu-1", "n": 3, "share": 0.5, "canary": false } });
    let mut labels = labels(&config).unwrap();
    assert_eq!(
        labels.process(&two_resources()).unwrap().to_string(),
        concat!(
            "resource attributes={cluster.id: \"eu-1\", service.name: \"checkout\", canary: false, n: 3, share: 0.5}\n",
            "  scope\n    log body=\"a\" attributes={cluster.id: \"an item's own\"}\n",
            "resource attributes={canary: false, cluster.id: \"eu-1\", n: 3, share: 0.5}\n",
            "  scope\n    log body=\"b\" attributes={}\n",
        )
    );
}

#[test]
fn keep_writes_only_what_is_absent() {
    let config = json!({ "attributes": { "cluster.id": "eu-1" }, "mode": "keep" });
    let after = labels(&config).unwrap().process(&two_resources()).unwrap();
    assert_eq!(after.attribute("resource", 0, "cluster.id"), Some(&"old".into()));
    assert_eq!(after.attribute("resource", 1, "cluster.id"), Some(&"eu-1".into()));
}

#[test]
fn received_at_is_the_time_of_the_batch() {
    let mut labels = labels(&json!({ "received_at": "hub.received_at" })).unwrap().at(1_767_323_045_000_000_006);
    let after = labels.process(&two_resources()).unwrap();
    for row in [0, 1] {
        let time = after.attribute("resource", row, "hub.received_at");
        assert_eq!(time, Some(&"2026-01-02T03:04:05.000000006Z".into()));
    }
}

#[test]
fn labels_spans_and_metrics_as_well() {
    let config = json!({ "attributes": { "cluster.id": "eu-1" } });
    let spans = TestBatch::traces().resource(json!({})).span("GET /", json!({}));
    let points = TestBatch::metrics().resource(json!({})).metric("requests").point(json!({}));
    for (signal, batch) in [(Signal::Traces, spans), (Signal::Metrics, points)] {
        let after = Tester::<ClusterLabels>::new(signal, &config).unwrap().process(&batch).unwrap();
        assert_eq!(after.attribute("resource", 0, "cluster.id"), Some(&"eu-1".into()));
    }
}

#[test]
fn asks_for_resource_attributes_only() {
    let labels = labels(&json!({ "attributes": { "a \"b\"": 1 }, "received_at": "t" })).unwrap();
    assert!(labels.reads().is_empty());
    assert_eq!(labels.writes(), [r#"resource.attributes["t"]"#, r#"resource.attributes["a \"b\""]"#]);
}

#[test]
fn a_bad_configuration_is_refused_by_the_name_of_its_key() {
    for (config, message) in [
        ("{}", "attributes: nothing to write"),
        (r#"{"attributes":{"":1}}"#, "attributes: an attribute has an empty name"),
        (r#"{"attributes":{"a":1,"a":2}}"#, "attributes: the name is given twice"),
        (r#"{"attributes":{"a":[1]}}"#, "attributes.a: invalid type: sequence, expected text, a number"),
        (r#"{"attributes":{"a":null}}"#, "attributes.a: invalid type: null"),
        (r#"{"attributes":{"a":18446744073709551615}}"#, "attributes.a: the number is larger"),
        (r#"{"attributes":[]}"#, "attributes: invalid type: sequence, expected a map"),
        (r#"{"received_at":""}"#, "received_at: the attribute has an empty name"),
        (r#"{"attributes":{"a":1},"received_at":"a"}"#, "received_at: `attributes` has this name, too"),
        (r#"{"attributes":{"a":1},"mode":"merge"}"#, "mode: unknown variant `merge`, expected `overwrite` or `keep`"),
        (r#"{"attribute":{}}"#, "attribute: unknown field `attribute`, expected"),
    ] {
        let Err(error) = labels(config) else { panic!("{config} was taken") };
        assert!(error.message().starts_with(message), "{config}: {error}");
    }
}
