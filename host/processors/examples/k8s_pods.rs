//! What memory the pods of a cluster take: a real API server is started, ten thousand pods are created, each with a status, and
//! who follows them says what they hold before and after. `cargo run --release -p host-processors --example k8s_pods --
//! measure [PODS] [OTELCOL]`; with the path of an OpenTelemetry Collector that one is measured beside it, with the same section.
//!
//! Whoever follows is a process of its own: what creating pods takes is not counted. It has the allocator of the system.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use host_component::{BoxFuture, Consumer, Delivery, Outcome, Signal};
use host_kubernetes::testing::TestServer;
use host_processors::k8s_attributes::{Caches, Config, Deps};
use host_telemetry::Metrics;
use serde_json::{Value, json};

const PODS: &str = "/api/v1/namespaces/default/pods";
/// Pods that are created at a time.
const AT_ONCE: usize = 16;
/// The gauge of pods that are known.
const CACHE: &str = "otelcol_k8s_watcher_pod_cache_size";
/// After this both have nothing to do.
const REST: Duration = Duration::from_secs(20);

struct Nowhere;

impl Consumer for Nowhere {
    fn consume(&self, _: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async { Ok(()) })
    }
}

/// The section, for both; the server is that of `$KUBECONFIG`.
fn section() -> Value {
    json!({
        "auth_type": "kubeConfig",
        "extract": {
            "metadata": [
                "k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.pod.start_time", "k8s.deployment.name",
                "k8s.node.name", "container.image.name", "container.image.tag", "container.id",
            ],
            "labels": [{ "key": "app.kubernetes.io/name" }],
        },
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("follow") => follow().await,
        Some("measure") => {
            let pods = arguments.get(1).and_then(|pods| pods.parse().ok()).unwrap_or(10_000);
            measure(pods, arguments.get(2).map(Path::new)).await;
        }
        _ => eprintln!("measure [PODS] [OTELCOL]"),
    }
}

/// Follows pods, and says how many are known each time that this changes.
async fn follow() {
    let (caches, metrics) = (Caches::default(), Metrics::new());
    let config: Config = serde_json::from_value(section()).expect("the section is right");
    let mut processors = Vec::new();
    for signal in Signal::ALL {
        let deps = Deps { caches: &caches, metrics: &metrics, signal };
        let id = "k8s_attributes".parse().expect("it is an id");
        processors.push(config.clone().build(id, Arc::new(Nowhere), &deps).await.expect("it is built"));
    }
    let mut last = String::new();
    loop {
        let text = metrics.render();
        let now = text.lines().find(|line| line.starts_with(CACHE)).unwrap_or_default().to_owned();
        if now != last {
            println!("{now}");
            std::io::stdout().flush().expect("somebody listens");
            last = now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn measure(pods: usize, otelcol: Option<&Path>) {
    let Some(server) = TestServer::start().await else { return };
    let folder = tempfile::tempdir().expect("there is room for files");
    let spawned = |mut command: Command, name: &str| {
        let log = |name: String| fs::File::create(folder.path().join(name)).expect("there is room for files");
        let (said, errors) = (log(name.to_owned()), log(format!("{name}.errors")));
        command.env("KUBECONFIG", server.kubeconfig()).stdin(Stdio::null()).stdout(said).stderr(errors);
        command.spawn().expect("it starts")
    };
    let config = folder.path().join("otelcol.yaml");
    fs::write(&config, collector().to_string()).expect("there is room for files");
    let start = || {
        let mut own = Command::new(std::env::current_exe().expect("this runs"));
        own.arg("follow");
        let mut followers = vec![("tidegate", spawned(own, "tidegate"))];
        if let Some(otelcol) = otelcol {
            let mut command = Command::new(otelcol);
            command.arg("--config").arg(&config);
            followers.push(("otelcol", spawned(command, "otelcol")));
        }
        followers
    };
    let all_are_known = async || {
        let (said, expected) = (folder.path().join("tidegate"), format!("{CACHE} {pods}"));
        while !fs::read_to_string(&said).unwrap_or_default().lines().any(|line| line == expected) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        tokio::time::sleep(REST).await;
    };
    let followers = start();
    tokio::time::sleep(REST).await;
    let before: Vec<u64> = followers.iter().map(|(_, child)| memory(child, "VmRSS")).collect();
    let numbers = futures_util::stream::iter(0..pods);
    numbers.for_each_concurrent(AT_ONCE, |number| create(&server, number)).await;
    all_are_known().await;
    println!("{pods} pods; KiB before, after, growth, and the most that there was");
    for ((name, child), before) in followers.into_iter().zip(before) {
        let (after, most) = (memory(&child, "VmRSS"), memory(&child, "VmHWM"));
        println!("{name}: {before} {after} {} {most}", after.saturating_sub(before));
        end(child);
    }
    let followers = start();
    all_are_known().await;
    println!("begun with all of them there; KiB after, and the most that there was");
    for (name, child) in followers {
        println!("{name}: {} {}", memory(&child, "VmRSS"), memory(&child, "VmHWM"));
        end(child);
    }
}

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// A pod with its status, as usual ones are: one of twenty of a Deployment.
async fn create(server: &TestServer, number: usize) {
    let service = format!("service-{}", number / 20);
    let hash = format!("{:010x}", number / 20 * 7919);
    let (set, name) = (format!("{service}-{hash}"), format!("{service}-{hash}-{:05}", number % 20));
    let uid = format!("5f0c8e5a-0000-4000-8000-{:012}", number / 20);
    let owners =
        json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": uid, "controller": true }]);
    let labels = json!({ "app.kubernetes.io/name": service, "pod-template-hash": hash, "team": "a" });
    let sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let setting = |at: usize| json!({ "name": format!("SETTING_{at}"), "value": "a value of usual length" });
    let probe = json!({ "httpGet": { "path": "/healthz", "port": 8080 }, "periodSeconds": 10 });
    let image = format!("registry.example/team/{service}:1.{}.0", number / 20);
    let container = json!({
        "name": "app", "image": image, "env": (0..20).map(setting).collect::<Value>(),
        "livenessProbe": probe, "readinessProbe": probe, "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
    });
    let metadata = json!({
        "name": name, "ownerReferences": owners, "labels": labels, "annotations": { "checksum/config": sum },
    });
    let spec = json!({ "nodeName": format!("node-{}", number % 100), "containers": [container] });
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec });
    server.create(PODS, &pod).await;
    let (ip, began) =
        (format!("10.{}.{}.{}", 100 + number / 65_536, number / 256 % 256, number % 256), "2026-03-01T10:00:01Z");
    let digest = format!("registry.example/team/{service}@sha256:{:064x}", number / 20);
    let container = json!({
        "name": "app", "ready": true, "started": true, "restartCount": 0, "image": image, "imageID": digest,
        "containerID": format!("containerd://{number:064x}"), "state": { "running": { "startedAt": began } }, "lastState": {},
    });
    let condition = |kind: &&str| json!({ "type": kind, "status": "True", "lastTransitionTime": began });
    let conditions =
        ["Initialized", "Ready", "ContainersReady", "PodScheduled"].iter().map(condition).collect::<Value>();
    let status = json!({
        "phase": "Running", "podIP": ip, "podIPs": [{ "ip": ip }], "startTime": began,
        "conditions": conditions, "containerStatuses": [container],
    });
    server.patch(&format!("{PODS}/{name}/status"), &json!({ "status": status })).await;
}

/// A Collector with the same section, for the three signals.
fn collector() -> Value {
    let pipeline = json!({ "receivers": ["otlp"], "processors": ["k8s_attributes"], "exporters": ["nop"] });
    json!({
        "receivers": { "otlp": { "protocols": { "grpc": { "endpoint": "127.0.0.1:0" } } } },
        "processors": { "k8s_attributes": section() },
        "exporters": { "nop": {} },
        "service": {
            "telemetry": { "metrics": { "level": "none" } },
            "pipelines": { "logs": pipeline, "traces": pipeline, "metrics": pipeline },
        },
    })
}

/// What a process holds, in KiB.
fn memory(child: &Child, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
