//! Many clusters: each has rules of its own, on its own nodes and at the hub, and nobody else's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValueList};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{Cluster, MAIL, SSN, write};
use crate::harness::certificates::{self, Authority};
use crate::harness::telemetry::{attribute, body_of, logs, record, text};
use crate::harness::{Backend, Client, Collector, eventually};

const CARD: &str = "4111 1111 1111 1111";
const ADDRESS: &str = "10.20.30.40";

const AGENT: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  wasm/scrub: { module: pii-scrub, source: kubernetes, limits: { timeout: 5s } }
  resource/cluster: { attributes: [{ key: cluster.id, value: '${env:CLUSTER}', action: upsert }] }
exporters:
  otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true } }
modules:
  cache: '${env:CACHE}'
  grants: { pii-scrub: { reads: [log.body], writes: [log.body, log, counters] } }
  kubernetes: { auth_type: kubeConfig, storage: state, pod: host-0 }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [wasm/scrub, resource/cluster], exporters: [otlp_grpc] }
";

/// The first guest takes the cluster's name away: what was bound stays bound.
const HUB: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  resource/nameless: { attributes: [{ key: cluster.id, action: delete }] }
  wasm/hub: { module: hub-scrub, source: kubernetes, limits: { timeout: 5s } }
exporters:
  otlp_grpc: { endpoint: '${env:BACKEND}', tls: { insecure: true }, compression: none }
modules:
  cache: '${env:CACHE}'
  grants: { hub-scrub: { reads: [log.body], writes: [log.body, log, counters] } }
  kubernetes: { auth_type: kubeConfig, storage: state, pod: hub-0 }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [resource/nameless, wasm/hub], exporters: [otlp_grpc] }
";

impl Cluster {
    /// A cluster with a pod for the hub, and with rules to be pushed by.
    async fn of_a_hub() -> Option<Cluster> {
        let cluster = Cluster::start().await?;
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "hub-0" },
            "spec": { "containers": [{ "name": "tidegate", "image": "tidegate" }] },
        });
        cluster.server.create("/api/v1/namespaces/default/pods", &pod).await;
        let rules = [
            ("card.yaml", "payment_card: {}"),
            ("address.yaml", "ipv4: {}"),
            ("card-and-address.yaml", "payment_card: {}, ipv4: {}"),
            ("mail-and-ssn.yaml", "email: {}, us_ssn: {}"),
        ];
        for (name, detectors) in rules {
            write(cluster.folder.path(), name, &format!("detectors: {{ {detectors} }}\nfields: [log.body]\n"));
        }
        Some(cluster)
    }

    fn push_to_hub(&self, head: &str, clusters: &str, config: &str) -> String {
        self.pushed(&format!(
            "push pii-scrub --name hub-scrub --head {head} --clusters {clusters} --config {config} --wait"
        ))
    }
}

/// Sends records of one cluster, one after another and each again until it is taken, until it is told to end.
struct Sender {
    ends: Arc<AtomicBool>,
    task: JoinHandle<u64>,
}

