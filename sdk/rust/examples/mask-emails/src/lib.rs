//! Masks e-mail addresses in all texts, says how many in an attribute, and drops what is marked to be dropped.

use serde::Deserialize;
use tidegate_sdk::{
    Batch, Cell, Context, Edits, Error, Level, Mode, Plan, Processor, ReadId, Signal, Text, WriteId, counters, info,
};

/// What the operator writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    mask: String,
    keep_domain: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { mask: "[email]".to_owned(), keep_domain: false }
    }
}

struct MaskEmails {
    config: Config,
    resources: ReadId,
    /// The reads of texts, and the level of their rows.
    texts: Vec<(ReadId, Level)>,
    drops: ReadId,
    mark: WriteId,
}

/// An address, and one in angle brackets: the two overlap.
const EMAILS: [&str; 2] = [r"[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}", r"<[^<>@\s]+@[^<>@\s]+>"];

impl Processor for MaskEmails {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        if config.mask.is_empty() {
            return Err(Error::at("mask", "has to be a text of one character or more"));
        }
        let mut plan = Plan::new();
        let (context, more) = match signal {
            Signal::Logs => ("log", Some(("log.body[**]", Level::Item))),
            Signal::Traces => ("span", Some(("spanevent.attributes[**]", Level::Event))),
            Signal::Metrics => ("datapoint", None),
        };
        let resources = masked(&mut plan, "resource.attributes[**]");
        let mut texts = vec![(masked(&mut plan, &format!("{context}.attributes[**]")), Level::Item)];
        texts.extend(more.map(|(path, level)| (masked(&mut plan, path), level)));
        let drops = plan.read_matching(format!(r#"{context}.attributes["drop"]"#), ["^yes$"]);
        let mark = plan.write(format!(r#"{context}.attributes["masked"]"#));
        plan.drop_rows();
        info!("masks e-mail addresses with {}", config.mask);
        Ok((MaskEmails { config, resources, texts, drops, mark }, plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let with = edits.text(&self.config.mask);
        let items = batch.count(Level::Item) as usize;
        let (mut counts, mut dropped, mut drops) = (vec![0_u32; items], vec![false; items], 0);
        for cell in batch.cells(self.drops) {
            dropped[cell.row() as usize] = true;
            edits.drop_rows(Level::Item, cell.row()..cell.row() + 1);
            drops += 1;
        }
        let mut total = 0;
        for cell in batch.cells(self.resources) {
            total += self.mask(edits, with, &cell);
        }
        for &(read, level) in &self.texts {
            let items = batch.ancestors(level, Level::Item).unwrap_or_default();
            for cell in batch.cells(read) {
                let item = items[cell.row() as usize] as usize;
                // What is dropped must not be edited.
                if !dropped[item] {
                    counts[item] += self.mask(edits, with, &cell);
                }
            }
        }
        for (row, &count) in (0..).zip(&counts).filter(|(_, count)| **count > 0) {
            edits.upsert(self.mark, row..row + 1, Mode::Upsert, i64::from(count));
            total += count;
        }
        if total > 0 {
            counters::add("masked", total.into());
        }
        if drops > 0 {
            info!("dropped {drops} items");
        }
        Ok(())
    }
}

/// Asks for the texts of a path in which there is an address, to mask them.
fn masked(plan: &mut Plan, path: &str) -> ReadId {
    plan.write(path);
    plan.read_matching(path, EMAILS)
}

impl MaskEmails {
    /// Masks the addresses in a cell, and says how many.
    fn mask(&self, edits: &mut Edits, with: Text, cell: &Cell<'_>) -> u32 {
        let mut count = 0;
        for mut part in cell.parts() {
            if self.config.keep_domain {
                let matched = &cell.contents()[part.start as usize..part.end as usize];
                part.end = matched.iter().position(|byte| *byte == b'@').map_or(part.end, |at| part.start + at as u32);
            }
            edits.splice(cell.id(), part, with);
            count += 1;
        }
        count
    }
}

tidegate_sdk::export!(MaskEmails);
