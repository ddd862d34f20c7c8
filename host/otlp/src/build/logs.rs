//! Log records under their scopes and resources.

use super::{Buffer, ITEM, LARGE, Resource, Scope, builders, request};
use crate::payload::Payload;
use crate::signal::Signal;
use crate::wire;

request! {
    /// A request of log records.
    Logs { resource_logs: ResourceLogs } Logs
}

builders! {
    /// The log records of one resource.
    ResourceLogs {
        resource: message(Resource) = 1;
        scope_logs: group(ScopeLogs) = 2;
        schema_url: text = 3;
    }
    /// The log records of one scope.
    ScopeLogs {
        scope: message(Scope) = 1;
        log_record: item(LogRecord) = 2;
        schema_url: text = 3;
    }
    /// One log record.
    LogRecord {
        time_unix_nano: fixed64 = 1;
        severity_number: unsigned = 2;
        severity_text: text = 3;
        body: value = 5;
        body_of: tree_of = 5;
        attribute: attribute = 6;
        attribute_of: pair_of = 6;
        dropped_attributes_count: unsigned = 7;
        flags: fixed32 = 8;
        trace_id: bytes = 9;
        span_id: bytes = 10;
        observed_time_unix_nano: fixed64 = 11;
        event_name: text = 12;
    }
}

/// A request of log records whose groups are not known beforehand: each record goes into the group that was opened last.
///
/// ```
/// let mut logs = host_otlp::build::LogsWriter::default();
/// logs.group(|resource| resource.attribute("service.name", "checkout"));
/// logs.log_record(|record| record.body("one"));
/// logs.log_record(|record| record.body("two"));
/// assert_eq!(logs.finish().items(), 2);
/// ```
#[derive(Debug, Default)]
pub struct LogsWriter {
    buffer: Buffer,
    /// Where the prefixes of the open group and of its scope stand.
    open: Option<(usize, usize)>,
}

impl LogsWriter {
    /// For a request of about so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let buffer = Buffer { bytes: Vec::with_capacity(bytes), items: 0 };
        LogsWriter { buffer, open: None }
    }

    /// Begins a group of the records of one resource.
    pub fn group(&mut self, resource: impl FnOnce(&mut Resource<'_>)) {
        self.close();
        let outer = self.buffer.open(1, LARGE);
        self.buffer.message(1, ITEM, |buffer| resource(&mut Resource(buffer)));
        let inner = self.buffer.open(2, LARGE);
        self.open = Some((outer, inner));
    }

    /// Adds a record to the group; where none was opened, to one without a resource.
    pub fn log_record(&mut self, fill: impl FnOnce(&mut LogRecord<'_>)) {
        if self.open.is_none() {
            self.group(|_| {});
        }
        self.buffer.items += 1;
        self.buffer.message(2, ITEM, |buffer| fill(&mut LogRecord(buffer)));
    }

    /// Records so far.
    pub fn items(&self) -> u32 {
        self.buffer.items
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.buffer.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.bytes.is_empty()
    }

    pub fn finish(mut self) -> Payload {
        self.close();
        self.buffer.finish(Signal::Logs)
    }

    fn close(&mut self) {
        if let Some((outer, inner)) = self.open.take() {
            wire::close_len(&mut self.buffer.bytes, inner, LARGE);
            wire::close_len(&mut self.buffer.bytes, outer, LARGE);
        }
    }
}
