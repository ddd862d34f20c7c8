//! What a program knows of a batch: fields and maps by row, laid out once a batch, changed by statements, and compared with
//! what it was when edits are made.

mod layout;

mod map;

mod write;

use tidegate_sdk::{Batch, CellId, Level, PatternMatch};

pub(crate) use layout::Layout;
pub(crate) use map::{Entry, Row};

use crate::value::Val;

/// A field of one row.
#[derive(Clone, Debug)]
pub(crate) struct Slot<'a> {
    cell: Option<CellId>,
    pub(crate) value: Val<'a>,
    has_changed: bool,
    /// Those of the patterns by which it was read, as long as it has not changed.
    pub(crate) matches: &'a [PatternMatch],
}

/// The contents of a batch, as far as a program names them.
pub(crate) struct Store<'a> {
    /// By field and row.
    fields: Vec<Vec<Slot<'a>>>,
    /// By map and row.
    maps: Vec<Vec<Row<'a>>>,
    /// By matcher and row, a bit for each pattern that matches.
    matched: Vec<Vec<u64>>,
    /// What the row at hand has put by.
    pub(crate) cache: Row<'a>,
}

impl<'a> Slot<'a> {
    fn absent(value: Val<'a>) -> Slot<'a> {
        Slot { cell: None, value, has_changed: false, matches: &[] }
    }

    /// Gives it another value.
    pub(crate) fn set(&mut self, value: Val<'a>) {
        if self.value != value || !self.is_known() {
            self.value = value;
            self.has_changed = true;
            self.matches = &[];
        }
    }

    /// Whether it is still what the host handed over.
    pub(crate) fn is_as_read(&self) -> bool {
        self.is_known() && !self.has_changed
    }

    /// Whether its value is the row's: a field that is written and never read is not.
    fn is_known(&self) -> bool {
        self.cell.is_some()
    }
}

impl<'a> Store<'a> {
    /// Lays out a batch.
    pub(crate) fn new(layout: &'a Layout, batch: &Batch<'a>) -> Store<'a> {
        Store {
            fields: layout.fields.iter().map(|field| field.load(batch)).collect(),
            maps: layout.maps.iter().map(|map| map.load(batch)).collect(),
            matched: layout.matchers.iter().map(|matcher| matcher.load(batch)).collect(),
            cache: Row::default(),
        }
    }

    pub(crate) fn field(&self, field: usize, row: u32) -> &Slot<'a> {
        &self.fields[field][row as usize]
    }

    pub(crate) fn field_mut(&mut self, field: usize, row: u32) -> &mut Slot<'a> {
        &mut self.fields[field][row as usize]
    }

    pub(crate) fn map(&self, map: usize, row: u32) -> &Row<'a> {
        &self.maps[map][row as usize]
    }

    pub(crate) fn map_mut(&mut self, map: usize, row: u32) -> &mut Row<'a> {
        &mut self.maps[map][row as usize]
    }

    /// Whether a pattern of a matcher matches in a row.
    pub(crate) fn is_matched(&self, matcher: usize, pattern: usize, row: u32) -> bool {
        self.matched[matcher][row as usize] >> pattern & 1 == 1
    }
}

/// How a row is found from one at a level under it.
pub(crate) struct Lineage {
    level: Level,
    /// By level.
    ancestors: [Vec<u32>; 7],
}

/// A row and those above it.
#[derive(Clone, Copy)]
pub(crate) struct At<'l> {
    lineage: &'l Lineage,
    row: u32,
}

impl Lineage {
    /// For the rows of a level, with those levels above that are `used`.
    pub(crate) fn new(batch: &Batch<'_>, level: Level, used: impl IntoIterator<Item = Level>) -> Lineage {
        let mut ancestors: [Vec<u32>; 7] = Default::default();
        for above in used.into_iter().filter(|above| *above != level) {
            ancestors[above as usize] = batch.ancestors(level, above).unwrap_or_default();
        }
        Lineage { level, ancestors }
    }

    pub(crate) fn at(&self, row: u32) -> At<'_> {
        At { lineage: self, row }
    }
}

impl At<'_> {
    /// The row at a level, which is this row's own or one above.
    pub(crate) fn row(self, level: Level) -> u32 {
        if level == self.lineage.level {
            return self.row;
        }
        self.lineage.ancestors[level as usize].get(self.row as usize).copied().unwrap_or_default()
    }
}
