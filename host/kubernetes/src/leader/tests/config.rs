//! Sections that make sense, and those that do not.

use host_config::Check as _;
use serde_json::{Value, json};

use crate::leader::Config;

/// The keys that are wrong in a section of a Lease with these keys, too.
fn wrong(keys: &Value) -> Vec<String> {
    let mut section = json!({ "lease_name": "tidegate", "lease_namespace": "observability" });
    section.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let config: Config = serde_json::from_value(section).unwrap();
    config.wrongs().into_iter().map(|wrong| wrong.key).collect()
}

#[test]
fn a_section_names_its_lease() {
    assert_eq!(wrong(&json!({})), [""; 0]);
    assert_eq!(wrong(&json!({ "lease_name": "", "lease_namespace": "" })), ["lease_name", "lease_namespace"]);
    assert_eq!(wrong(&json!({ "lease_name": "a/b", "lease_namespace": "A" })), ["lease_name", "lease_namespace"]);
}

#[test]
fn a_context_is_one_of_a_kubeconfig() {
    assert_eq!(wrong(&json!({ "context": "here" })), ["context"]);
    assert_eq!(wrong(&json!({ "context": "here", "auth_type": "kubeConfig" })), [""; 0]);
}

#[test]
fn a_leader_stops_before_another_may_begin() {
    let config = |lease: u64, renew: u64, retry: u64| {
        let seconds = std::time::Duration::from_secs;
        let names = || "a".to_owned();
        let config = Config {
            lease_name: names(),
            lease_namespace: names(),
            lease_duration: seconds(lease),
            renew_deadline: seconds(renew),
            retry_period: seconds(retry),
            ..Config::default()
        };
        config.wrongs().into_iter().map(|wrong| wrong.key).collect::<Vec<_>>()
    };
    assert_eq!(config(15, 10, 2), [""; 0]);
    assert_eq!(config(15, 15, 2), ["renew_deadline"]);
    assert_eq!(config(15, 10, 9), ["retry_period"]);
    assert_eq!(config(15, 10, 0), ["retry_period"]);
    assert_eq!(config(0, 0, 0), ["lease_duration", "renew_deadline", "retry_period"]);
}
