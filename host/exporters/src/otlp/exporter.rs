//! The exporter, whatever protocol its next hop speaks: it bounds what is under way, cuts what is too large, and tries
//! again while the caller waits.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use host_component::{
    BoxFuture, ComponentId, Consumer, Delivery, Exporter, Failure, Origin, Outcome, Payload, Shutdown, Signal, Trigger,
};
use host_telemetry::{Counter, Gauge, Metrics, OwnGauge};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

use super::config::{Retry, SendingQueue};
use super::limit::PeerLimit;
use super::message::{Framer, Message};
use super::status::{Denial, PartialSuccess, TooLarge};

/// What the next hop finds too large is cut down to this and no further: below it the reason must be another.
const SMALLEST_CUT: usize = 64 << 10;
/// When a caller that was refused may come again.
const PAUSE: Duration = Duration::from_secs(1);

/// A next hop, in the protocol that it speaks.
pub(crate) trait Hop: Send + Sync + 'static {
    /// Makes its messages.
    fn framer(&self) -> &Framer;

    /// Sends a message once: what was rejected of it, if anything was, or why it was not taken. Retryable is what the
    /// transport failed at, and what the next hop says may pass. Credentials may come from the `origin` of the data.
    fn call(
        &self,
        signal: Signal,
        message: &Message,
        origin: &Origin,
    ) -> impl Future<Output = Result<Option<PartialSuccess>, Denial>> + Send;

    /// Says that the next hop does not know who we are by what is shown. Whether there may be something else to show now.
    fn refused(&self) -> bool;
}

/// How requests are sent, whatever the protocol.
pub(crate) struct Manner {
    pub(crate) retry: Retry,
    pub(crate) queue: SendingQueue,
    pub(crate) max_request_size: usize,
}

/// An exporter of OTLP.
pub(crate) struct Otlp<H> {
    id: String,
    hop: H,
    retry: Retry,
    places: Places,
    max_request_size: usize,
    limit: PeerLimit,
    counts: [Counts; 3],
    /// Fired when nothing is to be tried again any more.
    end: Trigger,
    ending: Shutdown,
}

/// The counters of one signal.
struct Counts {
    sent: Counter,
    failed: Counter,
    rejected: Counter,
    refused: Counter,
}

impl<H: Hop> Otlp<H> {
    pub(crate) fn new(id: &ComponentId, hop: H, manner: Manner, metrics: &Metrics) -> Self {
        let id = id.to_string();
        let counts = Signal::ALL.map(|signal| Counts::new(signal, &id, metrics));
        let (end, ending) = Trigger::new();
        Otlp {
            hop,
            places: Places::new(&manner.queue, &id, metrics),
            limit: PeerLimit::new(manner.max_request_size, &id, metrics),
            max_request_size: manner.max_request_size,
            retry: manner.retry,
            counts,
            end,
            ending,
            id,
        }
    }

    async fn export(&self, Delivery { payload, origin, .. }: Delivery) -> Outcome {
        let counts = &self.counts[payload.signal() as usize];
        let Some(_place) = self.places.take().await else {
            counts.refused.inc_by(payload.items());
            return Err(Failure::refused(format!("{}: too many requests wait for the next hop", self.id), PAUSE));
        };
        let mut left = payload.items();
        let mut is_any_delivered = false;
        // Why a piece was left out that will never be taken.
        let mut left_out = None;
        // Where the next hop found something too large: the size of what it is sent instead.
        let mut attempted = None;
        let mut pieces = Pieces::of(payload, self.limit.bytes());
        while let Some(piece) = pieces.next() {
            let items = piece.items();
            match self.send(&piece, &origin).await {
                Ok(()) => {
                    left -= items;
                    is_any_delivered = true;
                    if let Some(bytes) = attempted.take() {
                        self.limit.learn(bytes);
                    }
                }
                Err(Denial::Failed(failure) | Denial::Stranger(failure)) if failure.is_permanent() => {
                    counts.failed.inc_by(items);
                    left -= items;
                    left_out = Some(failure);
                }
                Err(Denial::Failed(failure) | Denial::Stranger(failure)) => {
                    counts.failed.inc_by(left);
                    return Err(failure);
                }
                Err(Denial::TooLarge(too_large)) => {
                    if let Some(bytes) = pieces.cut(&piece, &too_large) {
                        if !too_large.is_own {
                            attempted = Some(bytes);
                            self.limit.count_cut();
                        }
                        continue;
                    }
                    tracing::warn!(exporter = self.id, items, error = too_large.reason, "too large, and cannot be cut");
                    counts.failed.inc_by(items);
                    left -= items;
                    left_out = Some(Failure::Permanent { reason: too_large.reason });
                }
            }
        }
        match left_out {
            // Whoever is told so may send the rest again, which must not arrive twice.
            Some(failure) if !is_any_delivered => Err(failure),
            _ => Ok(()),
        }
    }

