//! The clients under a steady load: each item has a number, and what is refused is sent again with the same bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::client::{Client, Reply};
use crate::journal::Journal;
use crate::payload::Content;
use crate::truth::{Outcome, Truth};
use crate::wire::{Protocol, Signal};

/// The pauses between attempts, where the server names none.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_NAMED_PAUSE: Duration = Duration::from_secs(10);
/// What the texts of the items are cut from.
const TEXT: usize = 1 << 20;

pub(crate) struct Plan {
    pub(crate) grpc: Option<SocketAddr>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) signals: Vec<Signal>,
    /// Requests of a stream that are under way at a time.
    pub(crate) workers: usize,
    pub(crate) items_per_request: usize,
    pub(crate) text_bytes: usize,
    pub(crate) seed: u64,
}

impl Plan {
    /// One stream for each signal of each protocol.
    fn streams(&self) -> Vec<(Protocol, SocketAddr, Signal)> {
        let servers = [(Protocol::Grpc, self.grpc), (Protocol::Http, self.http)];
        let servers = servers.into_iter().filter_map(|(protocol, server)| Some((protocol, server?)));
        let all = servers.flat_map(|(protocol, server)| self.signals.iter().map(move |s| (protocol, server, *s)));
        all.collect()
    }

    pub(crate) fn truth(&self) -> Truth {
        Truth::new(self.streams().len(), self.items_per_request)
    }
}

pub(crate) struct Load {
    shared: Arc<Shared>,
    workers: JoinSet<()>,
}

struct Shared {
    truth: Arc<Truth>,
    journal: Arc<Journal>,
    text: String,
    text_bytes: usize,
    pace: Pace,
    stopping: AtomicBool,
    answers: Mutex<BTreeMap<String, u64>>,
}

impl Load {
    pub(crate) fn start(plan: &Plan, truth: &Arc<Truth>, journal: &Arc<Journal>, items_per_second: f64) -> Load {
        let mut random = fastrand::Rng::with_seed(plan.seed);
        let shared = Arc::new(Shared {
            truth: truth.clone(),
            journal: journal.clone(),
            text: std::iter::repeat_with(|| random.alphanumeric()).take(TEXT).collect(),
            text_bytes: plan.text_bytes,
            pace: Pace::new(items_per_second, plan.items_per_request),
            stopping: AtomicBool::new(false),
            answers: Mutex::default(),
        });
        let mut workers = JoinSet::new();
        for (stream, (protocol, server, signal)) in plan.streams().into_iter().enumerate() {
            for _ in 0..plan.workers {
                workers.spawn(work(shared.clone(), stream, protocol, server, signal));
            }
        }
        Load { shared, workers }
    }

    /// Items a second from here on; infinity is as fast as it goes, and 0 is a pause.
    pub(crate) fn set_rate(&self, items_per_second: f64) {
        self.shared.pace.set(items_per_second);
    }

    /// Makes no new requests, and waits until those under way are answered or patience is at its end.
    pub(crate) async fn finish(mut self, patience: Duration) -> BTreeMap<String, u64> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let all = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            self.workers.shutdown().await;
        }
        std::mem::take(&mut *self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn work(shared: Arc<Shared>, stream: usize, protocol: Protocol, server: SocketAddr, signal: Signal) {
    let client = Client::new(protocol, server);
    let count = shared.truth.items_per_request;
    while !shared.stopping.load(Ordering::Relaxed) {
        if !shared.pace.turn().await {
            continue;
        }
        let request = shared.truth.next(stream, shared.journal.now());
        let first = request * count;
        let content = Content { stream, first, count, text: shared.text(first) };
        let body = protocol.wrap(&content.encode(signal));
        let mut pause = PAUSE;
        let outcome = loop {
            shared.truth.attempt(stream, request);
            match client.send(signal, &body).await {
                Reply::Acknowledged => break Outcome::Acknowledged,
                Reply::Partial => break Outcome::Partial,
                Reply::Rejected { why } => {
                    shared.count(format!("rejected: {why}"));
                    break Outcome::Rejected;
                }
                Reply::Again { why, after } => {
                    shared.count(format!("to be sent again: {why}"));
                    sleep(after.map_or(pause, |after| after.min(LONGEST_NAMED_PAUSE))).await;
                    pause = (pause * 3 / 2).min(LONGEST_PAUSE);
                }
            }
        };
        shared.truth.settle(stream, request, outcome);
    }
}

impl Shared {
    /// A text that differs from that of the requests beside it.
    fn text(&self, first: usize) -> &str {
        let from = first.wrapping_mul(61) % (TEXT - self.text_bytes.min(TEXT - 1));
        &self.text[from..from + self.text_bytes.min(TEXT - 1)]
    }

    fn count(&self, answer: String) {
        *self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(answer).or_default() += 1;
    }
}

/// Lets requests go at a steady rate, whoever sends them.
struct Pace {
    items_per_request: f64,
    /// The bits of a float.
    rate: AtomicU64,
    next: Mutex<Instant>,
}

impl Pace {
    fn new(items_per_second: f64, items_per_request: usize) -> Pace {
        Pace {
            items_per_request: items_per_request as f64,
            rate: AtomicU64::new(items_per_second.to_bits()),
            next: Mutex::new(Instant::now()),
        }
    }

    fn set(&self, items_per_second: f64) {
        self.rate.store(items_per_second.to_bits(), Ordering::Relaxed);
    }

    /// Waits for the moment of the next request; false where there is none for now.
    async fn turn(&self) -> bool {
        let rate = f64::from_bits(self.rate.load(Ordering::Relaxed));
        if rate <= 0.0 {
            sleep(Duration::from_millis(20)).await;
            return false;
        }
        if rate.is_infinite() {
            return true;
        }
        let moment = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            // What could not be sent while everybody waited for answers is not made up for.
            let moment = (*next).max(Instant::now());
            *next = moment + Duration::from_secs_f64(self.items_per_request / rate);
            moment
        };
        sleep_until(moment).await;
        true
    }
}
