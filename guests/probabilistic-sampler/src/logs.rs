//! Log records: sampled by their trace or by an attribute, with what is known of it in two attributes.

use sdk_collector::attribute;
use sdk_collector::by_row::ByRow;
use tidegate_sdk::{Batch, Cell, Edits, Level, Mode as Write, Plan, ReadId, Value, WriteId};

use crate::Tally;
use crate::config::Config;
use crate::probability;
use crate::randomness::{self, MOST};
use crate::sampler::{Given, Mode, Sampler};

/// What is read and written of log records.
pub(crate) struct LogRecords {
    /// Where a record is sampled by its trace.
    trace_id: ReadId,
    uses_trace_id: bool,
    threshold: ReadId,
    randomness: ReadId,
    /// The attribute that a record is sampled by.
    source: Option<ReadId>,
    priority: Option<ReadId>,
    /// Digits of a priority's threshold.
    precision: u32,
    write_threshold: WriteId,
    write_randomness: WriteId,
}

impl LogRecords {
    pub(crate) fn new(config: &Config, plan: &mut Plan) -> LogRecords {
        let path = |key: &str| attribute("log.attributes", key);
        let named = |key: &str| Some(path(key)).filter(|_| !key.is_empty());
        LogRecords {
            trace_id: plan.read("log.trace_id"),
            uses_trace_id: config.uses_trace_id(),
            threshold: plan.read(path("sampling.threshold")),
            randomness: plan.read(path("sampling.randomness")),
            source: named(&config.from_attribute).map(|path| plan.read_whole(path, [] as [&str; 0])),
            priority: named(&config.sampling_priority).map(|path| plan.read(path)),
            precision: config.sampling_precision,
            write_threshold: plan.write(path("sampling.threshold")),
            write_randomness: plan.write(path("sampling.randomness")),
        }
    }

    pub(crate) fn sample(&self, sampler: &Sampler, batch: &Batch<'_>, edits: &mut Edits, tally: &mut Tally) {
        let by_row = |read| ByRow::new(batch, read);
        let (mut ids, mut thresholds, mut randomnesses) =
            (by_row(self.trace_id), by_row(self.threshold), by_row(self.randomness));
        let (mut sources, mut priorities) = (self.source.map(by_row), self.priority.map(by_row));
        for row in 0..batch.count(Level::Item) {
            let record = Record {
                id: ids.of(row),
                threshold: written(thresholds.of(row)),
                randomness: written(randomnesses.of(row)),
                source: sources.as_mut().and_then(|cells| cells.of(row)),
            };
            let priority = priorities.as_mut().and_then(|cells| cells.of(row));
            let forced = priority.and_then(|cell| self.forced(cell.value()));
            let (given, carries) = self.given(sampler, &record);
            let decision = sampler.decide(&Given { forced, ..given });
            if !tally.keeps(row, &decision, edits) || !carries {
                continue;
            }
            let rows = row..row + 1;
            if let (Mode::Hash { .. }, Some(randomness)) = (sampler.mode, given.randomness) {
                let text = probability::hex(randomness);
                edits.upsert(self.write_randomness, rows.clone(), Write::Upsert, text.as_str());
            }
            if let Some(threshold) = decision.threshold {
                let text = probability::written(threshold);
                edits.upsert(self.write_threshold, rows, Write::Upsert, text.as_str());
            }
        }
    }

    /// What a record comes with, and whether its attributes are written when it stays.
    fn given(&self, sampler: &Sampler, record: &Record<'_>) -> (Given, bool) {
        let threshold = record.threshold.map(probability::read_threshold);
        let own = record.randomness.map(probability::read_randomness);
        let malformed = threshold == Some(None) || own == Some(None);
        let (threshold, own) = (threshold.flatten(), own.flatten());
        let given = Given { randomness: Some(MOST), threshold, failed: malformed, forced: None };
        match sampler.mode {
            Mode::Never => (given, true),
            Mode::Hash { seed, .. } => {
                let is_taken = malformed || threshold.is_some() || own.is_some();
                let randomness = self.hashed(record, seed);
                (Given { randomness, threshold: None, failed: is_taken, ..given }, !is_taken)
            }
            Mode::Equalizing { .. } | Mode::Proportional { .. } => {
                let of_trace = || record.trace().map(randomness::of_trace);
                (Given { randomness: own.filter(|_| !malformed).or_else(of_trace), ..given }, !malformed)
            }
        }
    }

    /// The hash of the trace's id or, where there is none or it does not count, of the attribute.
    fn hashed(&self, record: &Record<'_>, seed: u32) -> Option<u64> {
        let id = record.trace().filter(|_| self.uses_trace_id);
        if let Some(id) = id {
            return Some(randomness::of_hash(id, seed));
        }
        let source = record.source.as_ref()?.value();
        let printed;
        let bytes = match source {
            Value::Bytes(bytes) => bytes,
            value => {
                printed = value.to_any().printed();
                printed.as_bytes()
            }
        };
        (!bytes.is_empty()).then(|| randomness::of_hash(bytes, seed))
    }

    /// The threshold of a record with a priority, which is a percentage.
    fn forced(&self, priority: Value<'_>) -> Option<u64> {
        let percentage = match priority {
            Value::Signed(number) => number as f64,
            Value::Double(number) => number,
            _ => return None,
        };
        probability::threshold(percentage / 100.0, self.precision)
    }
}

/// A record, as far as it is read.
struct Record<'b> {
    id: Option<Cell<'b>>,
    threshold: Option<&'b str>,
    randomness: Option<&'b str>,
    source: Option<Cell<'b>>,
}

impl<'b> Record<'b> {
    /// The id of its trace.
    fn trace(&self) -> Option<&'b [u8]> {
        match self.id.as_ref()?.value() {
            Value::Bytes(id) => Some(id).filter(|id| randomness::is_id(id)),
            _ => None,
        }
    }
}

/// A text that is not empty.
fn written(cell: Option<Cell<'_>>) -> Option<&str> {
    cell?.text().filter(|text| !text.is_empty())
}
