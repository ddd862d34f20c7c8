//! What an agent collects through the binary: the kubelet's, the machine's and its cards', and the events of its cluster.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use serde_json::{Value, json};

use crate::harness::api_server::{Answers, ApiServer};
use crate::harness::telemetry::{body_of, text_of};
use crate::harness::{Backend, Collector, Setup, eventually};

/// A collector with these receivers.
fn setup(receivers: &str, backend: &Backend) -> Setup {
    let names: Vec<&str> = receivers
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split(':').next())
        .map(str::trim)
        .collect();
    let yaml = format!(
        "
receivers:
{receivers}
exporters:
  otlp_grpc: {{ endpoint: '${{env:BACKEND}}', tls: {{ insecure: true }}, compression: none }}
service:
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines:
    metrics: {{ receivers: [{}], exporters: [otlp_grpc] }}
",
        names.join(", ")
    );
    Collector::from_yaml(&yaml).env("BACKEND", &backend.address())
}

fn resources(backend: &Backend) -> Vec<ResourceMetrics> {
    backend.with(|taken| taken.metrics.iter().flat_map(|request| request.resource_metrics.clone()).collect())
}

fn names(resources: &[ResourceMetrics]) -> BTreeSet<String> {
    let scopes = resources.iter().flat_map(|resource| &resource.scope_metrics);
    scopes.flat_map(|scope| &scope.metrics).map(|metric| metric.name.clone()).collect()
}

/// Waits until metrics of each of these names have come.
async fn arrived(backend: &Backend, wanted: &[&str]) -> Vec<ResourceMetrics> {
    eventually(&format!("{wanted:?} arrive"), async || {
        let resources = resources(backend);
        let names = names(&resources);
        wanted.iter().all(|name| names.contains(*name)).then_some(resources)
    })
    .await
}

