//! Spans under their scopes and resources, with their events, links and status.

use super::{Resource, Scope, builders, request};

request! {
    /// A request of spans.
    Traces { resource_spans: ResourceSpans } Traces
}

/// What role a span plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// How a span ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusCode {
    Ok = 1,
    Error = 2,
}

builders! {
    /// The spans of one resource.
    ResourceSpans {
        resource: message(Resource) = 1;
        scope_spans: group(ScopeSpans) = 2;
        schema_url: text = 3;
    }
    /// The spans of one scope.
    ScopeSpans {
        scope: message(Scope) = 1;
        span: item(Span) = 2;
        schema_url: text = 3;
    }
    /// One span.
    Span {
        trace_id: bytes = 1;
        span_id: bytes = 2;
        trace_state: text = 3;
        parent_span_id: bytes = 4;
        name: text = 5;
        kind: choice(SpanKind) = 6;
        start_time_unix_nano: fixed64 = 7;
        end_time_unix_nano: fixed64 = 8;
        attribute: attribute = 9;
        dropped_attributes_count: unsigned = 10;
        event: message(Event) = 11;
        dropped_events_count: unsigned = 12;
        link: message(Link) = 13;
        dropped_links_count: unsigned = 14;
        status: message(Status) = 15;
        flags: fixed32 = 16;
    }
    /// Something that happened during a span.
    Event {
        time_unix_nano: fixed64 = 1;
        name: text = 2;
        attribute: attribute = 3;
        dropped_attributes_count: unsigned = 4;
    }
    /// A span that another one refers to.
    Link {
        trace_id: bytes = 1;
        span_id: bytes = 2;
        trace_state: text = 3;
        attribute: attribute = 4;
        dropped_attributes_count: unsigned = 5;
        flags: fixed32 = 6;
    }
    /// How a span ended, and why.
    Status {
        message: text = 2;
        code: choice(StatusCode) = 3;
    }
}
