//! What a real API server tells; said aloud and left out where its binaries are not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use host_component::Consumer;
use host_kubernetes::testing::TestServer;
use serde_json::{Value, json};

use super::following::{Running, until};
use super::harness::{by, delivery, metric};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// A pod of this name on this node, as a scheduler leaves it.
fn pod(name: &str, node: &str, owners: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "labels": { "app": "web", "pod-template-hash": "7d4b9c6f5" },
            "annotations": { "resource.opentelemetry.io/tier": "gold" }, "ownerReferences": owners
        },
        "spec": { "nodeName": node, "hostname": "web", "containers": [{ "name": "app", "image": "shop/web:1.4.2" }] }
    })
}

fn running(ip: &str) -> Value {
    json!({ "status": {
        "phase": "Running", "podIP": ip, "podIPs": [{ "ip": ip }], "startTime": "2026-03-01T10:00:01Z",
        "containerStatuses": [{
            "name": "app", "ready": true, "image": "shop/web:1.4.2", "restartCount": 1, "started": true,
            "imageID": "docker.io/shop/web@sha256:abc", "containerID": format!("containerd://of-{ip}"),
            "state": { "running": { "startedAt": "2026-03-01T10:00:01Z" } }, "lastState": {}
        }]
    } })
}

fn of(object: &Value, field: &str) -> String {
    object["metadata"][field].as_str().unwrap().to_owned()
}

/// What a resource is told.
async fn told(
    running: &Running,
    processor: &Arc<dyn Consumer>,
    peer: Option<&str>,
    uid: Option<&str>,
) -> BTreeMap<String, String> {
    let attributes: Vec<_> = uid.map(|uid| ("k8s.pod.uid", uid)).into_iter().collect();
    processor.consume(delivery(peer, &attributes)).await.unwrap();
    running.sink.attributes().pop().unwrap()
}

/// Waits until a resource is told so, or is not.
async fn waits(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it is so after a while");
}

