//! Events, a pipeline that keeps what it takes, and a receiver that runs before a real API server.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, Failure, MetadataKeys, Outcome, Receiver as _, Signal,
    Trigger,
};
use host_kubernetes::leader::{self, Electors, Leadership};
use host_kubernetes::testing::TestServer;
use host_receivers::Budget;
use host_telemetry::Metrics;
use k8s_openapi::api::core::v1::Event;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::{Config, Deps};

/// An event of this version, with what `change` changes of it.
pub(super) fn event(version: u64, change: &Value) -> Event {
    let mut event = json!({
        "metadata": {
            "name": "web-1.17", "namespace": "shop", "uid": format!("uid-{version}"), "resourceVersion": version.to_string(),
            "creationTimestamp": "2026-03-01T10:00:00Z",
        },
        "involvedObject": {
            "kind": "Pod", "name": "web-1", "namespace": "shop", "uid": "uid-of-web-1", "apiVersion": "v1",
            "resourceVersion": "500", "fieldPath": "spec.containers{app}",
        },
        "reason": "BackOff", "message": "Back-off restarting failed container", "type": "Warning",
        "source": { "component": "kubelet", "host": "worker-1" },
        "firstTimestamp": "2026-03-01T10:00:00Z", "lastTimestamp": "2026-03-01T10:00:05Z",
    });
    event.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    serde_json::from_value(event).unwrap()
}

/// What events say.
pub(super) fn bodies(events: &[ResourceLogs]) -> Vec<String> {
    let records = events.iter().flat_map(|resource| &resource.scope_logs).flat_map(|scope| &scope.log_records);
    let said = records.map(|record| match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        other => panic!("{other:?}"),
    });
    said.collect()
}

/// Whether this is of the object that the tests' events are about: an API server tells some of its own accord.
fn is_ours(resource: &ResourceLogs) -> bool {
    let name = Some(Any::StringValue("web-1".to_owned()));
    let mut attributes = resource.resource.iter().flat_map(|resource| &resource.attributes);
    attributes
        .any(|pair| pair.key == "k8s.object.name" && pair.value.as_ref().and_then(|any| any.value.clone()) == name)
}

/// The end of a pipeline, which remembers what came of the tests' object, and takes nothing while it is told not to.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) refuses: AtomicBool,
    told: Mutex<Vec<String>>,
}

impl Sink {
    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            if self.refuses.load(Ordering::Relaxed) {
                return Err(Failure::retryable("not now"));
            }
            let mut request = ExportLogsServiceRequest::decode(delivery.payload.contiguous()).unwrap();
            request.resource_logs.retain(is_ours);
            self.told.lock().unwrap().extend(bodies(&request.resource_logs));
            Ok(())
        })
    }
}

/// A receiver that runs.
pub(super) struct Running {
    pub(super) sink: Arc<Sink>,
    pub(super) metrics: Metrics,
    trigger: Trigger,
    task: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(id: &str, config: Config, storage: Option<&Path>, leadership: Option<Leadership>) -> Self {
        let (sink, metrics) = (Arc::<Sink>::default(), Metrics::new());
        let mut consumers = Consumers::default();
        consumers.set(Signal::Logs, Arc::clone(&sink) as _);
        let receivers = host_receivers::Deps {
            budget: &Budget::default(),
            ack_timeout: Duration::from_secs(5),
            base: Path::new("/"),
            auth: &Authenticators::default(),
            metadata: &MetadataKeys::default(),
            metrics: &metrics,
        };
        let deps = Deps { receivers: &receivers, storage, leadership };
        let events = config.build(&id.parse().unwrap(), &consumers, &deps).unwrap();
        let (trigger, shutdown) = Trigger::new();
        let task = tokio::spawn(Box::new(events).run(shutdown));
        Running { sink, metrics, trigger, task }
    }

    pub(super) async fn stop(self) -> Vec<String> {
        self.trigger.fire();
        self.task.await.unwrap();
        self.sink.told()
    }

    /// It ends as a process that is killed.
    pub(super) fn kill(self) {
        self.task.abort();
    }
}

/// Waits until this is so.
pub(super) async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(60), waiting).await.expect("it is so after a while");
}

/// Has the server tell an event now.
pub(super) async fn happens(server: &TestServer, namespace: &str, message: &str) {
    let path = format!("/api/v1/namespaces/{namespace}/events");
    let mut told = serde_json::to_value(event(1, &json!({ "message": message }))).unwrap();
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    told["metadata"] = json!({ "generateName": "web-1.", "namespace": namespace });
    told["involvedObject"]["namespace"] = json!(namespace);
    told["firstTimestamp"] = json!(now);
    told["lastTimestamp"] = json!(now);
    server.create(&path, &told).await;
}

/// One candidate for the Lease of this server.
pub(super) fn candidate(electors: &Electors, server: &TestServer) -> Leadership {
    let section = json!({
        "lease_name": "tidegate", "lease_namespace": "default", "lease_duration": "4s", "renew_deadline": "2s",
        "retry_period": "100ms",
    });
    let value = host_config::Value::parse("test", &section.to_string()).unwrap();
    let config: leader::Config = value.decode().unwrap();
    electors.leadership("k8s_leader_elector", &config.at(server.server()), &Metrics::new())
}
