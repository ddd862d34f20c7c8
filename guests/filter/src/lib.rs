//! The filter processor: drops what conditions in OTTL say, under the Collector's keys.

mod config;

use sdk_ottl::Conditions;
use tidegate_sdk::{Batch, Context, Edits, Error, Plan, Processor, Signal};

pub use config::Config;

/// The conditions of one signal.
pub struct Filter {
    conditions: Conditions,
}

impl Processor for Filter {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let mut plan = Plan::new();
        let conditions = config.conditions(signal, &mut plan)?;
        if !conditions.is_empty() {
            plan.drop_rows();
        }
        Ok((Filter { conditions }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        if self.conditions.is_empty() {
            return Ok(());
        }
        let mut found = self.conditions.find(context, batch)?;
        found.retain(|found| found.rows.contains(&true));
        let mut dropped: Vec<(tidegate_sdk::Level, Vec<bool>)> = Vec::with_capacity(found.len());
        for found in found {
            let level = found.context.level();
            // What is under a row that goes is gone with it.
            let above: Vec<(Vec<u32>, &Vec<bool>)> = dropped
                .iter()
                .filter_map(|(above, dropped)| Some((batch.ancestors(level, *above)?, dropped)))
                .collect();
            let mut own = Vec::with_capacity(found.rows.len());
            for (row, holds) in (0..).zip(&found.rows) {
                let is_under = |(ancestors, dropped): &(Vec<u32>, &Vec<bool>)| {
                    ancestors.get(row as usize).is_some_and(|above| dropped[*above as usize])
                };
                let goes = *holds && !above.iter().any(is_under);
                if goes {
                    edits.drop_rows(level, row..row + 1);
                }
                own.push(goes);
            }
            dropped.push((level, own));
        }
        Ok(())
    }
}

tidegate_sdk::export!(Filter);

#[cfg(test)]
mod tests;
