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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream;
use host_component::{
    BoxFuture, ComponentId, Consumer, DeadLetters, Delivery, Exporter, Failure, Origin, Outcome, Payload, Signal,
};
use host_config::delivery::{Retry, SendingQueue};
use host_telemetry::Metrics;
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

    /// The data of a request, where it says no more and no less: what is put away when nobody will ever take it.
    fn payload(&self, _request: &Self::Request) -> Option<Payload> {
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
    /// One that keeps its order was given back at the end: those behind it go back, too.
    has_given_up: AtomicBool,
}

/// What became of the parts of a delivery.
#[derive(Default)]
struct Tally {
    is_any_taken: bool,
    never: Vec<Never>,
    later: Option<Failure>,
}

/// A part that nobody will ever take.
struct Never {
    items: u64,
    failure: Failure,
    payload: Option<Payload>,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.is_any_taken |= other.is_any_taken;
        self.never.extend(other.never);
        self.later = self.later.take().or(other.later);
    }
}

impl<B: Backend> Sending<B> {
    pub fn new(id: &ComponentId, backend: B, retry: Retry, queue: &SendingQueue, metrics: &Metrics) -> Self {
        Sending {
            backend,
            line: Line::new(id, retry, queue, metrics),
            turn: Mutex::new(()),
            has_given_up: AtomicBool::new(false),
        }
    }

    async fn export(&self, delivery: Delivery) -> Outcome {
        let (signal, items) = (delivery.payload.signal(), delivery.payload.items());
        let _place = self.line.place(&delivery.payload).await?;
        let _turn = if B::ORDERED { Some(self.turn.lock().await) } else { None };
        if B::ORDERED && self.has_given_up.load(Ordering::Relaxed) {
            return Err(Failure::retryable(format!("{}: the end has begun", self.line.id)));
        }
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
        if let Some(failure) = tally.later {
            if self.line.is_ending() {
                self.has_given_up.store(true, Ordering::Relaxed);
            }
            return Err(failure);
        }
        if !tally.is_any_taken
            && let Some(never) = tally.never.pop()
        {
            return Err(never.failure);
        }
        // Whoever is told so may send the rest again, which must not arrive twice.
        self.bury(delivery, tally.never).await;
        Ok(())
    }

    /// Puts away what of a delivery nobody will ever take: the parts, or the whole where a part is no payload of its own.
    async fn bury(&self, delivery: Delivery, never: Vec<Never>) {
        let (mut rest, mut reason) = (0, String::new());
        for Never { items, failure, payload } in never {
            match payload {
                Some(payload) => self.line.bury(payload, &delivery.origin, &failure.to_string()).await,
                None => (rest, reason) = (rest + items, failure.to_string()),
            }
        }
        if rest > 0 {
            let reason = format!("{rest} of {} items were not taken: {reason}", delivery.payload.items());
            self.line.bury(delivery.payload, &delivery.origin, &reason).await;
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
                let payload = self.backend.payload(&request);
                return Tally { never: vec![Never { items, failure, payload }], ..Tally::default() };
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
