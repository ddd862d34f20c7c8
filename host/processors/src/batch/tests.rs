//! The processor on paused time, in front of a consumer that holds what it gets until it is told how to answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use host_component::{BoxFuture, Consumer, Delivery, Failure, Origin, Outcome, Signal};
use host_otlp::wire::put_len;
use host_otlp::{Limits, check};
use host_telemetry::Metrics;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep};

use super::Config;

/// What reached the consumer: the bodies of the records, and how to answer.
struct Arrival {
    bodies: Vec<String>,
    route: Option<u16>,
    answer: oneshot::Sender<Outcome>,
}

/// Holds deliveries until they are answered; what contains a poisonous body fails for good without being asked.
#[derive(Default)]
struct Downstream {
    arrivals: Mutex<Vec<Arrival>>,
    poisonous: Option<&'static str>,
    answers_itself: bool,
    seen: Mutex<Vec<Vec<String>>>,
}

impl Consumer for Downstream {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let bodies = bodies(&delivery.payload.contiguous());
            self.seen.lock().unwrap().push(bodies.clone());
            if self.poisonous.is_some_and(|poison| bodies.iter().any(|body| body == poison)) {
                return Err(Failure::permanent("poison"));
            }
            if self.answers_itself {
                return Ok(());
            }
            let (answer, outcome) = oneshot::channel();
            self.arrivals.lock().unwrap().push(Arrival { bodies, route: delivery.route, answer });
            outcome.await.unwrap()
        })
    }
}

impl Downstream {
    fn len(&self) -> usize {
        self.arrivals.lock().unwrap().len()
    }

    /// What is under way, oldest first.
    fn bodies(&self) -> Vec<Vec<String>> {
        self.arrivals.lock().unwrap().iter().map(|arrival| arrival.bodies.clone()).collect()
    }

    /// Whether whoever sent the delivery at `index` has withdrawn it.
    fn is_deserted(&self, index: usize) -> bool {
        self.arrivals.lock().unwrap()[index].answer.is_closed()
    }

    fn answer_first(&self, outcome: Outcome) {
        let arrival = self.arrivals.lock().unwrap().remove(0);
        arrival.answer.send(outcome).unwrap();
    }
}

/// A processor under test.
struct Script {
    downstream: Arc<Downstream>,
    batch: Arc<dyn Consumer>,
    metrics: Metrics,
}

impl Script {
    fn new(config: Config, downstream: Downstream) -> Script {
        let (downstream, metrics) = (Arc::new(downstream), Metrics::new());
        let batch = config.build("batch".parse().unwrap(), downstream.clone(), &metrics).unwrap();
        Script { downstream, batch, metrics }
    }

    fn send(&self, bodies: &[&str]) -> JoinHandle<Outcome> {
        self.send_as(delivery(bodies))
    }

    fn send_as(&self, delivery: Delivery) -> JoinHandle<Outcome> {
        let batch = self.batch.clone();
        tokio::spawn(async move { batch.consume(delivery).await })
    }
}

fn delivery(bodies: &[&str]) -> Delivery {
    let nest = |number, inner: &[u8]| {
        let mut out = Vec::new();
        put_len(&mut out, number, inner);
        out
    };
    let records: Vec<u8> = bodies.iter().flat_map(|body| nest(2, &nest(5, &nest(1, body.as_bytes())))).collect();
    let bytes = Bytes::from(nest(1, &nest(2, &records)));
    Delivery::new(check(Signal::Logs, bytes, &Limits::default()).unwrap())
}

/// The bodies of an encoded request, by their place in it.
fn bodies(request: &[u8]) -> Vec<String> {
    let inner = |buf: &[u8], number| -> Vec<Vec<u8>> {
        let fields = host_otlp::wire::Fields::new(buf, 0, buf.len());
        fields.filter(|field| field.number == number).map(|field| buf[field.start..field.end].to_vec()).collect()
    };
    let mut level = vec![request.to_vec()];
    for number in [1, 2, 2, 5, 1] {
        level = level.iter().flat_map(|buf| inner(buf, number)).collect();
    }
    level.into_iter().map(|body| String::from_utf8(body).unwrap()).collect()
}