impl Sender {
    async fn start(agent: &Collector, cluster: &'static str) -> Sender {
        let client = Client::connect(agent.grpc()).await;
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let task = tokio::spawn(async move {
            let mut taken = 0;
            while !told.load(Ordering::Relaxed) {
                let body = format!("{cluster} {taken} {SSN} {MAIL} {CARD} {ADDRESS}");
                match client.logs(logs(vec![record("load", 9, &body)])).await {
                    Ok(()) => taken += 1,
                    // Nothing was pushed yet.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
            taken
        });
        Sender { ends, task }
    }

    /// How many records were taken.
    async fn ends(self) -> u64 {
        self.ends.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

fn bodies(backend: &Backend) -> Vec<String> {
    backend.log_records().iter().filter_map(body_of).map(str::to_owned).collect()
}

/// Waits for a record of a cluster that looks so.
async fn arrives(backend: &Backend, cluster: &str, looks: impl Fn(&str) -> bool) {
    let arrived = async || bodies(backend).iter().any(|body| body.starts_with(cluster) && looks(body)).then_some(());
    eventually("a record arrives that looks so", arrived).await;
}

/// Each record that was taken is there once, by its number.
fn are_all_there(bodies: &[String], cluster: &str, taken: u64) {
    let mut counted: BTreeMap<u64, u64> = BTreeMap::new();
    for body in bodies.iter().filter_map(|body| body.strip_prefix(cluster)) {
        let number = body.split_whitespace().next().unwrap().parse().unwrap();
        *counted.entry(number).or_default() += 1;
    }
    let expected: BTreeMap<u64, u64> = (0..taken).map(|number| (number, 1)).collect();
    assert_eq!(counted, expected, "{cluster}: none is lost, and none is there twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clusters_and_their_hub_have_rules_of_their_own_while_records_flow() {
    let Some(one) = Cluster::of_a_hub().await else { return };
    let Some(other) = Cluster::of_a_hub().await else { return };
    let backend = Backend::start().await;
    let hub = one.host(HUB, &backend).start().await;
    let agent = |cluster: &Cluster, name: &str| {
        let kubeconfig = cluster.server.kubeconfig().display().to_string();
        let setup = Collector::from_yaml(AGENT).env("BACKEND", &hub.grpc()).env("KUBECONFIG", &kubeconfig);
        setup.env("CLUSTER", &name).start()
    };
    let (agent_one, agent_other) = (agent(&one, "edge-a").await, agent(&other, "edge-b").await);
    let (sender_one, sender_other) =
        (Sender::start(&agent_one, "edge-a").await, Sender::start(&agent_other, "edge-b").await);

    one.pushed("push pii-scrub --config ssn.yaml --wait");
    other.pushed("push pii-scrub --config mail.yaml --wait");
    assert!(bodies(&backend).is_empty(), "the hub has no rules yet, and nothing passes it");
    let said = one.push_to_hub("hub-a", "edge-a", "card.yaml");
    assert!(said.contains("Live on all 1 hosts"), "{said}");
    arrives(&backend, "edge-a", |_| true).await;
    assert!(!bodies(&backend).iter().any(|body| body.starts_with("edge-b")), "nothing is for it yet");
    one.push_to_hub("hub-others", "*", "address.yaml");
    arrives(&backend, "edge-b", |_| true).await;

    one.push_to_hub("hub-a", "edge-a", "card-and-address.yaml");
    arrives(&backend, "edge-a", |body| !body.contains(ADDRESS)).await;
    other.pushed("push pii-scrub --config mail-and-ssn.yaml --wait");
    arrives(&backend, "edge-b", |body| !body.contains(SSN)).await;

    let (taken_one, taken_other) = (sender_one.ends().await, sender_other.ends().await);
    let bodies = bodies(&backend);
    are_all_there(&bodies, "edge-a ", taken_one);
    are_all_there(&bodies, "edge-b ", taken_other);
    for body in &bodies {
        let has = [SSN, MAIL, CARD, ADDRESS].map(|secret| body.contains(secret));
        let [ssn, mail, card, address] = has;
        match body.starts_with("edge-a") {
            true => assert!(!ssn && mail && !card, "{body}"),
            false => assert!(!mail && card && !address, "{body}"),
        }
    }
    let status = one.pushed("status");
    assert!(status.contains("HEAD") && status.contains("hub-others"), "{status}");
}

/// A request with a resource for each cluster.
fn of_clusters(id: &str, clusters: &[&str]) -> ExportLogsServiceRequest {
    let mut request = ExportLogsServiceRequest::default();
    for cluster in clusters {
        let body = format!("{cluster} {id} {CARD} {ADDRESS}");
        let mut one = logs(vec![record(id, 9, &body)]);
        let resource = one.resource_logs[0].resource.as_mut().unwrap();
        if !cluster.is_empty() {
            resource.attributes.push(attribute("cluster.id", text(cluster)));
        }
        request.resource_logs.extend(one.resource_logs);
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_several_clusters_is_parted_by_their_rules_and_one_again() {
    let Some(cluster) = Cluster::of_a_hub().await else { return };
    let backend = Backend::start().await;
    let mut hub = cluster.host(HUB, &backend).start().await;
    cluster.push_to_hub("hub-a", "edge-a", "card.yaml");
    cluster.push_to_hub("hub-edges", "edge-*", "address.yaml");
    let client = Client::connect(hub.grpc()).await;

    client.logs(of_clusters("one", &["edge-a", "edge-b", "edge-a"])).await.unwrap();
    let requests = backend.with(|taken| taken.logs.len());
    assert_eq!(requests, 1, "its parts are one again");
    let mut told = bodies(&backend);
    told.sort();
    let expected =
        [format!("edge-a one **** {ADDRESS}"), format!("edge-a one **** {ADDRESS}"), format!("edge-b one {CARD} ****")];
    assert_eq!(told, expected);

    // What nothing is for is refused with all that came with it, since all of it comes again.
    for (cluster, says) in [("", "it has no cluster.id"), ("hub", "is for the cluster \"hub\"")] {
        let status = client.logs(of_clusters("two", &["edge-a", cluster])).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unavailable, "{status}");
        assert!(status.message().contains(says), "{status}");
    }
    assert_eq!(bodies(&backend).len(), 3);

    // Neither is closer: the second one changes nothing, and says so.
    let (is_done, said) = cluster.module(
        "push pii-scrub --name hub-scrub --head hub-rival --clusters *-a,edge-a --config address.yaml --wait 30s",
    );
    assert!(!is_done && said.contains("Tie") && said.contains("hub-a"), "{said}");

    // What was live before claims its clusters after a restart; and a manifest is one of its own head alone.
    hub.kill_and_restart().await;
    let client = Client::connect(hub.grpc()).await;
    client.logs(of_clusters("three", &["edge-a"])).await.unwrap();
    assert_eq!(bodies(&backend).last().unwrap(), &format!("edge-a three **** {ADDRESS}"));
    let head = "/api/v1/namespaces/default/configmaps/";
    let copied = cluster.server.read(&format!("{head}hub-a")).await["data"].clone();
    cluster.server.patch(&format!("{head}hub-edges"), &json!({ "data": copied })).await;
    hub.log.wait_for(0, &["a pushed module is refused", "hub-edges", "InvalidManifest"]).await;
    client.logs(of_clusters("four", &["edge-b"])).await.unwrap();
    assert_eq!(bodies(&backend).last().unwrap(), &format!("edge-b four {CARD} ****"));
}

/// Where the receiver of the hub is, and where it is with somebody who vouches for who sends.
const OPEN: &str = "{ otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }";
const VOUCHED: &str = "
  otlp:
    protocols:
      grpc:
        endpoint: '${env:HOST}:4317'
        tls: { cert_file: hub.pem, key_file: hub.pem, client_ca_file: clients.pem }
    identity:
      from: [spiffe]
      rules: [{ match: 'spiffe://e.org/edge/eu-1', clusters: [edge-eu-1] }]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_spells_its_cluster_another_way_has_its_clusters_rules_and_not_those_of_all() {
    let Some(cluster) = Cluster::of_a_hub().await else { return };
    let (authority, backend) = (Authority::new("authority"), Backend::start().await);
    assert!(HUB.contains(OPEN));
    let setup = cluster.host(&HUB.replace(OPEN, VOUCHED), &backend).file("clients.pem", &authority.pem);
    let hub = setup.file("hub.pem", authority.issue(certificates::HUB).bundle()).start().await;
    cluster.push_to_hub("hub-others", "*", "address.yaml");
    cluster.push_to_hub("hub-eu", "edge-eu-1", "card.yaml");
    let until = SystemTime::now() + Duration::from_secs(3600);
    let edge = authority.issue_spiffe("spiffe://e.org/edge/eu-1", until);
    let client = Client::over_tls(hub.grpc(), &authority.pem, Some(&edge)).await.unwrap();

    let name = || text("edge-eu-1");
    let map = KeyValueList { values: vec![attribute("id", name())] };
    let map = AnyValue { value: Some(Value::KvlistValue(map)) };
    let mut ways = vec![("nothing", None), ("map", Some(attribute("cluster", map)))];
    for key in ["cluster.id", "cluster_id", "Cluster-ID", "__cluster__id"] {
        ways.push((key, Some(attribute(key, name()))));
    }
    for (way, said) in ways {
        let mut request = logs(vec![record("id", 9, &format!("{way} {CARD} {ADDRESS}"))]);
        request.resource_logs[0].resource.as_mut().unwrap().attributes.extend(said);
        client.logs(request).await.unwrap();
        assert_eq!(bodies(&backend).last().unwrap(), &format!("{way} **** {ADDRESS}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_heads_that_tie_a_host_that_knows_neither_takes_the_one_that_was_made_first() {
    let Some(cluster) = Cluster::of_a_hub().await else { return };
    let backend = Backend::start().await;
    let push = |head: &str, rules: &str| {
        cluster.pushed(&format!("push pii-scrub --name hub-scrub --head {head} --clusters edge-a --config {rules}"));
    };
    push("z-first", "card.yaml");
    // The API server tells seconds.
    let made = || async {
        let heads =
            cluster.server.read("/api/v1/namespaces/default/configmaps?labelSelector=tidegate.dev/module").await;
        let heads = heads["items"].as_array().unwrap().clone();
        let of = |name: &str| heads.iter().find(|head| head["metadata"]["name"] == name).cloned().unwrap_or_default();
        let created = |name: &str| of(name)["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        (created("z-first"), created("a-second"))
    };
    eventually("a second later", async || {
        push("a-second", "address.yaml");
        let (first, second) = made().await;
        let is_later = first < second;
        if !is_later {
            cluster.server.delete("/api/v1/namespaces/default/configmaps/a-second").await;
        }
        is_later.then_some(())
    })
    .await;

    let hub = cluster.host(HUB, &backend).start().await;
    hub.log.wait_for(0, &["a pushed module is refused", "head=\"a-second\"", "Tie"]).await;
    let client = Client::connect(hub.grpc()).await;
    eventually("z-first to be live", async || client.logs(of_clusters("one", &["edge-a"])).await.ok()).await;
    assert_eq!(bodies(&backend), [format!("edge-a one **** {ADDRESS}")]);
}
