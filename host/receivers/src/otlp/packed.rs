//! Compressed bodies: what comes out of one is bounded by the limit of a message and by the byte budget.

use bytes::Bytes;
use host_compression::{Coding, Room, UnpackError, unpack};

use super::status::Rejection;
use crate::budget::Reservation;

/// Decompresses `packed`, which `reservation` stands for, to at most `limit` bytes. When it is done, the reservation
/// stands for what came out.
pub(crate) async fn plain(
    coding: Option<Coding>,
    packed: Bytes,
    limit: usize,
    reservation: &mut Reservation,
) -> Result<Bytes, Rejection> {
    let Some(coding) = coding else { return Ok(packed) };
    match unpack(coding, &packed, limit, reservation).await {
        Ok(plain) => Ok(plain.into()),
        Err(UnpackError::TooLarge) => Err(Rejection::too_large(limit)),
        Err(UnpackError::NoRoom) => Err(Rejection::no_room()),
        Err(error @ (UnpackError::Damaged(..) | UnpackError::Window)) => Err(Rejection::malformed(error.to_string())),
    }
}

impl Room for Reservation {
    fn grow(&mut self, bytes: usize) -> bool {
        Reservation::grow(self, bytes)
    }

    fn shrink_to(&mut self, bytes: usize) {
        Reservation::shrink_to(self, bytes);
    }
}