/// Lets every task that is ready run, without letting time pass.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

fn names(batches: &[&[&str]]) -> Vec<Vec<String>> {
    batches.iter().map(|batch| batch.iter().map(|name| (*name).to_owned()).collect()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lone_sender_waits_for_no_timer() {
    let script = Script::new(Config::default(), Downstream { answers_itself: true, ..Downstream::default() });
    let before = Instant::now();
    for _ in 0..10 {
        assert_eq!(script.send(&["a"]).await.unwrap(), Ok(()));
    }
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_arrives_while_a_batch_is_under_way_leaves_as_one_when_that_returns() {
    let script = Script::new(Config::default(), Downstream::default());
    let first = script.send(&["a"]);
    settle().await;
    let (second, third) = (script.send(&["b"]), script.send(&["c", "d"]));
    settle().await;
    assert_eq!(script.downstream.bodies(), names(&[&["a"]]));
    assert!(!first.is_finished());

    script.downstream.answer_first(Ok(()));
    settle().await;
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(script.downstream.bodies(), names(&[&["b", "c", "d"]]));

    let away = Failure::retryable("away");
    script.downstream.answer_first(Err(away.clone()));
    assert_eq!(second.await.unwrap(), Err(away.clone()));
    assert_eq!(third.await.unwrap(), Err(away));
}

#[tokio::test(start_paused = true)]
async fn senders_that_come_together_leave_together() {
    let script = Script::new(Config::default(), Downstream::default());
    let senders: Vec<_> = ["a", "b", "c", "d"].map(|name| script.send(&[name])).into();
    settle().await;
    assert_eq!(script.downstream.bodies(), names(&[&["a", "b", "c", "d"]]));
    script.downstream.answer_first(Ok(()));
    for sender in senders {
        assert_eq!(sender.await.unwrap(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_longer_than_the_timeout_leaves_beside_the_batch_under_way() {
    let script = Script::new(Config::default(), Downstream::default());
    let _first = script.send(&["a"]);
    sleep(Duration::from_millis(150)).await;
    let _second = script.send(&["b"]);
    sleep(Duration::from_millis(199)).await;
    assert_eq!(script.downstream.len(), 1);
    sleep(Duration::from_millis(2)).await;
    assert_eq!(script.downstream.bodies(), names(&[&["a"], &["b"]]));
    assert!(script.metrics.render().contains("timeout_trigger_send{processor=\"batch\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_leaves_beside_the_one_under_way_up_to_the_limit() {
    let config = Config { send_batch_size: 2, max_in_flight: 2, ..Config::default() };
    let script = Script::new(config, Downstream::default());
    let _first = script.send(&["a"]);
    settle().await;
    let _more = [script.send(&["b"]), script.send(&["c"])];
    settle().await;
    assert_eq!(script.downstream.bodies(), names(&[&["a"], &["b", "c"]]));
    let _too_many = [script.send(&["d"]), script.send(&["e"])];
    sleep(Duration::from_secs(10)).await;
    assert_eq!(script.downstream.len(), 2);
    script.downstream.answer_first(Ok(()));
    settle().await;
    assert_eq!(script.downstream.bodies(), names(&[&["b", "c"], &["d", "e"]]));
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_no_more_items_and_bytes_than_it_may() {
    let size = delivery(&["a"]).payload.len();
    let by_items = Config { send_batch_size: 2, send_batch_max_size: 2, max_in_flight: 1, ..Config::default() };
    let by_bytes = Config { send_batch_max_bytes: 2 * size, max_in_flight: 1, ..Config::default() };
    for config in [by_items, by_bytes] {
        let script = Script::new(config, Downstream::default());
        let _senders = ["a", "b", "c"].map(|name| script.send(&[name]));
        settle().await;
        assert_eq!(script.downstream.bodies(), names(&[&["a", "b"]]));
        script.downstream.answer_first(Ok(()));
        settle().await;
        assert_eq!(script.downstream.bodies(), names(&[&["c"]]));
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_that_is_larger_than_a_batch_is_sent_in_pieces_and_answered_once() {
    let config = Config { send_batch_size: 2, send_batch_max_size: 2, ..Config::default() };
    let script = Script::new(config, Downstream { answers_itself: true, ..Downstream::default() });
    assert_eq!(script.send(&["a", "b", "c"]).await.unwrap(), Ok(()));
    assert_eq!(*script.downstream.seen.lock().unwrap(), names(&[&["a", "b"], &["c"]]));
}

#[tokio::test(start_paused = true)]
async fn a_poisonous_request_fails_alone() {
    let downstream = Downstream { poisonous: Some("x"), answers_itself: true, ..Downstream::default() };
    let script = Script::new(Config::default(), downstream);
    let senders: Vec<_> = ["a", "b", "x", "c", "d"].map(|name| script.send(&[name])).into();
    let mut outcomes = Vec::new();
    for sender in senders {
        outcomes.push(sender.await.unwrap());
    }
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 4);
    assert_eq!(outcomes[2], Err(Failure::permanent("poison")));
    let seen = script.downstream.seen.lock().unwrap();
    for name in ["a", "b", "c", "d"].map(str::to_owned) {
        let delivered = seen.iter().filter(|batch| batch.contains(&name) && !batch.contains(&"x".to_owned()));
        assert_eq!(delivered.count(), 1, "{name} in {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_of_a_batch_in_pieces_is_not_sent_again_for_the_sake_of_what_never_will_be() {
    let config = Config { send_batch_size: 2, send_batch_max_size: 2, ..Config::default() };
    let downstream = Downstream { poisonous: Some("poison"), answers_itself: true, ..Downstream::default() };
    let script = Script::new(config, downstream);
    // One sender's request in three pieces, the second of which is never taken.
    let outcome = script.send(&["a", "b", "poison", "c", "d"]).await.unwrap();
    assert_eq!(outcome, Err(Failure::permanent("poison")), "its sender is told");
    let seen = script.downstream.seen.lock().unwrap().clone();
    assert_eq!(seen, names(&[&["a", "b"], &["poison", "c"], &["d"]]), "each piece is tried, and once");
}

#[test]
fn each_sender_is_answered_by_the_pieces_that_held_its_items() {
    use super::runner::{Piece, settled};
    let poison = || Err(Failure::permanent("poison"));
    let later = || Err(Failure::refused("full", Duration::ZERO));
    let piece = |items, outcome| Piece { items, outcome };
    let pieces = [piece(0..10, Ok(())), piece(10..20, poison()), piece(20..30, Ok(())), piece(30..u64::MAX, later())];
    for (items, answer) in [
        (0..4, Some(Ok(()))),
        (4..12, Some(poison())),
        (12..18, None),
        (18..22, Some(poison())),
        (22..28, Some(Ok(()))),
        (28..35, Some(later())),
        (35..36, Some(later())),
    ] {
        assert_eq!(settled(&pieces, items.clone(), false), answer, "{items:?}");
    }
    assert_eq!(settled(&pieces, 12..18, true), Some(poison()), "there is nobody else whose items it could be");
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_joined_is_kept_apart() {
    let script = Script::new(Config::default(), Downstream::default());
    let tenant = Origin { metadata: vec![("tenant".to_owned(), "blue".to_owned())] };
    let _plain = script.send(&["a"]);
    let _routed = script.send_as(Delivery { route: Some(1), ..delivery(&["b"]) });
    let _tenant = script.send_as(Delivery { origin: Arc::new(tenant.clone()), ..delivery(&["c"]) });
    let _same = script.send_as(Delivery { origin: Arc::new(tenant), ..delivery(&["d"]) });
    settle().await;
    let mut seen = script.downstream.bodies();
    seen.sort();
    assert_eq!(seen, names(&[&["a"], &["b"], &["c", "d"]]));
    let arrivals = script.downstream.arrivals.lock().unwrap();
    assert!(arrivals.iter().all(|arrival| (arrival.route == Some(1)) == (arrival.bodies == ["b"])));
}

#[tokio::test(start_paused = true)]
async fn refuses_more_combinations_of_metadata_than_it_may_keep_apart() {
    let config = Config { metadata_cardinality_limit: 2, ..Config::default() };
    let script = Script::new(config, Downstream::default());
    let of = |tenant: &str, body: &str| {
        let origin = Origin { metadata: vec![("tenant".to_owned(), tenant.to_owned())] };
        script.send_as(Delivery { origin: Arc::new(origin), ..delivery(&[body]) })
    };
    let gauge = || {
        let text = script.metrics.render();
        let line = text.lines().find(|line| line.starts_with("otelcol_processor_batch_metadata_cardinality{"));
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let blue = of("blue", "a");
    settle().await;
    let green = of("green", "b");
    settle().await;
    assert_eq!(gauge(), "2");
    let refused = of("red", "c").await.unwrap().unwrap_err();
    assert!(matches!(&refused, Failure::Refused { .. }), "{refused:?}");
    assert_eq!(script.metrics.total("tidegate_processor_batch_refused_items"), 1);
    script.downstream.answer_first(Ok(()));
    assert_eq!(blue.await.unwrap(), Ok(()));
    settle().await;
    let red = of("red", "c");
    settle().await;
    assert_eq!(gauge(), "2", "what is done makes room");
    script.downstream.answer_first(Ok(()));
    script.downstream.answer_first(Ok(()));
    assert_eq!((green.await.unwrap(), red.await.unwrap()), (Ok(()), Ok(())));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(gauge(), "0");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_leaves_takes_back_what_is_not_under_way() {
    let script = Script::new(Config::default(), Downstream::default());
    let first = script.send(&["a"]);
    settle().await;
    let (second, third) = (script.send(&["b"]), script.send(&["c"]));
    settle().await;
    second.abort();
    settle().await;
    script.downstream.answer_first(Ok(()));
    assert_eq!(first.await.unwrap(), Ok(()));
    settle().await;
    assert_eq!(script.downstream.bodies(), names(&[&["c"]]));
    script.downstream.answer_first(Ok(()));
    assert_eq!(third.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_withdrawn_when_the_last_of_its_senders_has_left() {
    let script = Script::new(Config { max_in_flight: 1, ..Config::default() }, Downstream::default());
    let together = [script.send(&["a"]), script.send(&["b"])];
    settle().await;
    let behind = script.send(&["c"]);
    settle().await;
    assert_eq!(script.downstream.bodies(), names(&[&["a", "b"]]));
    together[0].abort();
    settle().await;
    assert!(!script.downstream.is_deserted(0), "one still waits");
    together[1].abort();
    settle().await;
    assert!(script.downstream.is_deserted(0));
    assert_eq!(script.downstream.bodies(), names(&[&["a", "b"], &["c"]]), "its place is another's");
    script.downstream.arrivals.lock().unwrap().remove(0);
    script.downstream.answer_first(Ok(()));
    assert_eq!(behind.await.unwrap(), Ok(()));
}

/// Panics on its first delivery.
#[derive(Default)]
struct Fragile(Mutex<bool>);

impl Consumer for Fragile {
    fn consume(&self, _delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let before = std::mem::replace(&mut *self.0.lock().unwrap(), true);
            assert!(before, "broken");
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_panics_fails_its_batch_and_no_other() {
    let batch =
        Config::default().build("batch".parse().unwrap(), Arc::new(Fragile::default()), &Metrics::new()).unwrap();
    let failed = batch.consume(delivery(&["a"])).await;
    assert!(matches!(failed, Err(Failure::Retryable { .. })), "{failed:?}");
    assert_eq!(batch.consume(delivery(&["b"])).await, Ok(()));
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let build = |config: Config| {
        let built = config.build("batch".parse().unwrap(), Arc::new(Downstream::default()), &Metrics::new());
        built.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(
        build(Config { send_batch_max_size: 10, ..Config::default() }).contains("send_batch_max_size: 10 is less than")
    );
    assert!(build(Config { max_in_flight: 0, ..Config::default() }).contains("max_in_flight: it is 0"));
}
