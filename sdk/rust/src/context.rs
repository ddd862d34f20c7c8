//! The context is all that a processor may know besides the cells.

use crate::bindings::tidegate::processor::types;

/// The same context and batch give the same edits.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    pub(crate) packed: types::Context,
}

impl Context {
    /// When the host took the batch, in nanoseconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        self.packed.now
    }

    /// A random number that is the same whenever this batch is replayed.
    pub fn seed(&self) -> u64 {
        self.packed.seed
    }

    /// The `cluster.id` that the batch was bound to at ingress.
    pub fn cluster(&self) -> Option<&str> {
        self.packed.cluster.as_deref()
    }

    /// The request metadata of this key, where it was granted.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.packed.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All request metadata that was granted; a key with several values comes once for each.
    pub fn all_metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packed.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
