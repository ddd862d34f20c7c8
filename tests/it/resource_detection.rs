//! `resource_detection`: resources of every signal learn where the collector runs.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::harness::api_server::{Answer, Answers, ApiServer, CLUSTER_UID, NODE, NODE_UID, kubeconfig};
use crate::harness::telemetry::{logs, metrics, record, text_of, traces};
use crate::harness::{Backend, Client, Collector, Setup, eventually};

/// The schema of what `system` and `k8s_api` find.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.40.0";

/// A collector with this section, in pipelines of every signal.
fn with(section: &str) -> Setup {
    Collector::from_yaml(&format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: '${{env:HOST}}:4317' }} }} }} }}
processors:
  resource_detection: {section}
exporters:
  otlp_grpc: {{ endpoint: '${{env:BACKEND:-127.0.0.1:1}}', tls: {{ insecure: true }}, compression: none }}
service:
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines:
    logs: {{ receivers: [otlp], processors: [resource_detection], exporters: [otlp_grpc] }}
    traces: {{ receivers: [otlp], processors: [resource_detection], exporters: [otlp_grpc] }}
    metrics: {{ receivers: [otlp], processors: [resource_detection], exporters: [otlp_grpc] }}
"
    ))
}

/// The section of a detector that asks the API server of a kubeconfig, with more keys of the processor.
fn k8s_api(keys: &str) -> Setup {
    with(&format!("{{ detectors: [k8s_api], k8s_api: {{ auth_type: kubeConfig }}, {keys} }}"))
        .env("K8S_NODE_NAME", &NODE)
}

/// Leads a collector to an API server.
fn asking(setup: Setup, kubeconfig: &str) -> Setup {
    let path = setup.path("kubeconfig").display().to_string();
    setup.file("kubeconfig", kubeconfig).env("KUBECONFIG", &path)
}

/// What becomes of the resource of a record: its attributes and its schema URL.
async fn resource(collector: &Collector, backend: &Backend) -> (Vec<KeyValue>, String) {
    let mut request = logs(vec![record("id", 9, "body")]);
    request.resource_logs[0].schema_url.clear();
    Client::connect(collector.grpc()).await.logs(request).await.unwrap();
    backend.with(|taken| {
        let group = &taken.logs.last().unwrap().resource_logs[0];
        (group.resource.as_ref().unwrap().attributes.clone(), group.schema_url.clone())
    })
}

/// Those of Kubernetes among the attributes: the name and the UID of the node, the UID of the cluster.
fn kubernetes(attributes: &[KeyValue]) -> [Option<&str>; 3] {
    ["k8s.node.name", "k8s.node.uid", "k8s.cluster.uid"].map(|key| text_of(attributes, key))
}

