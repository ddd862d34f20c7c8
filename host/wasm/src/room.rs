//! The room is what all instances of the process share: a bound on their linear memory together, and the generations
//! whose idle instances can be given up for those that are needed.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

#[cfg(test)]
mod tests;

/// Keeps instances that nobody uses at the moment.
pub(crate) trait Idler: Send + Sync {
    /// Counts up with each use of any idler: who has the least was not used for longest.
    fn last_used(&self) -> u64;

    /// Drops an instance that is idle and can be made again; says whether there was one.
    fn give_up_one(&self) -> bool;
}

/// Linear memory of all instances, and who could give some back.
pub(crate) struct Room {
    limit: usize,
    used: AtomicUsize,
    idlers: Mutex<Vec<Weak<dyn Idler>>>,
    /// The idlers as they were when they were last put in order, with their uses; the one that was not used for longest is the
    /// last. There may be thousands, too many to be looked at for each instance.
    order: Mutex<Vec<(u64, Weak<dyn Idler>)>>,
}

impl Room {
    pub(crate) fn new(limit: usize) -> Self {
        Room { limit, used: AtomicUsize::new(0), idlers: Mutex::default(), order: Mutex::default() }
    }

    /// Takes in who may be asked to give something up.
    pub(crate) fn register(&self, idler: Weak<dyn Idler>) {
        let mut idlers = self.idlers.lock().unwrap_or_else(PoisonError::into_inner);
        idlers.retain(|idler| idler.strong_count() > 0);
        idlers.push(idler);
    }

    /// Takes so many bytes, at the cost of idle instances where there are not enough; says whether they were there.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        loop {
            let grown = |used: usize| used.checked_add(bytes).filter(|used| *used <= self.limit);
            if self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, grown).is_ok() {
                return true;
            }
            if !self.make() {
                return false;
            }
        }
    }

    /// Gives bytes back.
    pub(crate) fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// Drops the idle instances of those that were not used since their uses were counted up to `then`.
    pub(crate) fn retire(&self, then: u64) {
        for idler in self.idlers().into_iter().filter(|idler| idler.last_used() < then) {
            while idler.give_up_one() {}
        }
    }

    /// Makes room by dropping the idle instance that was not used for longest; says whether there was one.
    pub(crate) fn make(&self) -> bool {
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        if Self::make_of(&mut order) {
            return true;
        }
        *order = self.idlers().iter().map(|idler| (idler.last_used(), Arc::downgrade(idler))).collect();
        order.sort_by_key(|(used, _)| Reverse(*used));
        Self::make_of(&mut order)
    }

    /// The same by this order, out of which those are taken that have nothing to give or were used since.
    fn make_of(order: &mut Vec<(u64, Weak<dyn Idler>)>) -> bool {
        while let Some((used, idler)) = order.last() {
            let idler = idler.upgrade().filter(|idler| idler.last_used() == *used);
            if idler.is_some_and(|idler| idler.give_up_one()) {
                return true;
            }
            order.pop();
        }
        false
    }

    fn idlers(&self) -> Vec<Arc<dyn Idler>> {
        self.idlers.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }
}
