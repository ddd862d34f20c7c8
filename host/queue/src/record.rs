//! A record is one delivery as it lies on disk: the payload as it came, behind a head that says what it is.
//!
//! The head tells how many records and items stand before it in its segment, so that whoever reads over a damaged place
//! knows what it held; and how many of these were there for good when it was written, since what was not was never
//! acknowledged. A later version may append to the head: what it does not know, a reader passes over.

use std::sync::Arc;

use bytes::Bytes;
use host_component::{Delivery, Origin};
use host_otlp::{Limits, Payload, Signal};

/// What a request on disk may be: it was checked when it came, by limits that may have been others.
const LIMITS: Limits = Limits { depth: host_otlp::check::DEPTH, items: u32::MAX };

/// What stands before a place in a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) records: u64,
    pub(crate) items: u64,
}

impl Totals {
    pub(crate) fn with(self, items: u64) -> Totals {
        Totals { records: self.records + 1, items: self.items + items }
    }

    /// How much more this is than `before`.
    pub(crate) fn since(self, before: Totals) -> Totals {
        Totals { records: self.records.saturating_sub(before.records), items: self.items.saturating_sub(before.items) }
    }

    pub(crate) fn plus(self, other: Totals) -> Totals {
        Totals { records: self.records + other.records, items: self.items + other.items }
    }

    pub(crate) fn encode(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.records.to_le_bytes());
        bytes[8..].copy_from_slice(&self.items.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(cursor: &mut Cursor<'_>) -> Option<Totals> {
        Some(Totals { records: cursor.u64()?, items: cursor.u64()? })
    }
}

/// What is to be known of a record to go over it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) items: u64,
    /// When it came, in nanoseconds since the Unix epoch.
    pub(crate) time: u64,
    /// What stands before it in its segment.
    pub(crate) before: Totals,
    /// What of that was there for good when it was written.
    pub(crate) synced: Totals,
}

impl Mark {
    pub(crate) fn after(&self) -> Totals {
        self.before.with(self.items)
    }
}

/// What is written of a delivery.
pub(crate) struct Outgoing {
    pub(crate) delivery: Delivery,
    /// Nanoseconds since the Unix epoch.
    pub(crate) time: u64,
}

/// What was read.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) signal: Signal,
    pub(crate) mark: Mark,
    pub(crate) origin: Arc<Origin>,
    /// One OTLP export request, encoded.
    pub(crate) payload: Bytes,
}

impl Outgoing {
    pub(crate) fn items(&self) -> u64 {
        self.delivery.payload.items()
    }

    /// The record behind `before`, of which `synced` is there for good.
    pub(crate) fn mark(&self, before: Totals, synced: Totals) -> Mark {
        Mark { items: self.items(), time: self.time, before, synced }
    }

    pub(crate) fn head(&self, mark: &Mark) -> Vec<u8> {
        let mut head = vec![0; 4];
        head.push(self.delivery.payload.signal() as u8);
        head.extend_from_slice(&mark.before.encode());
        head.extend_from_slice(&mark.synced.encode());
        head.extend_from_slice(&mark.items.to_le_bytes());
        head.extend_from_slice(&mark.time.to_le_bytes());
        let metadata = &self.delivery.origin.metadata;
        head.extend_from_slice(&length(metadata.len()));
        for text in metadata.iter().flat_map(|(key, value)| [key, value]) {
            head.extend_from_slice(&length(text.len()));
            head.extend_from_slice(text.as_bytes());
        }
        let own = length(head.len() - 4);
        head[..4].copy_from_slice(&own);
        head
    }
}

fn length(of: usize) -> [u8; 4] {
    u32::try_from(of).expect("what a request says of itself has less than 4 GiB").to_le_bytes()
}

impl Record {
    /// None where the content is no record that this program can read.
    pub(crate) fn decode(content: &Bytes) -> Option<Record> {
        let mut cursor = Cursor(content);
        let length = cursor.length()?;
        let mut head = Cursor(cursor.take(length)?);
        let signal = signal(head.u8()?)?;
        let (before, synced) = (Totals::decode(&mut head)?, Totals::decode(&mut head)?);
        let (items, time) = (head.u64()?, head.u64()?);
        let count = head.length()?;
        let mut metadata = Vec::new();
        for _ in 0..count {
            metadata.push((head.text()?, head.text()?));
        }
        let payload = content.slice(4 + length..);
        let mark = Mark { items, time, before, synced };
        Some(Record { signal, mark, origin: Arc::new(Origin { metadata }), payload })
    }

    /// The payload, checked; none where it is no request that this program takes.
    pub(crate) fn payload(&self) -> Option<Payload> {
        let payload = host_otlp::check(self.signal, self.payload.clone(), &LIMITS).ok()?;
        (payload.items() == self.mark.items).then_some(payload)
    }
}

fn signal(byte: u8) -> Option<Signal> {
    Signal::ALL.into_iter().find(|signal| *signal as u8 == byte)
}

/// Reads numbers and texts from the front of some bytes.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn length(&mut self) -> Option<usize> {
        self.u32().and_then(|length| usize::try_from(length).ok())
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }
}
