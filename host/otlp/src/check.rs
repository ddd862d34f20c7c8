//! The check at the door: one walk over a request that a stranger encoded, before anything else reads it.
//!
//! It bounds nesting and counts, wants UTF-8 where the proto says `string`, and refuses whatever would make a view and a
//! decoder disagree, since that is a way past a scrubber: a singular or oneof field given twice, group wire types, field
//! number 0, a wrong wire type. Unknown fields are let in and counted: what to do with them depends on who reads.

mod text;

use bytes::Bytes;

use crate::payload::Payload;
use crate::schema::{self, Kind, Message, Step};
use crate::signal::Signal;
use crate::wire::{self, WireType};

/// The deepest nesting that a limit can allow: prost refuses more, and the walks recurse.
pub const DEPTH: u32 = 100;

/// What the door lets in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages inside messages, the request itself counted; no more than [`DEPTH`], whatever is asked for.
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
    #[error("the id of a trace has 16 bytes and that of a span 8, or none")]
    Id,
    #[error("the field may stand only once in its message")]
    Repeated,
    #[error("messages are nested deeper than the limit of {0}")]
    Depth(u32),
    #[error("there are more items than the limit of {0}")]
    Items(u32),
    #[error("the request is larger than 4 GiB")]
    Size,
    #[error("there is a field that the schema does not know")]
    Unknown,
}

/// Lets `bytes` in as a payload, or says what is wrong with them.
///
/// # Errors
/// Names the message, the field, the offset and the fault.
pub fn check(signal: Signal, bytes: Bytes, limits: &Limits) -> Result<Payload, CheckError> {
    let root = Message::request(signal);
    if u32::try_from(bytes.len()).is_err() {
        return Err(fault(root, 0, 0, Fault::Size));
    }
    let mut walk = Walk::new(*limits);
    walk.message(root, &bytes, 0, walk.limits.depth)?;
    Ok(Payload::trusted(signal, bytes, walk.items, walk.unknown))
}

/// Says what is wrong with the contents of an `AnyValue` that somebody made for a request that was let in. It may be so many
/// messages inside one another as `depth` says, itself counted: what is around its place leaves less than a request may have.
///
/// # Errors
/// As [`check`], and where there is an unknown field.
pub fn check_value(bytes: &[u8], depth: u32) -> Result<(), CheckError> {
    let message = &schema::ANY_VALUE;
    if u32::try_from(bytes.len()).is_err() {
        return Err(fault(message, 0, 0, Fault::Size));
    }
    let mut walk = Walk::new(Limits { depth, items: 0 });
    walk.message(message, bytes, 0, walk.limits.depth)?;
    if walk.unknown > 0 { Err(fault(message, 0, 0, Fault::Unknown)) } else { Ok(()) }
}

/// How many fields of a request that was let in are unknown.
pub(crate) fn unknown(signal: Signal, bytes: &[u8]) -> u64 {
    let mut walk = Walk::new(Limits { depth: DEPTH, items: u32::MAX });
    let result = walk.message(Message::request(signal), bytes, 0, DEPTH);
    debug_assert_eq!(result, Ok(()), "the request was let in");
    walk.unknown
}

/// A fault before it is told where it lies.
#[cold]
fn fault(message: &'static Message, number: u64, at: usize, fault: Fault) -> CheckError {
    let field = u32::try_from(number).ok().and_then(|n| message.field(n)).map(|f| f.name);
    CheckError { message: message.name, field, at, fault }
}

struct Walk {
    items: u32,
    unknown: u64,
    limits: Limits,
}

impl Walk {
    fn new(limits: Limits) -> Self {
        Walk { items: 0, unknown: 0, limits: Limits { depth: limits.depth.min(DEPTH), ..limits } }
    }

    /// Walks the message that starts at `start` and ends where `buf` does.
    fn message(&mut self, message: &'static Message, buf: &[u8], start: usize, depth: u32) -> Result<(), CheckError> {
        if depth == 0 {
            return Err(fault(message, 0, start, Fault::Depth(self.limits.depth)));
        }
        if message.item {
            if self.items >= self.limits.items {
                return Err(fault(message, 0, start, Fault::Items(self.limits.items)));
            }
            self.items += 1;
        }
        let mut pos = start;
        // Bit n: field n was seen, or a member of its oneof.
        let mut seen = 0u32;
        while let Some(&tag) = buf.get(pos) {
            let step = message.steps[usize::from(tag)];
            if step == Step::Closer {
                pos = self.closer(message, buf, pos, &mut seen, depth)?;
                continue;
            }
            let number = usize::from(tag >> 3);
            let once = message.once[number];
            if seen & once != 0 {
                return Err(fault(message, number as u64, pos, Fault::Repeated));
            }
            seen |= once;
            let truncated = || fault(message, number as u64, pos, Fault::Truncated);
            pos = match step {
                Step::Varint => wire::varint(buf, pos + 1).ok_or_else(truncated)?.1,
                Step::Fixed64 if buf.len() - pos > 8 => pos + 9,
                Step::Fixed32 if buf.len() - pos > 4 => pos + 5,
                Step::Text => {
                    let (from, to) = wire::length(buf, pos + 1).ok_or_else(truncated)?;
                    if !text::is_utf8(&buf[from..to]) {
                        return Err(fault(message, number as u64, pos, Fault::Utf8));
                    }
                    to
                }
                Step::Bytes => wire::length(buf, pos + 1).ok_or_else(truncated)?.1,
                Step::Id(id) => {
                    let (from, to) = wire::length(buf, pos + 1).ok_or_else(truncated)?;
                    if !id.fits(to - from) {
                        return Err(fault(message, number as u64, pos, Fault::Id));
                    }
                    to
                }
                Step::Message => {
                    let (from, to) = wire::length(buf, pos + 1).ok_or_else(truncated)?;
                    let inner = message.inner[number].expect("the step was made from the field");
                    if std::ptr::eq(inner, &schema::KEY_VALUE) && depth > 2 {
                        let after = plain_pairs(buf, pos, tag);
                        if after > pos {
                            pos = after;
                            continue;
                        }
                    }
                    let plain = std::ptr::eq(inner, &schema::ANY_VALUE) && depth > 1 && plain_value(&buf[from..to]);
                    if !plain {
                        self.message(inner, &buf[..to], from, depth - 1)?;
                    }
                    to
                }
                Step::Fixed64 | Step::Fixed32 | Step::Closer => return Err(truncated()),
            };
        }
        Ok(())
    }

