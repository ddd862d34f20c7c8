//! The contexts and fields that a path may name: a table over the schema's names.

use host_otlp::Signal;
use host_otlp::schema::Id;

use crate::batch::Level;

/// What a field holds, and so the type of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Text,
    TraceId,
    SpanId,
    /// Messages that consist of texts.
    Texts,
    /// An enum or `int32`.
    Signed32,
    Unsigned32,
    Boolean,
    /// `sint32`.
    Zigzag,
    Fixed64,
    Fixed32,
    Double,
    /// `as_int` or `as_double`.
    Number,
    /// Repeated `KeyValue`.
    Map,
    /// An `AnyValue`.
    Any,
    /// Which of the messages of a oneof a row holds: read, and never written.
    Member,
}

impl Class {
    /// What the cells are an id of, if they are ids.
    pub fn id(self) -> Option<Id> {
        match self {
            Class::TraceId => Some(Id::Trace),
            Class::SpanId => Some(Id::Span),
            _ => None,
        }
    }
}

/// One field of a context.
#[derive(Debug)]
pub struct Field {
    /// As a path spells it.
    pub name: &'static str,
    /// Another spelling.
    pub alias: Option<&'static str>,
    /// Whether it lies in the message that the row holds (the resource, the scope, the status, the metric's data).
    pub held: bool,
    /// As the schema spells it.
    pub proto: &'static [&'static str],
    pub class: Class,
}

/// A level of the payload, as paths name it.
#[derive(Debug)]
pub struct Context {
    pub name: &'static str,
    pub alias: Option<&'static str>,
    pub level: Level,
    /// The only signal that has it.
    pub signal: Option<Signal>,
    pub fields: &'static [Field],
}

