//! The fields that paths name: where the host finds each, and how it is seen.

use crate::context::Context;

/// Where a path leads, before its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A map of attributes, by the host's path.
    Map(&'static str),
    /// A field, by the host's path, and a view of it.
    Field(&'static str, Class, View),
    /// What a row may put by while statements run on it.
    Cache,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Text,
    /// A time or a count: 64 bits without a sign.
    Int,
    /// An enum, or another signed number of 32 bits.
    Int32,
    /// Flags, or another number of 32 bits without a sign.
    Uint32,
    /// A number of a data point: one or the other.
    Number,
    Double,
    Bool,
    TraceId,
    SpanId,
    Any,
}

/// How a field is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Plain,
    /// As text: an id in hexadecimal digits, a body printed.
    Text,
    /// Nanoseconds as a point in time.
    Time,
    /// A span's kind as `Server`.
    Kind,
    /// A span's kind as `SPAN_KIND_SERVER`.
    DeprecatedKind,
    Int,
    Double,
}

/// By number.
pub(crate) const KINDS: [&str; 6] = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"];

/// By number.
pub(crate) const DEPRECATED_KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

impl Place {
    /// The place that names after the context mean.
    pub(crate) fn of(context: Context, names: &str) -> Option<Place> {
        if names == "cache" {
            return Some(Place::Cache);
        }
        match context {
            Context::Resource => resource(names),
            Context::Scope => scope(names),
            Context::Log => log(names),
            Context::Span => span(names),
            Context::SpanEvent => span_event(names),
            Context::Metric => metric(names),
            Context::DataPoint => data_point(names),
            Context::Exemplar => exemplar(names),
        }
    }
}

impl Class {
    /// How many bytes an id has.
    pub(crate) fn id(self) -> Option<usize> {
        match self {
            Class::TraceId => Some(16),
            Class::SpanId => Some(8),
            _ => None,
        }
    }
}

const fn text(path: &'static str) -> Option<Place> {
    Some(Place::Field(path, Class::Text, View::Plain))
}

const fn int(path: &'static str) -> Option<Place> {
    Some(Place::Field(path, Class::Int, View::Plain))
}

const fn int32(path: &'static str) -> Option<Place> {
    Some(Place::Field(path, Class::Int32, View::Plain))
}

const fn uint32(path: &'static str) -> Option<Place> {
    Some(Place::Field(path, Class::Uint32, View::Plain))
}

const fn time(path: &'static str) -> Option<Place> {
    Some(Place::Field(path, Class::Int, View::Time))
}

const fn id(path: &'static str, class: Class, view: View) -> Option<Place> {
    Some(Place::Field(path, class, view))
}

fn resource(names: &str) -> Option<Place> {
    match names {
        "attributes" => Some(Place::Map("resource.attributes")),
        "dropped_attributes_count" => uint32("resource.dropped_attributes_count"),
        "schema_url" => text("resource.schema_url"),
        _ => None,
    }
}

fn scope(names: &str) -> Option<Place> {
    match names {
        "attributes" => Some(Place::Map("scope.attributes")),
        "name" => text("scope.name"),
        "version" => text("scope.version"),
        "dropped_attributes_count" => uint32("scope.dropped_attributes_count"),
        "schema_url" => text("scope.schema_url"),
        _ => None,
    }
}

fn log(names: &str) -> Option<Place> {
    match names {
        "attributes" => Some(Place::Map("log.attributes")),
        "body" => Some(Place::Field("log.body", Class::Any, View::Plain)),
        "body.string" => Some(Place::Field("log.body", Class::Any, View::Text)),
        "event_name" => text("log.event_name"),
        "severity_text" => text("log.severity_text"),
        "severity_number" => int32("log.severity_number"),
        "time_unix_nano" => int("log.time_unix_nano"),
        "time" => time("log.time_unix_nano"),
        "observed_time_unix_nano" => int("log.observed_time_unix_nano"),
        "observed_time" => time("log.observed_time_unix_nano"),
        "dropped_attributes_count" => uint32("log.dropped_attributes_count"),
        "flags" => uint32("log.flags"),
        "trace_id" => id("log.trace_id", Class::TraceId, View::Plain),
        "trace_id.string" => id("log.trace_id", Class::TraceId, View::Text),
        "span_id" => id("log.span_id", Class::SpanId, View::Plain),
        "span_id.string" => id("log.span_id", Class::SpanId, View::Text),
        _ => None,
    }
}

