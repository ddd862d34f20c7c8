//! From the host to the guest: the batch.

use host_otlp::Signal;
use host_projection::batch::{Batch, Column, Level, Packed, Part, PatternMatch, Rows, Values};

use super::types;

pub(crate) fn signal(signal: Signal) -> types::Signal {
    match signal {
        Signal::Logs => types::Signal::Logs,
        Signal::Traces => types::Signal::Traces,
        Signal::Metrics => types::Signal::Metrics,
    }
}

/// Takes the contents of `batch` for the time of a call.
pub(crate) fn lend(batch: &mut Batch) -> types::Batch {
    types::Batch {
        signal: signal(batch.signal),
        levels: std::mem::take(&mut batch.levels).into_iter().map(rows).collect(),
        dictionary: packed(std::mem::take(&mut batch.dictionary)),
        columns: std::mem::take(&mut batch.columns).into_iter().map(column).collect(),
    }
}

fn rows(rows: Rows) -> types::Rows {
    types::Rows { level: level(rows.level), count: rows.count, parents: rows.parents }
}

fn level(level: Level) -> types::Level {
    match level {
        Level::Origin => types::Level::Origin,
        Level::Scope => types::Level::Scope,
        Level::Metric => types::Level::Metric,
        Level::Item => types::Level::Item,
        Level::Event => types::Level::Event,
        Level::Link => types::Level::Link,
        Level::Exemplar => types::Level::Exemplar,
    }
}

fn packed(packed: Packed) -> types::Packed {
    types::Packed { bytes: packed.bytes, ends: packed.ends }
}

fn column(column: Column) -> types::Column {
    types::Column {
        read: column.read,
        part: match column.part {
            Part::Value => types::Part::Value,
            Part::Key => types::Part::Key,
        },
        first_cell: column.first_cell,
        rows: column.rows,
        keys: column.keys,
        within: column.within,
        values: values(column.values),
        matches: column.matches.into_iter().map(pattern_match).collect(),
    }
}

fn values(values: Values) -> types::Values {
    match values {
        Values::Text(text) => types::Values::Text(packed(text)),
        Values::Bytes(bytes) => types::Values::Bytes(packed(bytes)),
        Values::Signed(numbers) => types::Values::Signed(numbers),
        Values::Unsigned(numbers) => types::Values::Unsigned(numbers),
        Values::Double(numbers) => types::Values::Double(numbers),
        Values::Boolean(truths) => types::Values::Boolean(truths),
        Values::Encoded(values) => types::Values::Encoded(packed(values)),
    }
}

fn pattern_match(found: PatternMatch) -> types::PatternMatch {
    types::PatternMatch { index: found.index, pattern: found.pattern, start: found.start, end: found.end }
}
