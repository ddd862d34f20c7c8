//! Removals are the attributes of a field that go as a whole: nothing else may be edited in them.

use tidegate_sdk::{Batch, CellId, Column, Cut, Part};

use crate::Place;
use crate::rule::Action;
use crate::scan::Scan;

/// What goes of one field.
pub(crate) struct Removals<'b> {
    /// What goes with its key, and what stays with a mask for a value.
    cut: Cut<'b>,
    /// Sorted positions of blocked keys that stay.
    masked: Vec<u32>,
    /// The values of the latter, with their rows.
    pub(crate) masked_cells: Vec<(u32, CellId)>,
}

/// What is known of one key.
#[derive(Clone, Copy, Default)]
struct Key {
    goes: bool,
    blocked: bool,
    /// A rule would edit it.
    has_finding: bool,
    /// A rule drops its value, or something in the list that is its value.
    drops_value: bool,
}

impl<'b> Removals<'b> {
    /// Looks for blocked keys, and for keys and values that a rule drops. Nothing comes of it where there are none.
    pub(crate) fn find(scan: &mut Scan<'_>, place: &Place, batch: &Batch<'b>, masks: bool) -> Option<Removals<'b>> {
        let names = batch.keys(place.read)?;
        let mut keys = vec![Key::default(); names.len() as usize];
        let rules = scan.rules();
        scan.each(batch, place.read, |scanned| {
            let drops = scanned.found.iter().any(|found| rules.list[found.rule as usize].action == Action::Drop);
            let index = scanned.index;
            if scanned.column.part() == Part::Key {
                let key = &mut keys[index as usize];
                key.blocked = scanned.blocked && masks && scanned.found.is_empty();
                key.goes = !key.blocked && (scanned.blocked || drops);
                key.has_finding = true;
            } else if let Some(own) = scanned.column.within(index).filter(|_| drops) {
                // The nearest key that crossed over is the value's own where it has the same name.
                keys[own as usize].drops_value |= names.key_number(own) == scanned.column.key_number(index);
            }
        });
        // A value that is dropped takes its key along, so that the key cannot be edited: both go as one.
        keys.iter_mut().for_each(|key| key.goes |= key.has_finding && key.drops_value);
        let (masked, masked_cells) = masked(place, batch, names, &keys);
        let goes = |key: u32| keys[key as usize].goes || keys[key as usize].blocked;
        Some(Removals { cut: Cut::new(batch, place.read, goes), masked, masked_cells })
    }

    /// Whether a cell goes, or lies in what goes or is masked: nothing is to be edited there.
    pub(crate) fn covers(&self, column: Column<'_>, index: u32) -> bool {
        self.cut.covers(column, index)
    }

    /// Whether it is this key by which an attribute is removed.
    pub(crate) fn are_made_by(&self, key: u32) -> bool {
        self.cut.is_outermost(key) && self.masked.binary_search(&key).is_err()
    }
}

/// Of blocked keys, those whose values all are scalars of the map's own are masked; the others go.
fn masked(place: &Place, batch: &Batch<'_>, names: Column<'_>, keys: &[Key]) -> (Vec<u32>, Vec<(u32, CellId)>) {
    let mut blocked: Vec<((u32, u32), u32)> = (0..names.len())
        .filter(|key| keys[*key as usize].blocked)
        .map(|key| ((names.row(key), names.key_number(key).unwrap_or_default()), key))
        .collect();
    blocked.sort_unstable();
    let mut values: Vec<((u32, u32), CellId)> = Vec::new();
    if let Some(read) = place.values.filter(|_| !blocked.is_empty()) {
        let cells = batch.cells(read).filter_map(|cell| Some(((cell.row(), cell.key_number()?), cell.id())));
        values.extend(cells.filter(|(at, _)| blocked.binary_search_by_key(at, |(at, _)| *at).is_ok()));
        values.sort_by_key(|(at, _)| *at);
    }
    let (mut masked, mut masked_cells) = (Vec::new(), Vec::new());
    for group in blocked.chunk_by(|(a, _), (b, _)| a == b) {
        let (at, _) = group[0];
        let first = values.partition_point(|(other, _)| *other < at);
        let own = values[first..].iter().take_while(|(other, _)| *other == at);
        if own.clone().count() == group.len() {
            masked.extend(group.iter().map(|(_, key)| *key));
            masked_cells.extend(own.map(|(_, cell)| (at.0, *cell)));
        }
    }
    masked.sort_unstable();
    (masked, masked_cells)
}
