//! Compressed bodies: what comes out of one is bounded by the limit of a message and by the byte budget.

use bytes::Bytes;
use host_compression::{Coding, UnpackError, unpack};

use super::held::Held;
use super::status::Rejection;

/// Decompresses `packed`, which `held` stands for, to at most `limit` bytes. When it is done, that stands for what
/// came out.
pub(crate) async fn plain(
    coding: Option<Coding>,
    packed: Bytes,
    limit: usize,
    held: &mut Held,
) -> Result<Bytes, Rejection> {
    let Some(coding) = coding else { return Ok(packed) };
    match unpack(coding, &packed, limit, held).await {
        Ok(plain) => Ok(plain.into()),
        Err(UnpackError::TooLarge) => Err(Rejection::too_large(limit)),
        Err(UnpackError::NoRoom) => Err(held.no_room()),
        Err(error @ (UnpackError::Damaged(..) | UnpackError::Window)) => Err(Rejection::malformed(error.to_string())),
    }
}
