//! The standing of a generation: how its recent items and batches went, and when that says that it is the module that is at
//! fault and not the data.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Poison among the recent items, in percent: more is the module's fault.
const POISON_PERCENT: u64 = 5;
/// A share of next to nothing says nothing: so many bad ones are anybody's.
const FEW: u64 = 5;
/// After so many items what was is worth half of what is.
const RECENT: u64 = 2000;

/// What a new generation has to keep to for a while, if the one before it is not to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) window: Duration,
    /// Of batches that fail.
    pub(crate) error_percent: u64,
    /// CPU time that no more than one of a hundred batches may take.
    pub(crate) p99: Duration,
}

/// How one generation does at one place.
#[derive(Debug)]
pub(crate) struct Standing {
    since: Instant,
    items: AtomicU64,
    poison: AtomicU64,
    batches: AtomicU64,
    failed: AtomicU64,
    slow: AtomicU64,
}

impl Standing {
    pub(crate) fn new(since: Instant) -> Self {
        let zero = || AtomicU64::new(0);
        Standing { since, items: zero(), poison: zero(), batches: zero(), failed: zero(), slow: zero() }
    }

    /// Counts a batch, whatever becomes of it.
    pub(crate) fn began(&self, items: u64) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        // Two threads that halve at once forget a little more: it is a share that counts.
        let seen = self.items.fetch_add(items, Ordering::Relaxed) + items;
        if seen > RECENT {
            self.items.store(seen / 2, Ordering::Relaxed);
            self.poison.store(self.poison.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
        }
    }

    /// Counts poison; whether the module is at fault.
    pub(crate) fn poisoned(&self, items: u64) -> bool {
        let poison = self.poison.fetch_add(items, Ordering::Relaxed) + items;
        exceeds(poison, self.items.load(Ordering::Relaxed), POISON_PERCENT)
    }

    /// Recent items, and the poison among them.
    pub(crate) fn recent(&self) -> (u64, u64) {
        (self.items.load(Ordering::Relaxed), self.poison.load(Ordering::Relaxed))
    }

    /// Forgets what was: what is judged next is what comes.
    pub(crate) fn forget(&self) {
        self.items.store(0, Ordering::Relaxed);
        self.poison.store(0, Ordering::Relaxed);
    }

    /// Counts a batch that failed at first; whether more of them do than may.
    pub(crate) fn failed(&self, watch: &Watch, now: Instant) -> bool {
        let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        self.is_watched(watch, now) && exceeds(failed, self.batches.load(Ordering::Relaxed), watch.error_percent)
    }

    /// Counts a batch that took longer than the p99 may be; whether more than one of a hundred do.
    pub(crate) fn slow(&self, watch: &Watch, now: Instant) -> bool {
        let slow = self.slow.fetch_add(1, Ordering::Relaxed) + 1;
        self.is_watched(watch, now) && exceeds(slow, self.batches.load(Ordering::Relaxed), 1)
    }

    pub(crate) fn is_watched(&self, watch: &Watch, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < watch.window
    }
}

/// Whether some items are more than a trial batch of this size may hold.
pub(crate) fn is_too_much(poison: u64, items: u64) -> bool {
    poison * 100 > items * POISON_PERCENT
}

fn exceeds(part: u64, whole: u64, percent: u64) -> bool {
    part > FEW && part.saturating_mul(100) > whole.saturating_mul(percent)
}

#[cfg(test)]
mod tests;
