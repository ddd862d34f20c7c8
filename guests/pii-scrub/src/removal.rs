//! Removals are the attributes of a field that go as a whole: nothing else may be edited in them.

use tidegate_sdk::{Batch, CellId, Part};

use crate::Place;
use crate::rule::Action;
use crate::scan::Scan;

/// Attributes by row and number of their key. Attributes of one row and key, at whatever depth, share their fate.
#[derive(Default)]
pub(crate) struct Removals {
    /// Sorted. Those that go with their key, and those that are masked.
    taken: Vec<(u32, u32)>,
    /// Sorted. Blocked keys that stay, with a mask for a value.
    masked: Vec<(u32, u32)>,
    /// The values of the latter, with their rows.
    pub(crate) masked_cells: Vec<(u32, CellId)>,
}

impl Removals {
    /// Looks for blocked keys, and for keys and values that a rule drops.
    pub(crate) fn find(scan: &mut Scan<'_>, place: &Place, batch: &Batch<'_>, masks: bool) -> Removals {
        let mut blocked = Vec::new();
        let mut taken = Vec::new();
        let mut keys_with_findings = Vec::new();
        let mut dropped_values = Vec::new();
        let rules = scan.rules();
        scan.each(batch, place.read, |scanned| {
            let at = (scanned.row(), scanned.key());
            let drops = scanned.found.iter().any(|found| rules.list[found.rule as usize].action == Action::Drop);
            match scanned.column.part() {
                Part::Key if scanned.blocked && masks && scanned.found.is_empty() => blocked.push(at),
                Part::Key if scanned.blocked || drops => taken.push(at),
                Part::Key => keys_with_findings.push(at),
                Part::Value if drops => dropped_values.push(at),
                Part::Value => {}
            }
        });
        // A value that is dropped takes its key along, so that the key cannot be edited: both go as one.
        dropped_values.sort_unstable();
        taken.extend(keys_with_findings.into_iter().filter(|at| dropped_values.binary_search(at).is_ok()));
        let mut removals = Removals { taken, ..Removals::default() };
        removals.mask(place, batch, blocked);
        removals.taken.sort_unstable();
        removals.taken.dedup();
        removals
    }

    /// Of blocked keys, those whose values all are scalars of the map's own are masked; the others go.
    fn mask(&mut self, place: &Place, batch: &Batch<'_>, mut blocked: Vec<(u32, u32)>) {
        blocked.sort_unstable();
        let mut values: Vec<((u32, u32), CellId)> = Vec::new();
        if let Some(read) = place.values.filter(|_| !blocked.is_empty()) {
            let cells = batch.cells(read).filter_map(|cell| Some(((cell.row(), cell.key_number()?), cell.id())));
            values.extend(cells.filter(|(at, _)| blocked.binary_search(at).is_ok()));
            values.sort_by_key(|(at, _)| *at);
        }
        for group in blocked.chunk_by(|a, b| a == b) {
            let at = group[0];
            let first = values.partition_point(|(other, _)| *other < at);
            let own = values[first..].iter().take_while(|(other, _)| *other == at);
            if own.clone().count() == group.len() {
                self.masked.push(at);
                self.masked_cells.extend(own.map(|(_, cell)| (at.0, *cell)));
            }
            self.taken.push(at);
        }
    }

    /// Whether an attribute is removed or masked, so that nothing in it is to be edited.
    pub(crate) fn takes_out(&self, row: u32, key: u32) -> bool {
        !self.taken.is_empty() && self.taken.binary_search(&(row, key)).is_ok()
    }

    /// Whether an attribute that is taken out keeps its key.
    pub(crate) fn masks(&self, row: u32, key: u32) -> bool {
        self.masked.binary_search(&(row, key)).is_ok()
    }
}
