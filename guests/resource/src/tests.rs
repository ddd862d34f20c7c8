//! What becomes of the attributes of a resource.

use tidegate_sdk::Signal;
use tidegate_sdk::testing::{TestBatch, Tester, json};

use super::Resource;

fn after(actions: &serde_json::Value, attributes: serde_json::Value) -> String {
    let batch = TestBatch::logs().resource(attributes).log("x", json!({ "env": "of the record" }));
    let mut tester = Tester::<Resource>::new(Signal::Logs, &json!({ "attributes": actions })).unwrap();
    let after = tester.process(&batch).unwrap().to_string();
    let line = after.lines().next().unwrap_or_default();
    line.trim_start_matches("resource attributes=").to_owned()
}

#[test]
fn three_inserts_read_nothing_and_are_three_edits() {
    let actions = json!([
        { "key": "cluster.id", "value": "spoke-eu-1", "action": "insert" },
        { "key": "cluster.role", "value": "spoke", "action": "insert" },
        { "key": "hub.received_at", "value": "2026-01-01T00:00:00Z", "action": "insert" },
    ]);
    let tester = Tester::<Resource>::new(Signal::Metrics, &json!({ "attributes": actions })).unwrap();
    assert!(tester.reads().is_empty());
    assert_eq!(
        after(&actions, json!({ "cluster.role": "hub" })),
        r#"{cluster.role: "hub", cluster.id: "spoke-eu-1", hub.received_at: "2026-01-01T00:00:00Z"}"#
    );
}

#[test]
fn resources_are_changed_and_records_are_not() {
    let actions = json!([{ "key": "env", "action": "delete" }]);
    let batch = TestBatch::logs().resource(json!({ "env": 1 })).log("x", json!({ "env": "of the record" }));
    let mut tester = Tester::<Resource>::new(Signal::Logs, &json!({ "attributes": actions })).unwrap();
    let after = tester.process(&batch).unwrap();
    assert_eq!(after.attribute("resource", 0, "env"), None);
    assert_eq!(after.attribute("log", 0, "env"), Some(&"of the record".into()));
}

#[test]
fn no_action_at_all_is_refused() {
    let error = Tester::<Resource>::new(Signal::Logs, "{}").err().unwrap();
    assert_eq!(error.key(), Some("attributes"));
}
