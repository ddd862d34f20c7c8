//! Reading: from the text straight into the encoded request, in one walk.
//!
//! The text is a stranger's. Nesting is bounded as the check bounds it; each piece of memory is asked for before it is
//! taken; a key that stands twice is refused, since readers differ in which of the two they believe. What comes out still
//! has to pass the check.

mod field;
mod names;
mod sink;

use std::slice::Iter;

use bytes::Bytes;
use serde::de::Deserializer as _;

use self::field::Fields;
use self::sink::Sink;
use crate::check::{DEPTH, Limits};
use crate::schema::Message;
use crate::signal::Signal;

/// How much of the text the encoded request takes at least, to begin with.
const SHARE: usize = 2;

/// What the reader of a text of this size keeps beside it is not worth counting.
const SMALL: usize = 64 << 10;

/// What was read.
#[derive(Debug)]
pub struct Request {
    /// The request, encoded, not yet checked.
    pub bytes: Bytes,
    /// Keys that OTLP does not know.
    pub unknown_keys: u64,
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Malformed(String),
    #[error("the request is larger than {0} bytes when it is encoded")]
    TooLarge(usize),
    #[error("there is no room for the request")]
    NoRoom,
}

/// Reads a request of at most `most` bytes when it is encoded. `grow` says whether there are so many bytes more to be
/// had, each time before they are taken.
///
/// # Errors
/// When the text is no OTLP in JSON, with line and column; when it is too large or there is no room.
pub fn read(
    signal: Signal,
    text: &[u8],
    limits: &Limits,
    most: usize,
    grow: &mut dyn FnMut(usize) -> bool,
) -> Result<Request, ReadError> {
    if text.len() > SMALL && !grow(scratch(text)) {
        return Err(ReadError::NoRoom);
    }
    let mut sink = Sink::new(most, grow);
    sink.begin(text.len() / SHARE)?;
    let mut json = serde_json::Deserializer::from_slice(text);
    let root = Fields { message: Message::request(signal), sink: &mut sink, depth: limits.depth.min(DEPTH) };
    let outcome = json.deserialize_map(root).and_then(|()| json.end());
    match (outcome, sink.refusal.take()) {
        (Ok(()), _) => Ok(Request { unknown_keys: sink.unknown_keys, bytes: sink.into_bytes() }),
        (Err(_), Some(refusal)) => Err(refusal),
        (Err(error), None) => Err(ReadError::Malformed(error.to_string())),
    }
}

/// What the reader of a text keeps beside it: its longest string with escapes, without these, and a byte for each bracket
/// that is open in what is passed over.
fn scratch(text: &[u8]) -> usize {
    let (mut longest, mut deepest, mut depth) = (0, 0, 0usize);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => longest = longest.max(escaped(&mut bytes)),
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    longest.max(deepest)
}

/// Goes to the end of a string; its length, where it has escapes.
fn escaped(bytes: &mut Iter<'_, u8>) -> usize {
    let (whole, mut has_escapes) = (bytes.len(), false);
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => break,
            b'\\' => {
                has_escapes = true;
                bytes.next();
            }
            _ => {}
        }
    }
    if has_escapes { whole - bytes.len() } else { 0 }
}
