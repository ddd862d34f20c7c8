//! A projection is a payload and what a guest sees of it, with the place of each row and cell.

use std::sync::Arc;

use host_otlp::Payload;

use crate::batch::{Batch, Column, Level, Packed, Rows};
use crate::projector::{Compiled, LEVELS};

/// No such row, message or number.
pub(crate) const NONE: u32 = u32::MAX;

/// What a guest sees of one payload, and the way back.
#[derive(Debug)]
pub struct Projection {
    pub batch: Batch,
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) payload: Payload,
    /// By column and cell.
    pub(crate) sites: Vec<Vec<Site>>,
    /// By level and row.
    pub(crate) rows: [Vec<RowSite>; LEVELS],
    pub(crate) nests: Vec<Nest>,
    /// For each segment the first row of each level.
    pub(crate) segments: Vec<[u32; LEVELS]>,
}

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Walked {
    pub(crate) columns: Vec<Column>,
    pub(crate) sites: Vec<Vec<Site>>,
    pub(crate) dictionary: Packed,
    pub(crate) rows: [Vec<RowSite>; LEVELS],
    pub(crate) nests: Vec<Nest>,
    pub(crate) segments: Vec<[u32; LEVELS]>,
}

/// Where a row lies in its segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowSite {
    pub(crate) tag: u32,
    pub(crate) content: u32,
    pub(crate) end: u32,
    /// The tag of the message that the row holds: the resource, the scope, the status, the metric's data.
    pub(crate) held: u32,
    /// The row around it.
    pub(crate) parent: u32,
}

/// What lies at the tag of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A field that is of one type by the schema.
    Field,
    /// A `KeyValue`, of which the cell is the value.
    Pair,
    /// A `KeyValue`, of which the cell is the key.
    Key,
    /// An `AnyValue`: the body, or an array's item.
    Any,
}

/// Where a cell lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) form: Form,
    pub(crate) tag: u32,
    /// The message around it, where that is neither the row nor what the row holds.
    pub(crate) nest: u32,
}

/// A message between a row and a cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nest {
    pub(crate) tag: u32,
    pub(crate) parent: u32,
}

impl Projection {
    pub(crate) fn new(compiled: Arc<Compiled>, payload: Payload, walked: Walked) -> Projection {
        let levels = compiled.table.levels.iter().map(|&level| {
            let rows = &walked.rows[level as usize];
            let parents = match level {
                Level::Origin => Vec::new(),
                _ => rows.iter().map(|row| row.parent).collect(),
            };
            Rows { level, count: rows.len() as u32, parents }
        });
        let batch = Batch {
            signal: compiled.signal,
            levels: levels.collect(),
            dictionary: walked.dictionary,
            columns: walked.columns,
        };
        let Walked { sites, rows, nests, segments, .. } = walked;
        Projection { batch, compiled, payload, sites, rows, nests, segments }
    }

    /// Whether the guest has anything to look at: not where each read has patterns and none of them matched.
    pub fn needs_guest(&self) -> bool {
        let reads = &self.compiled.reads;
        reads.is_empty() || reads.iter().any(|read| read.patterns.is_none()) || !self.batch.columns.is_empty()
    }

    /// The payload as it came, less unknown fields where a wildcard or a pattern reads.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The payload without any edit.
    pub fn into_payload(self) -> Payload {
        self.payload
    }
}
