//! A view reads encoded OTLP in place: by schema ([`View`]), or as a struct whose texts and bytes borrow the payload.
//!
//! The typed views ([`LogRecord`], [`Span`], [`Metric`] and what they hold) are made in one pass over the fields of
//! their message; fields that are absent have protobuf's default, and repeated fields are walked when they are iterated.
//! For a payload that passed the check each view equals what a protobuf decoder makes of the same bytes.

mod common;
mod logs;
mod metrics;
mod repeated;
mod traces;

pub use common::{AnyValue, EntityRef, KeyValue, Resource, Scope};
pub use logs::{LogRecord, ResourceLogs, ScopeLogs};
pub use metrics::{
    Buckets, Data, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, Number, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, ValueAtQuantile,
};
pub use repeated::{Element, Repeated};
pub use traces::{Event, Link, ResourceSpans, ScopeSpans, Span, Status};

use crate::payload::Payload;
use crate::schema::{self, Kind, Message};
use crate::signal::Signal;
use crate::wire::{self, Fields, WireType};

/// A message that lies somewhere in a buffer, with its schema.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub message: &'static Message,
    pub buf: &'a [u8],
    pub start: usize,
    pub end: usize,
}

impl<'a> View<'a> {
    /// A whole export request.
    pub fn request(signal: Signal, buf: &'a [u8]) -> Self {
        View { message: Message::request(signal), buf, start: 0, end: buf.len() }
    }

    pub fn bytes(&self) -> &'a [u8] {
        &self.buf[self.start..self.end]
    }

    /// The fields in wire order, unknown ones too.
    pub fn fields(&self) -> Fields<'a> {
        Fields::new(self.buf, self.start, self.end)
    }

    /// What the schema knows of a field of this message.
    pub fn schema(&self, field: &wire::Field) -> Option<&'static schema::Field> {
        self.message.field(field.number)
    }

    /// The message that `field` holds, if it holds one.
    pub fn enter(&self, field: &wire::Field) -> Option<View<'a>> {
        match self.schema(field)?.kind {
            Kind::Message(message) if field.wire == WireType::Len => {
                Some(View { message, buf: self.buf, start: field.start, end: field.end })
            }
            _ => None,
        }
    }
}

/// The resources of a payload of logs, over all its segments; none where the signal is another.
pub fn logs(payload: &Payload) -> impl Iterator<Item = ResourceLogs<'_>> {
    top(payload, Signal::Logs)
}

/// The resources of a payload of traces, over all its segments; none where the signal is another.
pub fn traces(payload: &Payload) -> impl Iterator<Item = ResourceSpans<'_>> {
    top(payload, Signal::Traces)
}

/// The resources of a payload of metrics, over all its segments; none where the signal is another.
pub fn metrics(payload: &Payload) -> impl Iterator<Item = ResourceMetrics<'_>> {
    top(payload, Signal::Metrics)
}

fn top<'a, E: Element<'a>>(payload: &'a Payload, signal: Signal) -> impl Iterator<Item = E> {
    let segments = if payload.signal() == signal { payload.segments() } else { &[] };
    segments.iter().flat_map(|segment| {
        let buf = segment.bytes();
        Repeated::new(Fields::new(buf, 0, buf.len()), 1)
    })
}

/// What stands at `field`, as the kinds of protobuf read it. Of the wrong length they read as zero: the check has
/// refused such fields.
#[derive(Clone, Copy)]
struct Raw<'a> {
    buf: &'a [u8],
    field: wire::Field,
}

impl<'a> Raw<'a> {
    fn varint(self) -> u64 {
        wire::varint(self.buf, self.field.start).map_or(0, |(value, _)| value)
    }

    fn int32(self) -> i32 {
        self.varint() as i32
    }

    fn uint32(self) -> u32 {
        self.varint() as u32
    }

    fn int64(self) -> i64 {
        self.varint().cast_signed()
    }

    fn boolean(self) -> bool {
        self.varint() != 0
    }

