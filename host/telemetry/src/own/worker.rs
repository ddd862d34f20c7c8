//! A worker takes what is in one queue and sends it in batches.
//!
//! It sends one batch after the other, so that what waits elsewhere is bounded by the queue. At the end it closes the queue
//! and sends what is left in it; the exporter has been told by then not to try anything twice.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Delivery, Exporter, Shutdown, Signal};
use host_config::telemetry::Batching;
use host_otlp::{Limits, check};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::queue::Counts;

/// How often the log is told that something was lost.
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(60);

/// One way out.
pub(super) struct Worker<T> {
    pub(super) signal: Signal,
    pub(super) batching: Batching,
    pub(super) incoming: mpsc::Receiver<T>,
    pub(super) encode: Box<dyn Fn(Vec<T>) -> Vec<u8> + Send + Sync>,
    pub(super) exporter: Arc<dyn Exporter>,
    pub(super) counts: Counts,
}

impl<T: Send + 'static> Worker<T> {
    pub(super) async fn run(mut self, mut ending: Shutdown) {
        let mut complaints = Complaints::default();
        loop {
            let batch = self.gather(&mut ending).await;
            if batch.is_empty() {
                break;
            }
            let reason = self.send(batch).await.err();
            complaints.hear(self.signal, &self.counts, reason.as_deref());
        }
        self.exporter.drain().await;
    }

    /// The next batch; an empty one when there are no more.
    async fn gather(&mut self, ending: &mut Shutdown) -> Vec<T> {
        let (mut batch, mut due) = (Vec::new(), None);
        while batch.len() < self.batching.size {
            let room = self.batching.size - batch.len();
            let came = tokio::select! {
                biased;
                () = ending.wait(), if !self.incoming.is_closed() => {
                    self.incoming.close();
                    continue;
                }
                came = self.incoming.recv_many(&mut batch, room) => came,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => break,
            };
            if came == 0 {
                break;
            }
            due.get_or_insert_with(|| Instant::now() + self.batching.delay);
        }
        batch
    }

    /// Sends a batch, or says why that cannot be.
    async fn send(&self, batch: Vec<T>) -> Result<(), String> {
        let items = batch.len() as u64;
        let sent = match check(self.signal, (self.encode)(batch).into(), &Limits::default()) {
            Ok(payload) => match timeout(self.batching.timeout, self.exporter.consume(Delivery::new(payload))).await {
                Ok(outcome) => outcome.map_err(|failure| failure.to_string()),
                Err(_) => Err(format!("it was not taken within {:?}", self.batching.timeout)),
            },
            Err(error) => Err(error.to_string()),
        };
        let counter = if sent.is_ok() { &self.counts.sent } else { &self.counts.failed };
        counter.inc_by(items);
        sent
    }
}

/// What is told about losses, now and then.
#[derive(Default)]
struct Complaints {
    last: Option<Instant>,
    told: u64,
}

impl Complaints {
    fn hear(&mut self, signal: Signal, counts: &Counts, reason: Option<&str>) {
        let all = counts.overflowed.get() + counts.failed.get();
        let is_due = self.last.is_none_or(|last| last.elapsed() >= BETWEEN_COMPLAINTS);
        if all == self.told || !is_due {
            return;
        }
        let dropped = all - self.told;
        (self.last, self.told) = (Some(Instant::now()), all);
        let reason = reason.unwrap_or("the queue was full");
        tracing::warn!(%signal, dropped, reason, "own telemetry was dropped; more of that is counted, and told a minute later");
    }
}
