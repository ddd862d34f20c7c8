//! Masks what a pattern finds in the bodies of log records.

use serde::Deserialize;
use tidegate_sdk::{Batch, Context, Edits, Error, Pattern, Plan, Processor, ReadId, Signal, counters};

/// What the operator writes under `config`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    pattern: String,
    #[serde(default = "stars")]
    mask: String,
}

fn stars() -> String {
    "***".to_owned()
}

struct Masks {
    mask: String,
    /// There is one for logs.
    body: Option<ReadId>,
}

impl Processor for Masks {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        if config.pattern.is_empty() {
            return Err(Error::at("pattern", "has to be a regular expression"));
        }
        let mut plan = Plan::new();
        let body = (signal == Signal::Logs).then(|| {
            plan.write("log.body");
            plan.read_matching("log.body", [Pattern::named("pattern", config.pattern)])
        });
        Ok((Masks { mask: config.mask, body }, plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let Some(body) = self.body else { return Ok(()) };
        let mask = edits.text(&self.mask);
        let mut count = 0;
        for cell in batch.cells(body) {
            for part in cell.parts() {
                edits.splice(cell.id(), part, mask);
                count += 1;
            }
        }
        counters::add("masked", count);
        Ok(())
    }
}

tidegate_sdk::export!(Masks);

#[cfg(test)]
mod tests;
