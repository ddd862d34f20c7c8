//! Dead letters: what no backend will ever take, kept in a bounded file for somebody to look at.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use host_component::{BoxFuture, DeadLetters, Origin};
use host_otlp::{Payload, Signal};
use host_quarantine::{AddError, Content, Limits, Quarantine};
use host_telemetry::{Counter, Metrics};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::queue::Throttle;

/// Letters that may lie there.
const RECORDS: usize = 100_000;

/// How often an exporter's own letter is tried, which waits with what else it has to do.
const ATTEMPTS: u32 = 5;
/// What cannot be written is tried again so long after.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);

/// Where they lie, below the folder of the queue.
pub(crate) const FOLDER: &str = "dead";

/// A payload that will not be delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// When it was given up, in nanoseconds since the Unix epoch.
    pub time: u64,
    pub exporter: String,
    #[serde(with = "host_quarantine::by_name")]
    pub signal: Signal,
    /// What the backend said.
    pub reason: String,
    pub items: u64,
    /// What the request said of itself, as far as something reads it.
    pub metadata: Vec<(String, String)>,
    /// One OTLP export request, encoded.
    #[serde(skip)]
    pub payload: Bytes,
}

impl Content for Letter {
    fn time(&self) -> u64 {
        self.time
    }

    fn payload(&self) -> &Bytes {
        &self.payload
    }

    fn set_payload(&mut self, payload: Bytes) {
        self.payload = payload;
    }
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Kept,
    /// There is no room for it.
    Full,
}

/// The dead letters of one queue.
pub(crate) struct Letters(Arc<Inner>);

struct Inner {
    exporter: String,
    folder: PathBuf,
    limits: Limits,
    /// Opened with the first letter.
    file: Mutex<Option<Quarantine<Letter>>>,
    kept: Counter,
    full: Counter,
    unwritten: Counter,
    told: Throttle,
}

impl Letters {
    pub(crate) fn new(exporter: &str, queue: &Path, bytes: u64, metrics: &Metrics) -> Self {
        let labels = [("exporter", exporter)];
        let help = "Items that the backend will never take, kept as dead letters.";
        let kept = metrics.counter("tidegate_queue_dead_letter_items", help, &labels);
        Letters(Arc::new(Inner {
            exporter: exporter.to_owned(),
            folder: queue.join(FOLDER),
            limits: Limits { bytes, records: RECORDS },
            file: Mutex::default(),
            kept,
            full: lost(metrics, exporter, "dead letters full"),
            unwritten: lost(metrics, exporter, "dead letters unwritable"),
            told: Throttle::default(),
        }))
    }
}

/// The counter of what a queue had acknowledged and did not deliver.
pub(crate) fn lost(metrics: &Metrics, exporter: &str, reason: &str) -> Counter {
    let help = "Items that the queue had acknowledged and that are lost, by reason.";
    metrics.counter("tidegate_queue_lost_items", help, &[("exporter", exporter), ("reason", reason)])
}

impl Inner {
    fn add(&self, letter: Letter) -> Result<Put, String> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let quarantine = match file.take() {
            Some(open) => open,
            None => Quarantine::open(&self.folder, self.limits).map_err(|error| error.to_string())?.0,
        };
        match file.insert(quarantine).add(vec![letter]) {
            Ok(_) => Ok(Put::Kept),
            Err(AddError::Full { .. }) => Ok(Put::Full),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Letters {
    /// Keeps a payload, where there is room.
    ///
    /// # Errors
    /// Where the file cannot be written at present: what is not kept then is not lost unless somebody drops it.
    pub(crate) async fn keep(&self, payload: Payload, origin: &Origin, reason: &str) -> Result<Put, String> {
        let (exporter, items) = (self.0.exporter.as_str(), payload.items());
        let letter = Letter {
            time: crate::now(),
            exporter: exporter.to_owned(),
            signal: payload.signal(),
            reason: reason.to_owned(),
            items,
            metadata: origin.metadata.clone(),
            payload: payload.contiguous(),
        };
        let inner = Arc::clone(&self.0);
        let put = spawn_blocking(move || inner.add(letter)).await.unwrap_or_else(|error| Err(error.to_string()));
        match &put {
            Ok(Put::Kept) => {
                self.0.kept.inc_by(items);
                tracing::warn!(exporter, items, reason, "never to be taken: kept as a dead letter");
            }
            Ok(Put::Full) => {
                tracing::error!(exporter, items, reason, "never to be taken, and lost: the dead letters are full");
            }
            Err(error) if self.0.told.is_due() => {
                tracing::error!(
                    exporter,
                    items,
                    reason,
                    error,
                    "a dead letter cannot be written, which is tried again"
                );
            }
            Err(_) => {}
        }
        put
    }

    /// Counts what was lost because there was no room for it.
    pub(crate) fn count_full(&self, items: u64) {
        self.0.full.inc_by(items);
    }
}

impl DeadLetters for Letters {
    fn put<'a>(&'a self, payload: Payload, origin: &'a Origin, reason: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let items = payload.items();
            for attempt in 1..=ATTEMPTS {
                match self.keep(payload.clone(), origin, reason).await {
                    Ok(Put::Kept) => return,
                    Ok(Put::Full) => return self.count_full(items),
                    Err(_) if attempt < ATTEMPTS => sleep(AGAIN).await,
                    Err(error) => {
                        self.0.unwritten.inc_by(items);
                        let exporter = self.0.exporter.as_str();
                        tracing::error!(exporter, items, reason, error, "never to be taken, and lost");
                    }
                }
            }
        })
    }
}
