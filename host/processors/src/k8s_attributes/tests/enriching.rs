//! How the pod of a resource is found, and whose an address is.

use host_kubernetes::Seen;
use prost::Message as _;
use serde_json::json;

use super::harness::{Known, UID, asking, by, checked, map, merge, metric, pod, request, section};
use crate::k8s_attributes::enrich::enriched;
use crate::k8s_attributes::plan::Plan;

const NAME: &str = "k8s.pod.name";

fn named(name: &str, change: serde_json::Value) -> host_kubernetes::objects::Pod {
    let mut all = json!({ "metadata": { "name": name, "uid": format!("uid of {name}") } });
    merge(&mut all, change);
    pod(all)
}

/// The name of the pod that a resource is found to be of.
fn found(known: &Known, peer: Option<&str>, attributes: &[(&str, &str)]) -> Option<String> {
    known.attributes_from(peer, attributes).get(NAME).cloned()
}

#[test]
fn without_associations_a_pod_is_found_by_its_address() {
    let known = Known::new(json!({ "extract": { "metadata": [NAME] } })).with(named("a", json!({})));
    let a = Some("a".to_owned());
    assert_eq!(found(&known, None, &[("k8s.pod.ip", "10.88.0.7")]), a);
    assert_eq!(found(&known, None, &[("ip", "10.88.0.7")]), a);
    assert_eq!(found(&known, None, &[("host.name", "fd00::7")]), a);
    assert_eq!(found(&known, Some("10.88.0.7"), &[]), a);
    assert_eq!(found(&known, Some("10.88.0.8"), &[("host.name", "web")]), None);
    assert_eq!(found(&known, None, &[("k8s.pod.uid", "uid of a")]), None);
}

#[test]
fn the_first_association_that_finds_a_pod_wins() {
    let associations = json!([
        { "sources": [{ "from": "resource_attribute", "name": "k8s.pod.uid" }] },
        { "sources": [{ "from": "resource_attribute", "name": "k8s.namespace.name" }, { "from": "resource_attribute", "name": NAME }] },
        { "sources": [{ "from": "resource_attribute", "name": "container.id" }] },
        { "sources": [{ "from": "resource_attribute", "name": "team" }, { "from": "connection" }] },
        { "sources": [{ "from": "connection" }] },
    ]);
    let section = json!({
        "extract": { "metadata": ["k8s.pod.start_time"], "labels": [{ "key": "team", "tag_name": "team" }] },
        "pod_association": associations,
    });
    let known = Known::new(section)
        .with(named("a", json!({ "metadata": { "creationTimestamp": "a", "labels": { "team": "x" } } })))
        .with(named("b", json!({ "metadata": { "creationTimestamp": "b" }, "status": { "podIP": "10.88.0.9", "podIPs": [], "containerStatuses": [{ "name": "app", "containerID": "cri-o://beef" }] } })));
    let found = |peer: Option<&str>, attributes: &[(&str, &str)]| {
        known.attributes_from(peer, attributes).get("k8s.pod.start_time").cloned().unwrap_or_default()
    };
    assert_eq!(found(None, &[("k8s.pod.uid", "uid of b"), (NAME, "a"), ("k8s.namespace.name", "shop")]), "b");
    assert_eq!(found(None, &[("k8s.pod.uid", "nobody's"), (NAME, "a"), ("k8s.namespace.name", "shop")]), "a");
    assert_eq!(found(None, &[(NAME, "a"), ("k8s.namespace.name", "other")]), "");
    assert_eq!(found(None, &[("container.id", "beef")]), "b");
    assert_eq!(found(Some("10.88.0.9"), &[("team", "x")]), "b", "the address is another pod's");
    assert_eq!(found(Some("10.88.0.7"), &[("team", "x")]), "a");
    let relayed = [("team", "x"), ("container.id", "gone")];
    assert_eq!(found(Some("10.88.0.7"), &relayed), "", "it names a pod: who sent it has at most relayed it");
    assert_eq!(found(Some("10.88.0.7"), &[]), "a");
}