/// An address at which nobody listens.
fn nobody() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn resources_of_every_signal_are_told_and_each_detector_is_asked_once() {
    let backend = Backend::start().await;
    let section = "{ detectors: [env, system], system: { hostname_sources: [os] } }";
    let given = "deployment.environment.name=edge%20eu,service.name=from-env";
    let setup = with(section).env("BACKEND", &backend.address()).env("OTEL_RESOURCE_ATTRIBUTES", &given);
    let collector = setup.start().await;
    let client = Client::connect(collector.grpc()).await;
    let sent = (logs(vec![record("id", 9, "body")]), traces("span"), metrics());
    client.logs(sent.0.clone()).await.unwrap();
    client.traces(sent.1.clone()).await.unwrap();
    client.metrics(sent.2.clone()).await.unwrap();

    let host = rustix::system::uname().nodename().to_str().unwrap().to_owned();
    let check = |before: &Option<Resource>, after: &Option<Resource>| {
        let [before, after] = [before, after].map(|resource| &resource.as_ref().unwrap().attributes);
        assert_eq!(text_of(after, "deployment.environment.name"), Some("edge eu"));
        assert_eq!(text_of(after, "service.name"), Some("from-env"), "what was detected wins");
        assert_eq!(text_of(after, "host.name"), Some(host.as_str()));
        assert_eq!(text_of(after, "os.type"), Some("linux"));
        assert_eq!(after.len(), before.len() + 3, "{after:?}");
    };
    backend.with(|taken| {
        let (logs, traces, metrics) = (&taken.logs[0], &taken.traces[0], &taken.metrics[0]);
        check(&sent.0.resource_logs[0].resource, &logs.resource_logs[0].resource);
        check(&sent.1.resource_spans[0].resource, &traces.resource_spans[0].resource);
        check(&sent.2.resource_metrics[0].resource, &metrics.resource_metrics[0].resource);
        assert_eq!(logs.resource_logs[0].schema_url, sent.0.resource_logs[0].schema_url, "one that is there stays");
        assert_eq!(traces.resource_spans[0].schema_url, SCHEMA);
        assert_eq!(logs.resource_logs[0].scope_logs, sent.0.resource_logs[0].scope_logs);
        assert_eq!(traces.resource_spans[0].scope_spans, sent.1.resource_spans[0].scope_spans);
        assert_eq!(metrics.resource_metrics[0].scope_metrics, sent.2.resource_metrics[0].scope_metrics);
    });
    let metrics = collector.metrics().await;
    let answers = |detector: &str| metrics.sum("otelcol_resourcedetection_detector_results", &[detector]);
    assert_eq!((answers("detector=\"env\""), answers("detector=\"system\"")), (1.0, 1.0));
    assert_eq!(metrics.sum("otelcol_resourcedetection_attributes_detected", &[]), 4.0);
}

#[tokio::test]
async fn what_resources_say_of_themselves_stays_without_override_and_the_first_detector_wins() {
    let backend = Backend::start().await;
    let section = "{ detectors: [env, system], override: false, system: { hostname_sources: [os], \
                   resource_attributes: { os.type: { enabled: false }, host.arch: { enabled: true }, \
                   os.description: { enabled: true }, host.ip: { enabled: true } } } }";
    let given = "service.name=from-env,host.name=named-by-env";
    let setup = with(section).env("BACKEND", &backend.address()).env("OTEL_RESOURCE_ATTRIBUTES", &given);
    let (attributes, schema_url) = resource(&setup.start().await, &backend).await;
    assert_eq!(text_of(&attributes, "service.name"), Some("shop"));
    assert_eq!(text_of(&attributes, "host.name"), Some("named-by-env"));
    assert_eq!(text_of(&attributes, "os.type"), None);
    assert!(text_of(&attributes, "host.arch").is_some() && text_of(&attributes, "os.description").is_some());
    assert!(attributes.iter().any(|attribute| attribute.key == "host.ip"), "{attributes:?}");
    assert_eq!(schema_url, SCHEMA);
}

#[tokio::test]
async fn does_not_start_on_a_variable_that_makes_no_sense() {
    let setup = with("{ detectors: [env] }").env("OTEL_RESOURCE_ATTRIBUTES", &"a=1,b");
    let (status, log) = setup.fails().await;
    assert!(!status.success());
    assert!(log.contains("tidegate.yaml:4:23: processors.resource_detection: "), "{log}");
    assert!(log.contains("OTEL_RESOURCE_ATTRIBUTES") && log.contains("has no `=`"), "{log}");
}

