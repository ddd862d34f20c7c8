//! Structured metadata: the pairs that an entry has beside its line and the labels of its stream, encoded as they are written.
//!
//! Names and values are what Loki makes of the same record when it comes over OTLP: parts of maps are pairs of their own,
//! arrays are JSON, bytes base64.

use host_otlp::view::AnyValue;
use host_otlp::wire::{close_len, varint_len};

use super::{names, text};

/// Pairs that Loki takes of one entry, and what their names and values may take together: of an entry with more it takes
/// nothing.
pub(super) const MOST_PAIRS: usize = 128;
pub(super) const MOST_BYTES: usize = 64 << 10;

/// `structuredMetadata` of an entry, and `name` and `value` of a pair: fields with a length.
const PAIR: u8 = 0x1a;
const NAME: u8 = 0x0a;
const VALUE: u8 = 0x12;
/// What a pair takes besides its name and its value, where it is short.
const OVERHEAD: usize = 5;

/// Writes pairs until there are as many as there may be.
pub(super) struct Writer<'o> {
    pub(super) out: &'o mut Vec<u8>,
    start: usize,
    room: Room,
    pub(super) pairs: usize,
    /// Pairs that were left out.
    pub(super) cut: u64,
}

/// What may be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) pairs: usize,
    pub(super) bytes: usize,
}

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, room: Room) -> Self {
        Writer { start: out.len(), out, room, pairs: 0, cut: 0 }
    }

    /// Makes room for more.
    pub(super) fn widen(&mut self, more: Room) {
        self.room.pairs += more.pairs;
        self.room.bytes += more.bytes;
    }

    /// The pairs that an attribute becomes; one without a value becomes none.
    pub(super) fn attribute(&mut self, key: &str, value: &AnyValue<'_>) {
        match value {
            AnyValue::Empty | AnyValue::Text("") => {}
            AnyValue::Text(text) => self.text(key, text),
            AnyValue::Map(parts) => {
                for part in parts.clone() {
                    if let Some(value) = &part.value {
                        self.attribute(&format!("{key}_{}", part.key), value);
                    }
                }
            }
            other => self.pair(key, 1, |out| text::plain(other, out)),
        }
    }

    /// A pair, unless there is nothing to say.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.pair(key, value.len(), |out| out.extend_from_slice(value.as_bytes()));
        }
    }

    /// A pair with a number.
    pub(super) fn integer(&mut self, key: &str, value: impl std::fmt::Display) {
        self.pair(key, 1, |out| text::integer(value, out));
    }

    /// A pair whose value takes about `len` bytes.
    pub(super) fn pair(&mut self, key: &str, len: usize, value: impl FnOnce(&mut Vec<u8>)) {
        if self.pairs >= self.room.pairs {
            self.cut += 1;
            return;
        }
        let start = self.out.len();
        self.field(PAIR, key.len() + len + OVERHEAD, |pair| {
            pair.field(NAME, key.len(), |name| names::push(key, name.out));
            pair.field(VALUE, len, |inner| value(inner.out));
        });
        if self.out.len() - self.start > self.room.bytes {
            self.out.truncate(start);
            self.cut += 1;
        } else {
            self.pairs += 1;
        }
    }

    fn field(&mut self, tag: u8, len: usize, inside: impl FnOnce(&mut Self)) {
        self.out.push(tag);
        let (at, room) = (self.out.len(), varint_len(len as u64));
        self.out.resize(at + room, 0);
        inside(self);
        close_len(self.out, at, room);
    }
}