#[test]
fn an_address_is_the_pod_s_that_began_last_and_never_one_of_the_node() {
    let known = Known::new(json!({ "extract": { "metadata": [NAME] } }));
    let at = |time: &str| json!({ "status": { "startTime": time } });
    known.tell(Seen::There(named("young", at("2026-03-01T12:00:00Z"))));
    known.tell(Seen::There(named("old", at("2026-03-01T11:00:00Z"))));
    let found = |known: &Known| found(known, Some("10.88.0.7"), &[]);
    assert_eq!(found(&known).as_deref(), Some("young"));
    known.tell(Seen::There(named("youngest", at("2026-03-01T13:00:00Z"))));
    assert_eq!(found(&known).as_deref(), Some("youngest"));
    known.tell(Seen::Gone(named("young", json!({}))));
    assert_eq!(found(&known).as_deref(), Some("youngest"), "whoever goes takes nothing of others along");
    known.tell(Seen::There(named("youngest", json!({ "status": { "phase": "Succeeded" } }))));
    assert_eq!(found(&known), None, "a pod that is over has no address");
    known.tell(Seen::There(named("of the node", json!({ "spec": { "hostNetwork": true } }))));
    assert_eq!(found(&known), None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_deleted_is_found_by_its_uid_for_a_while() {
    let mut section = asking(&[NAME]);
    merge(
        &mut section,
        json!({ "pod_delete_grace_period": "60s", "pod_association": by(&["k8s.pod.uid", "k8s.pod.ip"]) }),
    );
    let known = Known::new(section).with(pod(json!({})));
    let (by_uid, by_ip) = ([("k8s.pod.uid", UID)], [("k8s.pod.ip", "10.88.0.7")]);
    assert!(found(&known, None, &by_uid).is_some() && found(&known, None, &by_ip).is_some());
    known.tell(Seen::Gone(pod(json!({}))));
    assert!(found(&known, None, &by_ip).is_none(), "the address is free at once");
    assert!(found(&known, None, &by_uid).is_some());
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    known.shared.store().expire(tokio::time::Instant::now());
    assert!(found(&known, None, &by_uid).is_none());
    assert_eq!(known.shared.store().pods(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_told_again_is_gone_and_what_is_too_much_is_not_kept() {
    let mut section = asking(&[NAME]);
    section.as_object_mut().unwrap().insert("max_objects".to_owned(), json!(2));
    let known = Known::new(section);
    let uid = |name: &str| format!("uid of {name}");
    let is_known = |name: &str| found(&known, None, &[("k8s.pod.uid", &uid(name))]).is_some();
    for name in ["a", "b", "c"] {
        known.tell(Seen::There(named(name, json!({}))));
    }
    assert_eq!(["a", "b", "c"].map(is_known), [true, true, false]);
    assert_eq!(metric(&known.metrics, "tidegate_k8s_attributes_refused_objects", &["pods"]), 1);
    known.tell(Seen::Begin);
    known.tell(Seen::There(named("b", json!({}))));
    known.tell(Seen::All);
    tokio::time::advance(std::time::Duration::from_secs(121)).await;
    known.shared.store().expire(tokio::time::Instant::now());
    assert_eq!(["a", "b", "c"].map(is_known), [false, true, false]);
}

#[test]
fn what_a_resource_says_of_its_namespace_counts_where_its_pod_is_not_known() {
    let section = json!({ "extract": { "metadata": ["service.namespace", "k8s.node.uid"], "labels": [{ "key": "tier", "from": "namespace" }] } });
    let known = Known::new(section)
        .and(host_kubernetes::Kind::Namespaces, json!({ "metadata": { "name": "shop", "labels": { "tier": "gold" } } }))
        .and(host_kubernetes::Kind::Nodes, json!({ "metadata": { "name": "worker-1", "uid": "node-1" } }));
    let told = known.attributes(&[("k8s.namespace.name", "shop"), ("k8s.node.name", "worker-1")]);
    assert_eq!(told["k8s.namespace.labels.tier"], "gold");
    assert_eq!((told["service.namespace"].as_str(), told["k8s.node.uid"].as_str()), ("shop", "node-1"));
}

#[test]
fn whoever_takes_the_slot_of_another_plan_is_told_nothing_that_was_made_for_that() {
    let Known { shared, member, metrics } = Known::new(asking(&[NAME])).with(pod(json!({})));
    let cache = std::sync::Arc::clone(&member.cache);
    drop(member);
    let member = cache.join(Plan::new(&section(asking(&["k8s.node.name"]))).unwrap());
    assert_eq!(member.slot, 0);
    let known = Known { shared, member, metrics };
    assert_eq!(known.told(), map(&[]));
    known.tell(Seen::There(pod(json!({}))));
    assert_eq!(known.told(), map(&[("k8s.node.name", "worker-1")]));
}

#[test]
fn a_request_of_millions_of_resources_without_anything_to_tell_grows_by_nothing() {
    let known = Known::new(json!({})).with(pod(json!({})));
    let peer = Some("10.88.0.7".parse().unwrap());
    let mut bytes = request(Vec::new()).encode_to_vec();
    let told = enriched(&known.member, &known.member.store(), &checked(bytes.clone()), peer).unwrap();
    assert!(told.payload.len() > bytes.len(), "the one that has a record is told of");
    bytes.extend(b"\x0a\x00".repeat(1_000_000));
    let more = enriched(&known.member, &known.member.store(), &checked(bytes), peer).unwrap();
    assert_eq!(more.payload.len(), told.payload.len() + 2_000_000);
}

#[test]
fn a_request_that_would_grow_without_bound_is_refused() {
    let known = Known::new(json!({})).with(pod(json!({})));
    let peer = Some("10.88.0.7".parse().unwrap());
    let bytes = request(Vec::new()).encode_to_vec().repeat(500_000);
    assert!(enriched(&known.member, &known.member.store(), &checked(bytes), peer).is_err());
}
