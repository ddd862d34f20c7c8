//! What all signals share: values, attributes, resources and scopes.

use super::{Element, Raw, Repeated, views};
use crate::wire::{self, Fields};

/// The tag of a value's text.
const TEXT: u8 = 1 << 3 | 2;

/// The value of an attribute, a body or an element of one.
#[derive(Clone, Debug)]
pub enum AnyValue<'a> {
    /// None of the kinds is set.
    Empty,
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Array(Repeated<'a, AnyValue<'a>>),
    Map(Repeated<'a, KeyValue<'a>>),
    Bytes(&'a [u8]),
    /// Index into the string table of a profile; without meaning in other signals.
    TextIndex(i32),
}

impl<'a> AnyValue<'a> {
    /// Reads the message that consists of `fields`.
    pub fn read(fields: Fields<'a>) -> Self {
        // Most values are a short text and nothing else.
        if let [TEXT, len, text @ ..] = fields.bytes()
            && *len < 0x80
            && usize::from(*len) == text.len()
        {
            return AnyValue::Text(std::str::from_utf8(text).unwrap_or_default());
        }
        let buf = fields.buffer();
        let mut value = AnyValue::Empty;
        for field in fields {
            let raw = Raw { buf, field };
            value = match field.number {
                1 => AnyValue::Text(raw.text()),
                2 => AnyValue::Bool(raw.boolean()),
                3 => AnyValue::Int(raw.int64()),
                4 => AnyValue::Double(raw.double()),
                5 => AnyValue::Array(Repeated::new(raw.fields(), 1)),
                6 => AnyValue::Map(Repeated::new(raw.fields(), 1)),
                7 => AnyValue::Bytes(raw.bytes()),
                8 => AnyValue::TextIndex(raw.int32()),
                _ => value,
            };
        }
        value
    }
}

impl<'a> Element<'a> for AnyValue<'a> {
    fn element(buf: &'a [u8], field: &wire::Field) -> Self {
        AnyValue::read(Fields::new(buf, field.start, field.end))
    }
}

views! {
    /// An attribute.
    KeyValue {
        key: text = 1;
        value: optional(AnyValue) = 2;
        key_strindex: int32 = 3;
    }
    /// What the telemetry is about: an OTel resource.
    Resource {
        attributes: many(KeyValue) = 1;
        dropped_attributes_count: uint32 = 2;
        entity_refs: many(EntityRef) = 3;
    }
    /// An entity that a resource is made of, by the keys of its attributes.
    EntityRef {
        schema_url: text = 1;
        r#type: text = 2;
        id_keys: many(text) = 3;
        description_keys: many(text) = 4;
    }
    /// The instrumentation scope.
    Scope {
        name: text = 1;
        version: text = 2;
        attributes: many(KeyValue) = 3;
        dropped_attributes_count: uint32 = 4;
    }
}
