//! What any backend gets from being sent to this way, with one that answers as it was told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{BoxFuture, Consumer, DeadLetters, Delivery, Exporter, Failure, Origin, Outcome, Payload, Signal};
use host_config::delivery::{Retry, SendingQueue};
use host_otlp::wire::put_len;
use host_otlp::{Limits, check};
use host_telemetry::Metrics;
use tokio::sync::Notify;

use super::{Backend, Denial, Part, Rejected, Requests, Sending, Taken, TooLarge};

/// A backend whose requests are the numbers of the records of a delivery, so many a request.
#[derive(Default)]
struct Toy {
    per_request: u64,
    left_out: u64,
    has_payloads: bool,
    answers: Mutex<VecDeque<Result<Taken, Denial>>>,
    seen: Mutex<Vec<std::ops::Range<u64>>>,
    gate: Option<Arc<Notify>>,
}

impl Backend for Arc<Toy> {
    type Request = std::ops::Range<u64>;
    const ORDERED: bool = true;

    async fn requests(&self, delivery: &Delivery) -> Result<Requests<Self::Request>, Failure> {
        let items = delivery.payload.items();
        let left_out = Rejected { items: self.left_out, reason: "odd" };
        let parts = split(0..items - self.left_out, self.per_request);
        Ok(Requests { parts, left_out: vec![left_out] })
    }

    async fn call(&self, request: &Self::Request, _: &Origin) -> Result<Taken, Denial> {
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        self.seen.lock().unwrap().push(request.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(Taken::default()))
    }

    fn payload(&self, request: &Self::Request) -> Option<Payload> {
        self.has_payloads.then(|| logs(usize::try_from(request.end - request.start).unwrap()))
    }

    fn cut(&self, request: &Self::Request, _: &TooLarge) -> Option<Vec<Part<Self::Request>>> {
        (request.end - request.start > 1).then(|| split(request.clone(), (request.end - request.start) / 2))
    }
}

fn split(range: std::ops::Range<u64>, step: u64) -> Vec<Part<std::ops::Range<u64>>> {
    let starts = range.clone().step_by(usize::try_from(step).unwrap());
    starts
        .map(|start| start..(start + step).min(range.end))
        .map(|r| Part { items: r.end - r.start, request: r })
        .collect()
}

struct Script {
    toy: Arc<Toy>,
    exporter: Arc<Sending<Arc<Toy>>>,
    metrics: Metrics,
}

impl Script {
    fn new(toy: Toy, answers: Vec<Result<Taken, Denial>>) -> Self {
        let retry = Retry { max_elapsed_time: Some(Duration::from_secs(60)), ..Retry::default() };
        Script::with(toy, answers, retry, &SendingQueue::default())
    }

    /// Behind a queue that keeps what it takes.
    fn kept(toy: Toy, answers: Vec<Result<Taken, Denial>>) -> Self {
        let queue = SendingQueue { storage: Some("file_storage".to_owned()), ..SendingQueue::default() };
        Script::with(toy, answers, Retry::default(), &queue)
    }

    fn with(toy: Toy, answers: Vec<Result<Taken, Denial>>, retry: Retry, queue: &SendingQueue) -> Self {
        let toy = Arc::new(Toy { answers: Mutex::new(answers.into()), ..toy });
        let metrics = Metrics::new();
        let exporter = Sending::new(&"toy".parse().unwrap(), Arc::clone(&toy), retry, queue, &metrics);
        Script { toy, exporter: Arc::new(exporter), metrics }
    }

    fn seen(&self) -> Vec<std::ops::Range<u64>> {
        self.toy.seen.lock().unwrap().clone()
    }

    async fn send(&self, records: usize) -> Outcome {
        self.exporter.consume(Delivery::new(logs(records))).await
    }

    fn metric(&self, line: &str) -> bool {
        self.metrics.render().lines().any(|shown| shown == line)
    }
}

fn logs(records: usize) -> Payload {
    let (mut scope, mut resource, mut request) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..records {
        put_len(&mut scope, 2, &[]);
    }
    put_len(&mut resource, 2, &scope);
    put_len(&mut request, 1, &resource);
    check(Signal::Logs, request.into(), &Limits::default()).unwrap()
}

fn permanent() -> Result<Taken, Denial> {
    Err(Denial::Failed(Failure::permanent("never")))
}

fn later() -> Result<Taken, Denial> {
    Err(Denial::Failed(Failure::retryable("later")))
}

#[tokio::test(start_paused = true)]
async fn tries_again_what_may_pass_and_sends_nothing_twice_that_was_taken() {
    let script = Script::new(Toy { per_request: 2, ..Toy::default() }, vec![Ok(Taken::default()), later(), later()]);
    assert_eq!(script.send(4).await, Ok(()));
    assert_eq!(script.seen(), [0..2, 2..4, 2..4, 2..4]);
    assert!(script.metric("otelcol_exporter_sent_log_records{exporter=\"toy\"} 4"), "{}", script.metrics.render());
}

#[tokio::test(start_paused = true)]
async fn counts_what_cannot_be_said_and_what_was_rejected_apart_by_why() {
    let taken = Taken { rejected: vec![Rejected { items: 1, reason: "too_old" }], message: "too old".to_owned() };
    let script = Script::new(Toy { per_request: 9, left_out: 2, ..Toy::default() }, vec![Ok(taken)]);
    assert_eq!(script.send(5).await, Ok(()));
    for line in [
        "otelcol_exporter_sent_log_records{exporter=\"toy\"} 2",
        "otelcol_exporter_send_failed_log_records{exporter=\"toy\"} 3",
        "tidegate_exporter_rejected_log_records{exporter=\"toy\",reason=\"odd\"} 2",
        "tidegate_exporter_rejected_log_records{exporter=\"toy\",reason=\"too_old\"} 1",
    ] {
        assert!(script.metric(line), "{line}: {}", script.metrics.render());
    }
}

