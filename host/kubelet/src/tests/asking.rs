//! How a kubelet is asked: as whom, and who is believed to be one.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Authenticators, BoxFuture, Consumer, Consumers, Delivery, MetadataKeys, Outcome, Payload};
use host_component::{Receiver as _, Signal, Trigger};
use host_config::Value;
use host_receivers::{Budget, Deps};
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message as _;
use tokio::sync::mpsc;

use super::documents::LATER;
use super::harness::{Asker, Authority, Reply, Server};
use super::table::{lines, names};
use crate::Config;

/// No test waits longer.
const CAP: Duration = Duration::from_secs(30);

#[tokio::test]
async fn asks_as_the_service_account_once_for_each_document() {
    let server = Server::start().await;
    let mut asker = server.asker("").await;
    let (told, missed) = asker.told().await;
    assert_eq!(missed, []);
    assert!(names(&told).contains("k8s.container.restarts"));
    let asked = server.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.headers["authorization"] == "Bearer first"), "{asked:?}");
    server.answer("/stats/summary", Reply::ok(LATER));
    let (told, _) = asker.told().await;
    assert!(names(&told).contains("container.cpu.usage"));
    assert!(asker.metrics.render().contains("tidegate_kubelet_receiver_objects{receiver=\"kubelet_stats\"} 9"));
}

#[tokio::test]
async fn does_not_ask_for_pods_where_nothing_needs_them() {
    let server = Server::start().await;
    for keys in ["metric_groups: [node, pod]", "metrics: {k8s.container.restarts: {enabled: false}}"] {
        server.asker(keys).await.told().await;
        assert_eq!(server.count("/pods"), 0, "{keys}");
    }
    for (asked, keys) in [
        "metric_groups: [pod], metrics: {k8s.pod.cpu_limit_utilization: {enabled: true}}",
        "metric_groups: [volume], extra_metadata_labels: [k8s.volume.type]",
    ]
    .into_iter()
    .enumerate()
    {
        server.asker(keys).await.told().await;
        assert_eq!(server.count("/pods"), asked + 1, "{keys}");
    }
}

