//! Changes to the encoding of a request: some that every decoder takes, some that none may let pass.

use host_otlp::schema::{Kind, Message};
use host_otlp::view::View;
use host_otlp::wire::{self, Field, WireType};

use crate::entropy::Entropy;

/// Other encodings of the same request: fields in another order, longer varints, repeated scalars unpacked or in parts.
pub(crate) fn reencoded(view: View<'_>, e: &mut Entropy<'_>) -> Vec<u8> {
    fields(view, e, &mut |message, view, field, e| encode(message, view, field, e)).concat()
}

/// Also with unknown fields in any message.
pub(crate) fn with_unknown(view: View<'_>, e: &mut Entropy<'_>) -> Vec<u8> {
    let mut parts = fields(view, e, &mut |message, view, field, e| match view.enter(&field) {
        Some(inner) => len(field.number, &with_unknown(inner, e), e),
        None => encode(message, view, field, e),
    });
    if e.below(4) == 1 {
        let at = e.below(parts.len() + 1);
        parts.insert(at, unknown(e));
    }
    parts.concat()
}

/// Also with faults: fields given twice or of the wrong wire type, groups, field number 0, broken text, lost bytes.
pub(crate) fn broken(view: View<'_>, e: &mut Entropy<'_>) -> Vec<u8> {
    let mut parts = fields(view, e, &mut |message, view, field, e| match view.enter(&field) {
        Some(inner) => len(field.number, &broken(inner, e), e),
        None => encode(message, view, field, e),
    });
    if e.below(4) == 1 {
        let at = e.below(parts.len() + 1);
        match e.below(8) {
            0 if !parts.is_empty() => parts.insert(at, parts[at % parts.len()].clone()),
            1 => parts.insert(at, any_field(view.message, e)),
            2 => parts.insert(at, tag(e.below(17) as u32, e.pick(&[3, 4, 6, 7]))),
            3 => parts.insert(at, vec![0x00, 0x01]),
            4 => parts.insert(at, unknown(e)),
            5 if !parts.is_empty() => {
                let count = parts.len();
                parts[at % count].pop();
            }
            6 if !parts.is_empty() => {
                let count = parts.len();
                if let Some(last) = parts[at % count].last_mut() {
                    *last = e.byte();
                }
            }
            _ => parts.insert(at, vec![0x80 | e.byte(); e.below(12)]),
        }
    }
    parts.concat()
}

type Encode<'f> = &'f mut dyn FnMut(&'static Message, View<'_>, Field, &mut Entropy<'_>) -> Vec<u8>;

/// The fields of a message, each encoded, perhaps in another order.
fn fields(view: View<'_>, e: &mut Entropy<'_>, encode: Encode<'_>) -> Vec<Vec<u8>> {
    let mut parts: Vec<_> = view.fields().map(|field| encode(view.message, view, field, e)).collect();
    if parts.len() > 1 && e.below(4) == 1 {
        let at = e.below(parts.len() - 1);
        parts.swap(at, at + 1);
    }
    parts
}

fn encode(message: &'static Message, view: View<'_>, field: Field, e: &mut Entropy<'_>) -> Vec<u8> {
    let value = &view.buf[field.start..field.end];
    if let Some(inner) = view.enter(&field) {
        return len(field.number, &reencoded(inner, e), e);
    }
    match (message.field(field.number).map(|known| known.kind), field.wire) {
        (Some(Kind::Packed(scalar)), WireType::Len) => repack(e, field.number, scalar, value),
        (_, WireType::Len) => len(field.number, value, e),
        (_, WireType::Varint) => {
            let (number, _) = wire::varint(value, 0).expect("the request is valid");
            let mut out = tag(field.number, WireType::Varint.bits());
            longer(e, &mut out, number);
            out
        }
        (_, wire) => [&tag(field.number, wire.bits()), value].concat(),
    }
}

/// The elements of a packed field, some by themselves and the rest packed.
fn repack(e: &mut Entropy<'_>, number: u32, scalar: WireType, packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut pos = 0;
    for _ in 0..e.below(3) {
        let Some(end) = wire::skip(packed, pos, scalar).filter(|_| pos < packed.len()) else { break };
        out.extend(tag(number, scalar.bits()));
        out.extend(&packed[pos..end]);
        pos = end;
    }
    out.extend(len(number, &packed[pos..], e));
    out
}

fn unknown(e: &mut Entropy<'_>) -> Vec<u8> {
    let number = e.pick(&[100, 17, 31, 32, 536_870_911]);
    match e.below(4) {
        0 => len(number, b"\xffunknown", e),
        1 => [tag(number, 0), vec![0x81, 0x00]].concat(),
        2 => [tag(number, 1), vec![1; 8]].concat(),
        _ => [tag(number, 5), vec![2; 4]].concat(),
    }
}

/// A field with a number of the schema and any value.
fn any_field(message: &'static Message, e: &mut Entropy<'_>) -> Vec<u8> {
    let number = (1..17).filter(|n| message.field(*n).is_some()).nth(e.below(4)).unwrap_or(1);
    match e.below(4) {
        0 => {
            let bytes: Vec<u8> = (0..e.below(9)).map(|_| e.byte()).collect();
            len(number, &bytes, e)
        }
        1 => [tag(number, 0), vec![e.byte() & 0x7f]].concat(),
        2 => [tag(number, 1), vec![e.byte(); 8]].concat(),
        _ => [tag(number, 5), vec![e.byte(); 4]].concat(),
    }
}

fn tag(number: u32, wire: u32) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put_varint(&mut out, u64::from(number) << 3 | u64::from(wire));
    out
}

fn len(number: u32, bytes: &[u8], e: &mut Entropy<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    longer(e, &mut out, u64::from(number) << 3 | u64::from(WireType::Len.bits()));
    longer(e, &mut out, bytes.len() as u64);
    out.extend(bytes);
    out
}

/// A varint, now and then with more bytes than it needs.
fn longer(e: &mut Entropy<'_>, out: &mut Vec<u8>, value: u64) {
    wire::put_varint(out, value);
    let padding = if e.below(8) == 1 { e.below(9) } else { 0 };
    for _ in 0..padding.min(10usize.saturating_sub(wire::varint_len(value))) {
        let last = out.last_mut().expect("a varint has a byte");
        *last |= 0x80;
        out.push(0);
    }
}
