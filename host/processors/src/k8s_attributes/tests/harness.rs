//! Pods, sections and requests, and what is known after they were told.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use host_component::{BoxFuture, Consumer, Delivery, Origin, Outcome, PEER, Signal, Trigger};
use host_kubernetes::objects::{Object, Pod};
use host_kubernetes::{Kind, Scope, Seen, Server};
use host_otlp::{Limits, Payload, check};
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::k8s_attributes::cache::{Cache, Followed, Member, Shared};
use crate::k8s_attributes::config::Config;
use crate::k8s_attributes::enrich::enriched;
use crate::k8s_attributes::follower::Follower;
use crate::k8s_attributes::plan::Plan;

pub(super) const UID: &str = "6f1c3a9e-2b57-4d0c-9a38-5e7f10b2c4d6";

/// A section with these keys, of an agent.
pub(super) fn section(keys: Value) -> Config {
    let mut section = json!({ "filter": { "node": "worker-1" } });
    let Value::Object(keys) = keys else { panic!("{keys} is no section") };
    section.as_object_mut().unwrap().extend(keys);
    serde_json::from_value(section).unwrap()
}

/// A section that finds pods by their UID and asks for these attributes.
pub(super) fn asking(metadata: &[&str]) -> Value {
    json!({ "extract": { "metadata": metadata }, "pod_association": by(&["k8s.pod.uid"]) })
}

/// Associations by one attribute each.
pub(super) fn by(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "sources": [{ "from": "resource_attribute", "name": name }] })).collect()
}

/// A pod of a Deployment, with what `change` changes of it.
pub(super) fn pod(change: Value) -> Pod {
    let mut pod = json!({
        "metadata": {
            "name": "web-7d4b9c6f5-x2x8z", "namespace": "shop", "uid": UID, "resourceVersion": "7",
            "creationTimestamp": "2026-03-01T10:00:00Z",
            "labels": { "app": "web", "pod-template-hash": "7d4b9c6f5" },
            "annotations": { "team": "checkout" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-7d4b9c6f5", "uid": "rs-1", "controller": true }],
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": {} } }]
        },
        "spec": {
            "nodeName": "worker-1", "hostname": "web",
            "containers": [{ "name": "app", "image": "registry.example:5000/shop/web:1.4.2", "env": [{ "name": "A", "value": "b" }] }]
        },
        "status": {
            "phase": "Running", "podIP": "10.88.0.7", "podIPs": [{ "ip": "10.88.0.7" }, { "ip": "fd00::7" }],
            "startTime": "2026-03-01T10:00:01Z",
            "containerStatuses": [{
                "name": "app", "restartCount": 3, "containerID": "containerd://c0ffee",
                "imageID": "registry.example:5000/shop/web@sha256:abc"
            }]
        }
    });
    merge(&mut pod, change);
    serde_json::from_value(pod).unwrap()
}

/// As a merge patch of Kubernetes does.
pub(super) fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change,
    }
}

/// A cache that nobody follows anything for, with one member.
pub(super) struct Known {
    pub(super) shared: Arc<Shared>,
    pub(super) member: Arc<Member>,
    pub(super) metrics: Metrics,
}

impl Known {
    pub(super) fn new(keys: Value) -> Self {
        let metrics = Metrics::new();
        let followed = Followed { server: Server::Cluster, pods: Scope::default(), node: None };
        let shared = Arc::new(Shared::new(followed, &metrics));
        let (trigger, _) = Trigger::new();
        let cache = Arc::new(Cache::of(Arc::clone(&shared), trigger));
        let member = cache.join(Plan::new(&section(keys)).unwrap());
        Known { shared, member, metrics }
    }

    /// With this pod.
    pub(super) fn with(self, pod: Pod) -> Self {
        self.tell(Seen::There(pod));
        self
    }

    pub(super) fn tell(&self, seen: Seen<Pod>) {
        Follower::new(&self.shared, Kind::Pods, &mut false).see_pod(seen);
    }

