//! A batch of plain values: rows by level, each with its fields and attributes.

use super::path;
use crate::{Any, Level, Signal};

/// What a processor is tried on, and what comes out of it.
///
/// Methods add a row under the last row of the level above; the first scope of a resource may be left out.
#[derive(Clone, Debug, PartialEq)]
pub struct TestBatch {
    pub(super) signal: Signal,
    /// Indexed by level, outermost first.
    pub(super) rows: [Vec<Row>; 7],
}

/// One row. A field's value is `Any`; `attributes` is a field that holds a map.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) parent: usize,
    pub(super) fields: Vec<(String, Any)>,
    pub(super) route: Option<String>,
    pub(super) dropped: bool,
}

impl TestBatch {
    /// An empty batch of logs.
    pub fn logs() -> TestBatch {
        TestBatch::of(Signal::Logs)
    }

    /// An empty batch of traces.
    pub fn traces() -> TestBatch {
        TestBatch::of(Signal::Traces)
    }

    /// An empty batch of metrics.
    pub fn metrics() -> TestBatch {
        TestBatch::of(Signal::Metrics)
    }

    fn of(signal: Signal) -> TestBatch {
        TestBatch { signal, rows: Default::default() }
    }

    /// A resource with these attributes; maps are `json!({..})` or [`Any::Map`].
    pub fn resource(self, attributes: impl Into<Any>) -> Self {
        self.row(Level::Origin, &[], attributes.into())
    }

    /// An instrumentation scope.
    pub fn scope(self, name: &str, attributes: impl Into<Any>) -> Self {
        self.row(Level::Scope, &[("name", name.into())], attributes.into())
    }

    /// A log record.
    pub fn log(self, body: impl Into<Any>, attributes: impl Into<Any>) -> Self {
        self.scoped().row(Level::Item, &[("body", body.into())], attributes.into())
    }

    /// A span.
    pub fn span(self, name: &str, attributes: impl Into<Any>) -> Self {
        self.scoped().row(Level::Item, &[("name", name.into())], attributes.into())
    }

    /// An event of the last span.
    pub fn event(self, name: &str, attributes: impl Into<Any>) -> Self {
        self.row(Level::Event, &[("name", name.into())], attributes.into())
    }

    /// A link of the last span.
    pub fn link(self, attributes: impl Into<Any>) -> Self {
        self.row(Level::Link, &[], attributes.into())
    }

    /// A metric.
    pub fn metric(self, name: &str) -> Self {
        self.scoped().row(Level::Metric, &[("name", name.into())], Any::Empty)
    }

    /// A data point of the last metric.
    pub fn point(self, attributes: impl Into<Any>) -> Self {
        self.row(Level::Item, &[], attributes.into())
    }

    /// An exemplar of the last data point.
    pub fn exemplar(self, attributes: impl Into<Any>) -> Self {
        self.row(Level::Exemplar, &[], attributes.into())
    }

    /// Sets a field of the last row of a context, as in `.with("log", "severity_number", 17)`.
    pub fn with(mut self, context: &str, field: &str, value: impl Into<Any>) -> Self {
        let rows = self.rows_mut(path::level(context));
        let row = rows.last_mut().expect("there is a row of the context before its field is set");
        row.fields.push((field.to_owned(), value.into()));
        self
    }

    /// A field of a row, counted from 0 in the whole batch; rows that were dropped do not count.
    pub fn field(&self, context: &str, row: usize, field: &str) -> Option<&Any> {
        let row = self.rows(path::level(context)).iter().filter(|row| !row.dropped).nth(row)?;
        row.field(field)
    }

    /// A top-level attribute of a row.
    pub fn attribute(&self, context: &str, row: usize, key: &str) -> Option<&Any> {
        match self.field(context, row, "attributes")? {
            Any::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The route of each item that is left, in order; `None` for what no edit routed.
    pub fn routes(&self) -> Vec<Option<&str>> {
        self.rows(Level::Item).iter().filter(|row| !row.dropped).map(|row| row.route.as_deref()).collect()
    }

    pub(super) fn rows(&self, level: Level) -> &[Row] {
        &self.rows[index(level)]
    }

    pub(super) fn rows_mut(&mut self, level: Level) -> &mut Vec<Row> {
        &mut self.rows[index(level)]
    }

    /// The level above one, in this signal.
    pub(super) fn above(&self, level: Level) -> Option<Level> {
        match level {
            Level::Origin => None,
            Level::Scope => Some(Level::Origin),
            Level::Metric => Some(Level::Scope),
            Level::Item if self.signal == Signal::Metrics => Some(Level::Metric),
            Level::Item => Some(Level::Scope),
            Level::Event | Level::Link | Level::Exemplar => Some(Level::Item),
        }
    }

    /// Makes sure that the last resource has a scope.
    fn scoped(self) -> Self {
        let resources = self.rows(Level::Origin).len();
        match self.rows(Level::Scope).last() {
            Some(scope) if scope.parent + 1 == resources => self,
            _ => self.row(Level::Scope, &[], Any::Empty),
        }
    }

    fn row(mut self, level: Level, fields: &[(&str, Any)], attributes: Any) -> Self {
        let parent = match self.above(level) {
            Some(above) => self.rows(above).len().checked_sub(1).expect("there is a row above before one under it"),
            None => 0,
        };
        let mut fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        if let attributes @ Any::Map(_) = attributes {
            fields.push(("attributes".to_owned(), attributes));
        }
        self.rows_mut(level).push(Row { parent, fields, route: None, dropped: false });
        self
    }
}

impl Row {
    pub(super) fn field(&self, name: &str) -> Option<&Any> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }
}

pub(super) fn index(level: Level) -> usize {
    level as usize
}
