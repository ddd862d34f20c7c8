//! Sections that make sense, and those that do not.

use host_config::Check as _;
use serde_json::json;

use super::harness::section;
use crate::attribute::Attribute;
use crate::fact::snake;

fn wrong(keys: &serde_json::Value) -> Vec<String> {
    section(keys).wrongs().into_iter().map(|wrong| wrong.key).collect()
}

#[test]
fn a_section_may_be_empty() {
    assert_eq!(wrong(&json!({})), [""; 0]);
}

#[test]
fn what_is_not_served_is_refused_by_its_key() {
    assert_eq!(wrong(&json!({ "distribution": "openshift" })), ["distribution"]);
    assert_eq!(wrong(&json!({ "distribution": "kubernetes", "metadata_exporters": ["x"] })), ["metadata_exporters"]);
    assert_eq!(wrong(&json!({ "metrics": { "k8s.pod.phases": { "enabled": true } } })), ["metrics.k8s.pod.phases"]);
    assert_eq!(wrong(&json!({ "namespace": "a", "namespaces": ["b"] })), ["namespace"]);
    assert_eq!(wrong(&json!({ "namespaces": ["a", "A", "a"] })), ["namespaces.1", "namespaces.2"]);
    assert_eq!(wrong(&json!({ "context": "a" })), ["context"]);
}

#[test]
fn conditions_and_resources_are_named_as_the_collector_names_them() {
    for (name, told) in [
        ("Ready", "ready"),
        ("MemoryPressure", "memory_pressure"),
        ("PIDPressure", "pid_pressure"),
        ("cpu", "cpu"),
        ("ephemeral-storage", "ephemeral_storage"),
        ("hugepages-2Mi", "hugepages_2_mi"),
        ("nvidia.com/gpu", "nvidia_com/gpu"),
    ] {
        assert_eq!(snake(name), told);
    }
}

#[test]
fn the_documentation_lists_each_attribute() {
    let page = include_str!("../../../../docs/configuration.md");
    let at = page.find("### k8s_cluster").unwrap();
    let end = page[at..].find("### k8s_events").unwrap();
    for attribute in Attribute::ALL {
        assert!(page[at..at + end].contains(&format!("`{}`", attribute.key())), "{attribute:?}");
    }
}
