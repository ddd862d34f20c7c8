//! How data waits for pods that are not known yet.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Consumer, Outcome, PEER, Signal};
use host_kubernetes::Seen;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::harness::{Known, Sink, UID, delivery, merge, metric, pod, section};
use crate::k8s_attributes::cache::Caches;
use crate::k8s_attributes::processor::Deps;

const NAME: &str = "k8s.pod.name";

/// A processor before a pipeline that remembers.
struct Running {
    known: Known,
    sink: Arc<Sink>,
    processor: Arc<dyn Consumer>,
}

impl Running {
    fn start(keys: Value) -> Self {
        let mut all = json!({
            "extract": { "metadata": [NAME] },
            "pod_association": [
                { "sources": [{ "from": "resource_attribute", "name": "k8s.pod.uid" }] },
                { "sources": [{ "from": "connection" }] },
            ],
        });
        merge(&mut all, keys);
        let (config, sink, known) = (section(all.clone()), Arc::new(Sink::default()), Known::new(all));
        let deps = Deps { caches: &Caches::default(), metrics: &known.metrics, signal: Signal::Logs };
        let processor =
            config.with(Arc::clone(&known.member), "k8s_attributes".parse().unwrap(), Arc::clone(&sink) as _, &deps);
        Running { known, sink, processor }
    }

    /// Sends a record of the pod with this UID, with a number.
    fn send(&self, peer: Option<&str>, uid: &str, number: &str) -> JoinHandle<Outcome> {
        let processor = Arc::clone(&self.processor);
        let delivery = delivery(peer, &[("k8s.pod.uid", uid), ("number", number)]);
        tokio::spawn(async move { processor.consume(delivery).await })
    }

    /// The numbers that came, each with the pod that it is told to be of.
    fn came(&self) -> Vec<(String, Option<String>)> {
        let all = self.sink.attributes().into_iter();
        all.map(|attributes| (attributes["number"].clone(), attributes.get(NAME).cloned())).collect()
    }

    fn metric(&self, name: &str, labels: &[&str]) -> i64 {
        metric(&self.known.metrics, name, labels)
    }
}

/// Has everything that is ready run.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn known_as(number: &str) -> (String, Option<String>) {
    (number.to_owned(), Some("web-7d4b9c6f5-x2x8z".to_owned()))
}

fn unknown(number: &str) -> (String, Option<String>) {
    (number.to_owned(), None)
}

#[tokio::test(start_paused = true)]
async fn data_of_a_pod_that_is_told_a_moment_later_waits_for_it() {
    let running = Running::start(json!({}));
    let began = Instant::now();
    let sent = running.send(None, UID, "1");
    settle().await;
    assert!(running.came().is_empty(), "its sender has no answer before");
    assert!(running.metric("tidegate_k8s_attributes_held_bytes", &[]) > 0);
    tokio::time::sleep(Duration::from_millis(700)).await;
    running.known.tell(Seen::There(pod(json!({}))));
    sent.await.unwrap().unwrap();
    assert_eq!(running.came(), [known_as("1")]);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(running.metric("tidegate_k8s_attributes_held_bytes", &[]), 0);
    assert_eq!(running.metric("otelcol_k8s_pod_association", &["success", "k8s.pod.uid"]), 1);
}

#[tokio::test(start_paused = true)]
async fn data_of_nobody_s_pod_goes_on_when_it_has_waited_and_the_next_at_once() {
    let running = Running::start(json!({}));
    let began = Instant::now();
    running.send(None, UID, "1").await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 2);
    running.send(None, UID, "2").await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 2, "who was waited for in vain is not waited for again");
    assert_eq!(running.came(), [unknown("1"), unknown("2")]);
    let counted = |reason| running.metric("tidegate_k8s_attributes_unenriched_items", &[reason]);
    assert_eq!((counted("late"), counted("stranger")), (1, 1));
    assert_eq!(running.metric("otelcol_k8s_pod_association", &["error", "k8s.pod.uid"]), 2);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let again = Instant::now();
    running.send(None, UID, "3").await.unwrap().unwrap();
    assert_eq!(again.elapsed().as_secs(), 2, "who was silent for a while is");
}

#[tokio::test(start_paused = true)]
async fn nobody_s_pod_that_sends_again_before_it_was_given_up_is_waited_for_once() {
    let running = Running::start(json!({}));
    let began = Instant::now();
    let first = running.send(None, UID, "1");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let second = running.send(None, UID, "2");
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 2, "the second one waits no longer than the first");
    assert_eq!(running.came(), [unknown("1"), unknown("2")]);
}

#[tokio::test(start_paused = true)]
async fn a_sender_s_data_goes_on_in_the_order_in_which_it_came() {
    let running = Running::start(json!({}));
    let other = json!({ "metadata": { "uid": "another" }, "status": { "podIP": "10.88.0.99", "podIPs": [] } });
    running.known.tell(Seen::There(pod(other)));
    let peer = Some("10.88.0.7");
    let first = running.send(peer, UID, "1");
    settle().await;
    let second = running.send(peer, "another", "2");
    let elsewhere = running.send(Some("10.88.0.99"), "another", "3");
    settle().await;
    assert_eq!(running.came(), [known_as("3")], "others do not wait, and who sent before does");
    running.known.tell(Seen::There(pod(json!({}))));
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    elsewhere.await.unwrap().unwrap();
    assert_eq!(running.came(), [known_as("3"), known_as("1"), known_as("2")]);
    let origins = running.sink.taken.lock().unwrap().iter().map(|taken| taken.origin.clone()).collect::<Vec<_>>();
    assert!(origins.iter().all(|origin| origin.values(PEER).next().is_none()), "behind it they may be joined");
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_room_for_goes_on_at_once() {
    let running = Running::start(json!({ "hold_mib": 1 }));
    let half = "x".repeat(600 << 10);
    let first = running.send(None, "a", &half);
    settle().await;
    running.send(None, "b", &half).await.unwrap().unwrap();
    assert_eq!(running.came().len(), 1);
    assert_eq!(running.metric("tidegate_k8s_attributes_unenriched_items", &["no_room"]), 1);
    first.await.unwrap().unwrap();
    let third = running.send(None, "c", &half);
    settle().await;
    assert_eq!(running.came().len(), 2, "there is room again");
    third.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_leaves_takes_its_data_along() {
    let running = Running::start(json!({}));
    let (first, second) = (running.send(None, UID, "1"), running.send(None, UID, "2"));
    settle().await;
    first.abort();
    settle().await;
    running.known.tell(Seen::There(pod(json!({}))));
    second.await.unwrap().unwrap();
    assert_eq!(running.came(), [known_as("2")]);
    assert_eq!(running.metric("tidegate_k8s_attributes_held_bytes", &[]), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_where_nothing_is_said_of_a_pod_or_nothing_is_to_be_held() {
    let began = Instant::now();
    let running = Running::start(json!({}));
    let nameless = running.processor.consume(delivery(None, &[("number", "1")]));
    nameless.await.unwrap();
    assert_eq!(running.metric("otelcol_k8s_pod_association", &["error", "pod_identifier=\"\""]), 1);
    let running = Running::start(json!({ "hold": "0s" }));
    running.send(None, UID, "2").await.unwrap().unwrap();
    assert_eq!(running.metric("tidegate_k8s_attributes_unenriched_items", &["not_held"]), 1);
    assert!(began.elapsed().is_zero());
}