    /// Sends one request, again and again if need be.
    async fn send(&self, piece: &Payload, origin: &Origin) -> Result<(), Denial> {
        let (signal, items) = (piece.signal(), piece.items());
        let message = self.hop.framer().frame(piece.clone()).await.map_err(|error| {
            Denial::Failed(Failure::permanent(format!("{}: cannot frame the request: {error}", self.id)))
        })?;
        if message.plain_len() > self.max_request_size {
            let (size, most) = (message.plain_len(), self.max_request_size);
            let reason = format!("{}: {items} items take {size} bytes, more than max_request_size, {most}", self.id);
            return Err(Denial::TooLarge(TooLarge { reason, limit: None, is_own: true }));
        }
        let mut backoff = Backoff::new(&self.retry);
        let mut was_refused = false;
        loop {
            let failure = match self.hop.call(signal, &message, origin).await {
                Ok(partial) => {
                    self.count(signal, items, partial);
                    return Ok(());
                }
                // What was shown may have been withdrawn before its time.
                Err(Denial::Stranger(_)) if !std::mem::replace(&mut was_refused, true) && self.hop.refused() => {
                    continue;
                }
                Err(Denial::Failed(failure) | Denial::Stranger(failure)) => failure,
                Err(too_large @ Denial::TooLarge(_)) => return Err(too_large),
            };
            let wait = match &failure {
                Failure::Retryable { after, .. } => backoff.next(*after),
                Failure::Permanent { .. } | Failure::Refused { .. } => None,
            };
            let Some(wait) = wait.filter(|_| !self.ending.is_fired()) else {
                tracing::warn!(exporter = self.id, items, error = %failure, "export failed");
                return Err(Denial::Failed(failure));
            };
            tracing::info!(exporter = self.id, items, error = %failure, ?wait, "export failed, will be tried again");
            let mut ending = self.ending.clone();
            tokio::select! {
                () = sleep(wait) => {}
                () = ending.wait() => return Err(Denial::Failed(failure)),
            }
        }
    }

    fn count(&self, signal: Signal, items: u64, partial: Option<PartialSuccess>) {
        let counts = &self.counts[signal as usize];
        let rejected = partial.as_ref().map_or(0, |partial| partial.rejected.min(items));
        counts.sent.inc_by(items - rejected);
        if let Some(partial) = partial {
            counts.failed.inc_by(rejected);
            counts.rejected.inc_by(rejected);
            tracing::warn!(exporter = self.id, rejected, message = partial.message, "the next hop took only a part");
        }
    }
}

impl<H: Hop> Consumer for Otlp<H> {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.export(delivery))
    }
}

impl<H: Hop> Exporter for Otlp<H> {
    fn stop_retrying(&self) {
        self.end.fire();
    }
}

/// What is still to be sent of a payload.
struct Pieces {
    /// The next one last.
    waiting: Vec<Payload>,
    /// The most that a piece may take.
    bytes: usize,
}

impl Pieces {
    fn of(payload: Payload, bytes: usize) -> Self {
        Pieces { waiting: vec![payload], bytes }
    }

    /// The next piece; one that is larger than it should be is a single item.
    fn next(&mut self) -> Option<Payload> {
        let piece = self.waiting.pop()?;
        if piece.len() <= self.bytes || piece.items() < 2 {
            return Some(piece);
        }
        let mut parts = piece.split(u64::MAX, self.bytes);
        parts.reverse();
        self.waiting.append(&mut parts);
        self.waiting.pop()
    }

