//! Decompression of what a stranger sent: it stops at the limit of a message, whatever the compressed size promises.

use std::io::Read as _;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use tokio::task::yield_now;

use super::status::Rejection;
use crate::budget::Reservation;

/// What is decompressed at a time.
const STEP: usize = 64 << 10;
/// What is decompressed before other tasks get their turn: about a millisecond's work.
const TURN: usize = 1 << 20;

/// Decompresses `packed`, which `reservation` stands for, to at most `limit` bytes, each of them reserved before it is
/// there. When it is done, the reservation stands for what came out.
pub(crate) async fn inflate(packed: Bytes, limit: usize, reservation: &mut Reservation) -> Result<Bytes, Rejection> {
    let mut decoder = MultiGzDecoder::new(&packed[..]);
    let mut out: Vec<u8> = Vec::new();
    // One byte more than the limit tells a message that fits from one that does not.
    let most = limit.saturating_add(1);
    let mut room = announced(&packed).saturating_add(1).min(most);
    let mut turn = TURN;
    loop {
        if out.len() == out.capacity() {
            if !reservation.grow(room - out.capacity()) {
                return Err(Rejection::no_room());
            }
            out.reserve_exact(room - out.len());
            room = room.saturating_mul(2).max(STEP).min(most);
        }
        let step = STEP.min(out.capacity() - out.len());
        let read = (&mut decoder)
            .take(step as u64)
            .read_to_end(&mut out)
            .map_err(|error| Rejection::malformed(format!("the gzip data cannot be decompressed: {error}")))?;
        if out.len() > limit {
            return Err(Rejection::too_large(limit));
        }
        if read < step {
            break;
        }
        if out.len() >= turn {
            turn += TURN;
            yield_now().await;
        }
    }
    out.shrink_to_fit();
    reservation.shrink_to(out.len());
    Ok(out.into())
}

/// The size that the last four bytes tell, which may be a lie.
fn announced(packed: &[u8]) -> usize {
    packed.last_chunk().map_or(0, |size| u32::from_le_bytes(*size) as usize)
}

#[cfg(test)]
mod tests;
