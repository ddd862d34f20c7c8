//! What a section may say.

use host_config::Check as _;
use host_kubernetes::Kind;
use serde_json::{Value, json};

use super::harness::{by, section};
use crate::k8s_attributes::attribute::Attribute;
use crate::k8s_attributes::config::Config;
use crate::k8s_attributes::plan::Plan;

fn wrong(keys: Value) -> Vec<String> {
    section(keys).wrongs().into_iter().map(|wrong| wrong.key).collect()
}

#[test]
fn says_what_makes_no_sense() {
    assert!(Config::default().wrongs().is_empty());
    let rules = json!([{}, { "key": "a", "key_regex": "b" }, { "key_regex": "(" }]);
    assert_eq!(
        wrong(json!({ "extract": { "labels": rules, "annotations": [{ "key": "a" }] } })),
        ["extract.labels.0.key", "extract.labels.1.key_regex", "extract.labels.2.key_regex"]
    );
    assert_eq!(wrong(json!({ "filter": { "node": "a", "node_from_env_var": "B" } })), ["filter.node_from_env_var"]);
    assert_eq!(wrong(json!({ "filter": { "namespace": "a/../b" } })), ["filter.namespace"]);
    let filters = json!([{ "key": "a,b" }, { "key": "a", "op": "exists" }, { "key": "a", "value": "b c" }]);
    assert_eq!(
        wrong(json!({ "filter": { "fields": filters } })),
        ["filter.fields.0.key", "filter.fields.1.op", "filter.fields.2.value"]
    );
    let nameless = json!([{ "sources": [] }, { "sources": [{ "from": "resource_attribute" }] }]);
    assert_eq!(
        wrong(json!({ "pod_association": nameless })),
        ["pod_association.0.sources", "pod_association.1.sources.0.name"]
    );
    assert_eq!(wrong(json!({ "exclude": { "pods": [{ "name": "[" }] } })), ["exclude.pods.0.name"]);
    assert_eq!(wrong(json!({ "hold": "11s", "max_objects": 0 })), ["hold", "max_objects"]);
    assert_eq!(wrong(json!({ "hold_mib": 0 })), ["hold_mib"]);
    assert!(wrong(json!({ "hold": "0s", "hold_mib": 0 })).is_empty());
}

#[test]
fn names_what_was_meant_by_an_attribute_that_nobody_knows() {
    let told = |name: &str| Attribute::try_from(name.to_owned()).unwrap_err().to_string();
    assert!(told("k8s.pod.nam").contains("did you mean \"k8s.pod.name\"?"), "{}", told("k8s.pod.nam"));
    assert!(told("nobody at all").contains("k8s.pod.name, k8s.pod.uid"), "{}", told("nobody at all"));
}

#[test]
fn follows_what_the_section_asks_for_and_nothing_else() {
    let kinds = |keys: Value| Plan::new(&section(keys)).unwrap().kinds().into_iter().collect::<Vec<_>>();
    let asked = |attribute: &str| kinds(json!({ "extract": { "metadata": [attribute] } }));
    let from = |holder: &str| kinds(json!({ "extract": { "labels": [{ "key": "a", "from": holder }] } }));
    assert_eq!(kinds(json!({})), [Kind::Pods]);
    assert_eq!(asked("k8s.deployment.name"), [Kind::Pods]);
    assert_eq!(asked("k8s.cronjob.name"), [Kind::Pods]);
    assert_eq!(asked("k8s.deployment.uid"), [Kind::Pods, Kind::ReplicaSets]);
    assert_eq!(asked("k8s.cronjob.uid"), [Kind::Pods, Kind::Jobs]);
    assert_eq!(asked("k8s.node.uid"), [Kind::Pods, Kind::Nodes]);
    assert_eq!(asked("k8s.cluster.uid"), [Kind::Pods, Kind::Namespaces]);
    assert_eq!(from("pod"), [Kind::Pods]);
    assert_eq!(from("deployment"), [Kind::Pods, Kind::ReplicaSets, Kind::Deployments]);
    assert_eq!(from("statefulset"), [Kind::Pods, Kind::StatefulSets]);
    assert_eq!(from("cronjob"), [Kind::Pods, Kind::Jobs, Kind::CronJobs]);
}

#[test]
fn the_address_of_a_sender_is_read_by_agents_that_look_for_it_alone() {
    let reads = |keys: Value| serde_json::from_value::<Config>(keys).unwrap().reads_peer();
    let connection = json!([{ "sources": [{ "from": "connection" }] }]);
    assert!(!reads(json!({})), "a gateway's senders may be relays");
    assert!(!reads(json!({ "pod_association": connection })));
    assert!(reads(json!({ "filter": { "node": "a" } })));
    assert!(reads(json!({ "filter": { "node_from_env_var": "A" }, "pod_association": connection })));
    assert!(!reads(json!({ "filter": { "node": "a" }, "pod_association": by(&["k8s.pod.uid"]) })));
    assert!(reads(json!({ "passthrough": true })));
}
