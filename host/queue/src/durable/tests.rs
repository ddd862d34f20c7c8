//! Tests of what stands in `durable`: its promises, one sentence each.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use host_component::claims::Held;
use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Exporter, Failure, Outcome};
use host_config::delivery::{OnFull, Retry, SendingQueue, Sizer};
use host_otlp::{Limits, Signal};
use host_telemetry::Metrics;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{Durable, Manner};
use crate::config::Config;
use crate::offline;
use crate::queue::Queue;

/// A request with one log record whose body has one letter.
fn delivery(letter: u8) -> Delivery {
    let bytes = Bytes::from(vec![10, 9, 18, 7, 18, 5, 42, 3, 10, 1, letter]);
    Delivery::new(host_otlp::check(Signal::Logs, bytes, &Limits::default()).unwrap())
}

type Answer = Box<dyn Fn(&[u8]) -> Outcome + Send + Sync>;

/// A backend that answers as it is told.
struct Backend {
    answer: Mutex<Answer>,
    taken: Mutex<Vec<u8>>,
    calls: AtomicUsize,
}

impl Backend {
    fn new(answer: impl Fn(&[u8]) -> Outcome + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Backend { answer: Mutex::new(Box::new(answer)), taken: Mutex::default(), calls: AtomicUsize::new(0) })
    }

    fn answers(&self, answer: impl Fn(&[u8]) -> Outcome + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    fn taken(&self) -> String {
        let mut taken = self.taken.lock().unwrap().clone();
        taken.sort_unstable();
        String::from_utf8(taken).unwrap()
    }
}

impl Consumer for Backend {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let bytes = delivery.payload.contiguous();
        let letters: Vec<u8> = bytes.chunks(11).map(|request| request[10]).collect();
        self.calls.fetch_add(1, Ordering::Relaxed);
        let outcome = (self.answer.lock().unwrap())(&letters);
        if outcome.is_ok() {
            self.taken.lock().unwrap().extend(letters);
        }
        Box::pin(async { outcome })
    }
}

impl Exporter for Backend {}

fn down(_: &[u8]) -> Outcome {
    Err(Failure::retryable("down"))
}

fn up(_: &[u8]) -> Outcome {
    Ok(())
}

struct Place {
    folder: TempDir,
    id: ComponentId,
    metrics: Metrics,
    config: Config,
    manner: Manner,
}

impl Place {
    /// Queues are claimed by their owners: each test has one of its own.
    fn new(name: &str) -> Self {
        let retry = Retry { initial_interval: Duration::from_millis(5), ..Retry::default() };
        Place {
            folder: tempfile::tempdir().unwrap(),
            id: format!("otlp/{name}").parse().unwrap(),
            metrics: Metrics::new(),
            config: Config::default(),
            manner: Manner { queue: SendingQueue { num_consumers: 2, ..SendingQueue::default() }, retry },
        }
    }

    async fn queue(&self) -> Held<Queue> {
        let name = crate::folder_name("otlp_grpc", &self.id);
        Queue::open(&self.id, self.folder.path(), &name, &self.config, &self.metrics).await.unwrap()
    }

    async fn open(&self, backend: &Arc<Backend>) -> Durable {
        let inner: Arc<dyn Exporter> = Arc::<Backend>::clone(backend);
        Durable::new(&self.id, self.queue().await, inner, self.manner.clone(), &self.config, &self.metrics)
    }

    fn of_queue(&self) -> PathBuf {
        self.folder.path().join(crate::folder_name("otlp_grpc", &self.id))
    }
}

async fn eventually(what: &str, is: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not so: {what}");
}