fn span(names: &str) -> Option<Place> {
    match names {
        "attributes" => Some(Place::Map("span.attributes")),
        "name" => text("span.name"),
        "trace_state" => text("span.trace_state"),
        "kind" => int32("span.kind"),
        "kind.string" => Some(Place::Field("span.kind", Class::Int32, View::Kind)),
        "kind.deprecated_string" => Some(Place::Field("span.kind", Class::Int32, View::DeprecatedKind)),
        "status.code" => int32("span.status.code"),
        "status.message" => text("span.status.message"),
        "start_time_unix_nano" => int("span.start_time_unix_nano"),
        "start_time" => time("span.start_time_unix_nano"),
        "end_time_unix_nano" => int("span.end_time_unix_nano"),
        "end_time" => time("span.end_time_unix_nano"),
        "dropped_attributes_count" => uint32("span.dropped_attributes_count"),
        "dropped_events_count" => uint32("span.dropped_events_count"),
        "dropped_links_count" => uint32("span.dropped_links_count"),
        "flags" => uint32("span.flags"),
        "trace_id" => id("span.trace_id", Class::TraceId, View::Plain),
        "trace_id.string" => id("span.trace_id", Class::TraceId, View::Text),
        "span_id" => id("span.span_id", Class::SpanId, View::Plain),
        "span_id.string" => id("span.span_id", Class::SpanId, View::Text),
        "parent_span_id" => id("span.parent_span_id", Class::SpanId, View::Plain),
        "parent_span_id.string" => id("span.parent_span_id", Class::SpanId, View::Text),
        _ => None,
    }
}

fn span_event(names: &str) -> Option<Place> {
    match names {
        "attributes" => Some(Place::Map("spanevent.attributes")),
        "name" => text("spanevent.name"),
        "time_unix_nano" => int("spanevent.time_unix_nano"),
        "time" => time("spanevent.time_unix_nano"),
        "dropped_attributes_count" => uint32("spanevent.dropped_attributes_count"),
        _ => None,
    }
}

fn metric(names: &str) -> Option<Place> {
    match names {
        "name" => text("metric.name"),
        "description" => text("metric.description"),
        "unit" => text("metric.unit"),
        "metadata" => Some(Place::Map("metric.metadata")),
        "type" => int32("metric.type"),
        "aggregation_temporality" => int32("metric.aggregation_temporality"),
        "is_monotonic" => Some(Place::Field("metric.is_monotonic", Class::Bool, View::Plain)),
        _ => None,
    }
}

fn data_point(names: &str) -> Option<Place> {
    match names {
        "attributes" => Some(Place::Map("datapoint.attributes")),
        "start_time_unix_nano" => int("datapoint.start_time_unix_nano"),
        "start_time" => time("datapoint.start_time_unix_nano"),
        "time_unix_nano" => int("datapoint.time_unix_nano"),
        "time" => time("datapoint.time_unix_nano"),
        "value_int" => Some(Place::Field("datapoint.value", Class::Number, View::Int)),
        "value_double" => Some(Place::Field("datapoint.value", Class::Number, View::Double)),
        "count" => int("datapoint.count"),
        "sum" => Some(Place::Field("datapoint.sum", Class::Double, View::Plain)),
        "scale" => int32("datapoint.scale"),
        "zero_count" => int("datapoint.zero_count"),
        "flags" => uint32("datapoint.flags"),
        _ => None,
    }
}

fn exemplar(names: &str) -> Option<Place> {
    match names {
        "filtered_attributes" => Some(Place::Map("exemplar.attributes")),
        "time_unix_nano" => int("exemplar.time_unix_nano"),
        "time" => time("exemplar.time_unix_nano"),
        "int_value" => Some(Place::Field("exemplar.value", Class::Number, View::Int)),
        "double_value" => Some(Place::Field("exemplar.value", Class::Number, View::Double)),
        "trace_id" => id("exemplar.trace_id", Class::TraceId, View::Plain),
        "trace_id.string" => id("exemplar.trace_id", Class::TraceId, View::Text),
        "span_id" => id("exemplar.span_id", Class::SpanId, View::Plain),
        "span_id.string" => id("exemplar.span_id", Class::SpanId, View::Text),
        _ => None,
    }
}
