//! The attributes of one row, gone through together.

use tidegate_sdk::{Batch, Cell, CellId, Edits, Mode, PatternMatch, Value, WriteId};

use crate::audit::{self, Lists};
use crate::keys::{Fate, Fates};
use crate::map::splice;
use crate::values::Verdict;
use crate::{Rules, Tally};

/// The attributes of a row, as far as they are seen.
pub(crate) struct Row<'a> {
    rules: &'a Rules,
    batch: Batch<'a>,
    entries: Vec<Entry<'a>>,
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
    /// What the host found in it.
    found: Option<(&'a str, &'a [PatternMatch])>,
    change: Option<Change>,
}

/// What becomes of an attribute.
#[derive(Debug)]
pub(crate) enum Change {
    Removed,
    Text(String),
    Parts(Vec<(u32, u32)>),
    Count(i64),
}

impl<'a> Row<'a> {
    pub(crate) fn new(rules: &'a Rules, batch: &Batch<'a>) -> Row<'a> {
        Row {
            rules,
            batch: *batch,
            entries: Vec::new(),
            added: Vec::new(),
            lists: Lists::default(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.added.clear();
        self.lists.clear();
    }

    pub(crate) fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// Takes an attribute, whatever it holds.
    pub(crate) fn see(&mut self, cell: &Cell<'a>) {
        let key = cell.key_number().unwrap_or_default();
        self.entries.push(Entry { key, cell: cell.id(), value: cell.value(), found: None, change: None });
    }

    /// Takes what the host found in a text, or in what is printed.
    pub(crate) fn see_matched(&mut self, cell: &Cell<'a>) {
        let (Some(text), Some(key)) = (cell.text(), cell.key_number()) else { return };
        let found = Some((text, cell.matches()));
        let is_it = |entry: &&mut Entry<'_>| {
            entry.key == key && entry.found.is_none() && entry.value.to_any().printed() == text
        };
        match self.entries.iter_mut().find(is_it) {
            Some(entry) => entry.found = found,
            None => {
                // What was printed may be no text: such a cell is replaced, and so is this.
                let value = Value::Text(text);
                self.entries.push(Entry { key, cell: cell.id(), value, found, change: None });
            }
        }
    }

    /// Takes a list or a map.
    pub(crate) fn see_composite(&mut self, cell: &Cell<'a>) {
        let key = cell.key_number().unwrap_or_default();
        let is_it = |entry: &Entry<'_>| entry.key == key && matches!(entry.value, Value::Encoded(_));
        if !self.entries.iter().any(is_it) {
            self.see(cell);
        }
    }

    /// Does to each attribute what the rules say, and puts down what was done.
    pub(crate) fn redact(&mut self, fates: &mut Fates<'_>) {
        for entry in &mut self.entries {
            let fate = fates.of(&self.batch, entry.key);
            let key = self.batch.key(entry.key).unwrap_or_default();
            match fate {
                Fate::Ignored => self.lists.ignored.push(key.to_owned()),
                Fate::Removed => {
                    entry.change = Some(Change::Removed);
                    self.lists.removed.push(key.to_owned());
                }
                Fate::Masked | Fate::Looked => entry.look(self.rules, fate, key, &mut self.lists),
            }
        }
        self.tell(&audit::ATTRIBUTES);
    }

    /// Takes what was done to the body.
    pub(crate) fn tell_of_body(&mut self, lists: Lists) {
        self.lists = lists;
        self.tell(&audit::BODY);
    }

    fn tell(&mut self, names: &audit::Names) {
        let lists = std::mem::take(&mut self.lists);
        self.tally.masked += lists.masked.len() as u64;
        self.tally.removed += lists.removed.len() as u64;
        lists.tell(self.rules.summary, names, self);
    }

    /// The text that an attribute has by now.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| self.batch.key(entry.key) == Some(name))?;
        match (&entry.change, entry.value) {
            (Some(Change::Text(text)), _) => Some(text),
            (None, Value::Text(text)) => Some(text),
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
        for entry in &self.entries {
            match &entry.change {
                None => {}
                Some(Change::Removed) => edits.remove(entry.cell),
                Some(Change::Text(text)) => edits.replace(entry.cell, text.as_str()),
                Some(Change::Count(count)) => edits.replace(entry.cell, *count),
                Some(Change::Parts(parts)) => {
                    let text = entry.found.map_or("", |(text, _)| text);
                    if self.rules.all_types {
                        edits.replace(entry.cell, self.rules.values.replaced(text, parts).as_str());
                    } else {
                        splice(&self.rules.values.mask, entry.cell, text, parts, None, edits);
                    }
                }
            }
        }
        for (name, change) in &self.added {
            match change {
                Change::Text(text) => edits.upsert_key(write, row..row + 1, *name, Mode::Upsert, text.as_str()),
                Change::Count(count) => edits.upsert_key(write, row..row + 1, *name, Mode::Upsert, *count),
                Change::Removed | Change::Parts(_) => {}
            }
        }
    }
}

impl Entry<'_> {
    /// Looks at the value.
    fn look(&mut self, rules: &Rules, fate: Fate, key: &str, lists: &mut Lists) {
        let printed = (rules.all_types && self.found.is_none()).then(|| self.value.to_any().printed());
        let text = match (self.found, &printed, self.value) {
            (Some((text, _)), ..) => text,
            (None, Some(printed), _) => printed.as_str(),
            (None, None, Value::Text(text)) => text,
            (None, None, _) => "",
        };
        let alone;
        let verdict = match self.found {
            Some((_, matches)) => {
                alone = rules.values.judge(text, matches);
                &alone
            }
            None if text.is_empty() => &rules.empty,
            // The host has seen texts, and what it printed.
            None if !matches!(self.value, Value::Encoded(_)) => &Verdict::Left,
            None => {
                alone = rules.values.judge_alone(text);
                &alone
            }
        };
        if *verdict == Verdict::Allowed {
            return lists.allowed.push(key.to_owned());
        }
        if fate == Fate::Masked {
            self.change = Some(Change::Text(rules.values.mask.all(text)));
            return lists.masked.push(key.to_owned());
        }
        match verdict {
            Verdict::Left | Verdict::Allowed => return,
            Verdict::Parts(parts) => self.change = Some(Change::Parts(parts.clone())),
            Verdict::Text(text) => self.change = Some(Change::Text(text.clone())),
        }
        lists.masked.push(key.to_owned());
    }
}
