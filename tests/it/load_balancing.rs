//! Several backends behind one collector: what belongs together stays together, and what was acknowledged is there, also when
//! one of them goes.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tonic::{Code, Status};

use crate::harness::{Backend, Client, Collector, eventually, telemetry};

/// OTLP in, and out to the backends that stand for `HOSTNAMES`, with more of the exporter's section for `MORE`.
const YAML: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
exporters:
  load_balancing:
    protocol:
      otlp:
        tls: { insecure: true }
        compression: none
        retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }
    resolver: { static: { hostnames: [HOSTNAMES] } }
    MORE
service:
  limits: { ack_timeout: 60s }
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    traces: { receivers: [otlp], exporters: [load_balancing] }
    metrics: { receivers: [otlp], exporters: [load_balancing] }
";

fn yaml(backends: &[&Backend], more: &str) -> String {
    let addresses: Vec<String> = backends.iter().map(|backend| format!("'{}'", backend.address())).collect();
    YAML.replace("HOSTNAMES", &addresses.join(", ")).replace("MORE", more)
}

/// A span of each of these traces in one request, all of this name.
fn request(traces: impl IntoIterator<Item = u32>, name: &str) -> ExportTraceServiceRequest {
    let mut request = telemetry::traces(name);
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    let one = spans.remove(0);
    for trace in traces {
        let mut span = one.clone();
        span.trace_id[..4].copy_from_slice(&trace.to_be_bytes());
        spans.push(span);
    }
    request
}

/// The spans that a backend has taken: the number of their trace, and their name.
fn taken(backend: &Backend) -> Vec<(u32, String)> {
    backend.with(|taken| {
        let resources = taken.traces.iter().flat_map(|request| &request.resource_spans);
        let spans = resources.flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans);
        spans.map(|span| (u32::from_be_bytes(span.trace_id[..4].try_into().unwrap()), span.name.clone())).collect()
    })
}

