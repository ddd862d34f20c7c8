//! The line is what all exporters that connect have before their protocol: it bounds what is under way, tries again while
//! the caller waits, and counts.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use host_component::{ComponentId, DeadLetters, Failure, Origin, Shutdown, Signal, Trigger};
use host_config::delivery::{Retry, SendingQueue};
use host_otlp::Payload;
use host_telemetry::Metrics;
use tokio::sync::SemaphorePermit;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::counts::Counts;
use super::denial::{Denial, Taken};
use super::places::Places;

/// When a caller that was refused may come again.
const PAUSE: Duration = Duration::from_secs(1);

/// The line of one exporter.
pub(crate) struct Line {
    pub(crate) id: String,
    retry: Retry,
    places: Places,
    /// Whether what is handed over has been acknowledged already.
    is_kept: bool,
    counts: [Counts; 3],
    letters: OnceLock<Arc<dyn DeadLetters>>,
    /// Fired when nothing is to be tried again any more.
    end: Trigger,
    ending: Shutdown,
}

impl Line {
    pub(crate) fn new(id: &ComponentId, mut retry: Retry, queue: &SendingQueue, metrics: &Metrics) -> Self {
        let id = id.to_string();
        let (end, ending) = Trigger::new();
        // What waits on disk has been acknowledged: nobody is left who would send it again.
        let is_kept = queue.storage.is_some();
        retry.max_elapsed_time = retry.max_elapsed_time.or(is_kept.then_some(Duration::ZERO));
        Line {
            places: Places::new(queue, &id, metrics),
            is_kept,
            counts: Signal::ALL.map(|signal| Counts::new(signal, &id, metrics)),
            letters: OnceLock::new(),
            retry,
            end,
            ending,
            id,
        }
    }

    pub(crate) fn counts(&self, signal: Signal) -> &Counts {
        &self.counts[signal as usize]
    }

    /// A place for a payload; a failure where too much waits for one.
    pub(crate) async fn place(&self, payload: &Payload) -> Result<SemaphorePermit<'_>, Failure> {
        let place = self.places.take(payload).await;
        place.ok_or_else(|| {
            self.counts(payload.signal()).refused.inc_by(payload.items());
            Failure::refused(format!("{}: too many requests wait for the next hop", self.id), PAUSE)
        })
    }

    /// Calls until there is an answer that stays. `refused` says that credentials were not known, and whether there may be
    /// others now.
    pub(crate) async fn attempts<T, F: Future<Output = Result<T, Denial>> + Send>(
        &self,
        items: u64,
        refused: impl Fn() -> bool + Send,
        call: impl Fn() -> F + Send,
    ) -> Result<T, Denial> {
        let mut backoff = Backoff::new(&self.retry);
        let mut was_refused = false;
        loop {
            let failure = match call().await {
                Ok(taken) => return Ok(taken),
                // What was shown may have been withdrawn before its time.
                Err(Denial::Stranger(_)) if !std::mem::replace(&mut was_refused, true) && refused() => continue,
                // That we are not known says nothing of the data, and nobody is left who would send it again.
                Err(Denial::Stranger(failure)) if self.is_kept => Failure::retryable(failure.to_string()),
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

    /// Counts a request of so many items that was taken.
    pub(crate) fn count(&self, signal: Signal, items: u64, taken: &Taken) {
        let counts = self.counts(signal);
        let rejected = taken.rejected.iter().map(|rejected| rejected.items).sum::<u64>().min(items);
        counts.sent.inc_by(items - rejected);
        counts.reject(&taken.rejected);
        if rejected > 0 || !taken.message.is_empty() {
            tracing::warn!(exporter = self.id, rejected, message = taken.message, "the next hop took only a part");
        }
    }

    /// Puts away what will never be delivered, where there is a place for it.
    pub(crate) async fn bury(&self, payload: Payload, origin: &Origin, reason: &str) {
        if let Some(letters) = self.letters.get() {
            letters.put(payload, origin, reason).await;
        }
    }

    /// From now on what will never be delivered goes there.
    pub(crate) fn keep_undeliverable(&self, letters: Arc<dyn DeadLetters>) {
        // There is one queue before an exporter.
        let _ = self.letters.set(letters);
    }

    /// Whether the end has begun.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_fired()
    }

    pub(crate) fn stop_retrying(&self) {
        self.end.fire();
    }
}
