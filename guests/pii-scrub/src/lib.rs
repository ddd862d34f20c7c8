//! The pii-scrub processor: finds personal data and secrets and masks, replaces, hashes or drops them.
//!
//! The host runs the patterns of all rules over all fields and hands over the cells that match. What is left to do here
//! is to check the matches, to merge those that overlap, and to say what takes their place.

mod config;

mod field;

mod detector;

mod verify;

mod rule;

mod keys;

mod finding;

mod scan;

mod removal;

mod dropped;

mod tally;

mod hash;

use tidegate_sdk::{Batch, Column, Context, Edits, Error, Part, Plan, Processor, ReadId, Signal, Text, WriteId};

use config::{BlockedAction, Config};
use dropped::DroppedRows;
use field::Field;
use finding::merge;
use hash::Hasher;
use keys::KeyNames;
use removal::Removals;
use rule::{Action, Rules};
use scan::{Scan, Scanned};
use tally::{Audit, Tally};

/// The rules of a configuration and the fields of a signal that they are applied to.
pub struct PiiScrub {
    rules: Rules,
    places: Vec<Place>,
    allowed: KeyNames,
    hasher: Option<Hasher>,
    audit: Option<Audit>,
    /// What takes the place of a blocked value; `None` where it goes with its key.
    blocked_mask: Option<String>,
}

/// A field that is read.
#[derive(Clone, Copy)]
struct Place {
    field: Field,
    /// With the patterns of all rules.
    read: ReadId,
    /// The values of the map's own keys, where those of blocked keys are masked.
    values: Option<ReadId>,
}

impl Processor for PiiScrub {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let rules = Rules::new(&config)?;
        let hasher = config.hash.as_ref().map(Hasher::new).transpose()?;
        let allowed = KeyNames::new("allowed_keys", &config.allowed_keys)?;
        let masks = config.blocked_action == BlockedAction::Mask && !config.blocked_keys.is_empty();
        let fields = config.fields.as_deref().unwrap_or(&Field::ALL);
        if fields.is_empty() {
            return Err(Error::at("fields", "there is none, so that nothing is read; leave the key out for all"));
        }
        let mut plan = Plan::new();
        let places: Vec<Place> = fields
            .iter()
            .filter(|field| field.is_in(signal))
            .map(|&field| Place::new(field, &rules, masks, &mut plan))
            .collect();
        if rules.drop_items {
            plan.drop_rows();
        }
        let audit = config.audit.as_ref().map(|audit| Audit::new(audit, signal, fields, &mut plan)).transpose()?;
        let blocked_mask = masks.then_some(config.mask);
        Ok((PiiScrub { rules, places, allowed, hasher, audit, blocked_mask }, plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let mut tally = Tally::new(&self.rules, self.audit.is_some());
        let mut scan = Scan::new(&self.rules, &self.allowed);
        let dropped = if self.rules.drop_items {
            DroppedRows::find(&mut scan, &self.places, batch, &mut tally, edits)
        } else {
            DroppedRows::default()
        };
        let texts: Vec<Text> = self.rules.list.iter().map(|rule| edits.text(rule.action.text())).collect();
        let mask = self.blocked_mask.as_ref().map(|mask| edits.text(mask));
        for place in &self.places {
            let removals =
                if self.rules.remove { Removals::find(&mut scan, place, batch, mask.is_some()) } else { None };
            let mut scrub = Scrub { scrub: self, place, texts: &texts, tally: &mut tally, edits };
            scan.each(batch, place.read, |scanned| {
                if !dropped.contains(place.field.level(), scanned.row()) {
                    scrub.cell(scanned, removals.as_ref());
                }
            });
            for &(row, cell) in removals.iter().flat_map(|removals| &removals.masked_cells) {
                if let (Some(mask), false) = (mask, dropped.contains(place.field.level(), row)) {
                    edits.replace(cell, mask);
                    tally.add(self.rules.blocked_key(), place.field.level(), row);
                }
            }
        }
        tally.report(&self.rules, self.audit.as_ref(), batch, edits);
        Ok(())
    }
}

impl Place {
    fn new(field: Field, rules: &Rules, masks: bool, plan: &mut Plan) -> Place {
        let path = if field.has_keys() { field.name().to_owned() + "[**]" } else { field.name().to_owned() };
        let _: WriteId = plan.write(path.as_str());
        let read = plan.read_matching(path, rules.patterns_for(field));
        let values = (masks && field.has_keys()).then(|| plan.read(field.name().to_owned() + "[*]"));
        Place { field, read, values }
    }
}

/// What the edits of one field are made from.
struct Scrub<'s> {
    scrub: &'s PiiScrub,
    place: &'s Place,
    /// By rule.
    texts: &'s [Text],
    tally: &'s mut Tally,
    edits: &'s mut Edits,
}

impl Scrub<'_> {
    /// Edits one cell.
    fn cell(&mut self, scanned: &mut Scanned<'_, '_>, removals: Option<&Removals<'_>>) {
        let (column, index) = (scanned.column, scanned.index);
        let (level, row) = (self.place.field.level(), scanned.row());
        let id = column.id(index);
        if let Some(removals) = removals.filter(|removals| removals.covers(column, index)) {
            if column.part() == Part::Key && removals.are_made_by(index) {
                self.edits.remove(id);
                let first = scanned.found.first().map(|finding| finding.rule as usize);
                let rule = if scanned.blocked { None } else { first };
                self.tally.add(rule.unwrap_or(self.scrub.rules.blocked_key()), level, row);
            }
            return;
        }
        let drops = |rule: u32| matches!(self.scrub.rules.list[rule as usize].action, Action::Drop);
        if let Some(finding) = scanned.found.iter().find(|finding| drops(finding.rule)) {
            self.edits.remove(id);
            self.tally.add(finding.rule as usize, level, row);
            return;
        }
        merge(scanned.found);
        for finding in scanned.found.iter() {
            let rule = finding.rule as usize;
            let part = finding.start..finding.end;
            match self.scrub.rules.list[rule].action {
                Action::Hash => {
                    let hash = self.hash(column, index, finding.start as usize, finding.end as usize);
                    self.edits.splice(id, part, hash);
                }
                _ => self.edits.splice(id, part, self.texts[rule]),
            }
            self.tally.add(rule, level, row);
        }
    }

    fn hash(&mut self, column: Column<'_>, index: u32, start: usize, end: usize) -> Text {
        let text = column.bytes(index).and_then(|bytes| bytes.get(start..end)).unwrap_or_default();
        let hasher = self.scrub.hasher.as_ref().expect("a configuration with `hash` has a key");
        hasher.hash(text, self.edits)
    }
}

tidegate_sdk::export!(PiiScrub);

#[cfg(test)]
mod tests;
