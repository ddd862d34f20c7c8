//! The probabilistic sampler: a share of spans or log records is kept, by hash or by the consistent probability sampling
//! of OpenTelemetry, with the decisions of the Collector's processor of this name.

mod config;

mod logs;

mod probability;

mod randomness;

mod sampler;

mod traces;

mod tracestate;

use tidegate_sdk::{Batch, Context, Edits, Error, Level, Plan, Processor, Signal, counters};

use config::Config;
use logs::LogRecords;
use sampler::Sampler;
use traces::Spans;

/// What is kept of one signal.
pub struct ProbabilisticSampler {
    sampler: Sampler,
    items: Items,
}

enum Items {
    Spans(Spans),
    LogRecords(LogRecords),
}

/// What became of the items of one batch.
#[derive(Default)]
struct Tally {
    kept: u64,
    dropped: u64,
    /// Items that `fail_closed` has decided about.
    failed: u64,
}

impl Processor for ProbabilisticSampler {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        let sampler = Sampler::new(&config)?;
        let mut plan = Plan::new();
        plan.drop_rows();
        let items = match signal {
            Signal::Traces => Items::Spans(Spans::new(&mut plan)),
            Signal::Logs => Items::LogRecords(LogRecords::new(&config, &mut plan)),
            Signal::Metrics => return Err(Error::new("metrics are not sampled; take it out of their pipelines")),
        };
        Ok((ProbabilisticSampler { sampler, items }, plan))
    }

    fn process(&mut self, _: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let mut tally = Tally::default();
        match &self.items {
            Items::Spans(spans) => spans.sample(&self.sampler, batch, edits, &mut tally),
            Items::LogRecords(records) => records.sample(&self.sampler, batch, edits, &mut tally),
        }
        for (name, count) in [("kept", tally.kept), ("dropped", tally.dropped), ("failed", tally.failed)] {
            if count > 0 {
                counters::add(name, count);
            }
        }
        Ok(())
    }
}

impl Tally {
    /// Drops a row, or says that it stays.
    fn keeps(&mut self, row: u32, decision: &sampler::Decision, edits: &mut Edits) -> bool {
        self.failed += u64::from(decision.failed);
        if decision.sampled {
            self.kept += 1;
        } else {
            self.dropped += 1;
            edits.drop_rows(Level::Item, row..row + 1);
        }
        decision.sampled
    }
}

tidegate_sdk::export!(ProbabilisticSampler);

#[cfg(test)]
mod tests;
