//! What is told when a kubelet does not answer as it should, and what goes on all the same.

use super::documents::{PODS, SUMMARY};
use super::harness::{Asker, Reply, Server};
use super::table::{names, table};

#[tokio::test]
async fn where_pods_are_withheld_the_summary_is_told_and_the_role_that_lacks() {
    let server = Server::start().await;
    server
        .answer("/pods", Reply::status(403, "Forbidden (user=system:serviceaccount:a:b, verb=get, resource=nodes)\n"));
    let keys = "metric_groups: [container, pod, node, volume], extra_metadata_labels: [container.id, k8s.volume.type]";
    let (told, missed) = server.asker(keys).await.told().await;
    let names = names(&told);
    assert_eq!(names.len(), 43 - 4, "all but restarts, and usage, which comes with the next: {names:?}");
    assert!(!names.contains("k8s.container.restarts") && !table(&told).contains("container.id="));
    assert_eq!(missed.len(), 1);
    assert!(missed[0].place.ends_with("/pods"), "{missed:?}");
    assert!(missed[0].problem.contains("HTTP 403 Forbidden: Forbidden (user=system"), "{missed:?}");
    assert!(missed[0].way_out.contains("`nodes/pods`") && missed[0].way_out.contains("ClusterRole"), "{missed:?}");
}

#[tokio::test]
async fn where_pods_cannot_be_read_the_summary_is_told() {
    let server = Server::start().await;
    for body in [&PODS[..PODS.len() / 2], "", "{}"] {
        server.answer("/pods", Reply::ok(body));
        let (told, missed) = server.asker("").await.told().await;
        assert!(names(&told).contains("container.memory.usage"));
        assert!(missed[0].problem.contains("none of the kubelet's documents"), "{missed:?}");
    }
}

#[tokio::test]
async fn each_refusal_of_the_summary_has_its_way_out() {
    let server = Server::start().await;
    for (status, part) in
        [(401, "authentication.webhook"), (403, "nodes/stats"), (404, "`endpoint`"), (500, "log of the kubelet")]
    {
        server.answer("/stats/summary", Reply::status(status, "no\u{1b}[31m"));
        let missed = server.asker("").await.collect().await.unwrap_err();
        assert!(missed.problem.starts_with(&format!("it answers HTTP {status}")), "{missed:?}");
        assert!(missed.problem.ends_with(": no[31m"), "without what would colour a terminal: {missed:?}");
        assert!(missed.way_out.contains(part), "{missed:?}");
    }
}

#[tokio::test]
async fn a_summary_that_is_cut_off_is_told() {
    let server = Server::start().await;
    let mut asker = server.asker("").await;
    server.answer("/stats/summary", Reply::ok(&SUMMARY[..SUMMARY.len() / 2]));
    let missed = asker.collect().await.unwrap_err();
    assert!(missed.problem.contains("EOF while parsing"), "{missed:?}");
    server.answer("/stats/summary", Reply::ok(SUMMARY));
    assert!(!asker.told().await.0.is_empty(), "it goes on with the next");
}

#[tokio::test]
async fn a_document_beyond_all_measure_is_not_read() {
    let server = Server::start().await;
    let huge = format!("{SUMMARY}{}", " ".repeat(33 << 20));
    server.answer("/stats/summary", Reply::ok(huge));
    let missed = server.asker("").await.collect().await.unwrap_err();
    assert!(missed.problem.contains("larger than 32 MiB"), "{missed:?}");
}

#[tokio::test]
async fn a_document_that_there_is_no_room_for_is_not_read() {
    let server = Server::start().await;
    let section = format!("{{auth_type: serviceAccount, endpoint: '127.0.0.1:{}'}}", server.port);
    let mut asker = Asker::within(&section, server.folder.path(), 4096).await.unwrap();
    let missed = asker.collect().await.unwrap_err();
    assert!(missed.way_out.contains("service.limits.in_flight_mib"), "{missed:?}");
}

#[tokio::test]
async fn a_large_document_is_read_as_any() {
    let server = Server::start().await;
    let large = SUMMARY.replacen('{', &format!("{{\"more\": \"{}\",", "x".repeat(1 << 20)), 1);
    server.answer("/stats/summary", Reply::ok(large));
    assert!(names(&server.asker("").await.told().await.0).contains("k8s.node.memory.usage"));
}

#[tokio::test]
async fn nobody_there_is_told_with_where() {
    let folder = tempfile::tempdir().unwrap();
    // A port that nobody listens at, since it was given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let section = format!("{{auth_type: none, endpoint: '127.0.0.1:{port}'}}");
    let missed = Asker::new(&section, folder.path()).await.unwrap().collect().await.unwrap_err();
    assert_eq!(missed.place, format!("http://127.0.0.1:{port}/stats/summary"));
    assert!(missed.way_out.contains("K8S_NODE_NAME"), "{missed:?}");
}
