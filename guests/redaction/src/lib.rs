//! The redaction processor: attributes and bodies removed, masked or hashed, under the Collector's keys.
//!
//! The host runs the patterns of values. Where nothing but values decides, the cells that match are all that is seen;
//! otherwise the attributes of a row are gone through together, as the Collector does it.

mod config;

mod keys;

mod mask;

mod values;

mod text;

mod map;

mod row;

mod body;

mod audit;

use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan, Processor, Signal, counters};

use body::Body;
use config::{Config, Summary};
use keys::Keys;
use map::Map;
use values::{Values, Verdict};

/// The rules of a configuration, and where they are applied.
pub struct Redaction {
    rules: Rules,
    maps: Vec<Map>,
    body: Option<Body>,
}

/// What is to be done.
struct Rules {
    keys: Keys,
    values: Values,
    summary: Summary,
    /// Numbers, truth values, byte strings, lists and maps are looked at as text.
    all_types: bool,
    /// What becomes of what has no text.
    empty: Verdict,
}

/// What one batch has had done.
#[derive(Default)]
struct Tally {
    masked: u64,
    removed: u64,
}

impl Rules {
    /// Whether nothing but values decides, and nothing is told.
    fn are_plain(&self) -> bool {
        self.keys.are_plain() && self.summary == Summary::Silent && self.empty == Verdict::Left
    }
}

impl Processor for Redaction {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        config.refuse_sanitizers()?;
        let summary = config.summary()?;
        let values = Values::new(&config)?;
        let empty = values.judge_alone("");
        let rules = Rules { keys: Keys::new(&config)?, values, summary, all_types: config.redact_all_types, empty };
        let item: &[(&str, Level)] = match signal {
            Signal::Logs => &[("log.attributes", Level::Item)],
            Signal::Traces => &[("span.attributes", Level::Item), ("spanevent.attributes", Level::Event)],
            Signal::Metrics => &[("datapoint.attributes", Level::Item)],
        };
        let mut plan = Plan::new();
        let around = [("resource.attributes", Level::Origin), ("scope.attributes", Level::Scope)];
        let maps = around.iter().chain(item).map(|&(path, level)| Map::new(path, level, &rules, &mut plan)).collect();
        let body = (signal == Signal::Logs).then(|| Body::new(&rules, &mut plan));
        Ok((Redaction { rules, maps, body }, plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let mut tally = Tally::default();
        for map in &self.maps {
            let body = self.body.as_ref().filter(|_| map.level() == Level::Item);
            map.redact(&self.rules, body, batch, edits, &mut tally)?;
        }
        for (name, count) in [("masked", tally.masked), ("removed", tally.removed)] {
            if count > 0 {
                counters::add(name, count);
            }
        }
        Ok(())
    }
}

tidegate_sdk::export!(Redaction);

#[cfg(test)]
mod tests;
