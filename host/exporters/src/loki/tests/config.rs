//! What a section may say.

use host_config::Check as _;
use serde_json::json;

use super::super::Config;

fn wrongs(section: serde_json::Value) -> Vec<String> {
    let config: Config = serde_json::from_value(section).unwrap();
    config.wrongs().iter().map(ToString::to_string).collect()
}

fn is_refused(section: serde_json::Value, words: [&str; 2]) {
    let wrongs = wrongs(section);
    assert_eq!(wrongs.len(), 1, "{wrongs:?}");
    assert!(words.iter().all(|word| wrongs[0].contains(word)), "{wrongs:?}");
}

#[test]
fn an_endpoint_is_all_that_is_needed() {
    assert_eq!(wrongs(json!({ "endpoint": "http://loki:3100" })), [""; 0]);
    assert_eq!(wrongs(json!({ "endpoint": "https://loki/loki/api/v1/push", "labels": { "resource": [] } })), [""; 0]);
    is_refused(json!({}), ["endpoint", "missing"]);
    is_refused(json!({ "endpoint": "loki:3100" }), ["endpoint", "http://host:port"]);
}

#[test]
fn what_makes_no_sense_is_told_with_the_way_out() {
    let with = |key: &str, value: serde_json::Value| json!({ "endpoint": "http://loki:3100", key: value });
    is_refused(with("compression", json!("gzip")), ["compression", "snappy"]);
    is_refused(with("tenant_id", json!("a")), ["tenant_id", "`tenant`"]);
    is_refused(with("tenant", json!("a\nb")), ["tenant", "ASCII"]);
    is_refused(with("labels", json!({ "attributes": ["__name__"] })), ["labels.attributes", "__name__"]);
    is_refused(
        with("labels", json!({ "resource": ["hub.received_at"] })),
        ["labels.resource", "exclude_resource_attributes"],
    );
}

#[test]
fn a_tenant_is_said_once() {
    let section = json!({ "endpoint": "http://loki:3100", "tenant": "a", "headers": { "X-Scope-OrgID": "b" } });
    is_refused(section, ["tenant", "X-Scope-OrgID"]);
}

#[test]
fn no_attribute_that_differs_from_pod_to_pod_is_a_label_unless_somebody_asks_for_it() {
    let labels = Config::default().labels;
    assert!(labels.attributes.is_empty());
    for key in ["k8s.pod.name", "k8s.pod.uid", "service.instance.id", "host.name", "hub.received_at"] {
        assert!(!labels.resource.iter().any(|label| label == key), "{key}");
    }
    assert!(!Config::default().default_labels_enabled.instance);
}
