//! Dropped rows are those that a rule with `drop_item` found something in, and all that is under them.

use tidegate_sdk::{Batch, Edits, Level, counters};

use crate::Place;
use crate::rule::Action;
use crate::scan::Scan;
use crate::tally::Tally;

/// Whether a row is dropped, by level.
#[derive(Default)]
pub(crate) struct DroppedRows {
    levels: Vec<(Level, Vec<bool>)>,
}

/// Outermost first.
const LEVELS: [Level; 7] =
    [Level::Origin, Level::Scope, Level::Metric, Level::Item, Level::Event, Level::Link, Level::Exemplar];

impl DroppedRows {
    /// Looks for them in all places, and drops them.
    pub(crate) fn find(
        scan: &mut Scan<'_>,
        places: &[Place],
        batch: &Batch<'_>,
        tally: &mut Tally,
        edits: &mut Edits,
    ) -> DroppedRows {
        let mut dropped = DroppedRows::default();
        let rules = scan.rules();
        for level in LEVELS {
            let mut rows = vec![false; batch.count(level) as usize];
            for place in places.iter().filter(|place| place.field.level() == level) {
                scan.each(batch, place.read, |scanned| {
                    let drops = |rule: u32| rules.list[rule as usize].action == Action::DropItem;
                    let finding = scanned.found.iter().find(|found| drops(found.rule));
                    if let (Some(finding), Some(row)) = (finding, rows.get_mut(scanned.row() as usize)) {
                        *row = true;
                        tally.count(finding.rule as usize);
                    }
                });
            }
            dropped.add(level, rows, batch, edits);
        }
        dropped
    }

    /// Drops rows of a level, but for those that go with the row they are in.
    fn add(&mut self, level: Level, mut rows: Vec<bool>, batch: &Batch<'_>, edits: &mut Edits) {
        let above = batch.level_above(level);
        let mut count = 0;
        for (at, dropped) in rows.iter_mut().enumerate() {
            let row = at as u32;
            let goes_along =
                above.zip(batch.parent(level, row)).is_some_and(|(above, parent)| self.contains(above, parent));
            if *dropped && !goes_along {
                edits.drop_rows(level, row..row + 1);
                count += 1;
            }
            *dropped |= goes_along;
        }
        if count > 0 {
            counters::add("dropped_rows", count);
        }
        self.levels.push((level, rows));
    }

    pub(crate) fn contains(&self, level: Level, row: u32) -> bool {
        let rows = self.levels.iter().find(|(of, _)| *of == level);
        rows.is_some_and(|(_, rows)| rows.get(row as usize).is_some_and(|dropped| *dropped))
    }
}