/// A kubelet that tells everybody what its node uses, and nobody which pods it has.
fn kubelet() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(thread::spawn(|| answer(stream)))));
    address
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(first)) = lines.next() {
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let (status, body) = match first.split(' ').nth(1) {
            Some("/stats/summary") => ("200 OK", include_str!("../../host/kubelet/src/tests/fixtures/summary.json")),
            _ => ("403 Forbidden", "no"),
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kubelet_tells_arrives_though_it_withholds_its_pods() {
    let backend = Backend::start().await;
    let receiver = format!(
        "  kubelet_stats: {{ auth_type: none, endpoint: 'http://{}', collection_interval: 100ms, initial_delay: 1ms }}",
        kubelet()
    );
    let collector = setup(&receiver, &backend).start().await;
    // The second collection knows how much CPU time went by.
    let wanted = ["k8s.node.memory.usage", "k8s.pod.network.io", "container.cpu.time", "container.filesystem.usage"];
    let resources = arrived(&backend, &wanted).await;
    for resource in &resources {
        let attributes = &resource.resource.as_ref().unwrap().attributes;
        assert!(text_of(attributes, "k8s.node.name").is_some(), "{attributes:?}");
    }
    collector.log.wait_for(0, &["kubelet_stats", "nodes/pods"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_told_of_and_a_card_that_is_not_there_is_no_trouble() {
    let backend = Backend::start().await;
    let receivers = "  host_metrics:
    collection_interval: 100ms
    initial_delay: 1ms
    scrapers: { cpu: {}, memory: {}, load: {}, disk: {}, filesystem: {}, network: {}, processes: {}, system: {} }
  gpu: { collection_interval: 100ms, initial_delay: 1ms, library_path: /nowhere/libnvidia-ml.so.1 }";
    let collector = setup(receivers, &backend).start().await;
    let wanted = [
        "system.cpu.time",
        "system.memory.usage",
        "system.cpu.load_average.1m",
        "system.network.io",
        "system.processes.count",
        "system.uptime",
    ];
    let resources = arrived(&backend, &wanted).await;
    assert!(names(&resources).iter().all(|name| name.starts_with("system.")), "{:?}", names(&resources));
    collector.log.wait_for(0, &["gpu", "/nowhere/libnvidia-ml.so.1"]).await;
    let before = collector.log.len();
    let more = resources.len() * 3;
    eventually("it goes on", async || (self::resources(&backend).len() > more).then_some(())).await;
    assert_eq!(collector.log.having(before, &["libnvidia-ml"]), Vec::<String>::new(), "it is said once");
}

/// An event of this version, which is over by now.
fn event(version: u64, message: &str) -> Value {
    json!({
        "metadata": {
            "name": format!("web.{version}"), "namespace": "shop", "uid": format!("uid-{version}"),
            "resourceVersion": version.to_string(), "creationTimestamp": "2026-03-01T10:00:00Z",
        },
        "involvedObject": { "kind": "Pod", "name": "web", "namespace": "shop", "apiVersion": "v1" },
        "reason": "BackOff", "message": message, "type": "Warning", "lastTimestamp": "2026-03-01T10:00:00Z",
    })
}

/// A collector of events, with more keys of the receiver and more sections.
fn of_events(keys: &str, more: &str) -> Setup {
    Collector::from_yaml(&format!(
        "
receivers:
  k8s_events: {{ auth_type: kubeConfig, {keys} }}
exporters:
  otlp_grpc: {{ endpoint: '${{env:BACKEND:-127.0.0.1:1}}', tls: {{ insecure: true }}, compression: none }}
{more}
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines:
    logs: {{ receivers: [k8s_events], exporters: [otlp_grpc] }}
"
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_happened_while_nobody_ran_arrive_where_a_storage_remembers_what_was_told() {
    const STORED: &str = "extensions:
  file_storage: { directory: storage, create_directory: true }
service:
  extensions: [file_storage]";
    let backend = Backend::start().await;
    let events = vec![event(899, "second"), event(700, "told before"), event(800, "first")];
    let server = ApiServer::start(Answers { events, ..Answers::default() }).await;
    let setup = of_events("storage: file_storage", STORED).env("BACKEND", &backend.address());
    let path = setup.path("kubeconfig").display().to_string();
    std::fs::create_dir_all(setup.path("storage/receiver_k8s_events")).unwrap();
    let collector = setup
        .file("kubeconfig", server.kubeconfig())
        .env("KUBECONFIG", &path)
        .file("storage/receiver_k8s_events/all.json", r#"{"resource_version":700}"#)
        .start()
        .await;
    let records = eventually("both events arrive", async || {
        let records = backend.log_records();
        (records.len() >= 2).then_some(records)
    })
    .await;
    let told: Vec<Option<&str>> = records.iter().map(body_of).collect();
    assert_eq!(told, [Some("first"), Some("second")], "in the order in which the server wrote them");
    assert_eq!(text_of(&records[0].attributes, "k8s.event.reason"), Some("BackOff"));
    eventually("it is remembered", async || {
        let stored = collector.read("storage/receiver_k8s_events/all.json");
        stored.contains("899").then_some(())
    })
    .await;
}

#[test]
fn a_receiver_that_names_no_elector_or_one_that_does_not_run_is_refused_with_its_place() {
    let place = "receivers.k8s_events.k8s_leader_elector";
    let refused = |more: &str| {
        let (valid, text) = of_events("k8s_leader_elector: k8s_leader_elector/one", more).validate();
        assert!(!valid, "{text}");
        text.lines()
            .find(|line| line.contains(place))
            .unwrap_or_else(|| panic!("nothing about {place}:\n{text}"))
            .to_owned()
    };
    let elector = |id: &str, listed: &str| {
        format!("extensions:\n  {id}: {{ lease_name: a, lease_namespace: b }}\nservice:\n  extensions: [{listed}]")
    };
    assert!(refused("service:").contains("the extension `k8s_leader_elector/one` is not defined"));
    assert!(refused(&elector("k8s_leader_elector/two", "k8s_leader_elector/two")).contains("did you mean"));
    assert!(refused(&elector("k8s_leader_elector/one", "")).contains("`service.extensions` does not name"));
    let (valid, text) = of_events(
        "k8s_leader_elector: health_check",
        "extensions:\n  health_check: {}\nservice:\n  extensions: [health_check]",
    )
    .validate();
    assert!(!valid && text.contains("`health_check` elects nobody: name a `k8s_leader_elector`"), "{text}");
}
