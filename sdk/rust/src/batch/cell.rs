//! A cell is one value of a read: a field of a row, an attribute, or a key.

use std::ops::Range;

use crate::bindings::tidegate::processor::types;
use crate::{Any, Part, PatternMatch};

/// A cell's number, for edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellId(pub(crate) u32);

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'b> {
    /// UTF-8 text.
    Text(&'b str),
    /// A byte string.
    Bytes(&'b [u8]),
    /// A signed integer, or an enum.
    Signed(i64),
    /// A time, a count, flags.
    Unsigned(u64),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// A list, a map or no value, encoded: [`Any::decode`](crate::Any::decode) reads it.
    Encoded(&'b [u8]),
}

impl Value<'_> {
    /// The value for keeps, decoded where it is a list or a map.
    pub fn to_any(self) -> Any {
        match self {
            Value::Text(text) => Any::from(text),
            Value::Bytes(bytes) => Any::Bytes(bytes.to_vec()),
            Value::Signed(number) => Any::Int(number),
            Value::Unsigned(number) => Any::Int(number.cast_signed()),
            Value::Double(number) => Any::Double(number),
            Value::Boolean(truth) => Any::Bool(truth),
            Value::Encoded(encoded) => Any::decode(encoded),
        }
    }
}

/// The cells of one read that have one type.
#[derive(Clone, Copy, Debug)]
pub struct Column<'b> {
    batch: &'b types::Batch,
    packed: &'b types::Column,
}

/// One cell.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'b> {
    column: Column<'b>,
    index: usize,
    matches: &'b [PatternMatch],
}

/// The cells of one or more columns, by row.
#[derive(Clone, Debug)]
pub struct Cells<'b> {
    columns: Vec<ColumnCells<'b>>,
}

/// The cells of one column.
#[derive(Clone, Debug)]
pub struct ColumnCells<'b> {
    column: Column<'b>,
    next: usize,
    matches: &'b [PatternMatch],
}

impl<'b> Column<'b> {
    pub(super) fn new(batch: &'b types::Batch, packed: &'b types::Column) -> Column<'b> {
        Column { batch, packed }
    }

    /// Whether these are values or keys.
    pub fn part(&self) -> Part {
        self.packed.part
    }

    /// The cells, in the order of the payload.
    pub fn cells(self) -> ColumnCells<'b> {
        ColumnCells { column: self, next: 0, matches: &self.packed.matches }
    }

    /// All matches, by cell and then by start.
    pub fn matches(&self) -> &'b [PatternMatch] {
        &self.packed.matches
    }

    /// The number of the cell at a position in the column, such as a match's `index`.
    pub fn id(&self, index: u32) -> CellId {
        CellId(self.packed.first_cell.wrapping_add(index))
    }

    /// The row of the cell at a position.
    pub fn row(&self, index: u32) -> u32 {
        self.packed.rows.get(index as usize).copied().unwrap_or_default()
    }

    /// The nearest key of the cell at a position, as a number in the batch's dictionary.
    pub fn key_number(&self, index: u32) -> Option<u32> {
        self.packed.keys.get(index as usize).copied()
    }

    /// The position, among the keys of the read, of the nearest key around the cell at a position: of those that crossed
    /// over. A value's own key is around it.
    pub fn within(&self, index: u32) -> Option<u32> {
        self.packed.within.get(index as usize)?.checked_sub(1)
    }

    /// How many cells there are.
    pub fn len(&self) -> u32 {
        self.packed.rows.len() as u32
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packed.rows.is_empty()
    }

    /// The text of the cell at a position; `None` where the column holds none.
    pub fn text(&self, index: u32) -> Option<&'b str> {
        match &self.packed.values {
            types::Values::Text(packed) => text(packed, index as usize),
            _ => None,
        }
    }

    /// The contents of a text, bytes or encoded cell at a position.
    pub fn bytes(&self, index: u32) -> Option<&'b [u8]> {
        match &self.packed.values {
            types::Values::Text(packed) | types::Values::Bytes(packed) | types::Values::Encoded(packed) => {
                bytes(packed, index as usize)
            }
            _ => None,
        }
    }
}

impl<'b> Cell<'b> {
    /// Its number, for edits.
    pub fn id(&self) -> CellId {
        self.column.id(self.index as u32)
    }

