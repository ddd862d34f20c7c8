//! Where telemetry goes next. The graph is consumers that hold their successors; nobody can tell a native processor
//! from a guest.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;

use crate::delivery::{Delivery, Origin};
use crate::failure::{Failure, Outcome};
use crate::shutdown::Shutdown;
use host_otlp::{Payload, Signal};

/// Something that takes deliveries: a processor, a fan-out, an exporter.
///
/// The outcome is a promise (see the design's fourth idea): `Ok` means that every exporter that must have the data has
/// it. A future that is dropped withdraws the call: the delivery may or may not have arrived.
pub trait Consumer: Send + Sync + 'static {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome>;

    /// Sets room aside for a delivery, where this is a queue that keeps what it takes: a fan-out writes to no queue before
    /// there is room in each of them. None where nothing is kept.
    ///
    /// # Errors
    /// Where there is no room at present.
    fn reserve(&self, _delivery: &Delivery) -> Result<Option<Box<dyn Reservation>>, Failure> {
        Ok(None)
    }
}

/// Room in a queue that was set aside; what is dropped gives it back.
pub trait Reservation: Send {
    /// Writes the delivery that the room was set aside for; as [`Consumer::consume`].
    fn commit(self: Box<Self>, delivery: Delivery) -> BoxFuture<'static, Outcome>;
}

/// Where data goes that will never be delivered, so that somebody may look at it.
pub trait DeadLetters: Send + Sync + 'static {
    /// Keeps a payload, or counts it as lost where there is no room.
    fn put<'a>(&'a self, payload: Payload, origin: &'a Origin, reason: &'a str) -> BoxFuture<'a, ()>;
}

/// The end of a pipeline.
///
/// `drain` is called once, after the last `consume` has returned, and flushes what the exporter still holds.
pub trait Exporter: Consumer {
    /// The configuration that this is of is in force; called for each that comes to be so. Whoever hands on by itself begins.
    fn start(&self) {}

    /// The end has begun: what failed and waits to be tried again fails now, so that its sender is answered in time.
    fn stop_retrying(&self) {}

    /// Called once, before the first `consume`, where there is a place for what will never be delivered. What is
    /// `Permanent` as a whole is put there by whoever called; a part of a delivery whose rest was taken, by the exporter.
    fn keep_undeliverable(&self, _letters: Arc<dyn DeadLetters>) {}

    fn drain(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What a receiver hands its data to, by signal; none where no pipeline of that signal names the receiver.
///
/// Cloning shares it, and it may change while the receiver runs: the next delivery finds what is there then.
#[derive(Clone, Default)]
pub struct Consumers(Arc<ArcSwap<BySignal>>);

#[derive(Clone, Default)]
struct BySignal([Option<Arc<dyn Consumer>>; 3]);

impl Consumers {
    pub fn of(&self, signal: Signal) -> Option<Arc<dyn Consumer>> {
        self.0.load().0[signal as usize].clone()
    }

    /// Whether there is one.
    pub fn has(&self, signal: Signal) -> bool {
        self.0.load().0[signal as usize].is_some()
    }

    pub fn set(&mut self, signal: Signal, consumer: Arc<dyn Consumer>) {
        let mut changed = BySignal::clone(&self.0.load());
        changed.0[signal as usize] = Some(consumer);
        self.0.store(Arc::new(changed));
    }

    /// Has this lead where `other` leads now.
    pub fn follow(&self, other: &Consumers) {
        self.0.store(other.0.load_full());
    }
}

/// The start of a pipeline. Whoever built it has bound its sockets already.
///
/// `run` ends after `shutdown` was triggered and every request that was taken has been answered.
pub trait Receiver: Send + 'static {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()>;
}
