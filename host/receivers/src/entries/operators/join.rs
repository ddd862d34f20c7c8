//! Entries that are kept until the rest of them comes, by their source. There is room for so many sources.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Instant;

use crate::entries::entry::{Entry, FileId, Value};
use crate::entries::operators::Sink;

/// What was kept of one source.
pub(crate) struct Kept {
    /// The entry that the text is put into in the end.
    pub(crate) entry: Entry<'static>,
    pub(crate) text: String,
    pub(crate) count: usize,
    /// Where its parts stand, a file once, at the first.
    pub(crate) places: Vec<(FileId, u64)>,
    /// When the last part came.
    pub(crate) since: Instant,
}

/// All that is kept.
pub(crate) struct Join<K> {
    sources: HashMap<K, Kept>,
    max_sources: usize,
}

impl<K: Hash + Eq + Clone> Join<K> {
    pub(crate) fn new(max_sources: usize) -> Self {
        Join { sources: HashMap::new(), max_sources }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    pub(crate) fn get(&self, source: &K) -> Option<&Kept> {
        self.sources.get(source)
    }

    /// Adds a part. Where there are too many sources, gives the one that was kept longest.
    pub(crate) fn add(&mut self, source: &K, entry: Entry<'_>, part: &str, with: &str, now: Instant) -> Option<Kept> {
        if let Some(kept) = self.sources.get_mut(source) {
            kept.text.push_str(with);
            kept.text.push_str(part);
            kept.count += 1;
            kept.since = now;
            if kept.places.iter().all(|(file, _)| *file != entry.origin.file) {
                kept.places.push((entry.origin.file, entry.origin.start));
            }
            return None;
        }
        let mut surplus = None;
        if self.sources.len() >= self.max_sources {
            let oldest = self.sources.iter().min_by_key(|(_, kept)| kept.since).map(|(source, _)| source.clone());
            surplus = oldest.and_then(|oldest| self.sources.remove(&oldest));
        }
        let places = vec![(entry.origin.file, entry.origin.start)];
        let kept = Kept { text: part.to_owned(), entry: entry.into_owned(), count: 1, places, since: now };
        self.sources.insert(source.clone(), kept);
        surplus
    }

    /// The newer entry of a source takes the place of the older one.
    pub(crate) fn overwrite(&mut self, source: &K, entry: Entry<'_>) {
        if let Some(kept) = self.sources.get_mut(source) {
            kept.entry = entry.into_owned();
        }
    }

    pub(crate) fn take(&mut self, source: &K) -> Option<Kept> {
        self.sources.remove(source)
    }

    /// The sources that `is_due` says to be.
    pub(crate) fn due(&mut self, is_due: impl Fn(&Kept) -> bool) -> Vec<Kept> {
        let due: Vec<K> = self.sources.iter().filter(|(_, kept)| is_due(kept)).map(|(key, _)| key.clone()).collect();
        let mut due: Vec<Kept> = due.iter().filter_map(|source| self.sources.remove(source)).collect();
        due.sort_by_key(|kept| kept.since);
        due
    }

    pub(crate) fn kept(&self) -> impl Iterator<Item = (FileId, u64)> {
        self.sources.values().flat_map(|kept| kept.places.iter().copied())
    }
}

impl Kept {
    /// The entry as a whole, on its way.
    pub(crate) fn release(mut self, sink: &mut dyn Sink) -> Entry<'static> {
        self.places.iter().for_each(|(file, _)| sink.released(*file));
        self.entry.body = Value::text(self.text);
        self.entry
    }
}