const fn own(name: &'static str, proto: &'static [&'static str], class: Class) -> Field {
    Field { name, alias: None, held: false, proto, class }
}

const fn held(name: &'static str, proto: &'static [&'static str], class: Class) -> Field {
    Field { name, alias: None, held: true, proto, class }
}

macro_rules! fields {
    ($($make:ident $name:literal: $class:ident),* $(,)?) => { &[$($make($name, &[$name], Class::$class)),*] };
}

/// All contexts.
pub(super) static CONTEXTS: [Context; 9] = [
    Context {
        name: "resource",
        alias: None,
        level: Level::Origin,
        signal: None,
        fields: fields!(
            held "attributes": Map, held "dropped_attributes_count": Unsigned32, held "entity_refs": Texts,
            own "schema_url": Text,
        ),
    },
    Context {
        name: "scope",
        alias: Some("instrumentation_scope"),
        level: Level::Scope,
        signal: None,
        fields: fields!(
            held "name": Text, held "version": Text, held "attributes": Map,
            held "dropped_attributes_count": Unsigned32, own "schema_url": Text,
        ),
    },
    Context {
        name: "log",
        alias: None,
        level: Level::Item,
        signal: Some(Signal::Logs),
        fields: fields!(
            own "time_unix_nano": Fixed64, own "observed_time_unix_nano": Fixed64, own "severity_number": Signed32,
            own "severity_text": Text, own "body": Any, own "attributes": Map,
            own "dropped_attributes_count": Unsigned32, own "flags": Fixed32, own "trace_id": TraceId,
            own "span_id": SpanId, own "event_name": Text,
        ),
    },
    Context {
        name: "span",
        alias: None,
        level: Level::Item,
        signal: Some(Signal::Traces),
        fields: &[
            own("trace_id", &["trace_id"], Class::TraceId),
            own("span_id", &["span_id"], Class::SpanId),
            own("parent_span_id", &["parent_span_id"], Class::SpanId),
            own("trace_state", &["trace_state"], Class::Text),
            own("name", &["name"], Class::Text),
            own("kind", &["kind"], Class::Signed32),
            own("start_time_unix_nano", &["start_time_unix_nano"], Class::Fixed64),
            own("end_time_unix_nano", &["end_time_unix_nano"], Class::Fixed64),
            own("attributes", &["attributes"], Class::Map),
            own("dropped_attributes_count", &["dropped_attributes_count"], Class::Unsigned32),
            own("dropped_events_count", &["dropped_events_count"], Class::Unsigned32),
            own("dropped_links_count", &["dropped_links_count"], Class::Unsigned32),
            own("flags", &["flags"], Class::Fixed32),
            held("status.code", &["code"], Class::Signed32),
            held("status.message", &["message"], Class::Text),
        ],
    },
    Context {
        name: "spanevent",
        alias: None,
        level: Level::Event,
        signal: Some(Signal::Traces),
        fields: fields!(
            own "name": Text, own "time_unix_nano": Fixed64, own "attributes": Map,
            own "dropped_attributes_count": Unsigned32,
        ),
    },
    Context {
        name: "spanlink",
        alias: None,
        level: Level::Link,
        signal: Some(Signal::Traces),
        fields: fields!(
            own "trace_id": TraceId, own "span_id": SpanId, own "trace_state": Text, own "attributes": Map,
            own "dropped_attributes_count": Unsigned32, own "flags": Fixed32,
        ),
    },
    Context {
        name: "metric",
        alias: None,
        level: Level::Metric,
        signal: Some(Signal::Metrics),
        fields: &[
            own("name", &["name"], Class::Text),
            own("description", &["description"], Class::Text),
            own("unit", &["unit"], Class::Text),
            own("metadata", &["metadata"], Class::Map),
            own("type", &["gauge", "sum", "histogram", "exponential_histogram", "summary"], Class::Member),
            held("aggregation_temporality", &["aggregation_temporality"], Class::Signed32),
            held("is_monotonic", &["is_monotonic"], Class::Boolean),
        ],
    },
    Context {
        name: "datapoint",
        alias: None,
        level: Level::Item,
        signal: Some(Signal::Metrics),
        fields: &[
            own("attributes", &["attributes"], Class::Map),
            own("start_time_unix_nano", &["start_time_unix_nano"], Class::Fixed64),
            own("time_unix_nano", &["time_unix_nano"], Class::Fixed64),
            own("flags", &["flags"], Class::Unsigned32),
            own("value", &["as_int", "as_double"], Class::Number),
            own("count", &["count"], Class::Fixed64),
            own("sum", &["sum"], Class::Double),
            own("min", &["min"], Class::Double),
            own("max", &["max"], Class::Double),
            own("scale", &["scale"], Class::Zigzag),
            own("zero_count", &["zero_count"], Class::Fixed64),
            own("zero_threshold", &["zero_threshold"], Class::Double),
        ],
    },
    Context {
        name: "exemplar",
        alias: None,
        level: Level::Exemplar,
        signal: Some(Signal::Metrics),
        fields: &[
            Field { alias: Some("filtered_attributes"), ..own("attributes", &["filtered_attributes"], Class::Map) },
            own("time_unix_nano", &["time_unix_nano"], Class::Fixed64),
            own("value", &["as_int", "as_double"], Class::Number),
            own("trace_id", &["trace_id"], Class::TraceId),
            own("span_id", &["span_id"], Class::SpanId),
        ],
    },
];

impl Context {
    pub(super) fn named(name: &str) -> Option<&'static Context> {
        CONTEXTS.iter().find(|context| context.name == name || context.alias == Some(name))
    }

    /// The context of the rows of `level` in a payload of `signal`.
    pub fn of(signal: Signal, level: Level) -> Option<&'static Context> {
        CONTEXTS.iter().find(|context| context.level == level && context.signal.is_none_or(|only| only == signal))
    }

    pub(super) fn field(&self, name: &str) -> Option<&'static Field>
    where
        Self: 'static,
    {
        let fields: &'static [Field] = self.fields;
        fields.iter().find(|field| field.name == name || field.alias == Some(name))
    }
}
