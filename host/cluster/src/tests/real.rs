//! What a real API server tells; said aloud and left out where its binaries are not.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, MetadataKeys, Outcome, Receiver as _, Signal, Trigger,
};
use host_kubernetes::testing::TestServer;
use host_receivers::{Budget, Deps};
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::harness::{about, lines};
use crate::Config;

/// The end of a pipeline, which remembers what came last.
#[derive(Default)]
struct Sink(Mutex<Vec<String>>);

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let request = ExportMetricsServiceRequest::decode(delivery.payload.contiguous()).unwrap();
            let told = request.resource_metrics.iter().flat_map(|told| {
                let whose = about(told);
                let name = ["k8s.pod.name", "k8s.deployment.name", "k8s.namespace.name", "k8s.node.name"]
                    .into_iter()
                    .find_map(|key| whose.get(key));
                let name = name.cloned().unwrap_or_default();
                lines(told).into_iter().map(move |line| format!("{name}: {line}"))
            });
            *self.0.lock().unwrap() = told.collect();
            Ok(())
        })
    }
}

struct Running {
    sink: Arc<Sink>,
    metrics: Metrics,
    _trigger: Trigger,
    _task: JoinHandle<()>,
}

impl Running {
    fn start(config: Config) -> Self {
        let (sink, metrics) = (Arc::<Sink>::default(), Metrics::new());
        let mut consumers = Consumers::default();
        consumers.set(Signal::Metrics, Arc::clone(&sink) as _);
        let deps = Deps {
            budget: &Budget::default(),
            ack_timeout: Duration::from_secs(5),
            base: Path::new("/"),
            auth: &Authenticators::default(),
            metadata: &MetadataKeys::default(),
            metrics: &metrics,
        };
        let config = Config {
            collection_interval: Duration::from_millis(50),
            initial_delay: Duration::from_millis(1),
            ..config
        };
        let receiver = config.build(&"k8s_cluster".parse().unwrap(), &consumers, None, &deps).unwrap();
        let (trigger, shutdown) = Trigger::new();
        let task = tokio::spawn(Box::new(receiver).run(shutdown));
        Running { sink, metrics, _trigger: trigger, _task: task }
    }

    fn has(&self, line: &str) -> bool {
        self.sink.0.lock().unwrap().iter().any(|told| told == line)
    }

    async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let waiting = async {
            while !is_so() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let told = || self.sink.0.lock().unwrap().join("\n");
        assert!(timeout(Duration::from_secs(60), waiting).await.is_ok(), "{what}; last came:\n{}", told());
    }
}

#[tokio::test]
async fn a_real_api_server_tells_of_a_cluster_and_what_was_known_last_is_told_while_it_is_away() {
    let Some(mut server) = TestServer::start().await else { return };
    let running = Running::start(Config::default().at(server.server()));
    running.until("namespaces", || running.has("kube-system: k8s.namespace.phase 1")).await;
    let spec = json!({
        "replicas": 2, "selector": { "matchLabels": { "app": "web" } },
        "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "app", "image": "web" }] } },
    });
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    server.create(deployments, &json!({ "metadata": { "name": "web" }, "spec": spec })).await;
    running.until("a deployment", || running.has("web: k8s.deployment.desired 2 {pod}")).await;
    server.patch(&format!("{deployments}/web"), &json!({ "spec": { "replicas": 5 } })).await;
    running.until("its change", || running.has("web: k8s.deployment.desired 5 {pod}")).await;
    server.stop();
    let failures = || {
        running
            .metrics
            .render()
            .lines()
            .any(|line| line.starts_with("tidegate_k8s_cluster_watch_failures") && !line.ends_with(" 0"))
    };
    running.until("trouble", failures).await;
    assert!(running.has("web: k8s.deployment.desired 5 {pod}"));
    server.start_again().await;
    server.delete(&format!("{deployments}/web")).await;
    running.until("its end", || !running.has("web: k8s.deployment.desired 5 {pod}")).await;
}

#[tokio::test]
async fn a_kind_that_may_not_be_listed_costs_no_other() {
    let Some(server) = TestServer::start().await else { return };
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let rules = json!([{ "apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"] }]);
    server.create(&format!("{rbac}/clusterroles"), &json!({ "metadata": { "name": "few" }, "rules": rules })).await;
    let binding = json!({
        "metadata": { "name": "few" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "few" },
        "subjects": [{ "kind": "User", "name": "agent", "apiGroup": "rbac.authorization.k8s.io" }],
    });
    server.create(&format!("{rbac}/clusterrolebindings"), &binding).await;
    let running = Running::start(Config::default().at(server.as_nobody()));
    running.until("namespaces", || running.has("kube-system: k8s.namespace.phase 1")).await;
}
