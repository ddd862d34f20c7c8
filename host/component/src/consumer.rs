//! Where telemetry goes next. The graph is consumers that hold their successors; nobody can tell a native processor
//! from a guest.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;

use crate::delivery::Delivery;
use crate::failure::Outcome;
use crate::shutdown::Shutdown;
use host_otlp::Signal;

/// Something that takes deliveries: a processor, a fan-out, an exporter.
///
/// The outcome is a promise (see the design's fourth idea): `Ok` means that every exporter that must have the data has
/// it. A future that is dropped withdraws the call: the delivery may or may not have arrived.
pub trait Consumer: Send + Sync + 'static {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome>;
}

/// The end of a pipeline.
///
/// `drain` is called once, after the last `consume` has returned, and flushes what the exporter still holds.
pub trait Exporter: Consumer {
    /// The end has begun: what failed and waits to be tried again fails now, so that its sender is answered in time.
    fn stop_retrying(&self) {}

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
