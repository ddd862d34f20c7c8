//! Places are who may send, and who may wait for that.

use std::sync::atomic::{AtomicUsize, Ordering};

use host_config::delivery::SendingQueue;
use host_otlp::Payload;
use host_telemetry::{Gauge, Metrics, OwnGauge};
use tokio::sync::{Semaphore, SemaphorePermit};

/// The places of one exporter.
pub(crate) struct Places {
    queue: SendingQueue,
    sending: Semaphore,
    waiting: AtomicUsize,
    /// None where nobody waits, or a queue with a storage is before these, which tells of itself.
    shown: Option<Shown>,
}

struct Shown {
    size: Gauge,
    /// Shown as long as there are these places.
    _capacity: OwnGauge,
}

/// One who waits, counted.
struct Wait<'a> {
    places: &'a Places,
    size: usize,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.places.waiting.fetch_sub(self.size, Ordering::Relaxed);
        self.places.show(Gauge::sub, self.size);
    }
}

impl Places {
    pub(crate) fn new(queue: &SendingQueue, exporter: &str, metrics: &Metrics) -> Self {
        let labels = [("exporter", exporter)];
        let shown = (queue.enabled && queue.storage.is_none()).then(|| {
            let size =
                metrics.gauge("otelcol_exporter_queue_size", "What waits for a request under way to end.", &labels);
            let capacity = i64::try_from(queue.queue_size).unwrap_or(i64::MAX);
            let help = "What may wait so.";
            let _capacity = metrics.own_gauge("otelcol_exporter_queue_capacity", help, &labels, capacity);
            Shown { size, _capacity }
        });
        let sending =
            if queue.enabled { queue.num_consumers.min(Semaphore::MAX_PERMITS) } else { Semaphore::MAX_PERMITS };
        Places { queue: queue.clone(), sending: Semaphore::new(sending), waiting: AtomicUsize::new(0), shown }
    }

    /// A place, after a wait if need be; `None` where too much waits already.
    pub(crate) async fn take(&self, payload: &Payload) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.sending.try_acquire() {
            return Some(permit);
        }
        let size = self.queue.size(payload.items(), payload.len());
        let before = self.waiting.fetch_add(size, Ordering::Relaxed);
        self.show(Gauge::add, size);
        let _wait = Wait { places: self, size };
        let is_full = before.saturating_add(size) > self.queue.queue_size;
        if is_full && self.queue.storage.is_none() && !self.queue.block_on_overflow {
            return None;
        }
        self.sending.acquire().await.ok()
    }

    fn show(&self, change: impl Fn(&Gauge, i64), size: usize) {
        if let Some(shown) = &self.shown {
            change(&shown.size, i64::try_from(size).unwrap_or(i64::MAX));
        }
    }
}