    /// Cuts `piece`, which was too large, and all that comes after it: the size that is left, or none where it cannot be
    /// cut, or is so small that its size is not the reason.
    fn cut(&mut self, piece: &Payload, too_large: &TooLarge) -> Option<usize> {
        let size = piece.len();
        let least = if too_large.is_own { 1 } else { SMALLEST_CUT };
        if piece.items() < 2 || size <= least {
            return None;
        }
        let bytes = too_large.limit.filter(|limit| *limit < size).unwrap_or(size / 2).max(least);
        let mut parts = piece.clone().split(u64::MAX, bytes);
        if parts.len() < 2 {
            return None;
        }
        self.bytes = bytes;
        parts.reverse();
        self.waiting.append(&mut parts);
        Some(bytes)
    }
}

/// Who may send, and who may wait for that.
struct Places {
    sending: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
    shown: Gauge,
    /// Shown as long as there are these places.
    _capacity: OwnGauge,
}

/// One who waits, counted.
struct Wait<'a>(&'a Places);

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.shown.dec();
    }
}

impl Places {
    fn new(queue: &SendingQueue, exporter: &str, metrics: &Metrics) -> Self {
        let labels = [("exporter", exporter)];
        let shown =
            metrics.gauge("otelcol_exporter_queue_size", "Requests that wait for one under way to end.", &labels);
        let capacity = i64::try_from(queue.queue_size).unwrap_or(i64::MAX);
        let help = "Requests that may wait so.";
        let capacity = metrics.own_gauge("otelcol_exporter_queue_capacity", help, &labels, capacity);
        let sending =
            if queue.enabled { queue.num_consumers.min(Semaphore::MAX_PERMITS) } else { Semaphore::MAX_PERMITS };
        let (sending, waiting, max_waiting) = (Semaphore::new(sending), AtomicUsize::new(0), queue.queue_size);
        Places { sending, waiting, max_waiting, shown, _capacity: capacity }
    }

    /// A place, after a wait if need be; `None` where too many wait already.
    async fn take(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.sending.try_acquire() {
            return Some(permit);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        self.shown.inc();
        let _wait = Wait(self);
        if before >= self.max_waiting {
            return None;
        }
        self.sending.acquire().await.ok()
    }
}

/// The pauses between the attempts of one request.
struct Backoff<'a> {
    retry: &'a Retry,
    interval: Duration,
    started: Instant,
}

impl<'a> Backoff<'a> {
    fn new(retry: &'a Retry) -> Self {
        Backoff { retry, interval: retry.initial_interval.min(retry.max_interval), started: Instant::now() }
    }

    /// How long to wait before the next attempt, at least `after`; `None` when it is time to give up.
    fn next(&mut self, after: Option<Duration>) -> Option<Duration> {
        if !self.retry.enabled {
            return None;
        }
        let spread = self.retry.randomization_factor * (2.0 * random() - 1.0);
        let interval = self.interval.mul_f64(1.0 + spread);
        self.interval = self.interval.mul_f64(self.retry.multiplier).min(self.retry.max_interval);
        let wait = interval.max(after.unwrap_or_default());
        let limit = self.retry.max_elapsed_time;
        let late = !limit.is_zero() && self.started.elapsed() + wait > limit;
        (!late).then_some(wait)
    }
}

/// A number from 0 to 1: enough to keep senders from marching in step.
fn random() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

impl Counts {
    fn new(signal: Signal, exporter: &str, metrics: &Metrics) -> Self {
        let [sent, failed, rejected, refused] = match signal {
            Signal::Logs => [
                "otelcol_exporter_sent_log_records",
                "otelcol_exporter_send_failed_log_records",
                "tidegate_exporter_rejected_log_records",
                "otelcol_exporter_enqueue_failed_log_records",
            ],
            Signal::Traces => [
                "otelcol_exporter_sent_spans",
                "otelcol_exporter_send_failed_spans",
                "tidegate_exporter_rejected_spans",
                "otelcol_exporter_enqueue_failed_spans",
            ],
            Signal::Metrics => [
                "otelcol_exporter_sent_metric_points",
                "otelcol_exporter_send_failed_metric_points",
                "tidegate_exporter_rejected_metric_points",
                "otelcol_exporter_enqueue_failed_metric_points",
            ],
        };
        let labels = [("exporter", exporter)];
        Counts {
            sent: metrics.counter(sent, "Items that the next hop took.", &labels),
            failed: metrics.counter(failed, "Items that could not be delivered, or were rejected.", &labels),
            rejected: metrics.counter(rejected, "Items that the next hop rejected in a request that it took.", &labels),
            refused: metrics.counter(refused, "Items that were refused because too many requests wait.", &labels),
        }
    }
}
