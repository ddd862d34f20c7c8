//! Log records under their scopes and resources.

use super::{Resource, Scope, builders, request};

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
        attribute: attribute = 6;
        dropped_attributes_count: unsigned = 7;
        flags: fixed32 = 8;
        trace_id: bytes = 9;
        span_id: bytes = 10;
        observed_time_unix_nano: fixed64 = 11;
        event_name: text = 12;
    }
}
