//! The messages of OTLP logs, traces and metrics as tables: what the check, the views and the projection walk by.
//!
//! Source: opentelemetry-proto 1.9 (`opentelemetry/proto/{common,resource,logs,trace,metrics}/v1`) as the
//! `opentelemetry-proto` crate decodes it; a test compares the two.

use crate::signal::Signal;
use crate::wire::WireType;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `bool`, `int32`, `uint32`, `uint64`, `int64` or an enum.
    Varint,
    /// `sint32`: zigzag.
    Zigzag,
    Fixed64,
    Fixed32,
    Double,
    /// `sfixed64`.
    Sfixed64,
    /// `string`: UTF-8.
    Text,
    Bytes,
    /// `bytes` of a fixed length, or empty: the id of a trace or of a span.
    Id(Id),
    Message(&'static Message),
    /// A repeated scalar, packed or not.
    Packed(WireType),
}

/// What an id is of. The Collector refuses a whole request for an id of another length, and what may be of any length
/// may hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    Trace,
    Span,
}

impl Id {
    /// How many bytes the id has, where it is not empty.
    #[inline]
    pub const fn width(self) -> usize {
        match self {
            Id::Trace => 16,
            Id::Span => 8,
        }
    }

    /// Whether an id may have so many bytes.
    #[inline]
    pub const fn fits(self, len: usize) -> bool {
        len == self.width() || len == 0
    }
}

/// How often a field may stand in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// At most once.
    One,
    /// At most once among the message's oneof members.
    Oneof,
    Many,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub card: Card,
    /// Whether the way from the request to its items leads through this field.
    pub holds_items: bool,
}

/// Field numbers end here; none of OTLP's is higher.
pub const NUMBERS: usize = 17;

/// A message type.
#[derive(Debug)]
pub struct Message {
    pub name: &'static str,
    /// Indexed by field number.
    pub fields: [Option<Field>; NUMBERS],
    /// Bit `n` for each member of the oneof. No message of OTLP has two.
    pub oneof: u32,
    /// Whether each instance is an item: a log record, span or data point.
    pub item: bool,
    /// What to do with a field, by the first byte of its tag: the check's short way.
    pub(crate) steps: [Step; 256],
    /// By field number, the bits of the fields that exclude it: itself and its oneof.
    pub(crate) once: [u32; 32],
    /// By field number, the message that the field holds.
    pub(crate) inner: [Option<&'static Message>; 32],
}

/// What the check does with a field of the wire type that its schema wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A longer tag, unknown, of another wire type or packed: look closer.
    Closer,
    Varint,
    Fixed64,
    Fixed32,
    Text,
    Bytes,
    Id(Id),
    Message,
}

impl Kind {
    /// The wire type that an encoder uses for a single value.
    #[inline]
    pub fn wire(self) -> WireType {
        match self {
            Kind::Varint | Kind::Zigzag => WireType::Varint,
            Kind::Fixed64 | Kind::Double | Kind::Sfixed64 => WireType::Fixed64,
            Kind::Fixed32 => WireType::Fixed32,
            Kind::Text | Kind::Bytes | Kind::Id(_) | Kind::Message(_) | Kind::Packed(_) => WireType::Len,
        }
    }
}

impl Message {
    const fn new(name: &'static str, list: &[(usize, Field)]) -> Message {
        let mut fields = [None; NUMBERS];
        let mut oneof = 0;
        let mut i = 0;
        while i < list.len() {
            let (number, field) = list[i];
            fields[number] = Some(field);
            if matches!(field.card, Card::Oneof) {
                oneof |= 1 << number;
            }
            i += 1;
        }
        let mut message =
            Message { name, fields, oneof, item: false, steps: [Step::Closer; 256], once: [0; 32], inner: [None; 32] };
        let mut number = 1;
        while number < NUMBERS {
            if let Some(field) = fields[number] {
                message.note(number, &field);
            }
            number += 1;
        }
        message
    }

