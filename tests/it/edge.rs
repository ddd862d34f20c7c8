//! What an agent collects through the binary: the kubelet's, the machine's and its cards'.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;

use crate::harness::telemetry::text_of;
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
