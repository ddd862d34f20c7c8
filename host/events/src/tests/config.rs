//! Sections that make sense, and those that do not.

use host_config::Check as _;
use serde_json::{Value, json};

use crate::Config;

fn wrong(section: Value) -> Vec<String> {
    let config: Config = serde_json::from_value(section).unwrap();
    config.wrongs().into_iter().map(|wrong| wrong.key).collect()
}

#[test]
fn a_section_may_be_empty() {
    assert_eq!(wrong(json!({})), [""; 0]);
}

#[test]
fn namespaces_are_names_and_each_stands_there_once() {
    assert_eq!(wrong(json!({ "namespaces": ["default", "kube-system"] })), [""; 0]);
    assert_eq!(wrong(json!({ "namespaces": ["", "A", "a/b"] })), ["namespaces.0", "namespaces.1", "namespaces.2"]);
    assert_eq!(wrong(json!({ "namespaces": ["a", "b", "a"] })), ["namespaces.2"]);
}

#[test]
fn a_context_is_one_of_a_kubeconfig() {
    assert_eq!(wrong(json!({ "context": "here" })), ["context"]);
    assert_eq!(wrong(json!({ "context": "here", "auth_type": "kubeConfig" })), [""; 0]);
}