    /// Enters a field into the tables of the check.
    const fn note(&mut self, number: usize, field: &Field) {
        self.once[number] = match field.card {
            Card::One => 1 << number,
            Card::Oneof => self.oneof,
            Card::Many => 0,
        };
        let (wire, step) = match field.kind {
            Kind::Varint | Kind::Zigzag => (0, Step::Varint),
            Kind::Fixed64 | Kind::Double | Kind::Sfixed64 => (1, Step::Fixed64),
            Kind::Fixed32 => (5, Step::Fixed32),
            Kind::Text => (2, Step::Text),
            Kind::Bytes => (2, Step::Bytes),
            Kind::Id(id) => (2, Step::Id(id)),
            Kind::Message(inner) => {
                self.inner[number] = Some(inner);
                (2, Step::Message)
            }
            Kind::Packed(_) => (2, Step::Closer),
        };
        let tag = number << 3 | wire;
        if tag < 0x80 {
            self.steps[tag] = step;
        }
    }

    const fn item(name: &'static str, list: &[(usize, Field)]) -> Message {
        let mut message = Message::new(name, list);
        message.item = true;
        message
    }

    #[inline]
    pub fn field(&self, number: u32) -> Option<&Field> {
        self.fields.get(number as usize)?.as_ref()
    }

    /// The number of the field called `name`.
    pub fn number(&self, name: &str) -> Option<u32> {
        self.fields.iter().position(|f| f.is_some_and(|f| f.name == name)).map(|n| n as u32)
    }

    /// The export request of a signal.
    pub fn request(signal: Signal) -> &'static Message {
        match signal {
            Signal::Logs => &LOGS_REQUEST,
            Signal::Traces => &TRACES_REQUEST,
            Signal::Metrics => &METRICS_REQUEST,
        }
    }
}

const fn one(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, card: Card::One, holds_items: false }
}

const fn any(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, card: Card::Oneof, holds_items: false }
}

const fn many(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, card: Card::Many, holds_items: false }
}

/// A field on the way from the request to its items.
const fn path(field: Field) -> Field {
    Field { holds_items: true, ..field }
}

use Kind::{Bytes, Double, Fixed32, Fixed64, Packed, Sfixed64, Text, Varint, Zigzag};

const TRACE_ID: Kind = Kind::Id(Id::Trace);
const SPAN_ID: Kind = Kind::Id(Id::Span);

