//! Log records under their scopes and resources.

use super::{AnyValue, KeyValue, Resource, Scope, views};

views! {
    /// The log records of one resource.
    ResourceLogs {
        resource: optional(Resource) = 1;
        scope_logs: many(ScopeLogs) = 2;
        schema_url: text = 3;
    }
    /// The log records of one scope.
    ScopeLogs {
        scope: optional(Scope) = 1;
        log_records: many(LogRecord) = 2;
        schema_url: text = 3;
    }
    /// One log record.
    LogRecord {
        time_unix_nano: fixed64 = 1;
        severity_number: int32 = 2;
        severity_text: text = 3;
        body: optional(AnyValue) = 5;
        attributes: many(KeyValue) = 6;
        dropped_attributes_count: uint32 = 7;
        flags: fixed32 = 8;
        trace_id: bytes = 9;
        span_id: bytes = 10;
        observed_time_unix_nano: fixed64 = 11;
        event_name: text = 12;
    }
}