#[tokio::test]
async fn a_token_that_was_written_anew_is_shown_from_then_on() {
    let server = Server::start().await;
    let mut asker = server.asker("").await;
    asker.told().await;
    // As the kubelet does it: a new file that takes the place of the old one.
    let new = server.folder.path().join("new");
    std::fs::write(&new, "second").unwrap();
    std::fs::rename(&new, server.folder.path().join("token")).unwrap();
    let shown = async {
        while server.asked().last().unwrap().headers["authorization"] != "Bearer second" {
            asker.told().await;
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(CAP, shown).await.expect("the new token in time");
    let asked = server.asked();
    for pair in asked.chunks(2) {
        let shown: Vec<_> = pair.iter().map(|asked| &asked.headers["authorization"]).collect();
        assert_eq!(shown[0], shown[1], "of one scrape, both show the same");
    }
}

#[tokio::test]
async fn without_a_token_there_is_nobody_to_ask_as() {
    let folder = tempfile::tempdir().unwrap();
    let asker = Asker::new("{auth_type: serviceAccount}", folder.path()).await;
    let told = asker.err().unwrap().to_string();
    for part in ["kubelet_stats: auth_type: ", "token cannot be read", "automountServiceAccountToken"] {
        assert!(told.contains(part), "{told}");
    }
}

#[tokio::test]
async fn whoever_has_a_certificate_of_another_authority_is_no_kubelet() {
    let server = Server::start().await;
    std::fs::write(server.folder.path().join("ca.crt"), Authority::new("another").pem).unwrap();
    let missed = server.asker("").await.collect().await.unwrap_err();
    assert!(missed.problem.contains("UnknownIssuer"), "{missed:?}");
    assert!(missed.way_out.contains("ca_file") && missed.way_out.contains("insecure_skip_verify"), "{missed:?}");
    assert!(missed.place.ends_with("/stats/summary"), "{missed:?}");
    assert_eq!(server.asked().len(), 0, "nobody has seen the token");
    let (told, _) = server.asker("insecure_skip_verify: true").await.told().await;
    assert!(!told.is_empty());
}

#[tokio::test]
async fn the_authority_in_ca_file_takes_the_place_of_the_clusters() {
    let server = Server::start().await;
    let own = server.folder.path().join("own.crt");
    std::fs::rename(server.folder.path().join("ca.crt"), &own).unwrap();
    std::fs::write(server.folder.path().join("ca.crt"), Authority::new("another").pem).unwrap();
    let (told, _) = server.asker(&format!("ca_file: {}", own.display())).await.told().await;
    assert!(!told.is_empty());
}

#[tokio::test]
async fn a_kubelet_by_another_name_is_none() {
    let server = Server::start().await;
    let missed = server.asker("server_name_override: other").await.collect().await.unwrap_err();
    assert!(missed.problem.contains("not valid for name"), "{missed:?}");
    assert!(missed.way_out.contains("server_name_override"), "{missed:?}");
}

#[tokio::test]
async fn asks_with_a_certificate() {
    let authority = Authority::new("cluster");
    let server = Server::strict(&authority).await;
    let (certificate, key) = authority.issue("asker");
    let folder = server.folder.path();
    std::fs::write(folder.join("tls.crt"), certificate).unwrap();
    std::fs::write(folder.join("tls.key"), key).unwrap();
    let at = folder.display();
    let section = format!(
        "{{endpoint: 'https://127.0.0.1:{}', ca_file: {at}/ca.crt, cert_file: {at}/tls.crt, key_file: {at}/tls.key}}",
        server.port
    );
    let (told, missed) = Asker::new(&section, folder).await.unwrap().told().await;
    assert_eq!((told.is_empty(), missed.len()), (false, 0));
    assert!(!server.asked()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn asks_the_open_port_as_nobody() {
    let server = Server::open().await;
    let section = format!("{{auth_type: none, endpoint: '127.0.0.1:{}'}}", server.port);
    let (told, _) = Asker::new(&section, server.folder.path()).await.unwrap().told().await;
    assert!(!told.is_empty());
    assert!(!server.asked()[0].headers.contains_key("authorization"));
}

struct Sink(mpsc::UnboundedSender<Payload>);

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let _ = self.0.send(delivery.payload);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_receiver_hands_on_what_it_has_scraped() {
    let server = Server::open().await;
    let section = format!("{{auth_type: none, endpoint: 'http://127.0.0.1:{}', initial_delay: 0s}}", server.port);
    let config: Config = Value::parse("test", &section).unwrap().decode().unwrap();
    let (sender, mut taken) = mpsc::unbounded_channel();
    let mut consumers = Consumers::default();
    consumers.set(Signal::Metrics, Arc::new(Sink(sender)));
    let metrics = Metrics::new();
    let deps = Deps {
        budget: &Budget::default(),
        ack_timeout: Duration::from_secs(5),
        base: std::path::Path::new("/"),
        auth: &Authenticators::default(),
        metadata: &MetadataKeys::default(),
        metrics: &metrics,
    };
    let receiver = config.build("kubelet_stats".parse().unwrap(), &consumers, &deps).await.unwrap();
    let (trigger, shutdown) = Trigger::new();
    let running = tokio::spawn(Box::new(receiver).run(shutdown));
    let payload = tokio::time::timeout(CAP, taken.recv()).await.expect("a scrape in time").unwrap();
    let request = ExportMetricsServiceRequest::decode(payload.contiguous()).unwrap();
    assert!(!lines(&request.resource_metrics, "k8s.node.name=worker-1").is_empty());
    assert_eq!(metrics.total("otelcol_scraper_errored_metric_points"), 0);
    trigger.fire();
    tokio::time::timeout(CAP, running).await.expect("an end in time").unwrap();
}