#[test]
fn says_of_other_detectors_and_keys_what_to_do_instead() {
    for (section, parts) in [
        ("{ detectors: [env, ec2] }", &["ec2", "OTEL_RESOURCE_ATTRIBUTES"][..]),
        ("{ detectors: [docker] }", &["docker", "hostname_sources"]),
        ("{ detectors: [] }", &["detectors", "nobody to ask"]),
        ("{ detectors: [env], ec2: {} }", &["ec2", "no such detector here"]),
        ("{ detectors: [env], proxy_url: x }", &["proxy_url", "metadata service"]),
        ("{ system: { hostname_sources: [dsn] } }", &["hostname_sources", "dsn", "dns"]),
        ("{ system: { resource_attributes: { host.nmae: { enabled: true } } } }", &["host.nmae", "host.name"]),
        ("{ k8s_api: { kube_api_qps: 5 } }", &["kube_api_qps", "take it out"]),
        ("{ timeout: 0s }", &["timeout", "never end"]),
    ] {
        let (passed, told) = with(section).validate();
        assert!(!passed && parts.iter().all(|part| told.contains(part)), "{section}: {told}");
    }
    let (passed, told) = with("{ detectors: [env, system, k8s_api, k8snode], k8snode: , system: }").validate();
    assert!(passed, "{told}");
}

#[tokio::test]
async fn k8s_api_tells_of_the_node_and_of_the_cluster() {
    let (backend, server) = (Backend::start().await, ApiServer::start(Answers::default()).await);
    let collector = asking(k8s_api(""), &server.kubeconfig()).env("BACKEND", &backend.address()).start().await;
    let (attributes, schema_url) = resource(&collector, &backend).await;
    assert_eq!(kubernetes(&attributes), [Some(NODE), Some(NODE_UID), Some(CLUSTER_UID)]);
    assert_eq!(schema_url, SCHEMA);
    let questions = server.questions();
    assert_eq!(questions.len(), 2, "each is asked once: {questions:?}");
    for question in questions {
        let lower = question.to_lowercase();
        assert!(lower.contains("authorization: bearer sesame"), "{question}");
        assert!(lower.contains("as=partialobjectmetadata"), "the metadata is enough: {question}");
    }
}

#[tokio::test]
async fn the_older_name_and_switched_off_attributes_work() {
    let (backend, server) = (Backend::start().await, ApiServer::start(Answers::default()).await);
    let section = "{ detectors: [k8snode], k8snode: { auth_type: kubeConfig, context: edge, node_from_env_var: MY_NODE, \
                   resource_attributes: { k8s.cluster.uid: { enabled: false } } } }";
    let setup = asking(with(section).env("MY_NODE", &NODE), &server.kubeconfig());
    let collector = setup.env("BACKEND", &backend.address()).start().await;
    assert_eq!(kubernetes(&resource(&collector, &backend).await.0), [Some(NODE), Some(NODE_UID), None]);
    assert_eq!(server.questions().len(), 1);
    assert!(!collector.log.having(0, &["`k8snode` is called `k8s_api` today"]).is_empty());
}

#[tokio::test]
async fn who_may_not_see_the_cluster_still_learns_of_the_node() {
    let answers = Answers { namespace: Answer::Forbidden, ..Answers::default() };
    let (backend, server) = (Backend::start().await, ApiServer::start(answers).await);
    let collector = asking(k8s_api(""), &server.kubeconfig()).env("BACKEND", &backend.address()).start().await;
    assert_eq!(kubernetes(&resource(&collector, &backend).await.0), [Some(NODE), Some(NODE_UID), None]);
    assert!(!collector.log.having(0, &["k8s.cluster.uid", "403", "kube-system"]).is_empty());
}

#[tokio::test]
async fn a_node_that_cannot_be_asked_about_is_left_out_unless_it_must_not_be_missing() {
    for (node, part) in [
        (Answer::Forbidden, "403 nodes \"edge-worker-1\" is forbidden"),
        (Answer::NotFound, "404 nodes \"edge-worker-1\" not found"),
        (Answer::Never, "no answer within"),
    ] {
        let backend = Backend::start().await;
        let server = ApiServer::start(Answers { node, ..Answers::default() }).await;
        let setup = asking(k8s_api("timeout: 500ms"), &server.kubeconfig()).env("BACKEND", &backend.address());
        let collector = setup.start().await;
        assert_eq!(kubernetes(&resource(&collector, &backend).await.0), [None; 3]);
        let told = collector.log.having(0, &["nothing was detected", "k8s_api", part]);
        assert_eq!(told.len(), 1, "{part}: {}", collector.log.text());

        let keys = "timeout: 500ms, fail_on_missing_metadata: true";
        let (status, log) = asking(k8s_api(keys), &server.kubeconfig()).fails().await;
        assert!(!status.success() && log.contains("processors.resource_detection: "), "{part}: {log}");
        assert!(log.contains("detection failed: k8s_api: ") && log.contains(part), "{part}: {log}");
    }
}

