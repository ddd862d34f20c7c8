//! A batch is what the module sees of one payload: cells by read, rows by level.

mod cell;

mod cut;

use crate::bindings::tidegate::processor::types;
use crate::{Level, Part, ReadId, Signal};

pub use cell::{Cell, CellId, Cells, Column, Value};
pub use cut::Cut;

#[cfg(test)]
mod tests;

/// One payload, as far as the plan reads it.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'b> {
    packed: &'b types::Batch,
}

impl<'b> Batch<'b> {
    pub(crate) fn new(packed: &'b types::Batch) -> Batch<'b> {
        Batch { packed }
    }

    /// The signal.
    pub fn signal(&self) -> Signal {
        self.packed.signal
    }

    /// The cells of a read, by row and in the order of the payload among those of one type.
    pub fn cells(&self, read: ReadId) -> Cells<'b> {
        Cells::new(self.columns(read).map(Column::cells).collect())
    }

    /// The columns of a read: its cells by type, and keys apart from values. For loops that count each nanosecond.
    pub fn columns(&self, read: ReadId) -> impl Iterator<Item = Column<'b>> + use<'b> {
        let packed = self.packed;
        packed.columns.iter().filter(move |column| column.read == read.0).map(move |column| Column::new(packed, column))
    }

    /// The keys of a read that ends in `[**]`, if any crossed over.
    pub fn keys(&self, read: ReadId) -> Option<Column<'b>> {
        self.columns(read).find(|column| column.part() == Part::Key)
    }

    /// How many rows a level has; none where the plan names no field at it or under it.
    pub fn count(&self, level: Level) -> u32 {
        self.rows(level).map_or(0, |rows| rows.count)
    }

    /// The row at the level above that this row is in.
    pub fn parent(&self, level: Level, row: u32) -> Option<u32> {
        self.rows(level)?.parents.get(row as usize).copied()
    }

    /// The level above, as far as this batch has it: what [`Batch::parent`] counts in.
    pub fn level_above(&self, level: Level) -> Option<Level> {
        let levels = &self.packed.levels;
        match level {
            Level::Origin => None,
            Level::Event | Level::Link | Level::Exemplar => Some(Level::Item),
            _ => levels[..levels.iter().position(|rows| rows.level == level)?].last().map(|rows| rows.level),
        }
    }

    /// For each row of a level the row at the level `above` that it is in. `None` where `above` is not above it.
    pub fn ancestors(&self, level: Level, above: Level) -> Option<Vec<u32>> {
        let mut ancestors: Vec<u32> = (0..self.count(level)).collect();
        let mut at = level;
        while at != above {
            let parents = &self.rows(at)?.parents;
            for row in &mut ancestors {
                *row = *parents.get(*row as usize)?;
            }
            at = self.level_above(at)?;
        }
        Some(ancestors)
    }

    /// An attribute key by the number that [`Cell::key_number`] gives.
    pub fn key(&self, number: u32) -> Option<&'b str> {
        cell::text(&self.packed.dictionary, number as usize)
    }

    fn rows(&self, level: Level) -> Option<&'b types::Rows> {
        self.packed.levels.iter().find(|rows| rows.level == level)
    }
}
