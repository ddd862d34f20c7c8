//! Requests on the wire: what both versions of the protocol have in common.

use std::ops::Range;

use host_compression::{Coding, pack};
use host_otlp::wire::{self, WireType};

use super::batch::{Batch, Buckets, NativeHistogram, Series};
use super::{v1, v2};

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    V1,
    V2,
}

/// A request as it is sent.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) body: Vec<u8>,
    pub(super) counts: Counts,
    /// The series behind the last one that is in it.
    pub(super) end: usize,
}

/// What a request holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) samples: u64,
    pub(super) histograms: u64,
    pub(super) exemplars: u64,
}

impl Counts {
    pub(super) fn add(&mut self, series: &Series) {
        self.samples += series.samples.len() as u64;
        self.histograms += series.histograms.len() as u64;
        self.exemplars += series.exemplars.len() as u64;
    }
}

/// Encodes series, as many as fit into a request of `max_bytes`, and one at least. The body is not packed yet.
pub(super) fn encode(protocol: Protocol, batch: &Batch, series: Range<usize>, max_bytes: usize) -> Encoded {
    match protocol {
        Protocol::V1 => v1::encode(batch, series, max_bytes),
        Protocol::V2 => v2::encode(batch, series, max_bytes),
    }
}

/// Packs a body as the protocol wants it.
///
/// # Errors
/// When the library fails, which no input should make it do.
pub(super) fn packed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    pack(Coding::Snappy, None, std::iter::once(body), body.len(), &mut out)?;
    Ok(out)
}

/// Writes field `number` with what `fill` writes inside it; `prefix` is how long its length prefix will likely be.
pub(super) fn message(out: &mut Vec<u8>, number: u32, prefix: usize, fill: impl FnOnce(&mut Vec<u8>)) {
    wire::put_tag(out, number, WireType::Len);
    let at = out.len();
    out.resize(at + prefix, 0);
    fill(out);
    wire::close_len(out, at, prefix);
}

/// Writes a number unless it is zero, which is what it is where nothing stands.
pub(super) fn double(out: &mut Vec<u8>, number: u32, value: f64) {
    if value.to_bits() != 0 {
        wire::put_tag(out, number, WireType::Fixed64);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

pub(super) fn integer(out: &mut Vec<u8>, number: u32, value: i64) {
    unsigned(out, number, value.cast_unsigned());
}

pub(super) fn unsigned(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        wire::put_tag(out, number, WireType::Varint);
        wire::put_varint(out, value);
    }
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// A native histogram, which both versions have alike but for its start.
pub(super) fn histogram(out: &mut Vec<u8>, histogram: &NativeHistogram, has_start: bool) {
    // These two say by being there that the counts are whole numbers.
    wire::put_tag(out, 1, WireType::Varint);
    wire::put_varint(out, histogram.count);
    double(out, 3, histogram.sum);
    unsigned(out, 4, zigzag(i64::from(histogram.schema)));
    double(out, 5, histogram.zero_threshold);
    wire::put_tag(out, 6, WireType::Varint);
    wire::put_varint(out, histogram.zero_count);
    buckets(out, 8, &histogram.negative);
    buckets(out, 11, &histogram.positive);
    integer(out, 15, histogram.time);
    if !histogram.bounds.is_empty() {
        message(out, 16, 1, |out| {
            histogram.bounds.iter().for_each(|bound| out.extend_from_slice(&bound.to_le_bytes()));
        });
    }
    if has_start {
        integer(out, 17, histogram.start);
    }
}

/// The runs of one side at field `number`, and the differences at the next one.
fn buckets(out: &mut Vec<u8>, number: u32, buckets: &Buckets) {
    for (offset, length) in &buckets.spans {
        message(out, number, 1, |out| {
            unsigned(out, 1, zigzag(i64::from(*offset)));
            unsigned(out, 2, u64::from(*length));
        });
    }
    if !buckets.deltas.is_empty() {
        message(out, number + 1, 1, |out| {
            buckets.deltas.iter().for_each(|delta| wire::put_varint(out, zigzag(*delta)));
        });
    }
}