macro_rules! messages {
    ($($(#[$item:ident])? $ident:ident = $name:literal { $($number:literal: $field:expr,)* })*) => {
        $(pub static $ident: Message = messages!(@make $($item)? $name, [$(($number, $field)),*]);)*
    };
    (@make item $name:literal, $list:expr) => { Message::item($name, &$list) };
    (@make $name:literal, $list:expr) => { Message::new($name, &$list) };
}

messages! {
    ANY_VALUE = "AnyValue" {
        1: any("string_value", Text),
        2: any("bool_value", Varint),
        3: any("int_value", Varint),
        4: any("double_value", Double),
        5: any("array_value", Kind::Message(&ARRAY_VALUE)),
        6: any("kvlist_value", Kind::Message(&KEY_VALUE_LIST)),
        7: any("bytes_value", Bytes),
        8: any("string_value_strindex", Varint),
    }
    ARRAY_VALUE = "ArrayValue" {
        1: many("values", Kind::Message(&ANY_VALUE)),
    }
    KEY_VALUE_LIST = "KeyValueList" {
        1: many("values", Kind::Message(&KEY_VALUE)),
    }
    KEY_VALUE = "KeyValue" {
        1: one("key", Text),
        2: one("value", Kind::Message(&ANY_VALUE)),
        3: one("key_strindex", Varint),
    }
    ENTITY_REF = "EntityRef" {
        1: one("schema_url", Text),
        2: one("type", Text),
        3: many("id_keys", Text),
        4: many("description_keys", Text),
    }
    RESOURCE = "Resource" {
        1: many("attributes", Kind::Message(&KEY_VALUE)),
        2: one("dropped_attributes_count", Varint),
        3: many("entity_refs", Kind::Message(&ENTITY_REF)),
    }
    SCOPE = "InstrumentationScope" {
        1: one("name", Text),
        2: one("version", Text),
        3: many("attributes", Kind::Message(&KEY_VALUE)),
        4: one("dropped_attributes_count", Varint),
    }

    LOGS_REQUEST = "ExportLogsServiceRequest" {
        1: path(many("resource_logs", Kind::Message(&RESOURCE_LOGS))),
    }
    RESOURCE_LOGS = "ResourceLogs" {
        1: one("resource", Kind::Message(&RESOURCE)),
        2: path(many("scope_logs", Kind::Message(&SCOPE_LOGS))),
        3: one("schema_url", Text),
    }
    SCOPE_LOGS = "ScopeLogs" {
        1: one("scope", Kind::Message(&SCOPE)),
        2: path(many("log_records", Kind::Message(&LOG_RECORD))),
        3: one("schema_url", Text),
    }
    #[item] LOG_RECORD = "LogRecord" {
        1: one("time_unix_nano", Fixed64),
        2: one("severity_number", Varint),
        3: one("severity_text", Text),
        5: one("body", Kind::Message(&ANY_VALUE)),
        6: many("attributes", Kind::Message(&KEY_VALUE)),
        7: one("dropped_attributes_count", Varint),
        8: one("flags", Fixed32),
        9: one("trace_id", TRACE_ID),
        10: one("span_id", SPAN_ID),
        11: one("observed_time_unix_nano", Fixed64),
        12: one("event_name", Text),
    }

    TRACES_REQUEST = "ExportTraceServiceRequest" {
        1: path(many("resource_spans", Kind::Message(&RESOURCE_SPANS))),
    }
    RESOURCE_SPANS = "ResourceSpans" {
        1: one("resource", Kind::Message(&RESOURCE)),
        2: path(many("scope_spans", Kind::Message(&SCOPE_SPANS))),
        3: one("schema_url", Text),
    }
    SCOPE_SPANS = "ScopeSpans" {
        1: one("scope", Kind::Message(&SCOPE)),
        2: path(many("spans", Kind::Message(&SPAN))),
        3: one("schema_url", Text),
    }
    #[item] SPAN = "Span" {
        1: one("trace_id", TRACE_ID),
        2: one("span_id", SPAN_ID),
        3: one("trace_state", Text),
        4: one("parent_span_id", SPAN_ID),
        5: one("name", Text),
        6: one("kind", Varint),
        7: one("start_time_unix_nano", Fixed64),
        8: one("end_time_unix_nano", Fixed64),
        9: many("attributes", Kind::Message(&KEY_VALUE)),
        10: one("dropped_attributes_count", Varint),
        11: many("events", Kind::Message(&SPAN_EVENT)),
        12: one("dropped_events_count", Varint),
        13: many("links", Kind::Message(&SPAN_LINK)),
        14: one("dropped_links_count", Varint),
        15: one("status", Kind::Message(&STATUS)),
        16: one("flags", Fixed32),
    }
    SPAN_EVENT = "Span.Event" {
        1: one("time_unix_nano", Fixed64),
        2: one("name", Text),
        3: many("attributes", Kind::Message(&KEY_VALUE)),
        4: one("dropped_attributes_count", Varint),
    }
    SPAN_LINK = "Span.Link" {
        1: one("trace_id", TRACE_ID),
        2: one("span_id", SPAN_ID),
        3: one("trace_state", Text),
        4: many("attributes", Kind::Message(&KEY_VALUE)),
        5: one("dropped_attributes_count", Varint),
        6: one("flags", Fixed32),
    }
    STATUS = "Status" {
        2: one("message", Text),
        3: one("code", Varint),
    }

    METRICS_REQUEST = "ExportMetricsServiceRequest" {
        1: path(many("resource_metrics", Kind::Message(&RESOURCE_METRICS))),
    }
    RESOURCE_METRICS = "ResourceMetrics" {
        1: one("resource", Kind::Message(&RESOURCE)),
        2: path(many("scope_metrics", Kind::Message(&SCOPE_METRICS))),
        3: one("schema_url", Text),
    }
    SCOPE_METRICS = "ScopeMetrics" {
        1: one("scope", Kind::Message(&SCOPE)),
        2: path(many("metrics", Kind::Message(&METRIC))),
        3: one("schema_url", Text),
    }
    METRIC = "Metric" {
        1: one("name", Text),
        2: one("description", Text),
        3: one("unit", Text),
        5: path(any("gauge", Kind::Message(&GAUGE))),
        7: path(any("sum", Kind::Message(&SUM))),
        9: path(any("histogram", Kind::Message(&HISTOGRAM))),
        10: path(any("exponential_histogram", Kind::Message(&EXPONENTIAL_HISTOGRAM))),
        11: path(any("summary", Kind::Message(&SUMMARY))),
        12: many("metadata", Kind::Message(&KEY_VALUE)),
    }
    GAUGE = "Gauge" {
        1: path(many("data_points", Kind::Message(&NUMBER_DATA_POINT))),
    }
    SUM = "Sum" {
        1: path(many("data_points", Kind::Message(&NUMBER_DATA_POINT))),
        2: one("aggregation_temporality", Varint),
        3: one("is_monotonic", Varint),
    }
    HISTOGRAM = "Histogram" {
        1: path(many("data_points", Kind::Message(&HISTOGRAM_DATA_POINT))),
        2: one("aggregation_temporality", Varint),
    }
    EXPONENTIAL_HISTOGRAM = "ExponentialHistogram" {
        1: path(many("data_points", Kind::Message(&EXPONENTIAL_HISTOGRAM_DATA_POINT))),
        2: one("aggregation_temporality", Varint),
    }
    SUMMARY = "Summary" {
        1: path(many("data_points", Kind::Message(&SUMMARY_DATA_POINT))),
    }
    #[item] NUMBER_DATA_POINT = "NumberDataPoint" {
        2: one("start_time_unix_nano", Fixed64),
        3: one("time_unix_nano", Fixed64),
        4: any("as_double", Double),
        5: many("exemplars", Kind::Message(&EXEMPLAR)),
        6: any("as_int", Sfixed64),
        7: many("attributes", Kind::Message(&KEY_VALUE)),
        8: one("flags", Varint),
    }
    #[item] HISTOGRAM_DATA_POINT = "HistogramDataPoint" {
        2: one("start_time_unix_nano", Fixed64),
        3: one("time_unix_nano", Fixed64),
        4: one("count", Fixed64),
        5: one("sum", Double),
        6: many("bucket_counts", Packed(WireType::Fixed64)),
        7: many("explicit_bounds", Packed(WireType::Fixed64)),
        8: many("exemplars", Kind::Message(&EXEMPLAR)),
        9: many("attributes", Kind::Message(&KEY_VALUE)),
        10: one("flags", Varint),
        11: one("min", Double),
        12: one("max", Double),
    }
    #[item] EXPONENTIAL_HISTOGRAM_DATA_POINT = "ExponentialHistogramDataPoint" {
        1: many("attributes", Kind::Message(&KEY_VALUE)),
        2: one("start_time_unix_nano", Fixed64),
        3: one("time_unix_nano", Fixed64),
        4: one("count", Fixed64),
        5: one("sum", Double),
        6: one("scale", Zigzag),
        7: one("zero_count", Fixed64),
        8: one("positive", Kind::Message(&BUCKETS)),
        9: one("negative", Kind::Message(&BUCKETS)),
        10: one("flags", Varint),
        11: many("exemplars", Kind::Message(&EXEMPLAR)),
        12: one("min", Double),
        13: one("max", Double),
        14: one("zero_threshold", Double),
    }
    BUCKETS = "ExponentialHistogramDataPoint.Buckets" {
        1: one("offset", Zigzag),
        2: many("bucket_counts", Packed(WireType::Varint)),
    }
    #[item] SUMMARY_DATA_POINT = "SummaryDataPoint" {
        2: one("start_time_unix_nano", Fixed64),
        3: one("time_unix_nano", Fixed64),
        4: one("count", Fixed64),
        5: one("sum", Double),
        6: many("quantile_values", Kind::Message(&VALUE_AT_QUANTILE)),
        7: many("attributes", Kind::Message(&KEY_VALUE)),
        8: one("flags", Varint),
    }
    VALUE_AT_QUANTILE = "SummaryDataPoint.ValueAtQuantile" {
        1: one("quantile", Double),
        2: one("value", Double),
    }
    EXEMPLAR = "Exemplar" {
        2: one("time_unix_nano", Fixed64),
        3: any("as_double", Double),
        4: one("span_id", SPAN_ID),
        5: one("trace_id", TRACE_ID),
        6: any("as_int", Sfixed64),
        7: many("filtered_attributes", Kind::Message(&KEY_VALUE)),
    }
}