    fn zigzag(self) -> i32 {
        let value = self.varint() as u32;
        (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
    }

    fn fixed64(self) -> u64 {
        self.bytes().first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
    }

    fn sfixed64(self) -> i64 {
        self.fixed64().cast_signed()
    }

    fn double(self) -> f64 {
        f64::from_bits(self.fixed64())
    }

    fn fixed32(self) -> u32 {
        self.bytes().first_chunk().map_or(0, |chunk| u32::from_le_bytes(*chunk))
    }

    fn bytes(self) -> &'a [u8] {
        &self.buf[self.field.start..self.field.end]
    }

    fn text(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn fields(self) -> Fields<'a> {
        Fields::new(self.buf, self.field.start, self.field.end)
    }
}

/// Declares views: `field: kind = number;`. `optional` is what may be absent, `many` what is repeated.
macro_rules! views {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ident $(($of:ident))? = $number:literal;)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug)]
            pub struct $name<'a> {
                $(pub $field: views!(@type $kind $($of)?),)*
                /// The message itself.
                pub fields: crate::wire::Fields<'a>,
            }

            impl<'a> $name<'a> {
                /// Reads the message that consists of `fields`.
                pub fn read(fields: crate::wire::Fields<'a>) -> Self {
                    let mut view = $name {
                        $($field: views!(@start $number $kind $($of)?),)*
                        fields: fields.clone(),
                    };
                    let buf = fields.buffer();
                    for field in fields {
                        let raw = crate::view::Raw { buf, field };
                        match field.number {
                            $($number => views!(@set view raw $field $kind $($of)?),)*
                            _ => {}
                        }
                    }
                    view
                }
            }

            impl<'a> crate::view::Element<'a> for $name<'a> {
                fn element(buf: &'a [u8], field: &crate::wire::Field) -> Self {
                    $name::read(crate::wire::Fields::new(buf, field.start, field.end))
                }
            }
        )*
    };

    (@type int32) => { i32 };
    (@type uint32) => { u32 };
    (@type boolean) => { bool };
    (@type zigzag) => { i32 };
    (@type fixed64) => { u64 };
    (@type double) => { f64 };
    (@type fixed32) => { u32 };
    (@type text) => { &'a str };
    (@type bytes) => { &'a [u8] };
    (@type optional double) => { Option<f64> };
    (@type optional sfixed64) => { Option<i64> };
    (@type optional $of:ident) => { Option<$of<'a>> };
    (@type many text) => { crate::view::Repeated<'a, &'a str> };
    (@type many uint64) => { crate::view::Repeated<'a, u64> };
    (@type many fixed64) => { crate::view::Repeated<'a, u64> };
    (@type many double) => { crate::view::Repeated<'a, f64> };
    (@type many $of:ident) => { crate::view::Repeated<'a, $of<'a>> };

    (@start $number:literal optional $of:ident) => { None };
    (@start $number:literal many uint64) => { crate::view::Repeated::none($number, crate::wire::WireType::Varint) };
    (@start $number:literal many fixed64) => { crate::view::Repeated::none($number, crate::wire::WireType::Fixed64) };
    (@start $number:literal many double) => { crate::view::Repeated::none($number, crate::wire::WireType::Fixed64) };
    (@start $number:literal many $of:ident) => { crate::view::Repeated::none($number, crate::wire::WireType::Len) };
    (@start $number:literal $kind:ident) => { Default::default() };

    (@set $view:ident $raw:ident $field:ident optional double) => { $view.$field = Some($raw.double()) };
    (@set $view:ident $raw:ident $field:ident optional sfixed64) => { $view.$field = Some($raw.sfixed64()) };
    (@set $view:ident $raw:ident $field:ident optional $of:ident) => { $view.$field = Some($of::read($raw.fields())) };
    (@set $view:ident $raw:ident $field:ident many $of:ident) => { $view.$field.start($view.fields.from($raw.field.tag)) };
    (@set $view:ident $raw:ident $field:ident $kind:ident) => { $view.$field = $raw.$kind() };
}

use views;

#[cfg(test)]
mod tests;