fn waiting(folder: &Path) -> u64 {
    offline::find(folder).unwrap().usage.records
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_delivered_by_the_next_one_when_the_backend_is_back() {
    let place = Place::new("outage");
    let backend = Backend::new(down);
    let durable = place.open(&backend).await;
    durable.start();
    for letter in b'a'..=b'e' {
        durable.consume(delivery(letter)).await.unwrap();
    }
    eventually("it was tried", || backend.calls.load(Ordering::Relaxed) > 2).await;
    durable.stop_retrying();
    durable.drain().await;
    drop(durable);
    assert_eq!(waiting(&place.of_queue()), 5);

    backend.answers(up);
    let durable = place.open(&backend).await;
    assert_eq!(backend.taken(), "", "nothing is handed on before the start");
    durable.start();
    eventually("all is delivered", || backend.taken() == "abcde").await;
    durable.stop_retrying();
    durable.drain().await;
    drop(durable);
    assert_eq!(waiting(&place.of_queue()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_backend_never_takes_becomes_a_dead_letter_and_its_neighbours_are_delivered() {
    let place = Place::new("poison");
    let backend = Backend::new(|letters| match letters.contains(&b'c') {
        true => Err(Failure::permanent("c is no letter")),
        false => Ok(()),
    });
    let durable = place.open(&backend).await;
    for letter in b'a'..=b'e' {
        durable.consume(delivery(letter)).await.unwrap();
    }
    durable.start();
    eventually("the others are delivered", || backend.taken() == "abde").await;
    let letters = || offline::letters(&place.of_queue()).map_or(0, |letters| letters.records.len());
    eventually("it is put away", || letters() == 1).await;
    let letter = offline::letters(&place.of_queue()).unwrap().records.remove(0).content;
    assert_eq!((letter.reason.as_str(), letter.payload[10]), ("permanent failure: c is no letter", b'c'));
    assert_eq!(place.metrics.total("tidegate_queue_dead_letter_items"), 1);
    durable.stop_retrying();
    durable.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_gives_back_room_that_was_not_used() {
    let mut place = Place::new("full");
    place.manner.queue.queue_size = 2;
    let durable = place.open(&Backend::new(down)).await;
    durable.consume(delivery(b'a')).await.unwrap();
    let room = durable.reserve(&delivery(b'b')).unwrap();
    let refused = durable.consume(delivery(b'c')).await.unwrap_err();
    assert!(matches!(&refused, Failure::Refused { reason, .. } if reason.contains("full")), "{refused}");
    assert_eq!(place.metrics.total("otelcol_exporter_enqueue_failed_log_records"), 1);
    drop(room);
    durable.consume(delivery(b'd')).await.unwrap();
    assert!(durable.consume(delivery(b'e')).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_that_drops_its_oldest_counts_what_it_drops() {
    let mut place = Place::new("drops");
    (place.manner.queue.queue_size, place.manner.queue.on_full) = (2, OnFull::DropOldest);
    let backend = Backend::new(up);
    let durable = place.open(&backend).await;
    for letter in b'a'..=b'e' {
        durable.consume(delivery(letter)).await.unwrap();
    }
    assert_eq!(place.metrics.total("tidegate_queue_lost_items"), 3);
    durable.start();
    eventually("the youngest are delivered", || backend.taken() == "de").await;
    durable.stop_retrying();
    durable.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_dropped_for_what_would_not_fit_beside_what_is_under_way() {
    let mut place = Place::new("vain");
    place.manner.queue = SendingQueue {
        queue_size: 5,
        sizer: Sizer::Items,
        on_full: OnFull::DropOldest,
        num_consumers: 1,
        ..SendingQueue::default()
    };
    let backend = Backend::new(down);
    let durable = place.open(&backend).await;
    durable.start();
    durable.consume(delivery(b'a')).await.unwrap();
    eventually("it is under way", || backend.calls.load(Ordering::Relaxed) > 0).await;
    durable.consume(delivery(b'b')).await.unwrap();
    let mut five = delivery(b'c');
    (b'd'..=b'g').for_each(|letter| five.payload.join(delivery(letter).payload));
    assert!(durable.consume(five).await.is_err());
    assert_eq!(place.metrics.total("tidegate_queue_lost_items"), 0);
    backend.answers(up);
    eventually("both are delivered", || backend.taken() == "ab").await;
    durable.stop_retrying();
    durable.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_wait_waits_until_there_is_room() {
    let mut place = Place::new("blocks");
    (place.manner.queue.queue_size, place.manner.queue.block_on_overflow) = (1, true);
    let backend = Backend::new(up);
    let durable = place.open(&backend).await;
    durable.consume(delivery(b'a')).await.unwrap();
    let reserved = durable.reserve(&delivery(b'b'));
    assert!(matches!(reserved, Err(Failure::Refused { .. })), "room is there, or it is not");
    let second = durable.consume(delivery(b'b'));
    tokio::pin!(second);
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut second).await.is_err(), "it waits");
    durable.start();
    second.await.unwrap();
    eventually("both are delivered", || backend.taken() == "ab").await;
    durable.stop_retrying();
    durable.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explicit_limit_is_kept_and_what_it_ends_is_counted_as_lost_and_put_away() {
    let mut place = Place::new("limit");
    place.manner.retry.max_elapsed_time = Some(Duration::from_millis(1));
    let durable = place.open(&Backend::new(down)).await;
    durable.start();
    durable.consume(delivery(b'a')).await.unwrap();
    eventually("it is given up", || place.metrics.total("tidegate_queue_lost_items") == 1).await;
    eventually("it is put away", || place.metrics.total("tidegate_queue_dead_letter_items") == 1).await;
    durable.stop_retrying();
    durable.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_away_is_not_done_with() {
    let place = Place::new("unwritable");
    let backend = Backend::new(|_| Err(Failure::permanent("never")));
    let durable = place.open(&backend).await;
    let dead = place.of_queue().join("dead");
    std::fs::write(&dead, "no folder").unwrap();
    durable.consume(delivery(b'a')).await.unwrap();
    durable.start();
    eventually("it was tried", || backend.calls.load(Ordering::Relaxed) > 0).await;
    durable.stop_retrying();
    durable.drain().await;
    drop(durable);
    assert_eq!((waiting(&place.of_queue()), place.metrics.total("tidegate_queue_lost_items")), (1, 0));
    let durable = place.open(&backend).await;
    durable.start();
    eventually("it was tried", || backend.calls.load(Ordering::Relaxed) > 1).await;
    std::fs::remove_file(&dead).unwrap();
    eventually("it is put away", || place.metrics.total("tidegate_queue_dead_letter_items") == 1).await;
    durable.stop_retrying();
    durable.drain().await;
    drop(durable);
    assert_eq!((waiting(&place.of_queue()), place.metrics.total("tidegate_queue_lost_items")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_without_its_neighbours_is_counted_as_such() {
    let mut place = Place::new("apart");
    place.manner.retry.max_elapsed_time = Some(Duration::from_millis(1));
    let backend = Backend::new(|letters| match letters.len() {
        1 => down(letters),
        _ => Err(Failure::permanent("one of them")),
    });
    let durable = place.open(&backend).await;
    durable.consume(delivery(b'a')).await.unwrap();
    durable.consume(delivery(b'b')).await.unwrap();
    durable.start();
    eventually("both are put away", || place.metrics.total("tidegate_queue_dead_letter_items") == 2).await;
    eventually("both are counted", || place.metrics.total("tidegate_queue_lost_items") == 2).await;
    durable.stop_retrying();
    durable.drain().await;
}

/// A backend that refuses a batch with a `b` in it, and takes its time with an `a`.
#[derive(Default)]
struct Slow {
    calls: Mutex<Vec<String>>,
    gate: Notify,
}

impl Consumer for Slow {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let letters =
            delivery.payload.contiguous().chunks(11).map(|request| char::from(request[10])).collect::<String>();
        self.calls.lock().unwrap().push(letters.clone());
        Box::pin(async move {
            if letters == "a" {
                self.gate.notified().await;
            }
            if letters.contains('b') { Err(Failure::permanent("b is no letter")) } else { Ok(()) }
        })
    }
}

impl Exporter for Slow {}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_overtakes_those_that_travelled_with_a_bad_one() {
    let place = Place::new("order");
    let backend = Arc::new(Slow::default());
    let inner: Arc<dyn Exporter> = Arc::<Slow>::clone(&backend);
    let durable =
        Durable::new(&place.id, place.queue().await, inner, place.manner.clone(), &place.config, &place.metrics);
    for letter in b'a'..=b'c' {
        durable.consume(delivery(letter)).await.unwrap();
    }
    durable.start();
    let calls = || backend.calls.lock().unwrap().join(" ");
    eventually("one of them is tried alone", || calls() == "abc a").await;
    durable.consume(delivery(b'd')).await.unwrap();
    let overtakes = eventually("it overtakes", || calls() != "abc a");
    assert!(tokio::time::timeout(Duration::from_millis(100), overtakes).await.is_err(), "{}", calls());
    backend.gate.notify_one();
    eventually("all were tried in order", || calls() == "abc a b c d").await;
    durable.stop_retrying();
    durable.drain().await;
}

/// A backend that panics when it is called for the first time.
#[derive(Default)]
struct Panicking(AtomicUsize);

impl Consumer for Panicking {
    fn consume(&self, _: Delivery) -> BoxFuture<'_, Outcome> {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "of a test");
        Box::pin(async { Ok(()) })
    }
}

impl Exporter for Panicking {}

#[tokio::test(flavor = "multi_thread")]
async fn an_exporter_that_panics_is_handed_the_same_again() {
    let mut place = Place::new("panics");
    place.manner.queue.num_consumers = 1;
    let backend = Arc::new(Panicking::default());
    let inner: Arc<dyn Exporter> = Arc::<Panicking>::clone(&backend);
    let durable =
        Durable::new(&place.id, place.queue().await, inner, place.manner.clone(), &place.config, &place.metrics);
    durable.consume(delivery(b'a')).await.unwrap();
    durable.start();
    eventually("it is called again", || backend.0.load(Ordering::Relaxed) == 2).await;
    durable.stop_retrying();
    durable.drain().await;
    drop(durable);
    assert_eq!(waiting(&place.of_queue()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_configuration_goes_on_with_the_queue_and_nothing_comes_twice() {
    let place = Place::new("reload");
    let (old, new) = (Backend::new(down), Backend::new(up));
    let before = place.open(&old).await;
    before.start();
    before.consume(delivery(b'a')).await.unwrap();
    host_component::claims::begin_configuration();
    let after = place.open(&new).await;
    after.start();
    before.consume(delivery(b'b')).await.unwrap();
    assert_eq!(new.taken(), "", "one hands on at a time");
    before.stop_retrying();
    before.drain().await;
    drop(before);
    after.consume(delivery(b'c')).await.unwrap();
    eventually("the new one delivers all", || new.taken() == "abc").await;
    after.stop_retrying();
    after.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_is_killed_has_written_down_what_it_delivered() {
    let place = Place::new("killed");
    let durable = place.open(&Backend::new(down)).await;
    durable.consume(delivery(b'a')).await.unwrap();
    durable.consume(delivery(b'b')).await.unwrap();
    drop(durable);
    let own = offline::Own::take(&place.of_queue()).unwrap();
    let one = own.next().unwrap().unwrap();
    // As long as a request may take.
    tokio::time::sleep(crate::writer::KEEP).await;
    own.done(one).unwrap();
    assert_eq!(waiting(&place.of_queue()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_nobody_has_is_found_though_another_storage_has_one_of_its_name() {
    let (place, other) = (Place::new("named"), Place { id: "otlp/named".parse().unwrap(), ..Place::new("other") });
    for place in [&place, &other] {
        let durable = place.open(&Backend::new(down)).await;
        durable.consume(delivery(b'a')).await.unwrap();
        drop(durable);
    }
    // Both are named once, and one in another spelling.
    let storages = [place.folder.path().to_owned(), other.folder.path().join("."), other.folder.path().to_owned()];
    let orphans = |named: &[PathBuf]| {
        let found = offline::orphans(&storages, named);
        found.into_iter().map(|found| found.folder).collect::<Vec<PathBuf>>()
    };
    let [first, second] = [&place, &other].map(|place| std::fs::canonicalize(place.of_queue()).unwrap());
    assert_eq!(orphans(std::slice::from_ref(&first)), [second.as_path()]);
    assert_eq!(orphans(&[first, other.folder.path().join(".").join(second.file_name().unwrap())]).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_a_process_has_can_be_looked_at_and_not_taken() {
    let place = Place::new("held");
    let durable = place.open(&Backend::new(down)).await;
    durable.consume(delivery(b'a')).await.unwrap();
    let found = offline::find(&place.of_queue()).unwrap();
    let own = format!("process {} on ", std::process::id());
    assert!(found.holder.as_ref().is_some_and(|holder| holder.starts_with(&own)), "{found:?}");
    assert_eq!((found.exporter.as_deref(), found.usage.items), (Some("otlp/held"), 1));
    let error = offline::Own::take(&place.of_queue()).err().unwrap().to_string();
    assert!(error.starts_with(&own), "{error}");
    drop(durable);
    let taken = offline::Own::take(&place.of_queue()).unwrap();
    taken.done(taken.next().unwrap().unwrap()).unwrap();
    taken.keep().unwrap();
    drop(taken);
    assert_eq!(waiting(&place.of_queue()), 0);
}
