//! The attributes of one row.

use std::borrow::Cow;

use tidegate_sdk::{Any, Cell, CellId, PatternMatch};

use crate::value::Val;

/// The attributes of one row that are known, in their order, and those that were taken out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row<'a> {
    pub(crate) entries: Vec<Entry<'a>>,
    pub(super) gone: Vec<Gone<'a>>,
}

/// One attribute.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(super) cell: Option<CellId>,
    pub(super) value: Val<'a>,
    pub(super) has_changed: bool,
    /// Those of the patterns by which it was read, as long as it has not changed.
    pub(crate) matches: &'a [PatternMatch],
}

/// What was taken out: a cell, or whatever stands under the key.
#[derive(Clone, Debug)]
pub(super) struct Gone<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) cell: Option<CellId>,
}

impl<'a> Entry<'a> {
    pub(super) fn of_cell(key: &'a str, cell: &Cell<'a>) -> Entry<'a> {
        Entry {
            key: Cow::Borrowed(key),
            cell: Some(cell.id()),
            value: Val::of_cell(cell.value()),
            has_changed: false,
            matches: cell.matches(),
        }
    }

    pub(crate) fn value(&self) -> &Val<'a> {
        &self.value
    }

    /// Whether it is still what the host handed over.
    pub(crate) fn is_as_read(&self) -> bool {
        self.cell.is_some() && !self.has_changed
    }

    pub(crate) fn set(&mut self, value: Val<'a>) {
        if self.value != value || self.cell.is_none() {
            self.value = value;
            self.has_changed = true;
            self.matches = &[];
        }
    }
}

impl<'a> Row<'a> {
    /// The value under a key: the first, where it is there more than once.
    pub(crate) fn get(&self, key: &str) -> Option<&Val<'a>> {
        self.entries.iter().find(|entry| entry.key == key).map(Entry::value)
    }

    /// Sets the value under a key, which is added where it is not there.
    pub(crate) fn set(&mut self, key: Cow<'a, str>, value: Val<'a>) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) {
            return entry.set(value);
        }
        // What was taken out comes back in its place: it could not be both removed and written.
        let gone = self.gone.iter().position(|gone| gone.key == key);
        let cell = gone.and_then(|at| self.gone.swap_remove(at).cell);
        self.entries.push(Entry { key, cell, value, has_changed: true, matches: &[] });
    }

    /// Takes a key out: the first, where it is there more than once; of a row that is not `known` under it whatever is.
    pub(crate) fn remove(&mut self, key: &str, known: bool) {
        match self.entries.iter().position(|entry| entry.key == key) {
            Some(at) => {
                let entry = self.entries.remove(at);
                self.forget(entry, known);
            }
            None if !known && !self.gone.iter().any(|gone| gone.key == key) => {
                self.gone.push(Gone { key: Cow::Owned(key.to_owned()), cell: None });
            }
            None => {}
        }
    }

    /// Keeps the entries whose keys pass.
    pub(crate) fn retain(&mut self, passes: impl Fn(&str) -> bool) {
        let keep: Vec<bool> = self.entries.iter().map(|entry| passes(&entry.key)).collect();
        self.retain_at(&keep);
    }

    /// Keeps the entries at places for which this is true.
    pub(crate) fn retain_at(&mut self, keep: &[bool]) {
        if keep.iter().all(|keep| *keep) {
            return;
        }
        for (entry, keep) in std::mem::take(&mut self.entries).into_iter().zip(keep) {
            if *keep {
                self.entries.push(entry);
            } else {
                self.forget(entry, true);
            }
        }
    }

    fn forget(&mut self, entry: Entry<'a>, known: bool) {
        if entry.cell.is_some() || !known {
            self.gone.push(Gone { key: entry.key, cell: entry.cell });
        }
    }

    /// Puts other entries in the place of all.
    pub(crate) fn replace(&mut self, entries: Vec<(String, Any)>) {
        self.retain(|key| entries.iter().any(|(kept, _)| kept == key));
        for (key, value) in entries {
            self.set(Cow::Owned(key), Val::of_any(value));
        }
    }

    /// The whole as a value.
    pub(crate) fn to_map(&self) -> Any {
        let any = |entry: &Entry<'a>| entry.value.clone().into_any().unwrap_or(Any::Empty);
        Any::Map(self.entries.iter().map(|entry| (entry.key.clone().into_owned(), any(entry))).collect())
    }

    /// A row of a map that is a value.
    pub(crate) fn of_map(entries: Vec<(String, Any)>) -> Row<'a> {
        let entry = |(key, value)| Entry {
            key: Cow::Owned(key),
            cell: None,
            value: Val::of_any(value),
            has_changed: false,
            matches: &[],
        };
        Row { entries: entries.into_iter().map(entry).collect(), gone: Vec::new() }
    }
}
