//! A builder writes telemetry straight into OTLP: no structs in between, one buffer, each length prefix filled in when
//! its message ends.
//!
//! ```
//! use host_otlp::build::{Logs, Value};
//!
//! let mut logs = Logs::new();
//! logs.resource_logs(|resource_logs| {
//!     resource_logs.resource(|resource| resource.attribute("service.name", "checkout"));
//!     resource_logs.scope_logs(|scope_logs| {
//!         scope_logs.scope(|scope| scope.name("io.example.orders"));
//!         scope_logs.log_record(|record| {
//!             record.time_unix_nano(1_700_000_000_000_000_000);
//!             record.body("order accepted");
//!             record.attribute("order.lines", 3);
//!             record.attribute("order.tags", Value::Array(&["new".into(), "gift".into()]));
//!         });
//!     });
//! });
//! assert_eq!(logs.finish().items(), 1);
//! ```
//!
//! A field that may stand once is to be written once; debug builds check the finished request.

use bytes::Bytes;

mod attributes;
mod logs;
mod metrics;
mod traces;
mod value;

pub use attributes::Attributes;
pub use logs::{LogRecord, Logs, LogsWriter, ResourceLogs, ScopeLogs};
pub use metrics::{
    Buckets, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, Metrics, NumberDataPoint, QuantileValue, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
    Temporality,
};
pub use traces::{Event, Link, ResourceSpans, ScopeSpans, Span, SpanKind, Status, StatusCode, Traces};
pub use value::{AnyValue, Value};

use crate::payload::Payload;
use crate::signal::Signal;
use crate::wire::{self, WireType};

/// The buffer that all builders of one request write to.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    items: u32,
}

impl Buffer {
    fn varint(&mut self, number: u32, value: u64) {
        wire::put_tag(&mut self.bytes, number, WireType::Varint);
        wire::put_varint(&mut self.bytes, value);
    }

    fn zigzag(&mut self, number: u32, value: i32) {
        self.varint(number, u64::from((value << 1 ^ value >> 31) as u32));
    }

    fn fixed64(&mut self, number: u32, value: u64) {
        wire::put_tag(&mut self.bytes, number, WireType::Fixed64);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn fixed32(&mut self, number: u32, value: u32) {
        wire::put_tag(&mut self.bytes, number, WireType::Fixed32);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn len(&mut self, number: u32, bytes: &[u8]) {
        wire::put_len(&mut self.bytes, number, bytes);
    }

    /// Begins field `number` and gives the place of its length prefix, for which there is room of so many bytes.
    fn open(&mut self, number: u32, prefix: usize) -> usize {
        wire::put_tag(&mut self.bytes, number, WireType::Len);
        let at = self.bytes.len();
        self.bytes.resize(at + prefix, 0);
        at
    }

    /// Writes field `number` with what `fill` writes inside it; `prefix` is how long its length prefix will likely be.
    fn message(&mut self, number: u32, prefix: usize, fill: impl FnOnce(&mut Buffer)) {
        let at = self.open(number, prefix);
        fill(self);
        wire::close_len(&mut self.bytes, at, prefix);
    }

    fn attribute(&mut self, number: u32, key: &str, value: Value<'_>) {
        self.pair(number, key, |inner| value.write(inner));
    }

    fn pair(&mut self, number: u32, key: &str, fill: impl FnOnce(&mut Buffer)) {
        self.message(number, 1, |pair| {
            pair.len(1, key.as_bytes());
            pair.message(2, 1, fill);
        });
    }

    fn finish(self, signal: Signal) -> Payload {
        let bytes = Bytes::from(self.bytes);
        if cfg!(any(test, debug_assertions)) {
            let limits = crate::check::Limits { depth: crate::check::DEPTH, items: u32::MAX };
            if let Err(error) = crate::check::check(signal, bytes.clone(), &limits) {
                panic!("the builder was used wrongly: {error}");
            }
        }
        Payload::trusted(signal, bytes, self.items, 0)
    }
}

/// Length prefixes to expect: of a value, an item, and a message of many items.
const SHORT: usize = 1;
const ITEM: usize = 2;
const LARGE: usize = 3;

/// Declares a builder of one message: `method: kind = field number;`.
macro_rules! builders {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ident $(($inner:ident))? = $number:literal;)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name<'b>(pub(in crate::build) &'b mut crate::build::Buffer);

