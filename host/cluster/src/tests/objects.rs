//! What is told of an object of each kind.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ReplicationController, ResourceQuota};
use serde_json::{Value, json};

use super::harness::{about, lines, told};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn metadata() -> Value {
    json!({ "name": "web", "namespace": "shop", "uid": "u-1" })
}

fn pod() -> Value {
    json!({
        "metadata": metadata(),
        "spec": {
            "nodeName": "worker-1",
            "containers": [
                { "name": "app", "resources": {
                    "requests": { "cpu": "250m", "memory": "64Mi", "ephemeral-storage": "1Gi", "example.com/odd": "1" },
                    "limits": { "cpu": "1", "memory": "0.1Gi", "storage": "2k" },
                } },
                { "name": "idle" },
            ],
        },
        "status": {
            "phase": "Running", "qosClass": "Burstable", "reason": "Evicted",
            "containerStatuses": [{
                "name": "app", "ready": true, "restartCount": 3, "image": "registry.example:5000/shop/web:1.4.2", "imageID": "",
                "containerID": "containerd://c0ffee", "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
            }],
        },
    })
}

#[test]
fn a_pod_and_its_containers_are_told_with_what_they_ask_for() {
    let told = told::<Pod>(&pod(), &json!({}));
    assert_eq!(told.len(), 2, "nothing is known of the container without a status and without resources");
    let whose = [
        ("k8s.pod.name", "web"),
        ("k8s.pod.uid", "u-1"),
        ("k8s.namespace.name", "shop"),
        ("k8s.node.name", "worker-1"),
    ];
    assert_eq!(about(&told[0]), map(&whose));
    assert_eq!(lines(&told[0]), ["k8s.pod.phase 2"]);
    let mut container = map(&whose);
    container.extend(map(&[
        ("container.id", "c0ffee"),
        ("container.image.name", "registry.example:5000/shop/web"),
        ("container.image.tag", "1.4.2"),
        ("k8s.container.name", "app"),
    ]));
    assert_eq!(about(&told[1]), container);
    assert_eq!(
        lines(&told[1]),
        [
            "k8s.container.cpu_limit 1.0 {cpu}",
            "k8s.container.cpu_request 0.25 {cpu}",
            "k8s.container.ephemeralstorage_request 1073741824 By",
            "k8s.container.memory_limit 107374183 By",
            "k8s.container.memory_request 67108864 By",
            "k8s.container.ready 1",
            "k8s.container.restarts 3 {restart}",
            "k8s.container.storage_limit 2000 By",
        ]
    );
}

