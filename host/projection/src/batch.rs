//! The batch as the guest sees it: the types of `wit/processor.wit`, field by field.

use host_otlp::Signal;

/// The levels of a payload, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    Origin,
    Scope,
    Metric,
    Item,
    Event,
    Link,
    Exemplar,
}

/// Texts or byte strings end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    pub bytes: Vec<u8>,
    pub ends: Vec<u32>,
}

/// The values of a column, of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Text(Packed),
    Bytes(Packed),
    Signed(Vec<i64>),
    Unsigned(Vec<u64>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    /// `AnyValue` messages, encoded.
    Encoded(Packed),
}

/// What of an attribute a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Value,
    Key,
}

/// One match of a pattern in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternMatch {
    pub index: u32,
    pub pattern: u32,
    pub start: u32,
    pub end: u32,
}

/// The cells of one read that have one type.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub read: u32,
    pub part: Part,
    pub first_cell: u32,
    pub rows: Vec<u32>,
    pub keys: Vec<u32>,
    pub within: Vec<u32>,
    pub values: Values,
    pub matches: Vec<PatternMatch>,
}

/// The rows of one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    pub level: Level,
    pub count: u32,
    pub parents: Vec<u32>,
}

/// What a guest sees of one payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub signal: Signal,
    pub levels: Vec<Rows>,
    pub dictionary: Packed,
    pub columns: Vec<Column>,
}
