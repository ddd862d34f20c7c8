//! Every field by its name, indented as it is nested: walked by the schema, so that none is forgotten.

use std::fmt::Write as _;

use host_component::Payload;
use host_otlp::schema::{self, Kind, Message};
use host_otlp::wire::{self, Fields, WireType};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message as _;

use super::text;

/// Appends all that `payload` says.
pub(super) fn write(payload: &Payload, out: &mut String) {
    let root = Message::request(payload.signal());
    for segment in payload.segments() {
        let buf = segment.bytes();
        message(root, buf, (0, buf.len()), 0, out);
    }
}

fn message(schema: &Message, buf: &[u8], (start, end): (usize, usize), depth: usize, out: &mut String) {
    let mut seen = [0u32; schema::NUMBERS];
    for part in Fields::new(buf, start, end) {
        let Some(field) = schema.field(part.number) else {
            line(depth, &format!("(unknown field {})", part.number), out);
            continue;
        };
        let index = seen[part.number as usize];
        seen[part.number as usize] += 1;
        let bytes = &buf[part.start..part.end];
        match field.kind {
            Kind::Message(inner) if inner.name == "KeyValue" => {
                let pair = KeyValue::decode(bytes).unwrap_or_default();
                if index == 0 {
                    line(depth, &format!("{}:", field.name), out);
                }
                let value = pair.value.as_ref().map_or_else(|| "Empty()".to_owned(), text::typed);
                line(depth + 1, &format!("-> {}: {value}", text::line(&pair.key)), out);
            }
            Kind::Message(inner) if inner.name == "AnyValue" => {
                let value = text::typed(&AnyValue::decode(bytes).unwrap_or_default());
                line(depth, &format!("{}: {value}", field.name), out);
            }
            Kind::Message(inner) => {
                let number = if field.card == schema::Card::Many { format!(" #{index}") } else { String::new() };
                line(depth, &format!("{}{number}:", field.name), out);
                message(inner, buf, (part.start, part.end), depth + 1, out);
            }
            _ => line(depth, &format!("{}: {}", field.name, scalar(field, buf, &part)), out),
        }
    }
}

fn line(depth: usize, text: &str, out: &mut String) {
    writeln!(out, "{:1$}{text}", "", 2 * depth).expect("text is written to memory");
}

fn scalar(field: &schema::Field, buf: &[u8], part: &wire::Field) -> String {
    let bytes = &buf[part.start..part.end];
    match field.kind {
        Kind::Text => text::line(&String::from_utf8_lossy(bytes)).into_owned(),
        Kind::Bytes | Kind::Id(_) | Kind::Message(_) => text::hex(bytes),
        Kind::Double => f64::from_bits(fixed(bytes)).to_string(),
        Kind::Sfixed64 => (fixed(bytes) as i64).to_string(),
        Kind::Fixed64 | Kind::Fixed32 => fixed(bytes).to_string(),
        Kind::Varint => varint(buf, part.start).to_string(),
        Kind::Zigzag => {
            let value = varint(buf, part.start) as u32;
            ((value >> 1) as i32 ^ -((value & 1) as i32)).to_string()
        }
        Kind::Packed(scalar) => packed(field, scalar, &buf[..part.end], part.start),
    }
}

fn packed(field: &schema::Field, scalar: WireType, buf: &[u8], start: usize) -> String {
    let mut pos = start;
    let mut elements = Vec::new();
    while let Some(next) = wire::skip(buf, pos, scalar).filter(|_| pos < buf.len()) {
        elements.push(match scalar {
            WireType::Fixed64 if field.name == "explicit_bounds" => f64::from_bits(fixed(&buf[pos..next])).to_string(),
            WireType::Varint => varint(buf, pos).to_string(),
            _ => fixed(&buf[pos..next]).to_string(),
        });
        pos = next;
    }
    format!("[{}]", elements.join(", "))
}

fn varint(buf: &[u8], pos: usize) -> u64 {
    wire::varint(buf, pos).map_or(0, |(value, _)| value)
}

/// A little-endian number of up to eight bytes.
fn fixed(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
