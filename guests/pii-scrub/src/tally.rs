//! The tally of one batch: what each rule found, in all and row by row.

use tidegate_sdk::{Batch, Edits, Error, Level, Mode, Plan, Signal, WriteId, counters};

use crate::config::AuditConfig;
use crate::field::Field;
use crate::rule::Rules;

/// Counts by rule.
pub(crate) struct Tally {
    counts: Vec<u64>,
    /// What was changed where, for the audit.
    rows: Option<Vec<(Level, u32, u32)>>,
}

/// The attributes that tell of changes.
pub(crate) struct Audit {
    /// By level of the row that is told of.
    writes: Vec<(Level, WriteId)>,
}

impl Tally {
    pub(crate) fn new(rules: &Rules, audit: bool) -> Tally {
        Tally { counts: vec![0; rules.list.len() + 1], rows: audit.then(Vec::new) }
    }

    /// Counts what a rule found without an edit that could be told of.
    #[inline]
    pub(crate) fn count(&mut self, rule: usize) {
        self.counts[rule] += 1;
    }

    /// Counts an edit.
    #[inline]
    pub(crate) fn add(&mut self, rule: usize, level: Level, row: u32) {
        self.count(rule);
        if let Some(rows) = &mut self.rows {
            rows.push((level, row, rule as u32));
        }
    }

    /// Hands the counts to the host and, with an audit, to the rows that were changed.
    pub(crate) fn report(self, rules: &Rules, audit: Option<&Audit>, batch: &Batch<'_>, edits: &mut Edits) {
        for (number, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            counters::add(&("redacted_".to_owned() + rules.name(number)), *count);
        }
        let (Some(mut rows), Some(audit)) = (self.rows, audit) else { return };
        for (level, row, _) in &mut rows {
            if matches!(level, Level::Event | Level::Link | Level::Exemplar) {
                *row = batch.parent(*level, *row).unwrap_or_default();
                *level = Level::Item;
            }
        }
        rows.sort_unstable_by_key(|(level, row, rule)| (*level as u8, *row, *rule));
        for of_row in rows.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (level, row, _) = of_row[0];
            let Some((_, write)) = audit.writes.iter().find(|(of, _)| *of == level) else { continue };
            // Where the attribute is there, it may have been edited itself; a second edit of it would not be allowed.
            edits.upsert(*write, row..row + 1, Mode::Insert, counts(of_row, rules).as_str());
        }
    }
}

/// `email=2,ipv4=1`.
fn counts(of_row: &[(Level, u32, u32)], rules: &Rules) -> String {
    let mut text = String::new();
    for of_rule in of_row.chunk_by(|a, b| a.2 == b.2) {
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(rules.name(of_rule[0].2 as usize));
        text.push('=');
        text.push_str(&of_rule.len().to_string());
    }
    text
}

impl Audit {
    pub(crate) fn new(config: &AuditConfig, signal: Signal, fields: &[Field], plan: &mut Plan) -> Result<Audit, Error> {
        let name = &config.attribute;
        if name.is_empty() {
            return Err(Error::at("audit.attribute", "is empty; leave `audit` out for none"));
        }
        if name.contains(['"', '\\']) {
            return Err(Error::at("audit.attribute", "must not have quotes or backslashes in it"));
        }
        let item = match signal {
            Signal::Logs => "log",
            Signal::Traces => "span",
            Signal::Metrics => "datapoint",
        };
        let of_level = |level| fields.iter().any(|field| field.is_in(signal) && field.level() == level);
        let items = fields.iter().any(|field| field.is_in(signal) && field.level() >= Level::Item);
        let writes = [
            (Level::Origin, "resource", of_level(Level::Origin)),
            (Level::Scope, "scope", of_level(Level::Scope)),
            (Level::Item, item, items),
        ];
        let writes = writes
            .into_iter()
            .filter(|(.., used)| *used)
            .map(|(level, context, _)| (level, plan.write(format!("{context}.attributes[\"{name}\"]"))))
            .collect();
        Ok(Audit { writes })
    }
}
