//! Decompression of what a stranger sent: it stops at the limit of a message, whatever the compressed size promises.

use std::io::Read as _;

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use super::status::Rejection;
use crate::budget::Reservation;

/// What is decompressed at a time.
const STEP: usize = 64 << 10;

/// Decompresses `packed` to at most `limit` bytes, each of them reserved before it is there.
pub(crate) fn inflate(packed: &[u8], limit: usize, reservation: &mut Reservation) -> Result<Bytes, Rejection> {
    let mut decoder = GzDecoder::new(packed);
    let mut out: Vec<u8> = Vec::new();
    loop {
        // One byte more than the limit tells a message that fits from one that does not.
        let step = STEP.min(limit + 1 - out.len());
        if !reservation.grow(step) {
            return Err(Rejection::no_room());
        }
        let had = out.len();
        let read = (&mut decoder)
            .take(step as u64)
            .read_to_end(&mut out)
            .map_err(|error| Rejection::malformed(format!("the gzip data cannot be decompressed: {error}")))?;
        if out.len() > limit {
            return Err(Rejection::too_large(limit));
        }
        if read < step || out.len() == had {
            break;
        }
    }
    if !decoder.into_inner().is_empty() {
        return Err(Rejection::malformed("there are bytes after the gzip data"));
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests;
