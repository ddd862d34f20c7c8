//! Packing: the columns of a batch as they grow, and where in the payload each of their cells lies.

use crate::batch::{Column, Packed, Part, PatternMatch, Values};
use crate::projection::Site;

/// What kind of cells a column has; each read has a column of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Text,
    Bytes,
    Signed,
    Unsigned,
    Double,
    Boolean,
    Encoded,
    Key,
}

/// Columns of one read.
pub(super) const SLOTS: usize = 8;

const EMPTY: [fn() -> Values; SLOTS] = [
    || Values::Text(Packed::default()),
    || Values::Bytes(Packed::default()),
    || Values::Signed(Vec::new()),
    || Values::Unsigned(Vec::new()),
    || Values::Double(Vec::new()),
    || Values::Boolean(Vec::new()),
    || Values::Encoded(Packed::default()),
    || Values::Text(Packed::default()),
];

/// Cells for which a column has room as soon as it has one.
const FIRST: usize = 64;

/// A column that grows.
#[derive(Debug)]
pub(super) struct Growing {
    pub(super) sites: Vec<Site>,
    pub(super) column: Column,
}

/// A cell's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cell {
    Signed(i64),
    Unsigned(u64),
    Double(f64),
    Boolean(bool),
}

impl Cell {
    pub(super) fn slot(self) -> Slot {
        match self {
            Cell::Signed(_) => Slot::Signed,
            Cell::Unsigned(_) => Slot::Unsigned,
            Cell::Double(_) => Slot::Double,
            Cell::Boolean(_) => Slot::Boolean,
        }
    }
}

impl Growing {
    /// The columns of `reads` reads, by read and slot.
    pub(super) fn columns(reads: usize) -> Vec<Growing> {
        let column = |index: usize| Column {
            read: (index / SLOTS) as u32,
            part: if index % SLOTS == Slot::Key as usize { Part::Key } else { Part::Value },
            first_cell: 0,
            rows: Vec::new(),
            keys: Vec::new(),
            within: Vec::new(),
            values: EMPTY[index % SLOTS](),
            matches: Vec::new(),
        };
        (0..reads * SLOTS).map(|index| Growing { sites: Vec::new(), column: column(index) }).collect()
    }

    /// How many cells there are: the position of the next one.
    #[inline]
    pub(super) fn cells(&self) -> u32 {
        self.sites.len() as u32
    }

    #[inline]
    pub(super) fn matches(&mut self) -> &mut Vec<PatternMatch> {
        &mut self.column.matches
    }

    #[inline]
    pub(super) fn push(&mut self, site: Site, row: u32, key: Option<u32>) {
        if self.sites.is_empty() {
            self.begin(key.is_some());
        }
        self.sites.push(site);
        self.column.rows.push(row);
        self.column.keys.extend(key);
    }

    /// Makes room for the first cells; most columns never have any.
    #[cold]
    fn begin(&mut self, keyed: bool) {
        self.sites.reserve(FIRST);
        self.column.rows.reserve(FIRST);
        self.column.keys.reserve(if keyed { FIRST } else { 0 });
        if let Values::Text(packed) | Values::Bytes(packed) | Values::Encoded(packed) = &mut self.column.values {
            packed.ends.reserve(FIRST);
            packed.bytes.reserve(FIRST * 16);
        }
    }

    #[inline]
    pub(super) fn push_text(&mut self, text: &[u8]) {
        if let Values::Text(packed) | Values::Bytes(packed) | Values::Encoded(packed) = &mut self.column.values {
            packed.bytes.extend_from_slice(text);
            packed.ends.push(packed.bytes.len() as u32);
        }
    }

    #[inline]
    pub(super) fn push_cell(&mut self, cell: Cell) {
        match (&mut self.column.values, cell) {
            (Values::Signed(list), Cell::Signed(value)) => list.push(value),
            (Values::Unsigned(list), Cell::Unsigned(value)) => list.push(value),
            (Values::Double(list), Cell::Double(value)) => list.push(value),
            (Values::Boolean(list), Cell::Boolean(value)) => list.push(value),
            _ => {}
        }
    }
}