#[tokio::test(start_paused = true)]
async fn says_that_nothing_can_be_sent_where_that_is_so() {
    let script = Script::new(Toy { per_request: 9, left_out: 3, ..Toy::default() }, vec![]);
    let failure = script.send(3).await.unwrap_err();
    assert!(failure.is_permanent() && failure.to_string().contains("odd"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn cuts_what_is_too_large_until_it_is_taken() {
    let too_large = || Err(Denial::too_large("too large".to_owned()));
    let script = Script::new(Toy { per_request: 4, ..Toy::default() }, vec![too_large(), too_large()]);
    assert_eq!(script.send(4).await, Ok(()));
    assert_eq!(script.seen(), [0..4, 0..2, 0..1, 1..2, 2..4]);
}

/// Keeps what it is given.
#[derive(Default)]
struct Letters(Mutex<Vec<(u64, String)>>);

impl DeadLetters for Letters {
    fn put<'a>(&'a self, payload: Payload, _: &'a Origin, reason: &'a str) -> BoxFuture<'a, ()> {
        self.0.lock().unwrap().push((payload.items(), reason.to_owned()));
        Box::pin(async {})
    }
}

#[tokio::test(start_paused = true)]
async fn buries_a_delivery_of_which_a_part_was_taken_and_another_never_will_be() {
    let script = Script::new(Toy { per_request: 1, ..Toy::default() }, vec![Ok(Taken::default()), permanent()]);
    let letters = Arc::new(Letters::default());
    script.exporter.keep_undeliverable(letters.clone());
    assert_eq!(script.send(3).await, Ok(()));
    assert_eq!(script.seen().len(), 3, "the others are sent");
    let buried = letters.0.lock().unwrap().clone();
    assert_eq!(buried, [(3, "1 of 3 items were not taken: permanent failure: never".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn fails_as_a_whole_what_nothing_of_is_taken() {
    let script = Script::new(Toy { per_request: 9, ..Toy::default() }, vec![permanent()]);
    assert!(script.send(2).await.unwrap_err().is_permanent());
    assert!(script.metric("otelcol_exporter_send_failed_log_records{exporter=\"toy\"} 2"));
}

#[tokio::test(start_paused = true)]
async fn keeps_the_order_of_deliveries_while_one_is_tried_again() {
    let gate = Arc::new(Notify::new());
    let toy = Toy { per_request: 9, gate: Some(Arc::clone(&gate)), ..Toy::default() };
    let script = Script::new(toy, vec![later()]);
    let (first, second) = (script.send(1), script.send(2));
    let opens = async {
        for _ in 0..3 {
            gate.notify_one();
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    };
    let (first, second, ()) = tokio::join!(first, second, opens);
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(script.seen(), [0..1, 0..1, 0..2]);
}

#[tokio::test(start_paused = true)]
async fn puts_away_the_parts_alone_that_are_payloads_of_their_own() {
    let script = Script::new(
        Toy { per_request: 1, has_payloads: true, ..Toy::default() },
        vec![Ok(Taken::default()), permanent(), permanent()],
    );
    let letters = Arc::new(Letters::default());
    script.exporter.keep_undeliverable(letters.clone());
    assert_eq!(script.send(3).await, Ok(()));
    let never = "permanent failure: never".to_owned();
    assert_eq!(*letters.0.lock().unwrap(), [(1, never.clone()), (1, never)]);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_nothing_overtakes_what_was_given_back() {
    let script = Script::new(Toy { per_request: 9, ..Toy::default() }, vec![later()]);
    let exporter = Arc::clone(&script.exporter);
    let first = tokio::spawn(async move { exporter.consume(Delivery::new(logs(1))).await });
    while script.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    script.exporter.stop_retrying();
    assert!(!first.await.unwrap().unwrap_err().is_permanent());
    assert!(!script.send(2).await.unwrap_err().is_permanent());
    assert_eq!(script.seen(), std::slice::from_ref(&(0..1)));
}

#[tokio::test(start_paused = true)]
async fn a_next_hop_that_asks_for_a_day_is_asked_again_in_minutes() {
    let busy =
        Err(Denial::Failed(Failure::Retryable { reason: "busy".into(), after: Some(Duration::from_secs(86_400)) }));
    let script = Script::kept(Toy { per_request: 9, ..Toy::default() }, vec![busy]);
    let start = tokio::time::Instant::now();
    assert_eq!(script.send(1).await, Ok(()));
    assert!(start.elapsed() <= Duration::from_secs(300), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_outlasts_credentials_that_are_not_known_for_a_while() {
    let stranger = || Err(Denial::Stranger(Failure::permanent("who are you")));
    let script = Script::kept(Toy { per_request: 9, ..Toy::default() }, vec![stranger(), stranger()]);
    assert_eq!(script.send(1).await, Ok(()));
    let asked = Script::new(Toy { per_request: 9, ..Toy::default() }, vec![stranger()]);
    assert!(asked.send(1).await.unwrap_err().is_permanent(), "a sender who waits is told");
}
