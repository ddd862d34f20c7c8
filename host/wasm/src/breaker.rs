//! The breaker keeps batches from a module that is at fault: it refuses them for a while, then lets one try, and waits
//! longer each time that this one fails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long batches are refused, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Closed until it is tripped.
#[derive(Default)]
pub(crate) struct Breaker {
    /// Spares each batch the lock.
    is_open: AtomicBool,
    open: Mutex<Option<Open>>,
}

#[derive(Clone)]
struct Open {
    until: Instant,
    backoff: Duration,
    /// Whether a batch is at it.
    trying: bool,
    reason: String,
}

/// What becomes of a batch.
pub(crate) enum Admission<'b> {
    Closed,
    /// It is the one that tries.
    Trial(Trial<'b>),
    Refused {
        after: Duration,
        reason: String,
    },
}

/// How it stands, for those who want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) backoff: Duration,
    /// Until a batch tries; nothing where one may.
    pub(crate) left: Duration,
    pub(crate) reason: String,
}

impl Breaker {
    /// Asks for a batch whether it may go on; the time is looked at only where it matters.
    pub(crate) fn admit(&self, now: impl FnOnce() -> Instant) -> Admission<'_> {
        if !self.is_open() {
            return Admission::Closed;
        }
        let mut held = self.held();
        let Some(open) = held.as_mut() else { return Admission::Closed };
        let now = now();
        if now >= open.until && !open.trying {
            open.trying = true;
            return Admission::Trial(Trial(self));
        }
        // Where one is at it, a moment more shows.
        let after = open.until.saturating_duration_since(now).max(BACKOFF.0);
        Admission::Refused { after, reason: open.reason.clone() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Refuses batches from now on; how long, and whether that is news. Where it refuses already, only the batch that tried makes
    /// it longer: others were under way.
    pub(crate) fn trip(&self, now: Instant, reason: String, was_trial: bool) -> (Duration, bool) {
        let mut held = self.held();
        let backoff = match held.as_ref() {
            Some(open) if !was_trial => return (open.until.saturating_duration_since(now), false),
            Some(open) => (open.backoff * 2).min(BACKOFF.1),
            None => BACKOFF.0,
        };
        *held = Some(Open { until: now + backoff, backoff, trying: false, reason });
        self.is_open.store(true, Ordering::Relaxed);
        (backoff, true)
    }

    /// How it stands, where it is open.
    pub(crate) fn standing(&self, now: Instant) -> Option<Standing> {
        let held = self.held();
        held.as_ref().map(|open| Standing {
            backoff: open.backoff,
            left: open.until.saturating_duration_since(now),
            reason: open.reason.clone(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One batch that tries. Where it tells nothing, the next may.
pub(crate) struct Trial<'b>(&'b Breaker);

impl Trial<'_> {
    /// The module is sound again.
    pub(crate) fn succeeded(self) {
        *self.0.held() = None;
        self.0.is_open.store(false, Ordering::Relaxed);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Some(open) = self.0.held().as_mut() {
            open.trying = false;
        }
    }
}

#[cfg(test)]
mod tests;
