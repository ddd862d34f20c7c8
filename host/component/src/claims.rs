//! A claim is a component's hold on something of which there is one, such as an address or a file.
//!
//! Within one configuration nobody else gets it. The component that takes its place in the next configuration does, while
//! the one before it still has it: so no connection is refused in between, and no file is closed. What was claimed is
//! let go of when the last claim to it is dropped.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The configuration that claims are made for at present.
static CONFIGURATION: AtomicU64 = AtomicU64::new(0);

/// From now on claims are those of another configuration: one that is built beside what runs.
pub fn begin_configuration() {
    CONFIGURATION.fetch_add(1, Ordering::Relaxed);
}

fn configuration() -> u64 {
    CONFIGURATION.load(Ordering::Relaxed)
}

/// Everything of one kind that is claimed in this process.
pub struct Claims<K, V>(Mutex<Vec<Claim<K, V>>>);

struct Claim<K, V> {
    key: K,
    owner: String,
    configuration: u64,
    held: Weak<Inner<V>>,
}

/// What was claimed, for as long as it is held.
pub struct Held<V>(Arc<Inner<V>>);

struct Inner<V>(Arc<V>);

/// A component of the same configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{owner} has it in the same configuration")]
pub struct Taken {
    pub owner: String,
}

impl<K: PartialEq, V> Claims<K, V> {
    pub const fn new() -> Self {
        Claims(Mutex::new(Vec::new()))
    }

    /// Claims for `owner` what a component of another configuration has under `key`; `None` where nobody has anything.
    ///
    /// # Errors
    /// Where a component of this configuration has it.
    pub fn take_over(&self, key: &K, owner: &str) -> Result<Option<Held<V>>, Taken>
    where
        K: Clone,
    {
        let mut claims = self.alive();
        let mut there = None;
        for claim in claims.iter().filter(|claim| claim.key == *key) {
            if claim.configuration == configuration() {
                return Err(Taken { owner: claim.owner.clone() });
            }
            there = claim.held.upgrade().or(there);
        }
        let Some(there) = there else { return Ok(None) };
        Ok(Some(enter(&mut claims, key.clone(), owner, Arc::clone(&there.0))))
    }

    /// Claims something new.
    pub fn claim(&self, key: K, owner: &str, value: V) -> Held<V> {
        enter(&mut self.alive(), key, owner, Arc::new(value))
    }

    /// `owner` stays as it is: what it claimed last is claimed for the present configuration, too. What one of its name that
    /// drains still has is not its own.
    pub fn keep(&self, owner: &str) {
        let mut claims = self.alive();
        let own = |claim: &&mut Claim<K, V>| claim.owner == owner;
        let last = claims.iter_mut().filter(own).map(|claim| claim.configuration).max();
        for claim in claims.iter_mut().filter(own).filter(|claim| Some(claim.configuration) == last) {
            claim.configuration = configuration();
        }
    }

    /// The owner of something whose key is like this.
    pub fn owner(&self, is_like: impl Fn(&K) -> bool) -> Option<String> {
        self.alive().iter().find(|claim| is_like(&claim.key)).map(|claim| claim.owner.clone())
    }

    fn alive(&self) -> MutexGuard<'_, Vec<Claim<K, V>>> {
        let mut claims = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        claims.retain(|claim| claim.held.strong_count() > 0);
        claims
    }
}

fn enter<K, V>(claims: &mut Vec<Claim<K, V>>, key: K, owner: &str, value: Arc<V>) -> Held<V> {
    let inner = Arc::new(Inner(value));
    let held = Arc::downgrade(&inner);
    claims.push(Claim { key, owner: owner.to_owned(), configuration: configuration(), held });
    Held(inner)
}

impl<V> Held<V> {
    /// Holds something that anybody may have.
    pub fn shared(value: V) -> Self {
        Held(Arc::new(Inner(Arc::new(value))))
    }
}

impl<K: PartialEq, V> Default for Claims<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Deref for Held<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0.0
    }
}

#[cfg(test)]
mod tests;
