//! The fate of rows: which are dropped, and which route the others take.

use std::ops::Range;

use super::EditFault;
use crate::batch::Level;
use crate::projection::Projection;
use crate::projector::LEVELS;

/// Stays on the pipeline's own way.
pub(super) const STAYS: u32 = u32::MAX;
/// Is dropped.
pub(super) const DROPPED: u32 = u32::MAX - 1;

/// What becomes of the rows.
#[derive(Debug)]
pub(super) struct Fates {
    /// The levels from origin to item that the batch has.
    pub(super) levels: Vec<Level>,
    /// By row of the deepest of them; empty where every row stays.
    pub(super) leaves: Vec<u32>,
    /// By level and row whether it was dropped by name; empty where none of the level was.
    dropped: [Vec<bool>; LEVELS],
}

impl Fates {
    pub(super) fn new(projection: &Projection) -> Fates {
        let levels = projection.compiled.table.levels.iter().copied().filter(|level| *level <= Level::Item).collect();
        Fates { levels, leaves: Vec::new(), dropped: Default::default() }
    }

    /// Whether every row stays where it is.
    pub(super) fn idle(&self) -> bool {
        self.leaves.is_empty() && self.dropped[..=Level::Item as usize].iter().all(Vec::is_empty)
    }

    /// Drops rows, and with them all that is under them.
    pub(super) fn drop(&mut self, projection: &Projection, level: Level, rows: Range<u32>) -> Result<(), EditFault> {
        let dropped = &mut self.dropped[level as usize];
        dropped.resize(projection.rows[level as usize].len(), false);
        for row in rows.clone() {
            // A row has a fate even where nothing is under it.
            if std::mem::replace(&mut dropped[row as usize], true) {
                return Err(EditFault::Fate { row });
            }
        }
        if level <= Level::Item { self.set(projection, level, rows, DROPPED) } else { Ok(()) }
    }

    /// Gives rows, and with them all that is under them, one fate.
    pub(super) fn set(
        &mut self,
        projection: &Projection,
        level: Level,
        rows: Range<u32>,
        fate: u32,
    ) -> Result<(), EditFault> {
        let below = self.levels.iter().copied().filter(|inner| *inner > level);
        let mut leaves = rows;
        let mut leaf = level;
        for inner in below {
            leaves = under(projection, inner, &leaves);
            leaf = inner;
        }
        if self.leaves.is_empty() {
            self.leaves = vec![STAYS; projection.rows[leaf as usize].len()];
        }
        for row in leaves {
            let slot = &mut self.leaves[row as usize];
            if *slot != STAYS {
                return Err(EditFault::Fate { row });
            }
            *slot = fate;
        }
        Ok(())
    }

    /// The ways that rows take, the pipeline's own first.
    pub(super) fn ways(&self) -> Vec<u32> {
        let mut ways: Vec<u32> = self.leaves.iter().copied().filter(|fate| *fate != DROPPED).collect();
        ways.push(STAYS);
        ways.sort_unstable_by_key(|way| way.wrapping_add(1));
        ways.dedup();
        ways
    }

    /// For each level and row whether it goes the given way.
    pub(super) fn alive(&self, projection: &Projection, way: u32) -> [Vec<bool>; LEVELS] {
        let mut alive: [Vec<bool>; LEVELS] = Default::default();
        let Some((&leaf, above)) = self.levels.split_last() else { return alive };
        let count = projection.rows[leaf as usize].len();
        alive[leaf as usize] = match self.leaves.as_slice() {
            [] => vec![way == STAYS; count],
            leaves => leaves.iter().map(|fate| *fate == way).collect(),
        };
        let mut inner = leaf;
        for &level in above.iter().rev() {
            // A row without any below it stays where nothing is routed or dropped by name.
            let mut rows = vec![way == STAYS; projection.rows[level as usize].len()];
            for (lives, dropped) in rows.iter_mut().zip(&self.dropped[level as usize]) {
                *lives &= !dropped;
            }
            for row in &projection.rows[inner as usize] {
                rows[row.parent as usize] = false;
            }
            for (row, lives) in projection.rows[inner as usize].iter().zip(&alive[inner as usize]) {
                rows[row.parent as usize] |= lives;
            }
            alive[level as usize] = rows;
            inner = level;
        }
        alive
    }
}

/// The rows of `inner`, the next level, whose parents are `rows`.
fn under(projection: &Projection, inner: Level, rows: &Range<u32>) -> Range<u32> {
    let sites = &projection.rows[inner as usize];
    let first = sites.partition_point(|site| site.parent < rows.start);
    let end = sites.partition_point(|site| site.parent < rows.end);
    first as u32..end as u32
}
