//! What many pods have in common is there once: the names of namespaces, nodes and containers, and what images say.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// So many are there at least before it is looked for those that nobody has any more.
const FEW: usize = 1024;

/// Texts and bytes that are shared by who has them; what nobody has is let go of now and then.
#[derive(Debug, Default)]
pub(super) struct Interner {
    texts: Shared<str>,
    bytes: Shared<[u8]>,
}

#[derive(Debug)]
struct Shared<T: ?Sized> {
    all: HashSet<Arc<T>>,
    /// So many, and those that nobody has are looked for.
    next: usize,
}

impl<T: ?Sized> Default for Shared<T> {
    fn default() -> Self {
        Shared { all: HashSet::new(), next: FEW }
    }
}

impl<T: ?Sized + Hash + Eq> Shared<T> {
    fn get(&mut self, value: &T) -> Arc<T>
    where
        for<'v> Arc<T>: From<&'v T>,
    {
        if let Some(there) = self.all.get(value) {
            return Arc::clone(there);
        }
        if self.all.len() >= self.next {
            self.all.retain(|shared| Arc::strong_count(shared) > 1);
            self.next = (self.all.len() * 2).max(FEW);
        }
        let shared = Arc::from(value);
        self.all.insert(Arc::clone(&shared));
        shared
    }
}

impl Interner {
    pub(super) fn text(&mut self, text: &str) -> Arc<str> {
        self.texts.get(text)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Arc<[u8]> {
        self.bytes.get(bytes)
    }
}