#[tokio::test]
async fn starts_without_an_api_server_unless_it_must_not_be_missing() {
    let backend = Backend::start().await;
    let nobody = kubeconfig(nobody());
    let collector = asking(k8s_api(""), &nobody).env("BACKEND", &backend.address()).start().await;
    assert_eq!(kubernetes(&resource(&collector, &backend).await.0), [None; 3]);
    assert!(!collector.log.having(0, &["nothing was detected", "refused"]).is_empty(), "{}", collector.log.text());
    let keys = "timeout: 300ms, retry: { initial_interval: 50ms }, fail_on_missing_metadata: true";
    let (status, log) = asking(k8s_api(keys), &nobody).fails().await;
    assert!(!status.success() && log.contains("a detector failed") && log.contains("refused"), "{log}");
}

#[tokio::test]
async fn asks_again_until_the_api_server_answers() {
    let (backend, server) = (Backend::start().await, ApiServer::start(Answers { busy: 2, ..Answers::default() }).await);
    let keys = "timeout: 30s, retry: { initial_interval: 10ms }, fail_on_missing_metadata: true";
    let setup = asking(k8s_api(keys), &server.kubeconfig()).env("BACKEND", &backend.address());
    let collector = setup.start().await;
    assert_eq!(kubernetes(&resource(&collector, &backend).await.0), [Some(NODE), Some(NODE_UID), Some(CLUSTER_UID)]);
    assert_eq!(collector.log.having(0, &["a detector failed", "503"]).len(), 2);
}

#[tokio::test]
async fn does_not_start_where_the_cluster_cannot_be_told_or_the_node_has_no_name() {
    let server = ApiServer::start(Answers { namespace: Answer::Broken, ..Answers::default() }).await;
    let (status, log) = asking(k8s_api("retry: { enabled: false }"), &server.kubeconfig()).fails().await;
    assert!(!status.success() && log.contains("namespace \"kube-system\": 500"), "{log}");

    let section = "{ detectors: [k8s_api], k8s_api: { node_from_env_var: NOT_SET_BY_ANYBODY } }";
    let (status, log) = with(section).fails().await;
    assert!(!status.success() && log.contains("NOT_SET_BY_ANYBODY is not set"), "{log}");
    assert!(!log.contains("a detector failed"), "asking again is pointless: {log}");
}

#[tokio::test]
async fn what_changes_is_detected_anew_and_stays_while_nobody_answers() {
    let (backend, server) = (Backend::start().await, ApiServer::start(Answers::default()).await);
    let setup = asking(k8s_api("refresh_interval: 50ms, timeout: 10s"), &server.kubeconfig());
    let collector = setup.env("BACKEND", &backend.address()).start().await;
    server.change(|answers| answers.node = Answer::Uid("another".to_owned()));
    let (collector, backend) = (&collector, &backend);
    let node_uid = async || text_of(&resource(collector, backend).await.0, "k8s.node.uid").map(str::to_owned);
    eventually("the new UID", async || (node_uid().await.as_deref() == Some("another")).then_some(())).await;

    let from = collector.log.len();
    server.change(|answers| answers.node = Answer::Forbidden);
    collector.log.wait_for(from, &["what was detected before stays in force", "403"]).await;
    assert_eq!(node_uid().await.as_deref(), Some("another"));
}

#[test]
fn explains_where_it_does_something_else_than_the_collector() {
    let (passed, told) = with("{ refresh_interval: 5m }").args(&["--explain"]).validate();
    assert!(passed && told.contains("leaves what was detected before in force"), "{told}");
}
