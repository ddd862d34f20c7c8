//! Randomness: 56 bits by which an item is told from others, from its trace or from a hash.

use crate::probability::NEVER;

/// Passes every threshold but the last.
pub(crate) const MOST: u64 = NEVER - 1;

/// Of the hash, so many bits decide.
pub(crate) const BUCKETS: u64 = 1 << 14;

/// By W3C's rule the last seven bytes of a trace's id are random.
pub(crate) fn of_trace(id: &[u8]) -> u64 {
    id.iter().rev().take(7).rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// The hash that the Collector's sampler has always had, laid out so that its first bits decide as a threshold wants them.
pub(crate) fn of_hash(bytes: &[u8], seed: u32) -> u64 {
    let hash = seed
        .to_le_bytes()
        .iter()
        .chain(bytes)
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let bucket = u64::from(hash) & (BUCKETS - 1);
    let unused = u64::from(hash >> (32 - 14));
    let mixed = unused ^ unused << 10;
    (BUCKETS - 1 - bucket) << 42 | mixed << 14 | bucket
}

/// An id of zeros is none.
pub(crate) fn is_id(id: &[u8]) -> bool {
    id.iter().any(|byte| *byte != 0)
}
