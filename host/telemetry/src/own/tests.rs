//! Tests of what stands in `own`: its promises, one sentence each.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{BoxFuture, Consumer, Delivery, Exporter, Failure, Outcome, Signal, Trigger};
use host_config::telemetry::{Batch, Batching, Processor, Resource as Written, ResourceAttribute, ResourceValue};
use tokio::time::{Instant, sleep};

use super::queue::{Counts, queue};
use super::resource::Resource;
use super::worker::Worker;
use super::{Queue, records};
use crate::Metrics;

/// Takes what comes, after a while, or not at all.
#[derive(Default)]
struct Peer {
    taken: Mutex<Vec<(u64, Instant)>>,
    pause: Duration,
    is_away: bool,
}

impl Consumer for Peer {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            sleep(self.pause).await;
            if self.is_away {
                return Err(Failure::retryable("away"));
            }
            self.taken.lock().unwrap().push((delivery.payload.items(), Instant::now()));
            Ok(())
        })
    }
}

impl Exporter for Peer {}

struct Rig {
    queue: Queue<u32>,
    peer: Arc<Peer>,
    metrics: Metrics,
    end: Trigger,
    worker: tokio::task::JoinHandle<()>,
}

/// So many records.
fn encode(numbers: Vec<u32>) -> Vec<u8> {
    let record = |_| Default::default();
    let resource = Resource::of(&Written::default());
    records::encode(&resource, numbers.into_iter().map(record).collect())
}

fn rig(peer: Peer, batching: Batching) -> Rig {
    let (metrics, peer) = (Metrics::new(), Arc::new(peer));
    let counts = Counts::new(Signal::Logs, &metrics);
    let (queue, incoming) = queue(batching.queue, counts.clone());
    let exporter = Arc::clone(&peer) as Arc<dyn Exporter>;
    let worker = Worker { signal: Signal::Logs, batching, incoming, encode: Box::new(encode), exporter, counts };
    let (end, shutdown) = Trigger::new();
    Rig { queue, peer, metrics, end, worker: tokio::spawn(worker.run(shutdown)) }
}

fn batching() -> Batching {
    Batching { delay: Duration::from_secs(1), timeout: Duration::from_secs(30), queue: 8, size: 3 }
}

impl Rig {
    fn items(&self) -> Vec<u64> {
        self.peer.taken.lock().unwrap().iter().map(|(items, _)| *items).collect()
    }

    fn count(&self, label: &str) -> u64 {
        let text = self.metrics.render();
        let line = text.lines().find(|line| !line.starts_with('#') && line.contains(label)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_leaves_when_it_is_full_or_has_waited() {
    let rig = rig(Peer::default(), batching());
    let start = Instant::now();
    (0..4).for_each(|number| rig.queue.offer(number));
    sleep(Duration::from_millis(999)).await;
    assert_eq!(rig.items(), [3]);
    sleep(Duration::from_millis(2)).await;
    assert_eq!(rig.items(), [3, 1]);
    assert_eq!(rig.peer.taken.lock().unwrap()[1].1 - start, Duration::from_secs(1));
    assert_eq!(rig.count("sent_items"), 4);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_dropped_and_counted_and_nobody_waits() {
    let rig = rig(Peer { pause: Duration::from_secs(60), ..Peer::default() }, batching());
    (0..20).for_each(|number| rig.queue.offer(number));
    assert_eq!(rig.count("queue_full"), 12);
    sleep(Duration::from_secs(31)).await;
    assert_eq!(rig.count("not_sent"), 3, "a batch that is not taken in time is given up");
}

#[tokio::test(start_paused = true)]
async fn a_delay_of_all_time_is_waited_for_and_ends_with_the_rest() {
    let processor =
        Processor { batch: Some(Batch { schedule_delay: Some(u64::MAX), ..Batch::default() }), simple: None };
    let rig = rig(Peer::default(), processor.batching(Duration::ZERO));
    rig.queue.offer(1);
    sleep(Duration::from_secs(3600)).await;
    assert!(rig.items().is_empty());
    rig.end.fire();
    let Rig { worker, peer, .. } = rig;
    worker.await.unwrap();
    assert_eq!(peer.taken.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_is_sent_without_waiting_for_more() {
    let rig = rig(Peer::default(), batching());
    (0..7).for_each(|number| rig.queue.offer(number));
    let before = Instant::now();
    rig.end.fire();
    let Rig { worker, peer, .. } = rig;
    worker.await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(peer.taken.lock().unwrap().iter().map(|(items, _)| items).sum::<u64>(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_that_is_away_does_not_take_is_counted() {
    let rig = rig(Peer { is_away: true, ..Peer::default() }, batching());
    rig.queue.offer(1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!((rig.count("not_sent"), rig.count("sent_items")), (1, 0));
}

#[test]
fn a_resource_has_what_was_written_and_what_was_not_by_itself() {
    let names = |written: &Written| -> Vec<String> {
        let message = Resource::of(written).message();
        message.attributes.into_iter().map(|attribute| attribute.key).collect()
    };
    assert_eq!(names(&Written::default()), ["service.name", "service.version", "service.instance.id"]);
    let written = |name: &str, value| ResourceAttribute { name: name.to_owned(), value, r#type: None };
    let attributes = vec![written("service.version", ResourceValue::Nothing), written("a", ResourceValue::Int(1))];
    let written = Written { attributes, ..Written::default() };
    assert_eq!(names(&written), ["service.name", "service.instance.id", "a"]);
}
