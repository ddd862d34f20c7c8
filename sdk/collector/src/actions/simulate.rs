//! The little table of one row: the attributes that actions name, and those whose keys match. The actions run over it, and
//! what they have changed becomes edits.

use tidegate_sdk::{Cell, CellId, Context, Edits, Error, Mode, WriteId};

use super::config::{Action, Does, Source};
use super::value::Held;

/// The keys that dynamic actions name.
pub(super) struct Names {
    pub(super) list: Vec<String>,
    /// By action, its own key and the others that it names; empty where it is not run row by row.
    by_action: Vec<Vec<usize>>,
    /// By action and name, whether the action's pattern matches it.
    matching: Vec<Vec<bool>>,
}

/// One attribute of a row.
#[derive(Debug)]
struct Slot<'a> {
    /// Where it was; a key that stands there again comes after.
    cells: Vec<CellId>,
    /// The key, where it is none of the names.
    key: Option<&'a str>,
    value: Option<Held<'a>>,
    has_changed: bool,
    /// Of attributes with a key of their own: which patterns match it.
    patterns: u64,
}

/// The attributes of one row.
pub(super) struct Table<'a> {
    list: &'a [Action],
    names: &'a Names,
    /// By action, what the request's metadata give it.
    metadata: Vec<Option<String>>,
    /// The names first, then what else matched.
    slots: Vec<Slot<'a>>,
    /// By number in the batch's dictionary.
    known: Vec<Option<Option<usize>>>,
}

impl Names {
    pub(super) fn new(list: &[Action], dynamic: &[bool]) -> Result<Names, Error> {
        let mut names: Vec<String> = Vec::new();
        let mut by_action = Vec::with_capacity(list.len());
        for (action, dynamic) in list.iter().zip(dynamic) {
            let mut own = Vec::new();
            for name in action.names().filter(|_| *dynamic) {
                let at = names.iter().position(|known| known == name).unwrap_or_else(|| {
                    names.push(name.to_owned());
                    names.len() - 1
                });
                own.push(at);
            }
            by_action.push(own);
        }
        let mut matching = Vec::with_capacity(list.len());
        for action in list {
            let mut of_names = vec![false; names.len()];
            if let Some(pattern) = action.keys().filter(|_| !names.is_empty()) {
                let regex = pattern.own_regex()?;
                of_names = names.iter().map(|name| regex.is_match(name)).collect();
            }
            matching.push(of_names);
        }
        Ok(Names { list: names, by_action, matching })
    }
}

