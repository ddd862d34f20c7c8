//! A queue takes what is told and never makes anybody wait: what does not fit is dropped and counted.

use host_component::Signal;
use tokio::sync::mpsc;

use crate::{Counter, Metrics};

/// What became of what was told. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    pub(super) sent: Counter,
    /// There was no room for it.
    pub(super) overflowed: Counter,
    /// It could not be sent.
    pub(super) failed: Counter,
}

impl Counts {
    pub(crate) fn new(signal: Signal, metrics: &Metrics) -> Self {
        let help = "Log records and spans of the collector's own that were sent over OTLP.";
        let sent = metrics.counter("tidegate_telemetry_sent_items", help, &[("otel_signal", signal.name())]);
        let dropped = |reason| {
            let help = "Log records and spans of the collector's own that were not sent, by reason.";
            let labels = [("otel_signal", signal.name()), ("reason", reason)];
            metrics.counter("tidegate_telemetry_dropped_items", help, &labels)
        };
        Counts { sent, overflowed: dropped("queue_full"), failed: dropped("not_sent") }
    }
}

/// The side of those who tell. Cloning shares it.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    waiting: mpsc::Sender<T>,
    counts: Counts,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue { waiting: self.waiting.clone(), counts: self.counts.clone() }
    }
}

/// A queue for so many, and its other end.
pub(crate) fn queue<T>(limit: usize, counts: Counts) -> (Queue<T>, mpsc::Receiver<T>) {
    let (waiting, incoming) = mpsc::channel(limit.clamp(1, tokio::sync::Semaphore::MAX_PERMITS));
    (Queue { waiting, counts }, incoming)
}

impl<T: Clone> Queue<T> {
    pub(crate) fn offer(&self, told: T) {
        if self.waiting.try_send(told).is_err() {
            self.counts.overflowed.inc();
        }
    }
}

/// Puts `told` into each of `queues`.
pub(crate) fn offer<T: Clone>(queues: &[Queue<T>], told: T) {
    if let Some((last, others)) = queues.split_last() {
        others.iter().for_each(|queue| queue.offer(told.clone()));
        last.offer(told);
    }
}