    /// Takes the field at `pos` that the table has no step for: a long tag, an unknown field, a packed one, a fault.
    #[inline(never)]
    fn closer(
        &mut self,
        message: &'static Message,
        buf: &[u8],
        at: usize,
        seen: &mut u32,
        depth: u32,
    ) -> Result<usize, CheckError> {
        let Some((key, after)) = wire::varint(buf, at) else {
            return Err(fault(message, 0, at, Fault::Truncated));
        };
        let number = key >> 3;
        let Some(wire) = WireType::from_bits(key) else { return Err(fault(message, number, at, Fault::Tag)) };
        if number == 0 || key > u64::from(u32::MAX) {
            return Err(fault(message, 0, at, Fault::Tag));
        }
        let truncated = || fault(message, number, at, Fault::Truncated);
        let Some(field) = message.field(number as u32) else {
            self.unknown += 1;
            return wire::skip(buf, after, wire).ok_or_else(truncated);
        };
        let once = message.once[number as usize];
        if *seen & once != 0 {
            return Err(fault(message, number, at, Fault::Repeated));
        }
        *seen |= once;
        if wire != field.kind.wire() {
            // A repeated scalar may stand unpacked, too.
            return match field.kind {
                Kind::Packed(scalar) if scalar == wire => wire::skip(buf, after, wire).ok_or_else(truncated),
                _ => Err(fault(message, number, at, Fault::WireType)),
            };
        }
        if wire != WireType::Len {
            return wire::skip(buf, after, wire).ok_or_else(truncated);
        }
        let (from, to) = wire::length(buf, after).ok_or_else(truncated)?;
        match field.kind {
            Kind::Message(inner) => self.message(inner, &buf[..to], from, depth - 1)?,
            Kind::Text if !text::is_utf8(&buf[from..to]) => return Err(fault(message, number, at, Fault::Utf8)),
            Kind::Id(id) if !id.fits(to - from) => return Err(fault(message, number, at, Fault::Id)),
            Kind::Packed(scalar) => packed(&buf[from..to], scalar).ok_or_else(truncated)?,
            _ => {}
        }
        Ok(to)
    }
}

/// Walks the elements of a packed field.
fn packed(buf: &[u8], scalar: WireType) -> Option<()> {
    match scalar {
        WireType::Fixed64 => return buf.len().is_multiple_of(8).then_some(()),
        WireType::Fixed32 => return buf.len().is_multiple_of(4).then_some(()),
        WireType::Varint | WireType::Len => {}
    }
    let mut pos = 0;
    while pos < buf.len() {
        pos = wire::skip(buf, pos, scalar)?;
    }
    Some(())
}

/// Passes over the attributes with this tag that start at `pos`, while they are plain: each less than 128 bytes, a key
/// and a scalar in this order and nothing else, in ASCII. Most attributes are; the rest is left to the walk.
#[inline]
fn plain_pairs(buf: &[u8], pos: usize, tag: u8) -> usize {
    let mut rest = &buf[pos..];
    while let [next, len @ 0..0x80, tail @ ..] = rest
        && *next == tag
        && let Some((pair, after)) = tail.split_at_checked(usize::from(*len))
        && plain_pair(pair)
    {
        rest = after;
    }
    buf.len() - rest.len()
}

/// Whether a KeyValue of less than 128 bytes is plain.
#[inline(always)]
fn plain_pair(pair: &[u8]) -> bool {
    let [0x0a, len, rest @ ..] = pair else { return false };
    let Some((key, [0x12, len, value @ ..])) = rest.split_at_checked(usize::from(*len)) else { return false };
    if value.len() != usize::from(*len) {
        return false;
    }
    match value {
        // Of a text the tags and lengths are ASCII, too: one look at the pair covers key and value.
        [0x0a, len, text @ ..] => text.len() == usize::from(*len) && text::is_ascii(pair),
        _ => text::is_ascii(key) && plain_value(value),
    }
}

/// Whether an AnyValue is one scalar in its usual encoding and nothing else.
#[inline(always)]
fn plain_value(buf: &[u8]) -> bool {
    match buf {
        [0x0a, len @ 0..0x80, text @ ..] => text.len() == usize::from(*len) && text::is_utf8(text),
        [0x0a, ..] => wire::length(buf, 1).is_some_and(|(from, to)| to == buf.len() && text::is_utf8(&buf[from..])),
        [0x10 | 0x18, ..] => wire::varint(buf, 1).is_some_and(|(_, end)| end == buf.len()),
        [0x21, ..] => buf.len() == 9,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