            impl $name<'_> {
                $(builders!(@$kind $field $number $($inner)?);)*
            }
        )*
    };
    (@text $field:ident $number:literal) => {
        pub fn $field(&mut self, value: &str) {
            self.0.len($number, value.as_bytes());
        }
    };
    (@bytes $field:ident $number:literal) => {
        pub fn $field(&mut self, value: &[u8]) {
            self.0.len($number, value);
        }
    };
    (@unsigned $field:ident $number:literal) => {
        pub fn $field(&mut self, value: u32) {
            self.0.varint($number, u64::from(value));
        }
    };
    (@boolean $field:ident $number:literal) => {
        pub fn $field(&mut self, value: bool) {
            self.0.varint($number, u64::from(value));
        }
    };
    (@zigzag $field:ident $number:literal) => {
        pub fn $field(&mut self, value: i32) {
            self.0.zigzag($number, value);
        }
    };
    (@choice $field:ident $number:literal $choice:ident) => {
        pub fn $field(&mut self, value: $choice) {
            self.0.varint($number, value as u64);
        }
    };
    (@fixed64 $field:ident $number:literal) => {
        pub fn $field(&mut self, value: u64) {
            self.0.fixed64($number, value);
        }
    };
    (@sfixed64 $field:ident $number:literal) => {
        pub fn $field(&mut self, value: i64) {
            self.0.fixed64($number, value.cast_unsigned());
        }
    };
    (@double $field:ident $number:literal) => {
        pub fn $field(&mut self, value: f64) {
            self.0.fixed64($number, value.to_bits());
        }
    };
    (@fixed32 $field:ident $number:literal) => {
        pub fn $field(&mut self, value: u32) {
            self.0.fixed32($number, value);
        }
    };
    (@counts $field:ident $number:literal) => {
        pub fn $field(&mut self, values: &[u64]) {
            self.0.message($number, crate::build::SHORT, |buffer| {
                values.iter().for_each(|value| buffer.bytes.extend_from_slice(&value.to_le_bytes()));
            });
        }
    };
    (@doubles $field:ident $number:literal) => {
        pub fn $field(&mut self, values: &[f64]) {
            self.0.message($number, crate::build::SHORT, |buffer| {
                values.iter().for_each(|value| buffer.bytes.extend_from_slice(&value.to_le_bytes()));
            });
        }
    };
    (@varints $field:ident $number:literal) => {
        pub fn $field(&mut self, values: &[u64]) {
            self.0.message($number, crate::build::SHORT, |buffer| {
                values.iter().for_each(|value| crate::wire::put_varint(&mut buffer.bytes, *value));
            });
        }
    };
    (@value $field:ident $number:literal) => {
        pub fn $field<'v>(&mut self, value: impl Into<crate::build::Value<'v>>) {
            let value = value.into();
            self.0.message($number, crate::build::ITEM, |buffer| value.write(buffer));
        }
    };
    (@attribute $field:ident $number:literal) => {
        pub fn $field<'v>(&mut self, key: &str, value: impl Into<crate::build::Value<'v>>) {
            self.0.attribute($number, key, value.into());
        }
    };
    (@prepared $field:ident $number:literal) => {
        /// Attributes that were encoded before.
        pub fn $field(&mut self, attributes: &crate::build::Attributes) {
            attributes.write($number, self.0);
        }
    };
    (@tree_of $field:ident $number:literal) => {
        /// The value is what `fill` writes.
        pub fn $field(&mut self, fill: impl FnOnce(&mut crate::build::AnyValue<'_>)) {
            self.0.message($number, crate::build::ITEM, |buffer| fill(&mut crate::build::AnyValue(buffer)));
        }
    };
    (@pair_of $field:ident $number:literal) => {
        /// The value is what `fill` writes.
        pub fn $field(&mut self, key: &str, fill: impl FnOnce(&mut crate::build::AnyValue<'_>)) {
            self.0.pair($number, key, |buffer| fill(&mut crate::build::AnyValue(buffer)));
        }
    };
    (@message $field:ident $number:literal $inner:ident) => {
        pub fn $field(&mut self, fill: impl FnOnce(&mut $inner<'_>)) {
            self.0.message($number, crate::build::ITEM, |buffer| fill(&mut $inner(buffer)));
        }
    };
    (@group $field:ident $number:literal $inner:ident) => {
        pub fn $field(&mut self, fill: impl FnOnce(&mut $inner<'_>)) {
            self.0.message($number, crate::build::LARGE, |buffer| fill(&mut $inner(buffer)));
        }
    };
    (@item $field:ident $number:literal $inner:ident) => {
        pub fn $field(&mut self, fill: impl FnOnce(&mut $inner<'_>)) {
            self.0.items += 1;
            self.0.message($number, crate::build::ITEM, |buffer| fill(&mut $inner(buffer)));
        }
    };
}

/// Declares the builder of an export request.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident { $field:ident: $inner:ident } $signal:ident) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name(crate::build::Buffer);

        impl $name {
            pub fn new() -> Self {
                Self::default()
            }

            /// For a request of about so many bytes.
            pub fn with_capacity(bytes: usize) -> Self {
                Self(crate::build::Buffer { bytes: Vec::with_capacity(bytes), items: 0 })
            }

            pub fn $field(&mut self, fill: impl FnOnce(&mut $inner<'_>)) {
                self.0.message(1, crate::build::LARGE, |buffer| fill(&mut $inner(buffer)));
            }

            /// Items so far.
            pub fn items(&self) -> u32 {
                self.0.items
            }

            /// Bytes so far.
            pub fn len(&self) -> usize {
                self.0.bytes.len()
            }

            pub fn is_empty(&self) -> bool {
                self.0.bytes.is_empty()
            }

            pub fn finish(self) -> crate::payload::Payload {
                self.0.finish(crate::signal::Signal::$signal)
            }
        }
    };
}

use {builders, request};

builders! {
    /// What the telemetry is about: an OTel resource.
    Resource {
        attribute: attribute = 1;
        attribute_of: pair_of = 1;
        attributes: prepared = 1;
        dropped_attributes_count: unsigned = 2;
    }
    /// The instrumentation scope.
    Scope {
        name: text = 1;
        version: text = 2;
        attribute: attribute = 3;
        attributes: prepared = 3;
        dropped_attributes_count: unsigned = 4;
    }
}

#[cfg(test)]
mod tests;
