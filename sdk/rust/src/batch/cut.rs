//! A cut is the attributes of one read that are taken out whole, each with all that is in it.
//!
//! The host refuses a script that edits what it removes, and removing a key removes whatever is under it, keys and all.
//! Who removes keys at any depth makes a cut first, removes its outermost keys, and leaves alone what it covers.

use crate::{Batch, Column, Part, ReadId};

/// What goes when some keys of a read that ends in `[**]` go.
#[derive(Clone, Debug)]
pub struct Cut<'b> {
    keys: Option<Column<'b>>,
    /// By position among the keys: whether the key goes, by itself or with one around it.
    gone: Vec<bool>,
}

impl<'b> Cut<'b> {
    /// The cut of those keys of which `takes` says so, by their position among the read's keys.
    pub fn new(batch: &Batch<'b>, read: ReadId, mut takes: impl FnMut(u32) -> bool) -> Cut<'b> {
        let keys = batch.keys(read);
        let mut gone: Vec<bool> = Vec::new();
        if let Some(keys) = keys {
            // Keys come before those within them.
            for index in 0..keys.len() {
                let outer = keys.within(index).and_then(|outer| gone.get(outer as usize));
                let goes = outer.is_some_and(|outer| *outer) || takes(index);
                gone.push(goes);
            }
        }
        Cut { keys, gone }
    }

    /// Whether the cell at a position of one of the read's columns goes: it is such a key, or lies within one.
    pub fn covers(&self, column: Column<'_>, index: u32) -> bool {
        match column.part() {
            Part::Key => self.takes(index),
            Part::Value => column.within(index).is_some_and(|key| self.takes(key)),
        }
    }

    /// Whether a key goes by itself, with none around it that goes: it is these that are to be removed.
    pub fn is_outermost(&self, key: u32) -> bool {
        let outer = self.keys.and_then(|keys| keys.within(key));
        self.takes(key) && !outer.is_some_and(|outer| self.takes(outer))
    }

    fn takes(&self, key: u32) -> bool {
        self.gone.get(key as usize).is_some_and(|gone| *gone)
    }
}
