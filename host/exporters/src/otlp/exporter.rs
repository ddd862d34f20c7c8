//! The exporter: it bounds what is under way, cuts what is too large, and tries again while the caller waits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use host_component::{
    BoxFuture, ComponentId, Consumer, Delivery, Exporter, Failure, Origin, Outcome, Payload, Shutdown, Signal, Trigger,
};
use host_telemetry::{Counter, Gauge, Metrics};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};

use super::config::{Config, Retry, SendingQueue};
use super::grpc::Caller;
use super::status::{Denial, PartialSuccess};

/// What the next hop finds too large is cut down to this and no further: below it the reason must be another.
const SMALLEST_CUT: usize = 64 << 10;
/// When a caller that was refused may come again.
const PAUSE: Duration = Duration::from_secs(1);

/// The `otlp_grpc` exporter.
pub struct Otlp {
    id: String,
    caller: Caller,
    retry: Retry,
    places: Places,
    max_request_size: usize,
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

impl Otlp {
    pub(crate) fn new(id: &ComponentId, caller: Caller, config: &Config, metrics: &Metrics) -> Self {
        let id = id.to_string();
        let counts = Signal::ALL.map(|signal| Counts::new(signal, &id, metrics));
        let (end, ending) = Trigger::new();
        Otlp {
            caller,
            retry: config.retry_on_failure.clone(),
            places: Places::new(&config.sending_queue, &id, metrics),
            max_request_size: config.max_request_size,
            counts,
            end,
            ending,
            id,
        }
    }

    async fn export(&self, Delivery { payload, origin, .. }: Delivery) -> Outcome {
        let counts = &self.counts[payload.signal() as usize];
        let items = payload.items();
        let Some(_place) = self.places.take().await else {
            counts.refused.inc_by(items);
            return Err(Failure::refused(format!("{}: too many requests wait for the next hop", self.id), PAUSE));
        };
        let mut left = items;
        // What is still to be sent, the next piece last.
        let mut pieces = payload.split(u64::MAX, self.max_request_size);
        pieces.reverse();
        while let Some(piece) = pieces.pop() {
            let (items, size) = (piece.items(), piece.len());
            let reason = match self.send(piece.clone(), &origin).await {
                Ok(()) => {
                    left -= items;
                    continue;
                }
                // The next hop's limit is lower than ours: halves may pass.
                Err(Denial::TooLarge(_)) if items > 1 && size > SMALLEST_CUT => {
                    let mut halves = piece.split(items.div_ceil(2), usize::MAX);
                    halves.reverse();
                    pieces.append(&mut halves);
                    continue;
                }
                Err(Denial::TooLarge(reason)) => Failure::Permanent { reason },
                Err(Denial::Failed(failure)) => failure,
            };
            counts.failed.inc_by(left);
            return Err(reason);
        }
        Ok(())
    }

    /// Sends one request, again and again if need be.
    async fn send(&self, piece: Payload, origin: &Origin) -> Result<(), Denial> {
        let (signal, items) = (piece.signal(), piece.items());
        if piece.len() > self.max_request_size {
            let reason = format!(
                "{}: an item takes {} bytes alone, more than max_request_size, {}",
                self.id,
                piece.len(),
                self.max_request_size
            );
            return Err(Denial::Failed(Failure::Permanent { reason }));
        }
        let message = self.caller.frame(piece).await.map_err(|error| {
            Denial::Failed(Failure::permanent(format!("{}: cannot frame the request: {error}", self.id)))
        })?;
        let mut backoff = Backoff::new(&self.retry);
        loop {
            let denial = match self.caller.call(signal, &message, origin).await {
                Ok(partial) => {
                    self.count(signal, items, partial);
                    return Ok(());
                }
                Err(denial) => denial,
            };
            let wait = match &denial {
                Denial::Failed(Failure::Retryable { after, .. }) => backoff.next(*after),
                Denial::Failed(_) | Denial::TooLarge(_) => None,
            };
            let error = match &denial {
                Denial::TooLarge(reason) => reason,
                Denial::Failed(failure) => &failure.to_string(),
            };
            let Some(wait) = wait.filter(|_| !self.ending.is_fired()) else {
                tracing::warn!(exporter = self.id, items, error, "export failed");
                return Err(denial);
            };
            tracing::info!(exporter = self.id, items, error, ?wait, "export failed, will be tried again");
            let mut ending = self.ending.clone();
            tokio::select! {
                () = sleep(wait) => {}
                () = ending.wait() => return Err(denial),
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

impl Consumer for Otlp {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.export(delivery))
    }
}

impl Exporter for Otlp {
    fn stop_retrying(&self) {
        self.end.fire();
    }
}

/// Who may send, and who may wait for that.
struct Places {
    sending: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
    shown: Gauge,
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
        let capacity = metrics.gauge("otelcol_exporter_queue_capacity", "Requests that may wait so.", &labels);
        capacity.set(i64::try_from(queue.queue_size).unwrap_or(i64::MAX));
        let sending =
            if queue.enabled { queue.num_consumers.min(Semaphore::MAX_PERMITS) } else { Semaphore::MAX_PERMITS };
        Places { sending: Semaphore::new(sending), waiting: AtomicUsize::new(0), max_waiting: queue.queue_size, shown }
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
