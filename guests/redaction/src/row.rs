//! The attributes of one row, gone through together.

use std::borrow::Cow;

use tidegate_sdk::{Batch, Cell, CellId, Edits, Mode, PatternMatch, Value, WriteId};

use crate::audit::{self, Lists};
use crate::keys::{Fate, Fates};
use crate::text::Found;
use crate::values::Verdict;
use crate::{Rules, Tally};

/// The attributes of a row, as far as they are seen.
pub(crate) struct Row<'a> {
    rules: &'a Rules,
    batch: Batch<'a>,
    entries: Vec<Entry<'a>>,
    /// What the host found in texts of keys that are seen whatever their value is, by text once all are there: what it
    /// finds in one it finds in each that is equal.
    found: Vec<(&'a str, &'a [PatternMatch])>,
    /// By number of a key, the last row in which it was seen whatever its value is.
    seen: Vec<u32>,
    /// The row in hand, counted from 1.
    number: u32,
    /// Attributes that the row is given.
    added: Vec<(&'static str, Change)>,
    lists: Lists,
    tally: Tally,
}

/// One attribute.
struct Entry<'a> {
    key: u32,
    cell: CellId,
    value: Value<'a>,
    /// What the host found in it, where it is seen only for that.
    found: Option<&'a [PatternMatch]>,
    change: Option<Change>,
}

/// What becomes of an attribute.
#[derive(Debug)]
pub(crate) enum Change {
    Removed,
    Masked(Verdict),
    Count(i64),
}

impl<'a> Row<'a> {
    pub(crate) fn new(rules: &'a Rules, batch: &Batch<'a>) -> Row<'a> {
        Row {
            rules,
            batch: *batch,
            entries: Vec::new(),
            found: Vec::new(),
            seen: Vec::new(),
            number: 0,
            added: Vec::new(),
            lists: Lists::new(rules.summary),
            tally: Tally::default(),
        }
    }

    /// Goes on to the next row.
    pub(crate) fn clear(&mut self) {
        self.number += 1;
        self.entries.clear();
        self.found.clear();
        self.added.clear();
    }

    pub(crate) fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// Takes an attribute, whatever it holds.
    pub(crate) fn see(&mut self, cell: &Cell<'a>) {
        let key = cell.key_number().unwrap_or_default();
        let at = key as usize;
        if at >= self.seen.len() {
            self.seen.resize(at + 1, 0);
        }
        if let Some(seen) = self.seen.get_mut(at) {
            *seen = self.number;
        }
        self.push(key, cell, cell.value(), None);
    }

    /// Takes what the host found in a text, or in what is printed: after what is seen anyway.
    pub(crate) fn see_matched(&mut self, cell: &Cell<'a>) {
        let (Some(text), Some(key)) = (cell.text(), cell.key_number()) else { return };
        if self.is_seen(key) {
            self.found.push((text, cell.matches()));
        } else {
            self.push(key, cell, Value::Text(text), Some(cell.matches()));
        }
    }

    /// Takes a list or a map: after what is seen anyway.
    pub(crate) fn see_composite(&mut self, cell: &Cell<'a>) {
        let key = cell.key_number().unwrap_or_default();
        if !self.is_seen(key) {
            self.push(key, cell, cell.value(), None);
        }
    }

    /// Whether all attributes of a key are seen.
    fn is_seen(&self, key: u32) -> bool {
        self.seen.get(key as usize) == Some(&self.number)
    }

    fn push(&mut self, key: u32, cell: &Cell<'a>, value: Value<'a>, found: Option<&'a [PatternMatch]>) {
        self.entries.push(Entry { key, cell: cell.id(), value, found, change: None });
    }

    /// Does to each attribute what the rules say, and puts down what was done.
    pub(crate) fn redact(&mut self, fates: &mut Fates<'_>) {
        self.found.sort_unstable_by_key(|(text, _)| *text);
        for entry in &mut self.entries {
            let fate = fates.of(&self.batch, entry.key);
            let key = self.batch.key(entry.key).unwrap_or_default();
            match fate {
                Fate::Ignored => self.lists.ignored.note(key),
                Fate::Removed => {
                    entry.change = Some(Change::Removed);
                    self.lists.removed.note(key);
                }
                Fate::Masked | Fate::Looked => entry.look(self.rules, fate, key, &self.found, &mut self.lists),
            }
        }
        let lists = std::mem::replace(&mut self.lists, Lists::new(self.rules.summary));
        self.tell(lists, &audit::ATTRIBUTES);
    }

    /// Takes what was done to the body.
    pub(crate) fn tell_of_body(&mut self, lists: Lists) {
        self.tell(lists, &audit::BODY);
    }

    fn tell(&mut self, lists: Lists, names: &audit::Names) {
        self.tally.masked += lists.masked.count() as u64;
        self.tally.removed += lists.removed.count() as u64;
        lists.tell(self.rules.summary, names, self);
    }

    /// The text that an attribute has by now.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let entry = self.entries.iter().find(|entry| self.batch.key(entry.key) == Some(name))?;
        match (&entry.change, entry.value) {
            (Some(Change::Masked(Verdict::Text(text))), _) => Some(Cow::Borrowed(text)),
            (Some(Change::Masked(Verdict::Parts(parts))), Value::Text(text)) => {
                Some(Cow::Owned(self.rules.values.replaced(text, parts)))
            }
            (None, Value::Text(text)) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    /// The integer that an attribute has by now; 0 where it has none.
    pub(crate) fn count(&self, name: &str) -> i64 {
        let entry = self.entries.iter().find(|entry| self.batch.key(entry.key) == Some(name));
        match entry.map(|entry| (&entry.change, entry.value)) {
            Some((Some(Change::Count(count)), _)) => *count,
            Some((None, Value::Signed(count))) => count,
            _ => 0,
        }
    }

    /// Gives an attribute to the row.
    pub(crate) fn set(&mut self, name: &'static str, change: Change) {
        let batch = self.batch;
        match self.entries.iter_mut().find(|entry| batch.key(entry.key) == Some(name)) {
            Some(entry) => entry.change = Some(change),
            None => self.added.push((name, change)),
        }
    }

    /// What was done in all rows so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Makes edits of what has changed.
    pub(crate) fn write(&self, write: WriteId, row: u32, edits: &mut Edits) {
        for Entry { cell, value, found, change, .. } in &self.entries {
            match change {
                None => {}
                Some(Change::Removed) => edits.remove(*cell),
                Some(Change::Count(count)) => edits.replace(*cell, *count),
                Some(Change::Masked(verdict)) => {
                    let text = if let Value::Text(text) = value { text } else { "" };
                    // What is seen only for its matches is of a read that prints, where all types count.
                    let may_be_printed = self.rules.all_types && found.is_some();
                    Found { cell: *cell, text, may_be_printed }.put(&self.rules.values, verdict, None, edits);
                }
            }
        }
        for (name, change) in &self.added {
            match change {
                Change::Masked(Verdict::Text(text)) => {
                    edits.upsert_key(write, row..row + 1, *name, Mode::Upsert, text.as_str());
                }
                Change::Count(count) => edits.upsert_key(write, row..row + 1, *name, Mode::Upsert, *count),
                Change::Removed | Change::Masked(_) => {}
            }
        }
    }
}

