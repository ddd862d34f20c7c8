//! What a field is in JSON: the wire alone does not tell a boolean from a number, nor a count from a bound.

use crate::schema::{Field, Kind, Message};
use crate::wire::WireType;

/// What JSON has for a field, or for an element of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Bool,
    /// `int32` and enums.
    Int32,
    Uint32,
    Int64,
    Uint64,
    Zigzag,
    Fixed32,
    Fixed64,
    Sfixed64,
    Double,
    Text,
    Bytes,
    Id,
    Message(&'static Message),
}

impl Shape {
    pub(super) fn of(field: &Field) -> Shape {
        match field.kind {
            Kind::Varint => match field.name {
                "bool_value" | "is_monotonic" => Shape::Bool,
                "int_value" => Shape::Int64,
                "flags" => Shape::Uint32,
                name if name.starts_with("dropped_") => Shape::Uint32,
                _ => Shape::Int32,
            },
            Kind::Zigzag => Shape::Zigzag,
            Kind::Fixed32 => Shape::Fixed32,
            Kind::Fixed64 => Shape::Fixed64,
            Kind::Sfixed64 => Shape::Sfixed64,
            Kind::Double => Shape::Double,
            Kind::Text => Shape::Text,
            Kind::Bytes => Shape::Bytes,
            Kind::Id(_) => Shape::Id,
            Kind::Message(inner) => Shape::Message(inner),
            // OTLP has bucket counts and explicit bounds.
            Kind::Packed(WireType::Fixed64) if field.name == "explicit_bounds" => Shape::Double,
            Kind::Packed(WireType::Fixed64) => Shape::Fixed64,
            Kind::Packed(_) => Shape::Uint64,
        }
    }
}

/// The letters of `resource_logs` in JSON: `resourceLogs`.
pub(super) fn camel(name: &str) -> impl Iterator<Item = u8> {
    let mut upper = false;
    name.bytes().filter_map(move |byte| {
        if byte == b'_' {
            upper = true;
            return None;
        }
        Some(if std::mem::take(&mut upper) { byte.to_ascii_uppercase() } else { byte })
    })
}