    /// Its row, at the level that the context of the read's path names.
    pub fn row(&self) -> u32 {
        self.column.row(self.index as u32)
    }

    /// The attribute key nearest to it; a list's items have the list's. Empty under no key, as a body is.
    pub fn key(&self) -> Option<&'b str> {
        text(&self.column.batch.dictionary, self.key_number()? as usize)
    }

    /// That key's number in the batch's dictionary: equal numbers are equal keys.
    pub fn key_number(&self) -> Option<u32> {
        self.column.key_number(self.index as u32)
    }

    /// Whether it is an attribute's value or the key itself.
    pub fn part(&self) -> Part {
        self.column.part()
    }

    /// What it holds.
    pub fn value(&self) -> Value<'b> {
        let i = self.index;
        match &self.column.packed.values {
            types::Values::Text(packed) => Value::Text(text(packed, i).unwrap_or_default()),
            types::Values::Bytes(packed) => Value::Bytes(bytes(packed, i).unwrap_or_default()),
            types::Values::Signed(list) => Value::Signed(list.get(i).copied().unwrap_or_default()),
            types::Values::Unsigned(list) => Value::Unsigned(list.get(i).copied().unwrap_or_default()),
            types::Values::Double(list) => Value::Double(list.get(i).copied().unwrap_or_default()),
            types::Values::Boolean(list) => Value::Boolean(list.get(i).copied().unwrap_or_default()),
            types::Values::Encoded(packed) => Value::Encoded(bytes(packed, i).unwrap_or_default()),
        }
    }

    /// Its text, where it is text.
    pub fn text(&self) -> Option<&'b str> {
        self.column.text(self.index as u32)
    }

    /// The bytes of its text, byte string or encoded value, which is what ranges count in; none of other types.
    pub fn contents(&self) -> &'b [u8] {
        self.column.bytes(self.index as u32).unwrap_or_default()
    }

    /// The matches of the read's patterns in it, by start; those of different patterns may overlap.
    pub fn matches(&self) -> &'b [PatternMatch] {
        self.matches
    }

    /// The parts of it that matched: matches that overlap are joined to one part.
    pub fn parts(&self) -> impl Iterator<Item = Range<u32>> + use<'b> {
        let mut matches = self.matches.iter().map(PatternMatch::range).peekable();
        std::iter::from_fn(move || {
            let mut part = matches.next()?;
            while let Some(next) = matches.next_if(|next| next.start < part.end) {
                part.end = part.end.max(next.end);
            }
            Some(part)
        })
    }
}

impl PatternMatch {
    /// The bytes of the cell that matched.
    pub fn range(&self) -> Range<u32> {
        self.start..self.end
    }
}

impl<'b> Iterator for ColumnCells<'b> {
    type Item = Cell<'b>;

    fn next(&mut self) -> Option<Cell<'b>> {
        let index = self.next;
        if index >= self.column.packed.rows.len() {
            return None;
        }
        self.next += 1;
        let count = self.matches.iter().take_while(|found| found.index as usize == index).count();
        let (matches, rest) = self.matches.split_at(count);
        self.matches = rest;
        Some(Cell { column: self.column, index, matches })
    }
}

impl<'b> Cells<'b> {
    pub(super) fn new(columns: Vec<ColumnCells<'b>>) -> Cells<'b> {
        Cells { columns }
    }
}

impl<'b> Iterator for Cells<'b> {
    type Item = Cell<'b>;

    fn next(&mut self) -> Option<Cell<'b>> {
        // A read has one or two columns as a rule, so that looking at each is the fastest merge.
        let next = |cells: &ColumnCells<'b>| cells.column.packed.rows.get(cells.next).copied();
        let (at, _) = self
            .columns
            .iter()
            .enumerate()
            .filter_map(|(at, cells)| Some((at, next(cells)?)))
            .min_by_key(|(_, row)| *row)?;
        self.columns[at].next()
    }
}

pub(super) fn bytes(packed: &types::Packed, index: usize) -> Option<&[u8]> {
    let end = *packed.ends.get(index)? as usize;
    let start = if index == 0 { 0 } else { packed.ends[index - 1] as usize };
    packed.bytes.get(start..end)
}

pub(super) fn text(packed: &types::Packed, index: usize) -> Option<&str> {
    std::str::from_utf8(bytes(packed, index)?).ok()
}
