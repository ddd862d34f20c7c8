//! What a real API server tells; said aloud and left out where its binaries are not.

use std::sync::atomic::Ordering;

use host_kubernetes::leader::Electors;
use host_kubernetes::testing::TestServer;
use serde_json::json;

use super::harness::{Running, candidate, event, happens, until};
use crate::Config;

fn config(server: &TestServer) -> Config {
    Config::default().at(server.server())
}

/// Whether this line of its metrics says something else than nothing.
fn counts(running: &Running, name: &str) -> bool {
    running.metrics.render().lines().any(|line| line.starts_with(name) && !line.ends_with(" 0"))
}

#[tokio::test]
async fn a_real_api_server_has_its_events_told_in_order_while_it_goes_and_comes_back() {
    let Some(mut server) = TestServer::start().await else { return };
    let running = Running::start("k8s_events/order", config(&server), None, None);
    let mut expected = Vec::new();
    for number in 0..20 {
        let message = format!("before {number}");
        happens(&server, "default", &message).await;
        expected.push(message);
    }
    until(|| running.sink.told() == expected).await;
    running.sink.refuses.store(true, Ordering::Relaxed);
    happens(&server, "default", "while it is refused").await;
    until(|| counts(&running, "otelcol_receiver_refused_log_records")).await;
    server.stop();
    until(|| counts(&running, "tidegate_k8s_events_watch_failures")).await;
    running.sink.refuses.store(false, Ordering::Relaxed);
    server.start_again().await;
    happens(&server, "default", "after").await;
    expected.extend(["while it is refused".to_owned(), "after".to_owned()]);
    until(|| running.sink.told().len() >= expected.len()).await;
    assert_eq!(running.stop().await, expected);
}

#[tokio::test]
async fn a_real_api_server_has_events_of_the_namespaces_that_are_asked_for_told() {
    let Some(server) = TestServer::start().await else { return };
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    server.create("/api/v1/namespaces", &namespace).await;
    let asked = Config { namespaces: vec!["shop".to_owned()], ..config(&server) };
    let running = Running::start("k8s_events/namespaces", asked, None, None);
    happens(&server, "default", "not asked for").await;
    happens(&server, "shop", "asked for").await;
    until(|| !running.sink.told().is_empty()).await;
    assert_eq!(running.stop().await, ["asked for"]);
}

#[tokio::test]
async fn a_storage_has_a_killed_receiver_go_on_where_the_pipeline_had_all() {
    let Some(server) = TestServer::start().await else { return };
    let storage = tempfile::tempdir().unwrap();
    happens(&server, "default", "long ago").await;
    let first = Running::start("k8s_events/stored", config(&server), Some(storage.path()), None);
    happens(&server, "default", "first").await;
    until(|| first.sink.told().last().is_some_and(|last| last == "first")).await;
    let file = storage.path().join("receiver_k8s_events_stored/all.json");
    until(|| std::fs::read_to_string(&file).is_ok_and(|content| content.contains("resource_version"))).await;
    first.sink.refuses.store(true, Ordering::Relaxed);
    happens(&server, "default", "refused").await;
    until(|| counts(&first, "otelcol_receiver_refused_log_records")).await;
    first.kill();
    happens(&server, "default", "while nobody ran").await;
    let second = Running::start("k8s_events/stored", config(&server), Some(storage.path()), None);
    until(|| second.sink.told().len() >= 2).await;
    assert_eq!(second.stop().await, ["refused", "while nobody ran"]);
    std::fs::write(&file, "{").unwrap();
    let third = Running::start("k8s_events/stored", config(&server), Some(storage.path()), None);
    happens(&server, "default", "with a damaged file").await;
    until(|| third.sink.told().last().is_some_and(|last| last == "with a damaged file")).await;
    third.stop().await;
}

#[tokio::test]
async fn what_happens_until_something_was_told_is_told_by_whoever_is_started_next() {
    let Some(server) = TestServer::start().await else { return };
    let storage = tempfile::tempdir().unwrap();
    happens(&server, "default", "long ago").await;
    let first = Running::start("k8s_events/first", config(&server), Some(storage.path()), None);
    let file = storage.path().join("receiver_k8s_events_first/all.json");
    until(|| file.exists()).await;
    first.kill();
    happens(&server, "default", "while nobody ran").await;
    // Times of events have whole seconds: this one is started in a later one.
    let began = jiff::Timestamp::now().as_second();
    until(|| jiff::Timestamp::now().as_second() > began + 1).await;
    let second = Running::start("k8s_events/first", config(&server), Some(storage.path()), None);
    until(|| !second.sink.told().is_empty()).await;
    assert_eq!(second.stop().await.last().map(String::as_str), Some("while nobody ran"));
}

#[tokio::test]
async fn a_successor_in_the_same_process_goes_on_where_the_one_before_ended() {
    let Some(server) = TestServer::start().await else { return };
    let first = Running::start("k8s_events/reloaded", config(&server), None, None);
    happens(&server, "default", "one").await;
    until(|| !first.sink.told().is_empty()).await;
    host_component::claims::begin_configuration();
    let second = Running::start("k8s_events/reloaded", config(&server), None, None);
    happens(&server, "default", "two").await;
    until(|| first.sink.told().len() == 2).await;
    assert!(second.sink.told().is_empty(), "it waits for the one before it");
    assert_eq!(first.stop().await, ["one", "two"]);
    happens(&server, "default", "three").await;
    until(|| !second.sink.told().is_empty()).await;
    assert_eq!(second.stop().await, ["three"]);
}

#[tokio::test]
async fn one_of_two_tells_events_and_the_other_when_it_is_killed_and_none_is_lost() {
    let Some(server) = TestServer::start().await else { return };
    let old = event(1, &json!({ "message": "long ago", "metadata": { "name": "old", "namespace": "default" } }));
    let mut old = serde_json::to_value(old).unwrap();
    old["involvedObject"]["namespace"] = json!("default");
    server.create("/api/v1/namespaces/default/events", &old).await;
    let (one, other) = (Electors::default(), Electors::default());
    let leads = candidate(&one, &server);
    leads.won().await;
    let first = Running::start("k8s_events/leader", config(&server), None, Some(leads.clone()));
    let waits = candidate(&other, &server);
    let second = Running::start("k8s_events/standby", config(&server), None, Some(waits.clone()));
    happens(&server, "default", "led by the first").await;
    until(|| !first.sink.told().is_empty()).await;
    assert!(second.sink.told().is_empty(), "only the leader tells");
    first.kill();
    happens(&server, "default", "while nobody led").await;
    drop(leads);
    waits.won().await;
    until(|| second.sink.told().iter().any(|told| told == "while nobody led")).await;
    happens(&server, "default", "led by the second").await;
    until(|| second.sink.told().last().is_some_and(|told| told == "led by the second")).await;
    let told = second.stop().await;
    assert_eq!(told.iter().filter(|told| *told == "led by the second").count(), 1);
    assert!(!told.contains(&"long ago".to_owned()), "what was before both is told by neither");
}

#[tokio::test]
async fn who_may_not_list_events_tells_none_and_goes_on_asking() {
    let Some(server) = TestServer::start().await else { return };
    let running = Running::start("k8s_events/nobody", Config::default().at(server.as_nobody()), None, None);
    until(|| counts(&running, "tidegate_k8s_events_watch_failures")).await;
    assert_eq!(running.stop().await, [""; 0]);
}
