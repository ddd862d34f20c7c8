//! What exporters have in common that say data in a backend's own form: a [`Backend`] makes requests of a delivery and sends
//! each, and [`Sending`] is the exporter that comes of it.
//!
//! It bounds what is under way, tries again while the caller waits, cuts what is too large, and counts items under the
//! Collector's names. What a backend will never take is no reason to send the rest again: once a part of a delivery was
//! taken, its outcome is `Ok`, and what was not taken is counted.

mod backoff;
mod counts;
mod denial;
mod line;
mod places;

use std::future::Future;

use futures_util::StreamExt as _;
use futures_util::stream;
use host_component::{
    BoxFuture, ComponentId, Consumer, DeadLetters, Delivery, Exporter, Failure, Origin, Outcome, Signal,
};
use host_config::delivery::{Retry, SendingQueue};
use host_telemetry::Metrics;
use std::sync::Arc;
use tokio::sync::Mutex;

pub use self::denial::{Denial, Rejected, Taken, TooLarge, tame};
pub(crate) use self::line::Line;

/// What speaks to a backend in its own form.
pub trait Backend: Send + Sync + 'static {
    /// One request, ready to be sent and sent again.
    type Request: Send + Sync;

    /// Whether deliveries go out one after the other, in the order in which they came, also while one is tried again.
    const ORDERED: bool = false;

    /// How many requests of one delivery may be under way at a time.
    fn parallelism(&self) -> usize {
        1
    }

    /// What is sent for a delivery, in order.
    ///
    /// # Errors
    /// Where nothing of it can be sent, now or ever.
    fn requests(&self, delivery: &Delivery) -> impl Future<Output = Result<Requests<Self::Request>, Failure>> + Send;

    /// Sends a request once. `Retryable` is what may pass.
    ///
    /// # Errors
    /// Why it was not taken.
    fn call(&self, request: &Self::Request, origin: &Origin) -> impl Future<Output = Result<Taken, Denial>> + Send;

    /// Cuts a request that was too large; none where it cannot be cut.
    fn cut(&self, _request: &Self::Request, _why: &TooLarge) -> Option<Vec<Part<Self::Request>>> {
        None
    }

    /// Hears that the backend does not know who we are by what was shown. Whether there may be something else to show now.
    fn refused(&self) -> bool {
        false
    }

    /// The end has begun, after the last delivery: what the backend has of its own is to end within the drain's deadline.
    fn drain(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// A request, and the items whose outcome is decided by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<R> {
    pub request: R,
    pub items: u64,
}

/// What a delivery becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests<R> {
    pub parts: Vec<Part<R>>,
    /// Items that cannot be said in the backend's form, by why.
    pub left_out: Vec<Rejected>,
}

/// The exporter of a backend.
pub struct Sending<B> {
    backend: B,
    line: Line,
    /// Held by the delivery whose turn it is, where they keep their order.
    turn: Mutex<()>,
}

/// What became of the parts of a delivery.
#[derive(Default)]
struct Tally {
    is_any_taken: bool,
    never: Option<(u64, Failure)>,
    later: Option<Failure>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.is_any_taken |= other.is_any_taken;
        self.never = match (self.never.take(), other.never) {
            (Some((items, failure)), Some((more, _))) => Some((items + more, failure)),
            (one, other) => one.or(other),
        };
        self.later = self.later.take().or(other.later);
    }
}

impl<B: Backend> Sending<B> {
    pub fn new(id: &ComponentId, backend: B, retry: Retry, queue: &SendingQueue, metrics: &Metrics) -> Self {
        Sending { backend, line: Line::new(id, retry, queue, metrics), turn: Mutex::new(()) }
    }

    async fn export(&self, delivery: Delivery) -> Outcome {
        let (signal, items) = (delivery.payload.signal(), delivery.payload.items());
        let _place = self.line.place(&delivery.payload).await?;
        let _turn = if B::ORDERED { Some(self.turn.lock().await) } else { None };
        let counts = self.line.counts(signal);
        let Requests { parts, left_out } = match self.backend.requests(&delivery).await {
            Ok(requests) => requests,
            Err(failure) => {
                counts.failed.inc_by(items);
                tracing::warn!(exporter = self.line.id, items, error = %failure, "cannot be sent");
                return Err(failure);
            }
        };
        counts.reject(&left_out);
        if parts.is_empty() {
            let reasons: Vec<&str> = left_out.iter().map(|rejected| rejected.reason).collect();
            let told =
                || Failure::permanent(format!("{}: nothing of it can be sent: {}", self.line.id, reasons.join(", ")));
            return if left_out.is_empty() { Ok(()) } else { Err(told()) };
        }
        let sends = parts.into_iter().map(|part| self.send(part, signal, &delivery.origin));
        let mut tallies = stream::iter(sends).buffered(self.backend.parallelism().max(1));
        let mut tally = Tally::default();
        while let Some(of_one) = tallies.next().await {
            tally.add(of_one);
            // What comes behind it is sent again with it.
            if tally.later.is_some() && self.backend.parallelism() < 2 {
                break;
            }
        }
        drop(tallies);
        match tally {
            Tally { later: Some(failure), .. } => Err(failure),
            Tally { never: Some((_, failure)), is_any_taken: false, .. } => Err(failure),
            Tally { never: Some((never, failure)), .. } => {
                // Whoever is told so may send the rest again, which must not arrive twice.
                let reason = format!("{never} of {items} items were not taken: {failure}");
                self.line.bury(delivery.payload, &delivery.origin, &reason).await;
                Ok(())
            }
            Tally { never: None, .. } => Ok(()),
        }
    }

    /// Sends one request, again and again if need be, and in pieces where it is too large.
    fn send<'a>(&'a self, part: Part<B::Request>, signal: Signal, origin: &'a Origin) -> BoxFuture<'a, Tally> {
        Box::pin(async move {
            let Part { request, items } = part;
            let refused = || self.backend.refused();
            let sent = self.line.attempts(items, refused, || self.backend.call(&request, origin)).await;
            let denial = match sent {
                Ok(taken) => {
                    self.line.count(signal, items, &taken);
                    return Tally { is_any_taken: true, ..Tally::default() };
                }
                Err(denial) => denial,
            };
            if let Denial::TooLarge(why) = &denial
                && let Some(pieces) = self.backend.cut(&request, why)
            {
                let mut tally = Tally::default();
                for piece in pieces {
                    tally.add(self.send(piece, signal, origin).await);
                    if tally.later.is_some() {
                        break;
                    }
                }
                return tally;
            }
            self.line.counts(signal).failed.inc_by(items);
            let failure = denial.into_failure();
            if failure.is_permanent() {
                tracing::warn!(exporter = self.line.id, items, error = %failure, "never to be taken");
                return Tally { never: Some((items, failure)), ..Tally::default() };
            }
            Tally { later: Some(failure), ..Tally::default() }
        })
    }
}

impl<B: Backend> Consumer for Sending<B> {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.export(delivery))
    }
}

impl<B: Backend> Exporter for Sending<B> {
    fn stop_retrying(&self) {
        self.line.stop_retrying();
    }

    fn keep_undeliverable(&self, letters: Arc<dyn DeadLetters>) {
        self.line.keep_undeliverable(letters);
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.backend.drain())
    }
}

#[cfg(test)]
mod tests;