    /// With an object of another kind.
    pub(super) fn and(self, kind: Kind, object: Value) -> Self {
        let object: Object = serde_json::from_value(object).unwrap();
        Follower::new(&self.shared, kind, &mut false).see(Seen::There(object));
        self
    }

    /// The attributes of a resource of a log that came from `peer`, after it was told.
    pub(super) fn attributes_from(&self, peer: Option<&str>, attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
        let peer = peer.map(|peer| peer.parse::<IpAddr>().unwrap());
        let before = logs(attributes);
        let after = enriched(&self.member, &self.member.store(), &before, peer).unwrap().payload;
        texts(&after)
    }

    pub(super) fn attributes(&self, attributes: &[(&str, &str)]) -> BTreeMap<String, String> {
        self.attributes_from(None, attributes)
    }

    /// What is added to a resource that names the pod by its UID.
    pub(super) fn told(&self) -> BTreeMap<String, String> {
        let mut told = self.attributes(&[("k8s.pod.uid", UID)]);
        told.remove("k8s.pod.uid");
        told
    }
}

/// As a map that a test can compare with.
pub(super) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

pub(super) fn checked(bytes: Vec<u8>) -> Payload {
    let limits = Limits { depth: check::DEPTH, items: u32::MAX };
    check(Signal::Logs, Bytes::from(bytes), &limits).unwrap()
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Any::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// A request with one record of a resource with these attributes.
pub(super) fn request(attributes: Vec<KeyValue>) -> ExportLogsServiceRequest {
    let log_records = vec![LogRecord { severity_text: "INFO".to_owned(), ..LogRecord::default() }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }] }
}

pub(super) fn logs(attributes: &[(&str, &str)]) -> Payload {
    checked(request(attributes.iter().map(|(key, value)| text(key, value)).collect()).encode_to_vec())
}

pub(super) fn decoded(payload: &Payload) -> ExportLogsServiceRequest {
    let bytes = payload.contiguous();
    assert_eq!(checked(bytes.to_vec()).items(), payload.items(), "what is made is a request");
    ExportLogsServiceRequest::decode(bytes).unwrap()
}

/// The attributes of the first resource, lists with a comma between their elements.
pub(super) fn texts(payload: &Payload) -> BTreeMap<String, String> {
    let request = decoded(payload);
    let attributes = request.resource_logs[0].resource.clone().unwrap_or_default().attributes;
    let said = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Any::StringValue(text)) => text,
        Some(Any::ArrayValue(list)) => {
            let texts = list.values.into_iter().map(|value| match value.value {
                Some(Any::StringValue(text)) => text,
                other => panic!("{other:?} is no text"),
            });
            texts.collect::<Vec<_>>().join(",")
        }
        other => panic!("{other:?} is neither a text nor a list"),
    };
    attributes.into_iter().map(|attribute| (attribute.key, said(attribute.value))).collect()
}

/// A delivery of these attributes that came from `peer`.
pub(super) fn delivery(peer: Option<&str>, attributes: &[(&str, &str)]) -> Delivery {
    let metadata = peer.map(|peer| (PEER.to_owned(), peer.to_owned())).into_iter().collect();
    Delivery { origin: Arc::new(Origin { metadata }), ..Delivery::new(logs(attributes)) }
}

/// The end of a pipeline, which remembers what came, and answers when it is let.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) taken: Mutex<Vec<Delivery>>,
    pub(super) came: Notify,
}

impl Sink {
    /// The attributes of all that came.
    pub(super) fn attributes(&self) -> Vec<BTreeMap<String, String>> {
        self.taken.lock().unwrap().iter().map(|delivery| texts(&delivery.payload)).collect()
    }
}

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            self.taken.lock().unwrap().push(delivery);
            self.came.notify_one();
            Ok(())
        })
    }
}

/// The value of a metric, found by parts of its line.
pub(super) fn metric(metrics: &Metrics, name: &str, labels: &[&str]) -> i64 {
    let text = metrics.render();
    let fits = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
    text.lines().find(fits).map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}
