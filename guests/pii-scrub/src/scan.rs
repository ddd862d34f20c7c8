//! The scan goes through the cells of a read that matched and says what was found in each.

use tidegate_sdk::{Batch, Column, Part, PatternMatch, ReadId};

use crate::finding::Finding;
use crate::keys::{KeyNames, KnownKeys};
use crate::rule::Rules;
use crate::verify;

/// What the cells of a batch are scanned by.
pub(crate) struct Scan<'s> {
    rules: &'s Rules,
    allowed: KnownKeys<'s>,
    /// The findings of one cell; kept, so that a cell costs no allocation.
    found: Vec<Finding>,
}

/// One cell with findings, or the key of a blocked attribute.
pub(crate) struct Scanned<'f, 'b> {
    pub(crate) column: Column<'b>,
    pub(crate) index: u32,
    /// By start, as far as checks did not look around.
    pub(crate) found: &'f mut Vec<Finding>,
    /// Whether it is a key, and blocked.
    pub(crate) blocked: bool,
}

impl<'s> Scan<'s> {
    pub(crate) fn new(rules: &'s Rules, allowed: &'s KeyNames) -> Scan<'s> {
        Scan { rules, allowed: allowed.known(), found: Vec::new() }
    }

    /// The rules, for longer than the scan is borrowed.
    pub(crate) fn rules(&self) -> &'s Rules {
        self.rules
    }

    /// Calls back for each cell of a read that has findings or is a blocked key.
    pub(crate) fn each<'b>(&mut self, batch: &Batch<'b>, read: ReadId, mut cell: impl FnMut(&mut Scanned<'_, 'b>)) {
        for column in batch.columns(read) {
            let mut rest = column.matches();
            while let Some(first) = rest.first() {
                let count = rest.iter().take_while(|found| found.index == first.index).count();
                let (matches, after) = rest.split_at(count);
                rest = after;
                let blocked = self.find(column, first.index, matches);
                let mut allowed = || self.allowed.has(batch, column.key_number(first.index));
                if blocked || (!self.found.is_empty() && !allowed()) {
                    cell(&mut Scanned { column, index: first.index, found: &mut self.found, blocked });
                }
            }
        }
    }

    /// Collects the findings of one cell and says whether it is a blocked key.
    fn find(&mut self, column: Column<'_>, index: u32, matches: &[PatternMatch]) -> bool {
        let Scan { rules, found, .. } = self;
        found.clear();
        let mut blocked = false;
        for &PatternMatch { pattern, start, end, .. } in matches {
            let Some(rule) = rules.list.get(pattern as usize) else {
                blocked |= column.part() == Part::Key;
                continue;
            };
            let mut push = |start, end| found.push(Finding { start, end, rule: pattern });
            match rule.verified {
                // An empty match has nothing in it to hide.
                None if start < end => push(start, end),
                None => {}
                Some(detector) => {
                    let text = column.bytes(index).unwrap_or_default();
                    verify::findings(detector, text, start as usize, end as usize, &mut |start, end| {
                        push(start as u32, end as u32);
                    });
                }
            }
        }
        blocked
    }
}

impl Scanned<'_, '_> {
    pub(crate) fn row(&self) -> u32 {
        self.column.row(self.index)
    }
}