impl<'a> Entry<'a> {
    /// Looks at the value. `seen` is what the host found in those that are seen anyway, by text.
    fn look(
        &mut self,
        rules: &Rules,
        fate: Fate,
        key: &str,
        seen: &[(&'a str, &'a [PatternMatch])],
        lists: &mut Lists,
    ) {
        let all_types = rules.all_types;
        let text = match self.value {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Signed(_) | Value::Unsigned(_) | Value::Double(_) | Value::Boolean(_)
                if all_types && seen.is_empty() && fate == Fate::Looked =>
            {
                return;
            }
            value if all_types => Cow::Owned(value.to_any().printed()),
            _ => Cow::Borrowed(""),
        };
        let is_looked_at = all_types || matches!(self.value, Value::Text(_));
        let found = self.found.or_else(|| {
            let at = seen.binary_search_by_key(&text.as_ref(), |(text, _)| *text).ok().filter(|_| is_looked_at)?;
            seen.get(at).map(|(_, matches)| *matches)
        });
        let alone;
        let verdict = match (found, self.value) {
            (Some(matches), _) => {
                alone = rules.values.judge(&text, matches);
                &alone
            }
            (None, _) if text.is_empty() => &rules.empty,
            (None, Value::Encoded(_)) => {
                alone = rules.values.judge_alone(&text);
                &alone
            }
            // The host has seen texts, and what it printed.
            (None, _) => &Verdict::Left,
        };
        if *verdict == Verdict::Allowed {
            return lists.allowed.note(key);
        }
        if fate == Fate::Masked {
            self.change = Some(Change::Masked(Verdict::Text(rules.values.mask.all(&text))));
            return lists.masked.note(key);
        }
        self.change = Some(Change::Masked(match (verdict, self.value) {
            (Verdict::Left | Verdict::Allowed, _) => return,
            (Verdict::Parts(parts), Value::Text(_)) => Verdict::Parts(parts.clone()),
            (Verdict::Parts(parts), _) => Verdict::Text(rules.values.replaced(&text, parts)),
            (Verdict::Text(text), _) => Verdict::Text(text.clone()),
        }));
        lists.masked.note(key);
    }
}