impl<'a> Slot<'a> {
    fn new(key: Option<&'a str>) -> Slot<'a> {
        Slot { cells: Vec::new(), key, value: None, has_changed: false, patterns: 0 }
    }

    fn set(&mut self, value: Option<Held<'a>>) {
        self.value = value;
        self.has_changed = true;
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(list: &'a [Action], names: &'a Names, context: &Context) -> Table<'a> {
        let metadata = list.iter().map(|action| match &action.does {
            Does::Write(_, source) => source.metadata(context),
            _ => None,
        });
        let slots = names.list.iter().map(|_| Slot::new(None)).collect();
        Table { list, names, metadata: metadata.collect(), slots, known: Vec::new() }
    }

    /// Makes it ready for the next row.
    pub(super) fn clear(&mut self) {
        self.slots.truncate(self.names.list.len());
        for slot in &mut self.slots {
            slot.cells.clear();
            slot.value = None;
            slot.has_changed = false;
        }
    }

    /// Takes the attribute of a name.
    pub(super) fn put(&mut self, name: usize, cell: &Cell<'a>) {
        let slot = &mut self.slots[name];
        slot.cells.push(cell.id());
        slot.value.get_or_insert(Held::Cell(cell.value()));
    }

    /// Takes an attribute whose key is named or matches.
    pub(super) fn put_by_key(&mut self, cell: &Cell<'a>) {
        let key = cell.key().unwrap_or_default();
        let number = cell.key_number().unwrap_or_default() as usize;
        if number >= self.known.len() {
            self.known.resize(number + 1, None);
        }
        let names = &self.names.list;
        let name = *self.known[number].get_or_insert_with(|| names.iter().position(|name| name == key));
        if let Some(name) = name {
            return self.put(name, cell);
        }
        let mut slot = Slot::new(Some(key));
        slot.cells.push(cell.id());
        slot.value = Some(Held::Cell(cell.value()));
        // As many patterns as a read may have fit into the bits.
        slot.patterns = cell.matches().iter().fold(0, |bits, found| bits | 1 << found.pattern);
        self.slots.push(slot);
    }

    /// Runs the actions.
    pub(super) fn run(&mut self) {
        let mut pattern = 0;
        for at in 0..self.list.len() {
            let action = &self.list[at];
            if let Some(&own) = self.names.by_action[at].first().filter(|_| !action.key.is_empty()) {
                self.one(at, own);
            }
            if action.keys().is_some() {
                self.matching(at, pattern);
                pattern += 1;
            }
        }
    }

    /// What an action does to the key that it names.
    fn one(&mut self, at: usize, own: usize) {
        match &self.list[at].does {
            Does::Write(mode, source) => {
                let is_there = self.slots[own].value.is_some();
                if (*mode == Mode::Insert && is_there) || (*mode == Mode::Update && !is_there) {
                    return;
                }
                if let Some(value) = self.source(at, source) {
                    self.slots[own].set(Some(value));
                }
            }
            Does::Delete(_) => self.delete(own),
            Does::Hash(_) => self.hash(own),
            Does::Extract(pattern, _) => {
                let text = self.slots[own].value.as_ref().and_then(Held::text);
                let groups = pattern.regex().zip(text).and_then(|(regex, text)| regex.captures(text));
                let Some(groups) = groups else { return };
                let found: Vec<String> =
                    groups.iter().skip(1).map(|group| group.map_or("", |group| group.as_str()).to_owned()).collect();
                for (text, &name) in found.into_iter().zip(&self.names.by_action[at][1..]) {
                    self.slots[name].set(Some(Held::Text(text)));
                }
            }
            Does::Convert(target) => {
                let converted = self.slots[own].value.as_ref().and_then(|value| value.convert(*target));
                if converted.is_some() {
                    self.slots[own].set(converted);
                }
            }
        }
    }

    fn source(&self, at: usize, source: &'a Source) -> Option<Held<'a>> {
        if let Some(value) = &source.value {
            return Some(Held::Constant(value));
        }
        if let Some(text) = &self.metadata[at] {
            return Some(Held::Text(text.clone()));
        }
        // An action names its own key first, then the one that it takes the value from.
        let attribute = source.attribute.as_ref().and_then(|_| self.names.by_action[at].get(1));
        let value = attribute.and_then(|name| self.slots[*name].value.clone());
        value.or_else(|| source.default.as_ref().map(Held::Constant))
    }

    /// What an action does to all keys that its pattern matches.
    fn matching(&mut self, at: usize, pattern: usize) {
        for slot in 0..self.slots.len() {
            let matches = match self.names.matching[at].get(slot) {
                Some(matches) => *matches,
                None => self.slots[slot].patterns >> pattern & 1 == 1,
            };
            match &self.list[at].does {
                Does::Delete(_) if matches => self.delete(slot),
                Does::Hash(_) if matches => self.hash(slot),
                _ => {}
            }
        }
    }

    fn delete(&mut self, slot: usize) {
        if self.slots[slot].value.is_some() {
            self.slots[slot].set(None);
        }
    }

    fn hash(&mut self, slot: usize) {
        if let Some(value) = &self.slots[slot].value {
            let hash = value.hash();
            self.slots[slot].set(Some(Held::Text(hash)));
        }
    }

    /// Makes one edit of each attribute that has changed.
    pub(super) fn write(&self, write: WriteId, row: u32, edits: &mut Edits) {
        for (at, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.has_changed) {
            let mut cells = slot.cells.iter();
            match (&slot.value, cells.next()) {
                (Some(value), Some(cell)) => value.replace(*cell, edits),
                (Some(value), None) => {
                    let key = slot.key.or_else(|| self.names.list.get(at).map(String::as_str));
                    value.insert(write, key.unwrap_or_default(), row, edits);
                }
                (None, Some(cell)) => edits.remove(*cell),
                (None, None) => {}
            }
            // A key that stands there again would be a second value.
            cells.for_each(|cell| edits.remove(*cell));
        }
    }
}
