//! The peer's limit is the largest request that the next hop takes, as far as it is known: what the configuration says,
//! or less once a request was found too large and a smaller one was taken.
//!
//! What was learned is forgotten after a while, since the next hop may have been given more room by then.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use host_telemetry::{Counter, Metrics, OwnGauge};
use tokio::time::Instant;

/// How long a limit that was learned is kept to.
const KEPT: Duration = Duration::from_secs(600);

/// What one next hop takes.
pub(crate) struct PeerLimit {
    exporter: String,
    configured: usize,
    learned: Mutex<Option<Learned>>,
    shown: OwnGauge,
    cut: Counter,
}

#[derive(Clone, Copy)]
struct Learned {
    bytes: usize,
    until: Instant,
}

impl PeerLimit {
    pub(crate) fn new(configured: usize, exporter: &str, metrics: &Metrics) -> Self {
        let labels = [("exporter", exporter)];
        PeerLimit {
            exporter: exporter.to_owned(),
            configured,
            learned: Mutex::new(None),
            shown: metrics.own_gauge(
                "tidegate_exporter_learned_limit_bytes",
                "The largest request that the next hop takes, as it was found out; 0 where none was found too large.",
                &labels,
                0,
            ),
            cut: metrics.counter(
                "tidegate_exporter_requests_too_large",
                "Requests that the next hop found too large and that were cut.",
                &labels,
            ),
        }
    }

    /// The largest request that is to be sent.
    pub(crate) fn bytes(&self) -> usize {
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        match *learned {
            Some(Learned { bytes, until }) if Instant::now() < until => bytes,
            Some(_) => {
                *learned = None;
                self.shown.set(0);
                self.configured
            }
            None => self.configured,
        }
    }

    /// Counts a request that is cut.
    pub(crate) fn count_cut(&self) {
        self.cut.inc();
    }

    /// Keeps to `bytes` from now on: more was too large, and that was taken.
    pub(crate) fn learn(&self, bytes: usize) {
        let known = self.bytes();
        let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = known.min(bytes);
        *learned = Some(Learned { bytes, until: Instant::now() + KEPT });
        if bytes < known {
            self.shown.set(i64::try_from(bytes).unwrap_or(i64::MAX));
            tracing::info!(
                exporter = self.exporter,
                bytes,
                kept = ?KEPT,
                "the next hop takes no larger requests than this; what is larger is sent in pieces"
            );
        }
    }
}
