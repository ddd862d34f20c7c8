//! Spans under their scopes and resources, with their events, links and status.

use super::{KeyValue, Resource, Scope, views};

views! {
    /// The spans of one resource.
    ResourceSpans {
        resource: optional(Resource) = 1;
        scope_spans: many(ScopeSpans) = 2;
        schema_url: text = 3;
    }
    /// The spans of one scope.
    ScopeSpans {
        scope: optional(Scope) = 1;
        spans: many(Span) = 2;
        schema_url: text = 3;
    }
    /// One span.
    Span {
        trace_id: bytes = 1;
        span_id: bytes = 2;
        trace_state: text = 3;
        parent_span_id: bytes = 4;
        name: text = 5;
        kind: int32 = 6;
        start_time_unix_nano: fixed64 = 7;
        end_time_unix_nano: fixed64 = 8;
        attributes: many(KeyValue) = 9;
        dropped_attributes_count: uint32 = 10;
        events: many(Event) = 11;
        dropped_events_count: uint32 = 12;
        links: many(Link) = 13;
        dropped_links_count: uint32 = 14;
        status: optional(Status) = 15;
        flags: fixed32 = 16;
    }
    /// Something that happened during a span.
    Event {
        time_unix_nano: fixed64 = 1;
        name: text = 2;
        attributes: many(KeyValue) = 3;
        dropped_attributes_count: uint32 = 4;
    }
    /// A span that another one refers to.
    Link {
        trace_id: bytes = 1;
        span_id: bytes = 2;
        trace_state: text = 3;
        attributes: many(KeyValue) = 4;
        dropped_attributes_count: uint32 = 5;
        flags: fixed32 = 6;
    }
    /// How a span ended, and why.
    Status {
        message: text = 2;
        code: int32 = 3;
    }
}
