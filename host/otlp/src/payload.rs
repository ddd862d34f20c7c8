//! A payload is one OTLP export request, encoded, with its signal and its item count.
//!
//! Its bytes lie in one or more segments, each a whole encoded request of the same signal. Repeated fields of two
//! encoded requests merge by concatenation, so the segments end to end are the encoding of the joined request: joining
//! costs a reference count a segment and copies nothing. An exporter that can send pieces sends them as they lie; one
//! that needs a single buffer asks for [`Payload::contiguous`].

use bytes::{Bytes, BytesMut};
use smallvec::{SmallVec, smallvec};

use crate::check;
use crate::signal::Signal;

/// One encoded export request and the number of its items.
#[derive(Clone, Debug)]
pub struct Segment {
    pub(crate) bytes: Bytes,
    pub(crate) items: u32,
}

impl Segment {
    /// For callers in this crate that have made or checked the bytes.
    pub(crate) fn trusted(bytes: Bytes, items: u32) -> Self {
        Segment { bytes, items }
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub fn items(&self) -> u32 {
        self.items
    }
}

/// Telemetry of one signal, encoded.
#[derive(Clone, Debug)]
pub struct Payload {
    signal: Signal,
    segments: SmallVec<[Segment; 1]>,
    items: u64,
    len: usize,
    unknown_fields: u64,
}

impl Payload {
    /// A payload without items.
    pub fn empty(signal: Signal) -> Self {
        Payload { signal, segments: SmallVec::new(), items: 0, len: 0, unknown_fields: 0 }
    }

    pub(crate) fn trusted(signal: Signal, bytes: Bytes, items: u32, unknown_fields: u64) -> Self {
        let len = bytes.len();
        Payload {
            signal,
            segments: smallvec![Segment::trusted(bytes, items)],
            items: u64::from(items),
            len,
            unknown_fields,
        }
    }

    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// Log records, spans or data points.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Encoded size in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.items == 0 && self.len == 0
    }

    /// How many fields the check did not know.
    pub fn unknown_fields(&self) -> u64 {
        self.unknown_fields
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Appends `other`, which must be of the same signal.
    ///
    /// # Panics
    /// When the signals differ: no input can cause that, only a wrongly built pipeline.
    pub fn join(&mut self, other: Payload) {
        assert_eq!(self.signal, other.signal, "payloads of one signal are joined");
        self.items += other.items;
        self.len += other.len;
        self.unknown_fields += other.unknown_fields;
        self.segments.extend(other.segments);
    }

    /// Appends one segment; crate-internal since a segment says nothing about its signal.
    pub(crate) fn push(&mut self, segment: Segment) {
        self.items += u64::from(segment.items);
        self.len += segment.bytes.len();
        self.segments.push(segment);
    }

    /// Counts the unknown fields anew, for a payload that holds a part of another one.
    pub(crate) fn count_unknown(&mut self) {
        self.unknown_fields = self.segments.iter().map(|segment| check::unknown(self.signal, &segment.bytes)).sum();
    }

    /// The payload after its unknown fields were removed.
    pub(crate) fn without_unknown(mut self) -> Self {
        self.unknown_fields = 0;
        self
    }

    /// The payload with other segments: for bytes that were made by applying an edit script to those of this checked
    /// payload, each with its item count. A segment without bytes is left out.
    #[must_use]
    pub fn edited(&self, segments: impl IntoIterator<Item = (Bytes, u32)>) -> Payload {
        let mut edited = Payload { unknown_fields: self.unknown_fields, ..Payload::empty(self.signal) };
        for (bytes, items) in segments {
            if !bytes.is_empty() {
                edited.push(Segment::trusted(bytes, items));
            }
        }
        edited
    }

    /// The whole request in one buffer: shared where there is one segment, copied otherwise.
    pub fn contiguous(&self) -> Bytes {
        if let [only] = self.segments.as_slice() {
            return only.bytes.clone();
        }
        let mut out = BytesMut::with_capacity(self.len);
        for segment in &self.segments {
            out.extend_from_slice(&segment.bytes);
        }
        out.freeze()
    }
}

#[cfg(test)]
mod tests;