#[test]
fn what_is_off_is_told_when_it_is_asked_for() {
    let on = json!({ "enabled": true });
    let keys = json!({
        "metrics": {
            "k8s.pod.status_reason": on, "k8s.container.status.state": on, "k8s.container.status.reason": on,
            "k8s.container.ready": { "enabled": false },
        },
        "resource_attributes": {
            "k8s.pod.qos_class": on, "k8s.container.status.last_terminated_reason": on, "container.id": { "enabled": false },
        },
    });
    let told = told::<Pod>(&pod(), &keys);
    assert_eq!(about(&told[0])["k8s.pod.qos_class"], "Burstable");
    assert!(lines(&told[0]).contains(&"k8s.pod.status_reason 1".to_owned()));
    let container = about(&told[1]);
    assert_eq!(container["k8s.container.status.last_terminated_reason"], "OOMKilled");
    assert!(!container.contains_key("container.id"));
    let lines = lines(&told[1]);
    for (point, value) in [
        ("state{waiting}", 1),
        ("state{running}", 0),
        ("state{terminated}", 0),
        ("reason{CrashLoopBackOff}", 1),
        ("reason{OOMKilled}", 0),
    ] {
        let line = format!("+k8s.container.status.{point} {value} {{container}}");
        assert!(lines.contains(&line), "{line} in {lines:?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("k8s.container.ready")));
}

#[test]
fn a_node_has_a_metric_for_each_condition_and_resource_that_is_asked_for() {
    let node = json!({
        "metadata": { "name": "worker-1", "uid": "n-1" },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True" }, { "type": "MemoryPressure", "status": "False" }],
            "allocatable": { "cpu": "3920m", "memory": "32564740Ki", "pods": "110" },
            "nodeInfo": {
                "kubeletVersion": "v1.36.0", "containerRuntimeVersion": "containerd://2.1.0", "operatingSystem": "linux",
                "osImage": "Debian", "architecture": "amd64", "bootID": "", "kernelVersion": "", "kubeProxyVersion": "",
                "machineID": "", "systemUUID": "",
            },
        },
    });
    let plain = told::<Node>(&node, &json!({}));
    assert_eq!(about(&plain[0]), map(&[("k8s.node.name", "worker-1"), ("k8s.node.uid", "n-1")]));
    assert_eq!(lines(&plain[0]), ["k8s.node.condition_ready 1"]);
    let on = json!({ "enabled": true });
    let all = told::<Node>(
        &node,
        &json!({
            "node_conditions_to_report": ["Ready", "MemoryPressure", "PIDPressure"],
            "allocatable_types_to_report": ["cpu", "memory", "pods", "storage"],
            "metrics": { "k8s.node.condition": on },
            "resource_attributes": { "container.runtime": on, "container.runtime.version": on, "k8s.kubelet.version": on, "os.type": on, "os.description": on },
        }),
    );
    assert_eq!(
        lines(&all[0]),
        [
            "k8s.node.allocatable_cpu 3.92 {cpu}",
            "k8s.node.allocatable_memory 33346293760 By",
            "k8s.node.allocatable_pods 110 {pod}",
            "k8s.node.condition_memory_pressure 0",
            "k8s.node.condition_pid_pressure -1",
            "k8s.node.condition_ready 1",
            "k8s.node.condition{MemoryPressure} 0 {condition}",
            "k8s.node.condition{Ready} 1 {condition}",
        ]
    );
    let about = about(&all[0]);
    assert_eq!(
        (about["container.runtime"].as_str(), about["container.runtime.version"].as_str()),
        ("containerd", "2.1.0")
    );
    assert_eq!((about["os.type"].as_str(), about["os.description"].as_str()), ("linux", "Debian"));
    assert_eq!(about["k8s.kubelet.version"], "v1.36.0");
}

#[test]
fn workloads_are_told_with_what_is_wanted_and_what_there_is() {
    let keys = json!({ "metrics": { "k8s.statefulset.pod.available": { "enabled": true } } });
    let spec = json!({ "replicas": 3, "selector": {}, "serviceName": "", "template": {} });
    let object = |status: Value| json!({ "metadata": metadata(), "spec": spec, "status": status });
    let deployment = told::<Deployment>(&object(json!({ "availableReplicas": 2 })), &keys);
    assert_eq!(
        about(&deployment[0]),
        map(&[("k8s.deployment.name", "web"), ("k8s.deployment.uid", "u-1"), ("k8s.namespace.name", "shop")])
    );
    assert_eq!(lines(&deployment[0]), ["k8s.deployment.available 2 {pod}", "k8s.deployment.desired 3 {pod}"]);
    let set = told::<ReplicaSet>(&object(json!({ "replicas": 3 })), &keys);
    assert_eq!(lines(&set[0]), ["k8s.replicaset.available 0 {pod}", "k8s.replicaset.desired 3 {pod}"]);
    assert_eq!(about(&set[0])["k8s.replicaset.name"], "web");
    let controller = told::<ReplicationController>(&object(json!({ "replicas": 3, "availableReplicas": 1 })), &keys);
    assert_eq!(
        lines(&controller[0]),
        ["k8s.replication_controller.available 1 {pod}", "k8s.replication_controller.desired 3 {pod}"]
    );
    assert_eq!(about(&controller[0])["k8s.replicationcontroller.uid"], "u-1");
    let status = json!({ "replicas": 3, "readyReplicas": 1, "currentReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1 });
    let stateful = told::<StatefulSet>(&object(status), &keys);
    assert_eq!(
        lines(&stateful[0]),
        [
            "+k8s.statefulset.pod.available 1 {pod}",
            "k8s.statefulset.current_pods 2 {pod}",
            "k8s.statefulset.desired_pods 3 {pod}",
            "k8s.statefulset.ready_pods 1 {pod}",
            "k8s.statefulset.updated_pods 3 {pod}",
        ]
    );
    let status =
        json!({ "currentNumberScheduled": 4, "desiredNumberScheduled": 5, "numberMisscheduled": 1, "numberReady": 3 });
    let daemons = told::<DaemonSet>(
        &json!({ "metadata": metadata(), "spec": { "selector": {}, "template": {} }, "status": status }),
        &keys,
    );
    assert_eq!(
        lines(&daemons[0]),
        [
            "k8s.daemonset.current_scheduled_nodes 4 {node}",
            "k8s.daemonset.desired_scheduled_nodes 5 {node}",
            "k8s.daemonset.misscheduled_nodes 1 {node}",
            "k8s.daemonset.ready_nodes 3 {node}",
        ]
    );
}

#[test]
fn jobs_are_told_with_what_they_are_to_do_where_that_is_said() {
    let job = |spec: Value| json!({ "metadata": metadata(), "spec": spec, "status": { "active": 1, "failed": 2 } });
    let said = told::<Job>(&job(json!({ "completions": 5, "parallelism": 2, "template": {} })), &json!({}));
    assert_eq!(
        lines(&said[0]),
        [
            "k8s.job.active_pods 1 {pod}",
            "k8s.job.desired_successful_pods 5 {pod}",
            "k8s.job.failed_pods 2 {pod}",
            "k8s.job.max_parallel_pods 2 {pod}",
            "k8s.job.successful_pods 0 {pod}",
        ]
    );
    assert_eq!(lines(&told::<Job>(&job(json!({ "template": {} })), &json!({}))[0]).len(), 3);
    let status = json!({ "active": [{ "name": "a" }, { "name": "b" }] });
    let spec = json!({ "schedule": "* * * * *", "jobTemplate": {} });
    let cron = told::<CronJob>(&json!({ "metadata": metadata(), "spec": spec, "status": status }), &json!({}));
    assert_eq!(lines(&cron[0]), ["k8s.cronjob.active_jobs 2 {job}"]);
}

#[test]
fn namespaces_quotas_and_autoscalers_are_told() {
    for (phase, value) in [(json!("Active"), 1), (json!("Terminating"), 0), (Value::Null, -1)] {
        let namespace = json!({ "metadata": { "name": "shop", "uid": "u-2" }, "status": { "phase": phase } });
        let told = told::<Namespace>(&namespace, &json!({}));
        assert_eq!(lines(&told[0]), [format!("k8s.namespace.phase {value}")]);
        assert_eq!(about(&told[0]), map(&[("k8s.namespace.name", "shop"), ("k8s.namespace.uid", "u-2")]));
    }
    let status = json!({ "hard": { "pods": "10", "requests.cpu": "2", "cpu": "1500m", "limits.memory": "1Gi" }, "used": { "pods": "3" } });
    let quota = told::<ResourceQuota>(&json!({ "metadata": metadata(), "status": status }), &json!({}));
    assert_eq!(
        lines(&quota[0]),
        [
            "k8s.resource_quota.hard_limit{cpu} 2 {resource}",
            "k8s.resource_quota.hard_limit{limits.memory} 1073741824 {resource}",
            "k8s.resource_quota.hard_limit{pods} 10 {resource}",
            "k8s.resource_quota.hard_limit{requests.cpu} 2000 {resource}",
            "k8s.resource_quota.used{pods} 3 {resource}",
        ]
    );
    let spec =
        json!({ "maxReplicas": 9, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } });
    let status = json!({ "currentReplicas": 2, "desiredReplicas": 4, "conditions": [] });
    let on = json!({ "enabled": true });
    let keys = json!({ "resource_attributes": { "k8s.hpa.scaletargetref.kind": on, "k8s.hpa.scaletargetref.name": on, "k8s.hpa.scaletargetref.apiversion": on } });
    let hpa =
        told::<HorizontalPodAutoscaler>(&json!({ "metadata": metadata(), "spec": spec, "status": status }), &keys);
    assert_eq!(
        lines(&hpa[0]),
        [
            "k8s.hpa.current_replicas 2 {pod}",
            "k8s.hpa.desired_replicas 4 {pod}",
            "k8s.hpa.max_replicas 9 {pod}",
            "k8s.hpa.min_replicas 1 {pod}",
        ]
    );
    assert_eq!(about(&hpa[0])["k8s.hpa.scaletargetref.kind"], "Deployment");
}