#[tokio::test]
async fn spans_of_one_trace_arrive_at_one_backend_however_they_come() {
    let backends = [Backend::start().await, Backend::start().await, Backend::start().await];
    let collector = Collector::from_yaml(&yaml(&backends.each_ref(), "")).start().await;
    let client = Client::connect(collector.grpc()).await;
    client.traces(request(0..60, "together")).await.unwrap();
    for trace in 0..60 {
        client.traces(request([trace], "alone")).await.unwrap();
    }
    let mut owners = BTreeMap::new();
    for (at, backend) in backends.iter().enumerate() {
        let taken = taken(backend);
        assert!(taken.len() > 4, "{at} has {}", taken.len());
        for (trace, _) in taken {
            let (owner, count) = owners.entry(trace).or_insert((at, 0));
            assert_eq!(*owner, at, "trace {trace}");
            *count += 1;
        }
    }
    assert_eq!(owners.len(), 60);
    assert!(owners.values().all(|(_, count)| *count == 2), "each span once: {owners:?}");
    eventually("it is counted", async || {
        let metrics = collector.metrics().await;
        let sent = metrics.sum("otelcol_exporter_sent_spans", &["load_balancing"]);
        let outcomes = metrics.sum("otelcol_loadbalancer_backend_outcome", &["success=\"true\""]);
        let backends = metrics.sum("otelcol_loadbalancer_num_backends", &["resolver=\"static\""]);
        (sent == 120.0 && outcomes == 63.0 && backends == 3.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_when_a_backend_goes_under_load() {
    let backends = [Backend::start().await, Backend::start().await, Backend::start().await];
    let collector = Collector::from_yaml(&yaml(&backends.each_ref(), "")).start().await;
    let client = Client::connect(collector.grpc()).await;
    let sender = tokio::spawn(async move {
        for number in 0..60 {
            // As an SDK does: what was not taken is sent again.
            while client.traces(request(number * 10..number * 10 + 10, "under load")).await.is_err() {}
        }
    });
    eventually("all have some", async || backends.iter().all(|backend| !taken(backend).is_empty()).then_some(())).await;
    backends[1].refuse(Status::unavailable("it goes"));
    let seen = collector.log.len();
    collector.replace("tidegate.yaml", yaml(&[&backends[0], &backends[2]], ""));
    collector.log.wait_for(seen, &["configuration taken over"]).await;
    sender.await.unwrap();
    let mut all: Vec<u32> = backends.iter().flat_map(taken).map(|(trace, _)| trace).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (0..600).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_part_that_is_refused_is_tried_again_alone() {
    let backends = [Backend::start().await, Backend::start().await];
    let collector = Collector::from_yaml(&yaml(&backends.each_ref(), "")).start().await;
    let client = Client::connect(collector.grpc()).await;
    backends[0].refuse(Status::unavailable("not now"));
    let sent = tokio::spawn(async move { client.traces(request(0..40, "parts")).await });
    eventually("the other has its part", async || (!taken(&backends[1]).is_empty()).then_some(())).await;
    assert!(!sent.is_finished());
    backends[0].accept();
    sent.await.unwrap().unwrap();
    let mut all: Vec<u32> = backends.iter().flat_map(taken).map(|(trace, _)| trace).collect();
    all.sort_unstable();
    assert_eq!(all, (0..40).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn a_part_that_is_never_taken_makes_nobody_send_the_rest_again() {
    let backends = [Backend::start().await, Backend::start().await];
    let collector = Collector::from_yaml(&yaml(&backends.each_ref(), "")).start().await;
    let client = Client::connect(collector.grpc()).await;
    backends[0].refuse(Status::invalid_argument("never"));
    client.traces(request(0..40, "parts")).await.unwrap();
    backends[1].refuse(Status::invalid_argument("never"));
    assert_eq!(client.traces(request(0..40, "parts")).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_name_is_looked_up_and_each_of_its_addresses_connected_to() {
    let backend = Backend::start().await;
    let (port, name) = (backend.address().port(), backend.address().ip());
    // Where `localhost` has more addresses than the one that somebody listens at, the others are passed over.
    let yaml = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: '${{env:HOST}}:4317' }} }} }} }}
exporters:
  otlp_grpc: {{ endpoint: 'dns:///localhost:{port}', tls: {{ insecure: true }}, compression: none }}
  load_balancing:
    protocol: {{ otlp: {{ tls: {{ insecure: true }}, compression: none }} }}
    resolver: {{ dns: {{ hostname: '{name}', port: {port} }} }}
service:
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines:
    traces: {{ receivers: [otlp], exporters: [load_balancing, otlp_grpc] }}
"
    );
    let collector = Collector::from_yaml(&yaml).start().await;
    let client = Client::connect(collector.grpc()).await;
    for trace in 0..10 {
        client.traces(request([trace], "by name")).await.unwrap();
    }
    assert_eq!(taken(&backend).len(), 20, "once by each exporter");
    eventually("it is counted", async || {
        let found = collector.metrics().await.sum("otelcol_loadbalancer_num_backends", &["resolver=\"dns\""]);
        (found == 1.0).then_some(())
    })
    .await;
}

#[test]
fn a_key_that_a_signal_does_not_have_is_an_error_with_its_place() {
    let yaml = YAML.replace("HOSTNAMES", "'10.0.0.1:4317'").replace("MORE", "routing_key: traceID");
    let (is_valid, told) = Collector::from_yaml(&yaml).validate();
    assert!(!is_valid);
    assert!(told.contains("metrics cannot be routed by `traceID`: use one of service"), "{told}");
    let yaml = YAML.replace("static: { hostnames: [HOSTNAMES] }", "k8s: { service: gateways }").replace("MORE", "");
    let (is_valid, told) = Collector::from_yaml(&yaml).validate();
    assert!(!is_valid && told.contains("use `dns` with the name of a headless service"), "{told}");
}
