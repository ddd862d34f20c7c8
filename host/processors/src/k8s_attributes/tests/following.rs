//! What becomes of what is known when the API server forgets, closes, refuses or is away.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Consumer, Signal};
use host_kubernetes::Server;
use host_telemetry::Metrics;
use serde_json::{Value, json};

use super::fake::{Answers, Fake, Next};
use super::harness::{Sink, UID, asking, delivery, merge, metric, section};
use crate::k8s_attributes::cache::Caches;
use crate::k8s_attributes::processor::{BuildError, Deps};

const NAME: &str = "k8s.pod.name";

/// Waits until this is so.
pub(super) async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it is so after a while");
}

fn pod(name: &str, version: u32) -> Value {
    json!({ "metadata": { "name": name, "namespace": "shop", "uid": UID, "resourceVersion": version.to_string() }, "spec": {}, "status": {} })
}

/// Processors that ask a server, with what they share.
pub(super) struct Running {
    caches: Caches,
    pub(super) metrics: Metrics,
    pub(super) sink: Arc<Sink>,
}

impl Running {
    pub(super) fn new() -> Self {
        Running { caches: Caches::default(), metrics: Metrics::new(), sink: Arc::default() }
    }

    async fn build(&self, fake: &Fake, keys: Value) -> Result<Arc<dyn Consumer>, BuildError> {
        self.build_at(fake.server(), keys).await
    }

    pub(super) async fn build_at(&self, server: Server, keys: Value) -> Result<Arc<dyn Consumer>, BuildError> {
        let mut all = asking(&[NAME]);
        merge(&mut all, json!({ "hold": "0s", "wait_for_metadata": true }));
        merge(&mut all, keys);
        let deps = Deps { caches: &self.caches, metrics: &self.metrics, signal: Signal::Logs };
        let id = "k8s_attributes".parse().unwrap();
        section(all).build_at(server, id, Arc::clone(&self.sink) as _, &deps).await
    }

    /// The name that the pod is told by.
    async fn name(&self, processor: &Arc<dyn Consumer>) -> Option<String> {
        processor.consume(delivery(None, &[("k8s.pod.uid", UID)])).await.unwrap();
        self.sink.attributes().pop().unwrap().get(NAME).cloned()
    }

    /// Waits until the pod is told by this name.
    async fn named(&self, processor: &Arc<dyn Consumer>, name: &str) {
        let waiting = async {
            while self.name(processor).await.as_deref() != Some(name) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the pod is told after a while");
    }
}

#[tokio::test]
async fn a_watch_that_is_closed_or_has_forgotten_is_begun_again() {
    let fake = Fake::start(Answers { pods: vec![pod("a", 7)], ..Answers::default() }).await;
    let running = Running::new();
    let processor = running.build(&fake, json!({})).await.unwrap();
    assert_eq!(running.name(&processor).await.as_deref(), Some("a"), "it waits for the metadata");
    fake.then(Next::Tell(json!({ "type": "MODIFIED", "object": pod("b", 12) }))).await;
    running.named(&processor, "b").await;
    fake.then(Next::Tell(json!({ "type": "BOOKMARK", "object": { "kind": "Pod", "apiVersion": "v1", "metadata": { "resourceVersion": "20" } } }))).await;
    fake.then(Next::Close).await;
    until(|| fake.asked().iter().any(|path| path.contains("resourceVersion=20"))).await;
    assert_eq!(running.name(&processor).await.as_deref(), Some("b"));
    // The server has forgotten what was at 20.
    fake.answers.lock().unwrap().pods = vec![pod("c", 30)];
    let gone = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "too old resource version", "reason": "Expired", "code": 410 });
    fake.then(Next::Tell(json!({ "type": "ERROR", "object": gone }))).await;
    running.named(&processor, "c").await;
    assert_eq!(metric(&running.metrics, "tidegate_k8s_attributes_watch_failures", &["pods"]), 0, "that is no failure");
    assert_eq!(metric(&running.metrics, "otelcol_k8s_watcher_pod_added", &[]), 1);
}

#[tokio::test]
async fn without_an_api_server_what_was_told_last_is_served() {
    let fake = Fake::start(Answers { pods: vec![pod("a", 7)], ..Answers::default() }).await;
    let running = Running::new();
    let processor = running.build(&fake, json!({})).await.unwrap();
    let address = fake.address();
    drop(fake);
    until(|| metric(&running.metrics, "tidegate_k8s_attributes_watch_failures", &["pods"]) > 0).await;
    assert_eq!(running.name(&processor).await.as_deref(), Some("a"));
    let _fake = Fake::start_at(address, Answers { pods: vec![pod("b", 7)], ..Answers::default() }).await;
    running.named(&processor, "b").await;
}

