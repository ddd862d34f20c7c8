//! Writing: the payload as one JSON object. Fields that the schema does not know have no name and are left out.

use std::fmt::Write as _;
use std::io::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::shape::{Shape, camel};
use crate::payload::Payload;
use crate::schema::{self, Card, Kind, Message};
use crate::wire::{self, Fields};

/// Appends `payload` as one JSON object without line breaks.
pub fn write(payload: &Payload, out: &mut Vec<u8>) {
    let root = Message::request(payload.signal());
    let field = root.field(1).expect("every export request has field 1");
    out.push(b'{');
    key(field, out);
    out.push(b'[');
    let mut first = true;
    for segment in payload.segments() {
        let buf = segment.bytes();
        for part in Fields::new(buf, 0, buf.len()).filter(|part| part.number == 1) {
            comma(&mut first, out);
            value(field, buf, &part, out);
        }
    }
    out.extend_from_slice(b"]}");
}

fn message(schema: &Message, buf: &[u8], start: usize, end: usize, out: &mut Vec<u8>) {
    let fields = Fields::new(buf, start, end);
    let present = fields.clone().fold(0u32, |present, part| present | 1u32.checked_shl(part.number).unwrap_or(0));
    let mut first = true;
    out.push(b'{');
    for number in 1..schema::NUMBERS as u32 {
        let Some(field) = schema.field(number).filter(|_| present & 1 << number != 0) else { continue };
        let parts = fields.clone().filter(|part| part.number == number);
        comma(&mut first, out);
        key(field, out);
        if field.card == Card::Many {
            list(field, buf, parts, out);
        } else {
            // The check lets such a field stand once.
            parts.take(1).for_each(|part| value(field, buf, &part, out));
        }
    }
    out.push(b'}');
}

/// A repeated field; scalars may be packed, one by one, or both.
fn list(field: &schema::Field, buf: &[u8], parts: impl Iterator<Item = wire::Field>, out: &mut Vec<u8>) {
    let mut first = true;
    out.push(b'[');
    for part in parts {
        let Kind::Packed(scalar) = field.kind else {
            comma(&mut first, out);
            value(field, buf, &part, out);
            continue;
        };
        let mut pos = part.start;
        let end = part.end;
        while let Some(next) = wire::skip(&buf[..end], pos, scalar).filter(|_| pos < end) {
            comma(&mut first, out);
            scalar_at(Shape::of(field), &buf[..end], pos, out);
            pos = next;
        }
    }
    out.push(b']');
}

fn value(field: &schema::Field, buf: &[u8], part: &wire::Field, out: &mut Vec<u8>) {
    let bytes = &buf[part.start..part.end];
    match Shape::of(field) {
        Shape::Message(inner) => message(inner, buf, part.start, part.end, out),
        Shape::Text => text(&String::from_utf8_lossy(bytes), out),
        Shape::Id => hex(bytes, out),
        Shape::Bytes => text(&STANDARD.encode(bytes), out),
        scalar => scalar_at(scalar, buf, part.start, out),
    }
}

/// The number or boolean at `pos`.
fn scalar_at(shape: Shape, buf: &[u8], pos: usize, out: &mut Vec<u8>) {
    match shape {
        Shape::Bool => print(varint(buf, pos) != 0, out),
        Shape::Int32 => print(varint(buf, pos) as i32, out),
        Shape::Uint32 => print(varint(buf, pos) as u32, out),
        Shape::Int64 => quoted(varint(buf, pos) as i64, out),
        Shape::Uint64 => quoted(varint(buf, pos), out),
        Shape::Zigzag => {
            let value = varint(buf, pos) as u32;
            print((value >> 1) as i32 ^ -((value & 1) as i32), out);
        }
        Shape::Fixed32 => print(fixed32(buf, pos), out),
        Shape::Fixed64 => quoted(fixed64(buf, pos), out),
        Shape::Sfixed64 => quoted(fixed64(buf, pos) as i64, out),
        Shape::Double => double(f64::from_bits(fixed64(buf, pos)), out),
        Shape::Text | Shape::Bytes | Shape::Id | Shape::Message(_) => out.extend_from_slice(b"null"),
    }
}

fn comma(first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

fn key(field: &schema::Field, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend(camel(field.name));
    out.extend_from_slice(b"\":");
}

fn text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text is written to memory");
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("text is written to memory");
    }
    text(&digits, out);
}

fn double(value: f64, out: &mut Vec<u8>) {
    match value {
        v if v.is_nan() => out.extend_from_slice(b"\"NaN\""),
        f64::INFINITY => out.extend_from_slice(b"\"Infinity\""),
        f64::NEG_INFINITY => out.extend_from_slice(b"\"-Infinity\""),
        finite => serde_json::to_writer(out, &finite).expect("a number is written to memory"),
    }
}

fn print(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    write!(out, "{value}").expect("a number is written to memory");
}

fn quoted(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    write!(out, "\"{value}\"").expect("a number is written to memory");
}

fn varint(buf: &[u8], pos: usize) -> u64 {
    wire::varint(buf, pos).map_or(0, |(value, _)| value)
}

fn fixed64(buf: &[u8], pos: usize) -> u64 {
    buf.get(pos..pos + 8).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
}

fn fixed32(buf: &[u8], pos: usize) -> u32 {
    buf.get(pos..pos + 4).map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")))
}
