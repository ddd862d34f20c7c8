//! Names of metrics that were made before: most payloads of an exporter have the same ones again.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::name::{self, Kind, Strategy};

/// How many are kept. More are made anew each time, once these were forgotten.
const MOST: usize = 10_000;

/// The names that one exporter has made.
pub(super) struct Names {
    namespace: String,
    strategy: Strategy,
    hasher: DefaultHashBuilder,
    known: HashTable<Known>,
}

struct Known {
    hash: u64,
    name: String,
    unit: String,
    kind: Kind,
    made: Option<Box<str>>,
}

impl Names {
    pub(super) fn new(namespace: &str, strategy: Strategy) -> Self {
        let namespace = namespace.to_owned();
        Names { namespace, strategy, hasher: DefaultHashBuilder::default(), known: HashTable::new() }
    }

    /// The name of a metric; none where nothing is left of it.
    pub(super) fn metric(&mut self, name: &str, unit: &str, kind: Kind) -> Option<&str> {
        let hash = self.hasher.hash_one((name, unit, kind as u8));
        let is_same = |known: &Known| known.name == name && known.unit == unit && known.kind == kind;
        if self.known.len() == MOST && self.known.find(hash, is_same).is_none() {
            self.known.clear();
        }
        let known = self.known.entry(hash, is_same, |known| known.hash).or_insert_with(|| {
            let made = name::metric(name, unit, kind, &self.namespace, self.strategy).map(Box::from);
            Known { hash, name: name.to_owned(), unit: unit.to_owned(), kind, made }
        });
        known.into_mut().made.as_deref()
    }
}
