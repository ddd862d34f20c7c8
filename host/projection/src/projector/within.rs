//! What is within what: for each cell of a read whose keys are among its cells, the nearest of these keys around it.

use crate::allowance::Allowance;
use crate::batch::{Column, Part};
use crate::meter::Overrun;
use crate::projection::{Form, NONE, Nest, Site};

/// What it costs to find a cell's key, or the key around a message, in scanned bytes.
const STEP: usize = 16;

/// Fills `within` of the columns of such reads. A read's columns stand together, that of its keys last.
pub(super) fn fill(
    columns: &mut [Column],
    sites: &[Vec<Site>],
    nests: &[Nest],
    allowance: &mut Allowance<'_>,
) -> Result<(), Overrun> {
    let mut start = 0;
    for columns in columns.chunk_by_mut(|a, b| a.read == b.read) {
        let sites = &sites[start..start + columns.len()];
        start += columns.len();
        let (Some(keys), Some(places)) = (columns.last().filter(|keys| keys.part == Part::Key), sites.last()) else {
            continue;
        };
        // By row, and by place within it: in the order of the walk.
        let keys: Vec<(u32, u32)> = keys.rows.iter().zip(places).map(|(row, site)| (*row, site.tag)).collect();
        let mut around = Around { keys: &keys, nests, known: vec![NONE; nests.len()], way: Vec::new(), next: 0 };
        for (column, sites) in columns.iter_mut().zip(sites) {
            allowance.take(sites.len() * size_of::<u32>());
            if allowance.is_spent() {
                return Err(Overrun);
            }
            column.within.reserve_exact(sites.len());
            around.next = 0;
            for (row, site) in column.rows.iter().zip(sites) {
                column.within.push(around.cell(*row, site));
                allowance.charge(STEP * (1 + around.way.len()));
            }
        }
        if allowance.is_spent() {
            return Err(Overrun);
        }
    }
    Ok(())
}

/// The keys of one read, and what is known of the messages around its cells.
struct Around<'a> {
    keys: &'a [(u32, u32)],
    nests: &'a [Nest],
    /// By message: the nearest key around what it holds, once that is known.
    known: Vec<u32>,
    /// The messages that were passed on the way out.
    way: Vec<u32>,
    /// The key at which the next cell's own is looked for: keys and cells are in the order of the walk alike.
    next: usize,
}

impl Around<'_> {
    /// One more than the position of the nearest key around the cell; 0 for none.
    fn cell(&mut self, row: u32, site: &Site) -> u32 {
        self.way.clear();
        match site.form {
            Form::Pair => self.own(row, site.tag).unwrap_or_else(|| self.nest(row, site.nest)),
            _ => self.nest(row, site.nest),
        }
    }

    /// The same as [`Around::key`], with a look at the next key first.
    fn own(&mut self, row: u32, tag: u32) -> Option<u32> {
        while self.keys.get(self.next).is_some_and(|key| *key < (row, tag)) {
            self.next += 1;
        }
        match self.keys.get(self.next) {
            Some(key) if *key == (row, tag) => Some(self.next as u32 + 1),
            _ if self.next > 0 && self.keys[self.next - 1] >= (row, tag) => self.key(row, tag),
            _ => None,
        }
    }

    /// The key of the attribute at `tag`, if it is among the cells.
    fn key(&self, row: u32, tag: u32) -> Option<u32> {
        self.keys.binary_search(&(row, tag)).ok().map(|at| at as u32 + 1)
    }

    /// The nearest key around what lies in a message. Each message is passed once, however many cells lie in it.
    fn nest(&mut self, row: u32, mut nest: u32) -> u32 {
        let mut found = 0;
        while nest != NONE {
            let known = self.known[nest as usize];
            if known != NONE {
                found = known;
                break;
            }
            self.way.push(nest);
            let Nest { tag, parent } = self.nests[nest as usize];
            if let Some(key) = self.key(row, tag) {
                found = key;
                break;
            }
            nest = parent;
        }
        for &nest in &self.way {
            self.known[nest as usize] = found;
        }
        found
    }
}

#[cfg(test)]
mod tests;
