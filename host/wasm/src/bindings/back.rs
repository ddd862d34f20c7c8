//! Back from the call: the batch, whose columns tell the host where the cells of a script lie. Vectors are moved.

use host_projection::batch::{Batch, Column, Level, Packed, Part, PatternMatch, Rows, Values};

use super::types;

/// Fills `into` with what was lent to the guest.
pub(crate) fn give_back(batch: types::Batch, into: &mut Batch) {
    into.levels = batch.levels.into_iter().map(rows).collect();
    into.dictionary = packed(batch.dictionary);
    into.columns = batch.columns.into_iter().map(column).collect();
}

fn rows(rows: types::Rows) -> Rows {
    Rows { level: level(rows.level), count: rows.count, parents: rows.parents }
}

pub(super) fn level(level: types::Level) -> Level {
    match level {
        types::Level::Origin => Level::Origin,
        types::Level::Scope => Level::Scope,
        types::Level::Metric => Level::Metric,
        types::Level::Item => Level::Item,
        types::Level::Event => Level::Event,
        types::Level::Link => Level::Link,
        types::Level::Exemplar => Level::Exemplar,
    }
}

fn packed(packed: types::Packed) -> Packed {
    Packed { bytes: packed.bytes, ends: packed.ends }
}

fn column(column: types::Column) -> Column {
    Column {
        read: column.read,
        part: match column.part {
            types::Part::Value => Part::Value,
            types::Part::Key => Part::Key,
        },
        first_cell: column.first_cell,
        rows: column.rows,
        keys: column.keys,
        within: column.within,
        values: match column.values {
            types::Values::Text(text) => Values::Text(packed(text)),
            types::Values::Bytes(bytes) => Values::Bytes(packed(bytes)),
            types::Values::Signed(numbers) => Values::Signed(numbers),
            types::Values::Unsigned(numbers) => Values::Unsigned(numbers),
            types::Values::Double(numbers) => Values::Double(numbers),
            types::Values::Boolean(truths) => Values::Boolean(truths),
            types::Values::Encoded(values) => Values::Encoded(packed(values)),
        },
        matches: column.matches.into_iter().map(pattern_match).collect(),
    }
}

fn pattern_match(found: types::PatternMatch) -> PatternMatch {
    PatternMatch { index: found.index, pattern: found.pattern, start: found.start, end: found.end }
}
