//! The byte budget bounds what all receivers together hold of requests that are not answered yet.
//!
//! There is one per process. Whoever wants to read a body reserves its size first, and what is reserved goes back when
//! the request was answered or its sender went away. Nobody waits for room: where none is left the sender is told to
//! come back later, since a queue of half-read bodies is memory, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host_compression::Room;

/// Bytes that may be in flight. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: AtomicUsize,
    used: AtomicUsize,
}

/// A part of the budget, given back on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// What a process may hold when its configuration says nothing else.
    pub const DEFAULT_BYTES: usize = 64 << 20;

    pub fn new(limit: usize) -> Self {
        Budget(Arc::new(Inner { limit: AtomicUsize::new(limit), used: AtomicUsize::new(0) }))
    }

    /// Bytes that may be reserved in all.
    pub fn limit(&self) -> usize {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// Allows so many from now on. What is reserved already stays so, also where that is more.
    pub fn resize(&self, limit: usize) {
        self.0.limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes that are reserved at present.
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Takes `bytes` of the budget, or nothing where they are not there.
    pub fn reserve(&self, bytes: usize) -> Option<Reservation> {
        self.take(bytes).then(|| Reservation { budget: self.clone(), bytes })
    }

    fn take(&self, bytes: usize) -> bool {
        let limit = self.limit();
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= limit);
        self.0.used.try_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }
}

impl Default for Budget {
    fn default() -> Self {
        Budget::new(Self::DEFAULT_BYTES)
    }
}

impl Reservation {
    /// What is reserved.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes `bytes` more, or leaves the reservation as it is where they are not there.
    pub fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.budget.take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }

    /// Gives back what goes beyond `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        self.budget.0.used.fetch_sub(surplus, Ordering::Relaxed);
    }
}

impl Room for Reservation {
    fn grow(&mut self, bytes: usize) -> bool {
        Reservation::grow(self, bytes)
    }

    fn shrink_to(&mut self, bytes: usize) {
        Reservation::shrink_to(self, bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
