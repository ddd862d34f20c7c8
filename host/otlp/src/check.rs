//! The check at the door: one walk over a request that a stranger encoded, before anything else reads it.
//!
//! It bounds nesting and counts, wants UTF-8 where the proto says `string`, and refuses whatever would make a view and a
//! decoder disagree, since that is a way past a scrubber: a singular or oneof field given twice, group wire types, field
//! number 0, a wrong wire type. Unknown fields are let in and counted: what to do with them depends on who reads.

use bytes::Bytes;

use crate::payload::Payload;
use crate::schema::{Card, Kind, Message};
use crate::signal::Signal;
use crate::wire::{self, WireType};

/// What the door lets in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages inside messages, the request itself counted. A protobuf decoder in Rust stops at 100.
    pub depth: u32,
    /// Items a request.
    pub items: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { depth: 64, items: 1_000_000 }
    }
}

/// Why a request was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{} at byte {at}: {fault}", field.map(|f| format!(".{f}")).unwrap_or_default())]
pub struct CheckError {
    /// The message type in which the fault lies.
    pub message: &'static str,
    /// The field, where it is known.
    pub field: Option<&'static str>,
    /// Offset in the request.
    pub at: usize,
    pub fault: Fault,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the message is truncated or a varint is too long")]
    Truncated,
    #[error("a field tag is invalid (field number 0, a group or a reserved wire type)")]
    Tag,
    #[error("the wire type does not fit the field")]
    WireType,
    #[error("the text is not UTF-8")]
    Utf8,
    #[error("the field may stand only once in its message")]
    Repeated,
    #[error("messages are nested deeper than the limit of {0}")]
    Depth(u32),
    #[error("there are more items than the limit of {0}")]
    Items(u32),
    #[error("the request is larger than 4 GiB")]
    Size,
}

/// Lets `bytes` in as a payload, or says what is wrong with them.
///
/// # Errors
/// Names the message, the field, the offset and the fault.
pub fn check(signal: Signal, bytes: Bytes, limits: &Limits) -> Result<Payload, CheckError> {
    let root = Message::request(signal);
    if u32::try_from(bytes.len()).is_err() {
        return Err(CheckError { message: root.name, field: None, at: 0, fault: Fault::Size });
    }
    let mut walk = Walk { buf: &bytes, items: 0, unknown: 0, limits };
    walk.message(root, 0, bytes.len(), limits.depth)?;
    let (items, unknown) = (walk.items, walk.unknown);
    Ok(Payload::trusted(signal, bytes, items, unknown))
}

struct Walk<'a> {
    buf: &'a [u8],
    items: u32,
    unknown: u64,
    limits: &'a Limits,
}

/// A fault before it is told where it lies.
#[cold]
fn fault(message: &'static Message, number: u64, at: usize, fault: Fault) -> CheckError {
    let field = u32::try_from(number).ok().and_then(|n| message.field(n)).map(|f| f.name);
    CheckError { message: message.name, field, at, fault }
}

impl Walk<'_> {
    fn message(&mut self, message: &'static Message, start: usize, end: usize, depth: u32) -> Result<(), CheckError> {
        if depth == 0 {
            return Err(fault(message, 0, start, Fault::Depth(self.limits.depth)));
        }
        if message.item {
            self.items += 1;
            if self.items > self.limits.items {
                return Err(fault(message, 0, start, Fault::Items(self.limits.items)));
            }
        }
        let buf = &self.buf[..end];
        let mut pos = start;
        // Bit n: field n was seen; the members of the oneof share their bits.
        let mut seen = 0u32;
        while pos < end {
            let at = pos;
            let Some((key, after)) = wire::varint(buf, pos) else {
                return Err(fault(message, 0, at, Fault::Truncated));
            };
            let number = key >> 3;
            let Some(wire) = WireType::from_bits(key) else { return Err(fault(message, number, at, Fault::Tag)) };
            if number == 0 || key > u64::from(u32::MAX) {
                return Err(fault(message, 0, at, Fault::Tag));
            }
            let known = message.field(number as u32);
            let Some(field) = known else {
                self.unknown += 1;
                pos = wire::skip(buf, after, wire).ok_or_else(|| fault(message, number, at, Fault::Truncated))?;
                continue;
            };
            if field.card != Card::Many {
                let bit = 1u32 << number;
                let taken = if field.card == Card::Oneof { message.oneof } else { bit };
                if seen & taken != 0 {
                    return Err(fault(message, number, at, Fault::Repeated));
                }
                seen |= bit;
            }
            if wire != field.kind.wire() {
                // A repeated scalar may stand unpacked, too.
                match field.kind {
                    Kind::Packed(scalar) if scalar == wire => {
                        pos =
                            wire::skip(buf, after, wire).ok_or_else(|| fault(message, number, at, Fault::Truncated))?;
                        continue;
                    }
                    _ => return Err(fault(message, number, at, Fault::WireType)),
                }
            }
            if wire != WireType::Len {
                pos = wire::skip(buf, after, wire).ok_or_else(|| fault(message, number, at, Fault::Truncated))?;
                continue;
            }
            let Some((from, to)) = wire::length(buf, after) else {
                return Err(fault(message, number, at, Fault::Truncated));
            };
            match field.kind {
                Kind::Message(inner) => self.message(inner, from, to, depth - 1)?,
                Kind::Text => {
                    if std::str::from_utf8(&buf[from..to]).is_err() {
                        return Err(fault(message, number, at, Fault::Utf8));
                    }
                }
                Kind::Packed(scalar) => {
                    packed(&buf[..to], from, scalar).ok_or_else(|| fault(message, number, at, Fault::Truncated))?;
                }
                _ => {}
            }
            pos = to;
        }
        Ok(())
    }
}

/// Walks the elements of a packed field that ends where `buf` does.
fn packed(buf: &[u8], start: usize, scalar: WireType) -> Option<()> {
    let mut pos = start;
    while pos < buf.len() {
        pos = wire::skip(buf, pos, scalar)?;
    }
    Some(())
}
