//! What is asked of the API server: what the kubelet does not know, and what it is asked for by way of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use host_kubernetes::Api;
use host_receivers::Budget;

use super::documents::SUMMARY;
use super::harness::{Reply, Server};
use crate::details::{Asker, Capacity, Details};
use crate::pods::Source as Volume;
use crate::source::{Document, Source};
use crate::summary::claims;

const CLAIM: &str = "/api/v1/namespaces/shop/persistentvolumeclaims/web-data";
const VOLUME: &str = "/api/v1/persistentvolumes/pv-1";
const NODE: &str = "/api/v1/nodes/worker-1";

async fn api(server: &Server) -> Api {
    let uri = format!("http://127.0.0.1:{}", server.port).parse().unwrap();
    host_kubernetes::Server::At(uri).api().await.unwrap()
}

fn claim(volume: &str) -> Reply {
    let volume = if volume.is_empty() { String::new() } else { format!("\"volumeName\": {volume:?}") };
    Reply::ok(format!(
        r#"{{"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": {{"name": "web-data"}}, "spec": {{{volume}}}}}"#
    ))
}

fn volume(source: &str) -> Reply {
    Reply::ok(format!(
        r#"{{"kind": "PersistentVolume", "apiVersion": "v1", "metadata": {{"name": "pv-1"}}, "spec": {{{source}}}}}"#
    ))
}

fn forbidden() -> Reply {
    Reply::status(
        403,
        r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "may not", "code": 403}"#,
    )
}

fn of_summary() -> BTreeSet<(String, String)> {
    let found = claims(SUMMARY.as_bytes());
    assert_eq!(found.len(), 1, "{found:?}");
    found
}

#[tokio::test]
async fn asks_once_what_the_node_has_and_what_is_behind_a_claim() {
    let server = Server::open().await;
    let node = r#"{"kind": "Node", "apiVersion": "v1", "metadata": {"name": "worker-1"},
                   "status": {"capacity": {"cpu": "3500m", "memory": "16384Mi", "pods": "110"}}}"#;
    server.answer(NODE, Reply::ok(node));
    server.answer(CLAIM, claim("pv-1"));
    server.answer(VOLUME, volume(r#""awsElasticBlockStore": {"volumeID": "vol-1", "fsType": "ext4", "partition": 2}"#));
    let mut asker = Asker::new(api(&server).await, Some("worker-1".to_owned()));
    let mut details = Details::default();
    for _ in 0..3 {
        assert_eq!(asker.ask(&mut details, of_summary()).await, []);
        assert_eq!(details.capacity, Capacity { cpu: Some(3.5), memory: Some(17_179_869_184.0) });
        let found = Volume::AwsElasticBlockStore { id: "vol-1".into(), fs_type: "ext4".into(), partition: 2 };
        assert_eq!(details.volume("shop", "web-data"), Some(&found));
    }
    assert_eq!(server.asked().len(), 3, "{:?}", server.asked());
    // What no pod has any more is forgotten.
    asker.ask(&mut details, BTreeSet::new()).await;
    assert_eq!(details.volume("shop", "web-data"), None);
    asker.ask(&mut details, of_summary()).await;
    assert_eq!(server.count(CLAIM), 2);
}

#[tokio::test]
async fn knows_the_kinds_of_volumes_that_are_told_apart() {
    for (source, kind) in [
        (r#""local": {"path": "/mnt"}"#, Some("local")),
        (r#""gcePersistentDisk": {"pdName": "pd-1"}"#, Some("gcePersistentDisk")),
        (r#""glusterfs": {"endpoints": "e", "path": "p"}"#, Some("glusterfs")),
        (r#""csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}"#, None),
    ] {
        let server = Server::open().await;
        server.answer(CLAIM, claim("pv-1"));
        server.answer(VOLUME, volume(source));
        let (mut asker, mut details) = (Asker::new(api(&server).await, None), Details::default());
        for _ in 0..2 {
            assert_eq!(asker.ask(&mut details, of_summary()).await, []);
        }
        assert_eq!(details.volume("shop", "web-data").map(Volume::kind), kind);
        assert_eq!(server.asked().len(), 2, "{kind:?}: what is not told apart is not asked for again, either");
    }
}

#[tokio::test]
async fn what_is_withheld_is_told_each_time_and_not_asked_for_at_once_again() {
    let server = Server::open().await;
    server.answer(CLAIM, forbidden());
    server.answer(NODE, forbidden());
    let mut asker = Asker::new(api(&server).await, Some("worker-1".to_owned()));
    let mut details = Details::default();
    for _ in 0..2 {
        let missed = asker.ask(&mut details, of_summary()).await;
        assert_eq!(missed.len(), 2);
        assert!(missed[0].place.contains("worker-1") && missed[0].way_out.contains("`nodes`"), "{missed:?}");
        assert!(missed[1].place.contains("shop/web-data"), "{missed:?}");
        assert!(missed[1].problem.contains("403 may not"), "{missed:?}");
        assert!(missed[1].way_out.contains("persistentvolumeclaims"), "{missed:?}");
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_claim_that_is_not_bound_is_told() {
    let server = Server::open().await;
    server.answer(CLAIM, claim(""));
    let missed = Asker::new(api(&server).await, None).ask(&mut Details::default(), of_summary()).await;
    assert!(missed[0].problem.contains("not bound"), "{missed:?}");
}

#[tokio::test]
async fn asks_the_kubelet_by_way_of_the_api_server() {
    let server = Server::open().await;
    server.answer("/api/v1/nodes/worker-1/proxy/stats/summary", Reply::ok(SUMMARY));
    server.answer("/api/v1/nodes/worker-1/proxy/pods", forbidden());
    let source = Source::ApiServer { api: api(&server).await, node: "worker-1".to_owned() };
    let budget = Arc::new(Budget::default());
    let mut room = budget.reserve(0).unwrap();
    assert_eq!(source.get(Document::Summary, &mut room).await.unwrap(), SUMMARY.as_bytes());
    assert_eq!(room.bytes(), SUMMARY.len());
    let failed = source.get(Document::Pods, &mut room).await.unwrap_err();
    let missed = source.missed(Document::Pods, &failed);
    assert!(
        missed.problem.ends_with("403 Forbidden: may not") && missed.way_out.contains("`nodes/proxy`"),
        "{missed:?}"
    );
    assert_eq!(missed.place, "/pods of the kubelet of worker-1");
    let unknown = Source::ApiServer { api: api(&server).await, node: "worker-2".to_owned() };
    let failed = unknown.get(Document::Summary, &mut room).await.unwrap_err();
    assert!(unknown.missed(Document::Summary, &failed).way_out.contains("kubectl get nodes"));
}
