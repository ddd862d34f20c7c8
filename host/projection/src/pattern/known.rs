//! What is known already is not made again: patterns of many modules are compiled once in the process.
//!
//! A gateway of 200 clusters runs 200 configurations of a module, most of which have the same patterns: a compiled one
//! takes up to megabytes, and one that others have just searched with is in the CPU's caches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Values by key, for as long as somebody has them.
#[derive(Debug)]
pub(super) struct Known<T>(Mutex<Entries<T>>);

#[derive(Debug)]
struct Entries<T> {
    by_key: HashMap<String, Weak<T>>,
    /// So many entries there may be before those that nobody has are taken out.
    room: usize,
}

/// So few entries are not worth a look.
const FEW: usize = 64;

impl<T> Known<T> {
    pub(super) fn new() -> Known<T> {
        Known(Mutex::new(Entries { by_key: HashMap::new(), room: FEW }))
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<T>> {
        self.entries().by_key.get(key)?.upgrade()
    }

    /// Makes known what was made; where somebody else was quicker, it is theirs that is used.
    pub(super) fn put(&self, key: &str, made: T) -> Arc<T> {
        let mut entries = self.entries();
        if let Some(theirs) = entries.by_key.get(key).and_then(Weak::upgrade) {
            return theirs;
        }
        let made = Arc::new(made);
        entries.by_key.insert(key.to_owned(), Arc::downgrade(&made));
        if entries.by_key.len() > entries.room {
            entries.by_key.retain(|_, value| value.strong_count() > 0);
            entries.room = FEW.max(2 * entries.by_key.len());
        }
        made
    }

    /// Entries, those that nobody has any more included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries().by_key.len()
    }

    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
