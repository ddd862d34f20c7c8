//! Edits of what has changed. What is written in the same way to rows that follow each other is one edit.

use std::ops::Range;

use tidegate_sdk::{Edits, Mode, WriteId, warn};

use super::{Layout, Slot, Store};
use crate::value::Val;

impl Store<'_> {
    /// Makes edits of all that has changed.
    pub(crate) fn write(&self, layout: &Layout, edits: &mut Edits) {
        let fields = layout.fields.iter().zip(&self.fields);
        for (write, slots) in fields.filter_map(|(field, slots)| Some((field.write?, slots))) {
            field(write, slots, edits);
        }
        let mut nameless = 0;
        let maps = layout.maps.iter().zip(&self.maps);
        for (write, rows) in maps.filter_map(|(map, rows)| Some((map.write?, rows))) {
            let mut pending = Pending { write, runs: Vec::new() };
            for (number, row) in (0..).zip(rows) {
                for gone in &row.gone {
                    match gone.cell {
                        Some(cell) => edits.remove(cell),
                        None => pending.add(number, &gone.key, None, edits),
                    }
                }
                for entry in row.entries.iter().filter(|entry| entry.has_changed) {
                    match entry.cell {
                        Some(cell) => edits.replace(cell, entry.value.written(&mut Vec::new())),
                        // The host takes none without a key, and would refuse the whole batch.
                        None if entry.key.is_empty() => nameless += 1,
                        None => pending.add(number, &entry.key, Some(&entry.value), edits),
                    }
                }
            }
            pending.runs.iter().for_each(|run| run.write(write, edits));
        }
        if nameless > 0 {
            warn!("{nameless} attributes of a batch were to be added under the empty key and were left out");
        }
    }
}

fn field(write: WriteId, slots: &[Slot<'_>], edits: &mut Edits) {
    let mut run: Option<(Range<u32>, &Val<'_>)> = None;
    let upsert = |run: (Range<u32>, &Val<'_>), edits: &mut Edits| {
        edits.upsert(write, run.0, Mode::Upsert, run.1.written(&mut Vec::new()));
    };
    for (row, slot) in (0..).zip(slots).filter(|(_, slot)| slot.has_changed) {
        if let Some(cell) = slot.cell {
            edits.replace(cell, slot.value.written(&mut Vec::new()));
            continue;
        }
        match &mut run {
            Some((rows, value)) if rows.end == row && **value == slot.value => rows.end += 1,
            _ => {
                if let Some(run) = run.replace((row..row + 1, &slot.value)) {
                    upsert(run, edits);
                }
            }
        }
    }
    if let Some(run) = run {
        upsert(run, edits);
    }
}

/// Attributes that are written to rows which follow each other.
struct Pending<'p> {
    write: WriteId,
    runs: Vec<Run<'p>>,
}

struct Run<'p> {
    key: &'p str,
    /// None where the key is taken out.
    value: Option<&'p Val<'p>>,
    rows: Range<u32>,
}

/// Runs that are looked through before all of them are written.
const RUNS: usize = 32;

impl<'p> Pending<'p> {
    fn add(&mut self, row: u32, key: &'p str, value: Option<&'p Val<'p>>, edits: &mut Edits) {
        let new = Run { key, value, rows: row..row + 1 };
        match self.runs.iter_mut().find(|run| run.key == key) {
            Some(run) if run.rows.end == row && run.value == value => run.rows.end += 1,
            Some(run) => {
                run.write(self.write, edits);
                *run = new;
            }
            None => {
                if self.runs.len() == RUNS {
                    self.runs.drain(..).for_each(|run| run.write(self.write, edits));
                }
                self.runs.push(new);
            }
        }
    }
}

impl Run<'_> {
    fn write(&self, write: WriteId, edits: &mut Edits) {
        match self.value {
            Some(value) => {
                edits.upsert_key(write, self.rows.clone(), self.key, Mode::Upsert, value.written(&mut Vec::new()));
            }
            None => edits.erase_key(write, self.rows.clone(), self.key),
        }
    }
}
