//! Spans: sampled by their trace, with what is known of it in the trace state.

use sdk_collector::by_row::ByRow;
use sdk_collector::number;
use tidegate_sdk::{Batch, Cell, Edits, Level, Mode as Write, Plan, ReadId, Value, WriteId};

use crate::Tally;
use crate::probability::{ALWAYS, NEVER};
use crate::randomness::{self, MOST};
use crate::sampler::{Given, Mode, Sampler};
use crate::tracestate::TraceState;

/// What is read and written of spans.
pub(crate) struct Spans {
    trace_id: ReadId,
    trace_state: ReadId,
    priority: ReadId,
    write: WriteId,
}

impl Spans {
    pub(crate) fn new(plan: &mut Plan) -> Spans {
        Spans {
            trace_id: plan.read("span.trace_id"),
            trace_state: plan.read("span.trace_state"),
            priority: plan.read("span.attributes[\"sampling.priority\"]"),
            write: plan.write("span.trace_state"),
        }
    }

    pub(crate) fn sample(&self, sampler: &Sampler, batch: &Batch<'_>, edits: &mut Edits, tally: &mut Tally) {
        let by_row = |read| ByRow::new(batch, read);
        let (mut ids, mut states, mut priorities) =
            (by_row(self.trace_id), by_row(self.trace_state), by_row(self.priority));
        for row in 0..batch.count(Level::Item) {
            let id = ids.of(row);
            let cell = states.of(row);
            let priority = priorities.of(row).and_then(|cell| forced(cell.value()));
            let before = cell.as_ref().and_then(Cell::text).unwrap_or_default();
            let (mut state, parsed) = TraceState::parse(before);
            let id = id.as_ref().and_then(|cell| match cell.value() {
                Value::Bytes(id) => Some(id).filter(|id| randomness::is_id(id)),
                _ => None,
            });
            let (given, carries) = given(sampler, id, &mut state, parsed.is_err());
            let decision = sampler.decide(&Given { forced: priority, ..given });
            if !tally.keeps(row, &decision, edits) || !carries {
                continue;
            }
            if let Some(threshold) = decision.threshold {
                state.set_threshold(threshold);
            }
            let after = state.written();
            match cell {
                _ if after == before => {}
                Some(cell) if after.is_empty() => edits.remove(cell.id()),
                Some(cell) => edits.replace(cell.id(), after.as_str()),
                None => edits.upsert(self.write, row..row + 1, Write::Upsert, after.as_str()),
            }
        }
    }
}

/// What a span comes with, and whether its trace state is written anew when it stays.
fn given(sampler: &Sampler, id: Option<&[u8]>, state: &mut TraceState, malformed: bool) -> (Given, bool) {
    let given = Given { randomness: Some(MOST), threshold: state.threshold(), failed: malformed, forced: None };
    match sampler.mode {
        Mode::Never => (given, true),
        Mode::Hash { seed, .. } => {
            let randomness = id.map(|id| randomness::of_hash(id, seed));
            // What was sampled by its own randomness is not to be sampled by a hash.
            let is_taken = malformed || state.randomness().is_some() || state.threshold().is_some();
            if !is_taken {
                state.set_randomness(randomness.unwrap_or(MOST));
            }
            (Given { randomness, threshold: None, failed: is_taken, ..given }, !is_taken)
        }
        Mode::Equalizing { .. } | Mode::Proportional { .. } => {
            let of_trace = || id.map(randomness::of_trace);
            let randomness = state.randomness().filter(|_| !malformed).or_else(of_trace);
            (Given { randomness, ..given }, !malformed)
        }
    }
}

/// The threshold of a span with a priority: 0 is never sampled, and what is above always is.
fn forced(priority: Value<'_>) -> Option<u64> {
    let number = match priority {
        Value::Signed(number) => number as f64,
        Value::Double(number) => number,
        Value::Text(text) => number::double(text)?,
        _ => return None,
    };
    if number == 0.0 {
        return Some(NEVER);
    }
    (number > 0.0).then_some(ALWAYS)
}
