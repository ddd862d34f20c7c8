//! Dead letters: what no backend will ever take, kept in a bounded file for somebody to look at.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use host_component::{BoxFuture, DeadLetters, Origin};
use host_otlp::{Payload, Signal};
use host_quarantine::{Content, Limits, Quarantine};
use host_telemetry::{Counter, Metrics};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

/// Letters that may lie there.
const RECORDS: usize = 100_000;

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

/// The dead letters of one queue.
pub(crate) struct Letters(Arc<Inner>);

struct Inner {
    exporter: String,
    folder: PathBuf,
    limits: Limits,
    /// Opened with the first letter.
    file: Mutex<Option<Quarantine<Letter>>>,
    kept: Counter,
    lost: Counter,
}

impl Letters {
    pub(crate) fn new(exporter: &str, queue: &Path, bytes: u64, metrics: &Metrics) -> Self {
        let labels = [("exporter", exporter)];
        let help = "Items that the backend will never take, kept as dead letters.";
        let kept = metrics.counter("tidegate_queue_dead_letter_items", help, &labels);
        let lost = lost(metrics, exporter, "dead letters full");
        Letters(Arc::new(Inner {
            exporter: exporter.to_owned(),
            folder: queue.join(FOLDER),
            limits: Limits { bytes, records: RECORDS },
            file: Mutex::default(),
            kept,
            lost,
        }))
    }
}

/// The counter of what a queue had acknowledged and did not deliver.
pub(crate) fn lost(metrics: &Metrics, exporter: &str, reason: &str) -> Counter {
    let help = "Items that the queue had acknowledged and that are lost, by reason.";
    metrics.counter("tidegate_queue_lost_items", help, &[("exporter", exporter), ("reason", reason)])
}

impl Inner {
    fn add(&self, letter: Letter) -> Result<(), String> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let quarantine = match file.take() {
            Some(open) => open,
            None => Quarantine::open(&self.folder, self.limits).map_err(|error| error.to_string())?.0,
        };
        let added = file.insert(quarantine).add(vec![letter]);
        added.map(|_| ()).map_err(|error| error.to_string())
    }
}

impl DeadLetters for Letters {
    fn put<'a>(&'a self, payload: Payload, origin: &'a Origin, reason: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let items = payload.items();
            let letter = Letter {
                time: crate::now(),
                exporter: self.0.exporter.clone(),
                signal: payload.signal(),
                reason: reason.to_owned(),
                items,
                metadata: origin.metadata.clone(),
                payload: payload.contiguous(),
            };
            let inner = Arc::clone(&self.0);
            let added = spawn_blocking(move || inner.add(letter)).await;
            match added.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(()) => {
                    self.0.kept.inc_by(items);
                    tracing::warn!(
                        exporter = self.0.exporter,
                        items,
                        reason,
                        "never to be taken: kept as a dead letter"
                    );
                }
                Err(error) => {
                    self.0.lost.inc_by(items);
                    tracing::error!(exporter = self.0.exporter, items, reason, error, "never to be taken, and lost");
                }
            }
        })
    }
}
