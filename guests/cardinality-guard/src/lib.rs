//! The cardinality guard: a metric has no more series than its limit. What comes beyond goes into one series with the
//! attribute `otel.metric.overflow`, as the specification of OpenTelemetry's SDKs has it.

mod budget;

mod config;

mod points;

use std::collections::BTreeMap;

use tidegate_sdk::{Batch, Context, Edits, Error, Level, Mode, Plan, Processor, Signal, counters, warn};

use budget::{Budgets, Verdict};
use config::{Config, OnOverflow};
use points::{Fields, Overflow, Points};

/// The attribute of the series into which everything goes that is beyond the limit.
const OVERFLOW: &str = "otel.metric.overflow";

/// The budgets of all metrics.
pub struct CardinalityGuard {
    fields: Fields,
    budgets: Budgets,
    on_overflow: OnOverflow,
}

/// What became of the points of one batch.
#[derive(Default)]
struct Tally {
    aggregated: u64,
    dropped: u64,
}

impl Processor for CardinalityGuard {
    type Config = Config;

    fn configure(signal: Signal, config: Config) -> Result<(Self, Plan), Error> {
        config.check()?;
        if signal != Signal::Metrics {
            return Err(Error::new("only metrics have series; take it out of the pipelines of logs and traces"));
        }
        let mut plan = Plan::new();
        plan.remember();
        let fields = Fields::new(&mut plan);
        Ok((CardinalityGuard { fields, on_overflow: config.on_overflow, budgets: Budgets::new(config) }, plan))
    }

    fn process(&mut self, context: &Context, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let points = Points::read(&self.fields, batch);
        self.budgets.begin(context.now());
        let mut tally = Tally::default();
        // Points that can be added up, by the metric's row and their time.
        let mut beyond: BTreeMap<(u32, u64), Overflow> = BTreeMap::new();
        for point in points.iter().filter(|point| !point.is_overflow) {
            match self.budgets.take(point.metric_name, point.metric_hash, point.series) {
                Verdict::Within => continue,
                Verdict::FirstBeyond(limit) => warn!(
                    "the metric {:?} has reached its limit of {limit} series: what comes beyond is {}",
                    point.metric_name,
                    if self.on_overflow == OnOverflow::Drop { "dropped" } else { "aggregated in one of overflow" }
                ),
                Verdict::Beyond => {}
            }
            match point.number.filter(|_| self.on_overflow == OnOverflow::Aggregate) {
                Some(number) => {
                    beyond.entry((point.metric, point.time)).or_default().add(point, number, points.is_sum(point));
                }
                None => {
                    tally.dropped += 1;
                    edits.drop_rows(Level::Item, point.row..point.row + 1);
                }
            }
        }
        for overflow in beyond.into_values() {
            tally.aggregated += overflow.points();
            self.aggregate(&overflow, &points, edits);
        }
        for (name, count) in [("aggregated", tally.aggregated), ("dropped", tally.dropped)] {
            if count > 0 {
                counters::add(name, count);
            }
        }
        let forgotten = self.budgets.forgotten();
        if forgotten > 0 {
            counters::add("forgotten", forgotten);
        }
        Ok(())
    }
}

impl CardinalityGuard {
    /// One of the points stands for all, without the attributes that told them apart; the others go.
    fn aggregate(&self, overflow: &Overflow, points: &Points<'_>, edits: &mut Edits) {
        let Some((kept, value)) = overflow.result() else { return };
        for &row in overflow.rows().iter().filter(|row| **row != kept) {
            edits.drop_rows(Level::Item, row..row + 1);
        }
        points.attributes(kept).for_each(|cell| edits.remove(cell));
        edits.upsert_key(self.fields.write_attributes, kept..kept + 1, OVERFLOW, Mode::Upsert, true);
        if let (Some(value), Some(cell)) = (value, points.value_cell(kept)) {
            edits.replace(cell, value);
        }
    }
}

tidegate_sdk::export!(CardinalityGuard);

#[cfg(test)]
mod tests;