#[tokio::test]
async fn says_which_rule_is_missing_where_it_may_not_ask() {
    let fake = Fake::start(Answers { refuses: Some(403), ..Answers::default() }).await;
    let running = Running::new();
    let asks = running.build(&fake, json!({ "wait_for_metadata": false })).await.unwrap();
    until(|| metric(&running.metrics, "tidegate_k8s_attributes_watch_failures", &["pods"]) > 0).await;
    let keys = json!({ "wait_for_metadata_timeout": "10ms" });
    let Err(error) = running.build(&fake, keys).await else { panic!("nobody has told anything") };
    let told = error.to_string();
    assert!(told.contains("wait_for_metadata_timeout") && told.contains("cannot list resource"), "{told}");
    assert!(told.contains("the ClusterRole of the service account needs the rule { apiGroups: [\"\"], resources: [pods], verbs: [get, list, watch] }"), "{told}");
    drop(asks);
    let in_namespace = |waits: bool| json!({ "wait_for_metadata": waits, "wait_for_metadata_timeout": "10ms", "filter": { "namespace": "shop" } });
    let _asks = running.build(&fake, in_namespace(false)).await.unwrap();
    until(|| metric(&running.metrics, "tidegate_k8s_attributes_watch_failures", &["pods"]) > 1).await;
    let told = running.build(&fake, in_namespace(true)).await.err().unwrap().to_string();
    assert!(told.contains("the Role in the namespace shop"), "{told}");
    assert!(fake.asked().iter().any(|path| path.starts_with("/api/v1/namespaces/shop/pods?")), "{:?}", fake.asked());
}

#[tokio::test]
async fn processors_that_follow_the_same_share_one_watch() {
    let fake = Fake::start(Answers { pods: vec![pod("a", 7)], ..Answers::default() }).await;
    let running = Running::new();
    let lists = || fake.asked().iter().filter(|path| path.contains("/pods?") && !path.contains("watch=true")).count();
    let first = running.build(&fake, json!({})).await.unwrap();
    let alike = running.build(&fake, json!({})).await.unwrap();
    assert_eq!(lists(), 1);
    // Another section wants something else of the same pods: they are told once more, for both.
    let other = running.build(&fake, json!({ "extract": { "metadata": ["k8s.namespace.name"] } })).await.unwrap();
    assert_eq!(lists(), 2);
    assert_eq!(running.name(&first).await.as_deref(), Some("a"));
    assert_eq!(running.name(&alike).await.as_deref(), Some("a"));
    assert_eq!(running.name(&other).await, None);
    assert_eq!(running.sink.attributes().pop().unwrap()["k8s.namespace.name"], "shop");
    until(|| metric(&running.metrics, "otelcol_k8s_watcher_pod_cache_size", &[]) == 1).await;
    let scoped = fake.asked().iter().all(|path| path.contains("fieldSelector=spec.nodeName%3Dworker-1"));
    assert!(scoped, "{:?}", fake.asked());
    drop((first, alike, other));
    until(|| metric(&running.metrics, "otelcol_k8s_watcher_pod_cache_size", &[]) == 0).await;
}

#[tokio::test]
async fn passthrough_tells_the_address_and_asks_nobody() {
    let fake = Fake::start(Answers::default()).await;
    let running = Running::new();
    let processor = running.build(&fake, json!({ "passthrough": true })).await.unwrap();
    processor.consume(delivery(Some("10.88.0.7"), &[("a", "b")])).await.unwrap();
    processor.consume(delivery(Some("10.88.0.7"), &[("k8s.pod.ip", "10.88.0.8")])).await.unwrap();
    processor.consume(delivery(None, &[("a", "b")])).await.unwrap();
    let ip = |attributes: &std::collections::BTreeMap<String, String>| attributes.get("k8s.pod.ip").cloned();
    let told: Vec<Option<String>> = running.sink.attributes().iter().map(ip).collect();
    assert_eq!(told, [Some("10.88.0.7".to_owned()), Some("10.88.0.8".to_owned()), None]);
    assert!(fake.asked().is_empty());
}
