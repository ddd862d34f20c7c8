//! A value is what an attribute or a body holds: one of the kinds of `AnyValue`, borrowed.

use super::{Buffer, SHORT};

/// A value to write.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Value<'v> {
    /// An `AnyValue` that holds nothing.
    #[default]
    Empty,
    Text(&'v str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'v [u8]),
    Array(&'v [Value<'v>]),
    Map(&'v [(&'v str, Value<'v>)]),
}

impl Value<'_> {
    /// Writes the fields of the `AnyValue`.
    pub(super) fn write(self, out: &mut Buffer) {
        match self {
            Value::Empty => {}
            Value::Text(text) => out.len(1, text.as_bytes()),
            Value::Bool(value) => out.varint(2, u64::from(value)),
            Value::Int(value) => out.varint(3, value.cast_unsigned()),
            Value::Double(value) => out.fixed64(4, value.to_bits()),
            Value::Array(values) => out.message(5, SHORT, |array| {
                for value in values {
                    array.message(1, SHORT, |inner| value.write(inner));
                }
            }),
            Value::Map(pairs) => out.message(6, SHORT, |map| {
                for (key, value) in pairs {
                    map.attribute(1, key, *value);
                }
            }),
            Value::Bytes(bytes) => out.len(7, bytes),
        }
    }
}

/// Where one value is written whose parts lie in no slice; at most one of its methods is to be called, once.
#[derive(Debug)]
pub struct AnyValue<'b>(pub(super) &'b mut Buffer);

impl AnyValue<'_> {
    pub fn value<'v>(&mut self, value: impl Into<Value<'v>>) {
        value.into().write(self.0);
    }

    /// An array of what `fill` writes for each of `items`.
    pub fn array<T>(&mut self, items: impl IntoIterator<Item = T>, fill: impl Fn(T, &mut AnyValue<'_>)) {
        self.0.message(5, SHORT, |array| {
            for item in items {
                array.message(1, SHORT, |inner| fill(item, &mut AnyValue(inner)));
            }
        });
    }

    /// A map of what `fill` writes for each of `pairs`.
    pub fn map<'k, T>(&mut self, pairs: impl IntoIterator<Item = (&'k str, T)>, fill: impl Fn(T, &mut AnyValue<'_>)) {
        self.0.message(6, SHORT, |map| {
            for (key, item) in pairs {
                map.pair(1, key, |inner| fill(item, &mut AnyValue(inner)));
            }
        });
    }
}

macro_rules! from {
    ($($from:ty => |$value:ident| $to:expr;)*) => {
        $(impl<'v> From<$from> for Value<'v> {
            fn from($value: $from) -> Self {
                $to
            }
        })*
    };
}

from! {
    &'v str => |value| Value::Text(value);
    &'v String => |value| Value::Text(value);
    bool => |value| Value::Bool(value);
    i32 => |value| Value::Int(i64::from(value));
    u32 => |value| Value::Int(i64::from(value));
    i64 => |value| Value::Int(value);
    f64 => |value| Value::Double(value);
    &'v [u8] => |value| Value::Bytes(value);
    &'v [Value<'v>] => |value| Value::Array(value);
    &'v [(&'v str, Value<'v>)] => |value| Value::Map(value);
}
