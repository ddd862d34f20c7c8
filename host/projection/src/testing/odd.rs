//! Odd encodings that say the same: fields in another order, lengths and tags written longer than they need to be.

use host_otlp::schema::{Kind, Message};
use host_otlp::wire::{self, Fields, WireType};

/// Rewrites the message at hand with each message's fields in reverse order of their numbers.
pub(crate) fn scrambled(message: &'static Message, buf: &[u8]) -> Vec<u8> {
    let mut fields: Vec<_> = Fields::new(buf, 0, buf.len()).collect();
    fields.sort_by_key(|field| std::cmp::Reverse(field.number));
    let mut out = Vec::new();
    for field in fields {
        let content = &buf[field.start..field.end];
        let key = u64::from(field.number << 3 | field.wire.bits());
        // Some of each, so that both the usual and the odd form are seen.
        put_varint(&mut out, key, field.start % 7 == 0);
        if field.wire != WireType::Len {
            out.extend_from_slice(content);
            continue;
        }
        let inner = match message.field(field.number).map(|field| field.kind) {
            Some(Kind::Message(inner)) => scrambled(inner, content),
            _ => content.to_vec(),
        };
        put_varint(&mut out, inner.len() as u64, field.start % 5 == 0);
        out.extend_from_slice(&inner);
    }
    out
}

fn put_varint(out: &mut Vec<u8>, value: u64, long: bool) {
    wire::put_varint(out, value);
    if long && let Some(last) = out.last_mut() {
        *last |= 0x80;
        out.push(0);
    }
}
