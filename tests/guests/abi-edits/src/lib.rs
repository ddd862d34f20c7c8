//! The contract's way across: cells come in, edits go out. The host runs the patterns, or the guest does.

use std::ops::Range;

use serde::Deserialize;
use tidegate_sdk::{Batch, Context, Edits, Error, PatternMatch, Plan, Processor, ReadId, Signal};

#[path = "../../scrub.rs"]
mod scrub;

use scrub::{MASK, PATTERNS, Scrubber};

struct Guest {
    reads: [ReadId; 2],
    /// None where the host runs the patterns.
    scrubber: Option<Scrubber>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    pushdown: bool,
}

impl Processor for Guest {
    type Config = Config;

    fn configure(_: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let mut plan = Plan::new();
        let reads = ["log.body", "log.attributes[*]"].map(|path| {
            plan.write(path);
            if config.pushdown { plan.read_matching(path, PATTERNS) } else { plan.read(path) }
        });
        Ok((Guest { reads, scrubber: (!config.pushdown).then(Scrubber::new) }, plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let mask = edits.text(MASK);
        for cell in self.reads.into_iter().flat_map(|read| batch.cells(read)) {
            let found = match (&self.scrubber, cell.text()) {
                (Some(scrubber), Some(text)) => scrubber.find(text.as_bytes()),
                (Some(_), None) => continue,
                (None, _) => matched(cell.matches()),
            };
            for range in found {
                edits.splice(cell.id(), range.start as u32..range.end as u32, mask);
            }
        }
        Ok(())
    }
}

fn matched(matches: &[PatternMatch]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> =
        matches.iter().map(|found| found.range().start as usize..found.range().end as usize).collect();
    scrub::merge(&mut found);
    found
}

tidegate_sdk::export!(Guest);