#[tokio::test]
async fn a_real_api_server_tells_of_pods_from_their_beginning_to_their_end() {
    let Some(server) = TestServer::start().await else { return };
    let apps = "/apis/apps/v1/namespaces/default";
    let template = json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "app", "image": "shop/web:1.4.2" }] } });
    let spec = json!({ "selector": { "matchLabels": { "app": "web" } }, "template": template });
    let workload = |kind: &str, name: &str, owners: Value| json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name, "labels": { "owner": "me" }, "ownerReferences": owners }, "spec": spec });
    let owner = |kind: &str, object: &Value| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": of(object, "name"), "uid": of(object, "uid"), "controller": true }]);
    let deployment = server.create(&format!("{apps}/deployments"), &workload("Deployment", "web", json!([]))).await;
    let set = workload("ReplicaSet", "web-7d4b9c6f5", owner("Deployment", &deployment));
    let set = server.create(&format!("{apps}/replicasets"), &set).await;
    let running_here = Running::new();
    let keys = json!({
        "extract": {
            "metadata": [
                "k8s.namespace.name", "k8s.pod.name", "k8s.pod.start_time", "k8s.pod.ip", "k8s.node.name", "k8s.cluster.uid",
                "k8s.deployment.name", "k8s.deployment.uid", "k8s.replicaset.name", "container.id", "container.image.name",
                "container.image.tag", "container.image.repo_digests", "service.name", "service.instance.id",
            ],
            "labels": [{ "key": "owner", "from": "deployment" }, { "key": "kubernetes.io/metadata.name", "tag_name": "ns", "from": "namespace" }],
            "otel_annotations": true,
        },
        "pod_association": [
            { "sources": [{ "from": "resource_attribute", "name": "k8s.pod.uid" }] },
            { "sources": [{ "from": "connection" }] },
        ],
        "wait_for_metadata_timeout": "60s",
    });
    let processor = running_here.build_at(server.server(), keys).await.unwrap();
    let here = server.create(PODS, &pod("web-1", "worker-1", &owner("ReplicaSet", &set))).await;
    let elsewhere = server.create(PODS, &pod("web-2", "worker-2", &owner("ReplicaSet", &set))).await;
    server.patch(&format!("{PODS}/web-2/status"), &running("10.88.0.8")).await;
    server.patch(&format!("{PODS}/web-1/status"), &running("10.88.0.7")).await;
    let uid = of(&here, "uid");
    let told = async |peer, uid: Option<&str>| told(&running_here, &processor, peer, uid).await;
    waits(async || told(Some("10.88.0.7"), None).await.contains_key("k8s.pod.name")).await;
    let cluster = server.patch("/api/v1/namespaces/kube-system", &json!({})).await;
    let expected: BTreeMap<String, String> = [
        ("k8s.pod.uid", uid.clone()),
        ("k8s.namespace.name", "default".to_owned()),
        ("k8s.pod.name", "web-1".to_owned()),
        ("k8s.pod.start_time", of(&here, "creationTimestamp")),
        ("k8s.pod.ip", "10.88.0.7".to_owned()),
        ("k8s.node.name", "worker-1".to_owned()),
        ("k8s.cluster.uid", of(&cluster, "uid")),
        ("k8s.deployment.name", "web".to_owned()),
        ("k8s.deployment.uid", of(&deployment, "uid")),
        ("k8s.replicaset.name", "web-7d4b9c6f5".to_owned()),
        ("container.id", "of-10.88.0.7".to_owned()),
        ("container.image.name", "shop/web".to_owned()),
        ("container.image.tag", "1.4.2".to_owned()),
        ("container.image.repo_digests", "docker.io/shop/web@sha256:abc".to_owned()),
        ("service.name", "web".to_owned()),
        ("service.instance.id", "default.web-1.app".to_owned()),
        ("k8s.deployment.label.owner", "me".to_owned()),
        ("ns", "default".to_owned()),
        ("tier", "gold".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    assert_eq!(told(None, Some(&uid)).await, expected);
    assert_eq!(
        told(Some("10.88.0.8"), Some(&of(&elsewhere, "uid"))).await.len(),
        1,
        "another node's pod is not known here"
    );
    server.patch(&format!("{PODS}/web-1/status"), &json!({ "status": { "phase": "Succeeded" } })).await;
    waits(async || !told(Some("10.88.0.7"), None).await.contains_key("k8s.pod.name")).await;
    assert_eq!(told(None, Some(&uid)).await["k8s.pod.name"], "web-1");
    server.delete(&format!("{PODS}/web-1")).await;
    until(|| metric(&running_here.metrics, "otelcol_k8s_watcher_pod_deleted", &[]) == 1).await;
    assert_eq!(told(None, Some(&uid)).await["k8s.pod.name"], "web-1", "its last data may still come");
}

#[tokio::test]
async fn a_real_api_server_tells_all_pods_in_pages_and_again_when_it_was_away() {
    let Some(mut server) = TestServer::start().await else { return };
    for number in 0..1100 {
        server.create(PODS, &pod(&format!("web-{number}"), "worker-1", &json!([]))).await;
    }
    let running = Running::new();
    let keys = json!({ "pod_association": by(&["k8s.pod.name"]), "wait_for_metadata_timeout": "60s" });
    let processor = running.build_at(server.server(), keys).await.unwrap();
    let table = || metric(&running.metrics, "otelcol_k8s_watcher_pod_cache_size", &[]);
    until(|| table() == 1100).await;
    server.stop();
    until(|| metric(&running.metrics, "tidegate_k8s_attributes_watch_failures", &["pods"]) > 0).await;
    assert_eq!(table(), 1100, "what was told last is served");
    server.start_again().await;
    server.create(PODS, &pod("late", "worker-1", &json!([]))).await;
    until(|| table() == 1101).await;
    drop(processor);
}

#[tokio::test]
async fn a_real_api_server_whose_certificates_and_authority_were_renewed_is_followed_again() {
    let Some(mut server) = TestServer::start().await else { return };
    let running = Running::new();
    let keys = json!({ "pod_association": by(&["k8s.pod.name"]), "wait_for_metadata_timeout": "60s" });
    let processor = running.build_at(server.server(), keys).await.unwrap();
    let before = server.authority();
    server.stop();
    until(|| metric(&running.metrics, "tidegate_k8s_attributes_watch_failures", &["pods"]) > 0).await;
    server.renew_certificates().await;
    assert_ne!(server.authority(), before);
    server.create(PODS, &pod("late", "worker-1", &json!([]))).await;
    until(|| metric(&running.metrics, "otelcol_k8s_watcher_pod_cache_size", &[]) == 1).await;
    drop(processor);
}

#[tokio::test]
async fn ten_thousand_pods_that_come_and_go_are_each_told_by_their_own_name_and_leave_nothing() {
    const CHURNED: usize = 10_000;
    let Some(server) = TestServer::start().await else { return };
    let running = Running::new();
    // What a pod sends comes before the server has told of it.
    let keys = json!({ "hold": "10s", "pod_delete_grace_period": "0s", "wait_for_metadata_timeout": "60s" });
    let processor = running.build_at(server.server(), keys).await.unwrap();
    let live = async |number: usize| {
        let name = format!("web-{number}");
        let uid = of(&server.create(PODS, &pod(&name, "worker-1", &json!([]))).await, "uid");
        processor.consume(delivery(None, &[("k8s.pod.uid", &uid)])).await.unwrap();
        server.delete(&format!("{PODS}/{name}")).await;
        (uid, name)
    };
    let lived: BTreeMap<String, String> = stream::iter(0..CHURNED).map(live).buffer_unordered(16).collect().await;
    let told = running.sink.attributes();
    assert_eq!(told.len(), CHURNED, "nothing is lost, and nothing comes twice");
    let told: BTreeMap<String, String> = told
        .into_iter()
        .map(|mut told| (told.remove("k8s.pod.uid").unwrap(), told.remove("k8s.pod.name").unwrap()))
        .collect();
    assert_eq!(told, lived);
    until(|| metric(&running.metrics, "otelcol_k8s_watcher_pod_deleted", &[]) == CHURNED as i64).await;
    until(|| metric(&running.metrics, "otelcol_k8s_watcher_pod_cache_size", &[]) == 0).await;
}

#[tokio::test]
async fn a_real_api_server_that_lets_nobody_ask_has_the_missing_rule_named() {
    let Some(server) = TestServer::start().await else { return };
    let running = Running::new();
    let _asks = running.build_at(server.as_nobody(), json!({ "wait_for_metadata": false })).await.unwrap();
    until(|| metric(&running.metrics, "tidegate_k8s_attributes_watch_failures", &["pods"]) > 0).await;
    let waits = json!({ "wait_for_metadata_timeout": "10ms" });
    let told = running.build_at(server.as_nobody(), waits).await.err().unwrap().to_string();
    assert!(
        told.contains("resources: [pods], verbs: [get, list, watch]") && told.contains("\"agent\" cannot list"),
        "{told}"
    );
}
