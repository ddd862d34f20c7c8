//! The exporter, whatever protocol its next hop speaks: it cuts what is too large, and sends one piece after the other.

use std::future::Future;
use std::sync::Arc;

use host_component::{
    BoxFuture, ComponentId, Consumer, DeadLetters, Delivery, Exporter, Failure, Origin, Outcome, Payload, Signal,
};
use host_config::delivery::{Retry, SendingQueue};
use host_telemetry::Metrics;

use super::limit::PeerLimit;
use super::message::{Framer, Message};
use super::status::PartialSuccess;
use crate::sending::{Denial, Line, Rejected, Taken, TooLarge};

/// What the next hop finds too large is cut down to this and no further: below it the reason must be another.
const SMALLEST_CUT: usize = 64 << 10;

/// A next hop, in the protocol that it speaks.
pub(crate) trait Hop: Send + Sync + 'static {
    /// Makes its messages.
    fn framer(&self) -> &Framer;

    /// Sends a message once: what was rejected of it, if anything was, or why it was not taken. Retryable is what the
    /// transport failed at, and what the next hop says may pass. Credentials may come from the `origin` of the data.
    fn call(
        &self,
        signal: Signal,
        message: &Message,
        origin: &Origin,
    ) -> impl Future<Output = Result<Option<PartialSuccess>, Denial>> + Send;

    /// Says that the next hop does not know who we are by what is shown. Whether there may be something else to show now.
    fn refused(&self) -> bool;
}

/// How requests are sent, whatever the protocol.
pub(crate) struct Manner {
    pub(crate) retry: Retry,
    pub(crate) queue: SendingQueue,
    pub(crate) max_request_size: usize,
}

/// An exporter of OTLP.
pub(crate) struct Otlp<H> {
    hop: H,
    line: Line,
    max_request_size: usize,
    limit: PeerLimit,
}

impl<H: Hop> Otlp<H> {
    pub(crate) fn new(id: &ComponentId, hop: H, manner: Manner, metrics: &Metrics) -> Self {
        Otlp {
            hop,
            limit: PeerLimit::new(manner.max_request_size, &id.to_string(), metrics),
            max_request_size: manner.max_request_size,
            line: Line::new(id, manner.retry, &manner.queue, metrics),
        }
    }

    async fn export(&self, Delivery { payload, origin, .. }: Delivery) -> Outcome {
        let counts = self.line.counts(payload.signal());
        let _place = self.line.place(&payload).await?;
        let mut left = payload.items();
        let mut is_any_delivered = false;
        // What will never be taken, with why.
        let mut left_out: Vec<(Payload, Failure)> = Vec::new();
        // Where the next hop found something too large: the size of what it is sent instead.
        let mut attempted = None;
        let mut pieces = Pieces::of(payload, self.limit.bytes());
        while let Some(piece) = pieces.next() {
            let items = piece.items();
            match self.send(&piece, &origin).await {
                Ok(()) => {
                    left -= items;
                    is_any_delivered = true;
                    if let Some(bytes) = attempted.take() {
                        self.limit.learn(bytes);
                    }
                }
                Err(Denial::Failed(failure) | Denial::Stranger(failure)) if failure.is_permanent() => {
                    counts.failed.inc_by(items);
                    left -= items;
                    left_out.push((piece, failure));
                }
                Err(Denial::Failed(failure) | Denial::Stranger(failure)) => {
                    counts.failed.inc_by(left);
                    return Err(failure);
                }
                Err(Denial::TooLarge(too_large)) => {
                    if let Some(bytes) = pieces.cut(&piece, &too_large) {
                        if !too_large.is_own {
                            attempted = Some(bytes);
                            self.limit.count_cut();
                        }
                        continue;
                    }
                    let exporter = &self.line.id;
                    tracing::warn!(exporter, items, error = too_large.reason, "too large, and cannot be cut");
                    counts.failed.inc_by(items);
                    left -= items;
                    left_out.push((piece, Failure::Permanent { reason: too_large.reason }));
                }
            }
        }
        if !is_any_delivered && let Some((_, failure)) = left_out.pop() {
            return Err(failure);
        }
        // Whoever is told so may send the rest again, which must not arrive twice.
        for (piece, failure) in left_out {
            self.line.bury(piece, &origin, &failure.to_string()).await;
        }
        Ok(())
    }

    /// Sends one request, again and again if need be.
    async fn send(&self, piece: &Payload, origin: &Origin) -> Result<(), Denial> {
        let (signal, items, id) = (piece.signal(), piece.items(), &self.line.id);
        let message =
            self.hop.framer().frame(piece.clone()).await.map_err(|error| {
                Denial::Failed(Failure::permanent(format!("{id}: cannot frame the request: {error}")))
            })?;
        if message.plain_len() > self.max_request_size {
            let (size, most) = (message.plain_len(), self.max_request_size);
            let reason = format!("{id}: {items} items take {size} bytes, more than max_request_size, {most}");
            return Err(Denial::TooLarge(TooLarge { reason, limit: None, is_own: true }));
        }
        let refused = || self.hop.refused();
        let partial = self.line.attempts(items, refused, || self.hop.call(signal, &message, origin)).await?;
        let PartialSuccess { rejected, message } = partial.unwrap_or_default();
        let rejected = vec![Rejected { items: rejected.min(items), reason: "partial_success" }];
        self.line.count(signal, items, &Taken { rejected, message });
        Ok(())
    }
}

impl<H: Hop> Consumer for Otlp<H> {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.export(delivery))
    }
}

impl<H: Hop> Exporter for Otlp<H> {
    fn stop_retrying(&self) {
        self.line.stop_retrying();
    }

    fn keep_undeliverable(&self, letters: Arc<dyn DeadLetters>) {
        self.line.keep_undeliverable(letters);
    }
}

/// What is still to be sent of a payload.
struct Pieces {
    /// The next one last.
    waiting: Vec<Payload>,
    /// The most that a piece may take.
    bytes: usize,
}

impl Pieces {
    fn of(payload: Payload, bytes: usize) -> Self {
        Pieces { waiting: vec![payload], bytes }
    }

    /// The next piece; one that is larger than it should be is a single item.
    fn next(&mut self) -> Option<Payload> {
        let piece = self.waiting.pop()?;
        if piece.len() <= self.bytes || piece.items() < 2 {
            return Some(piece);
        }
        let mut parts = piece.split(u64::MAX, self.bytes);
        parts.reverse();
        self.waiting.append(&mut parts);
        self.waiting.pop()
    }

    /// Cuts `piece`, which was too large, and all that comes after it: the size that is left, or none where it cannot be
    /// cut, or is so small that its size is not the reason.
    fn cut(&mut self, piece: &Payload, too_large: &TooLarge) -> Option<usize> {
        let size = piece.len();
        let least = if too_large.is_own { 1 } else { SMALLEST_CUT };
        if piece.items() < 2 || size <= least {
            return None;
        }
        let bytes = too_large.limit.filter(|limit| *limit < size).unwrap_or(size / 2).max(least);
        let mut parts = piece.clone().split(u64::MAX, bytes);
        if parts.len() < 2 {
            return None;
        }
        self.bytes = bytes;
        parts.reverse();
        self.waiting.append(&mut parts);
        Some(bytes)
    }
}
