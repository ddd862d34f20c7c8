//! Unpacking what a stranger sent: it stops at the limit of a message, whatever the packed size promises, and asks for
//! each byte of room before it takes it.

mod engine;

use std::io;

use libdeflater::Decompressor;
use memchr::memmem;
use tokio::task::yield_now;

use self::engine::Engine;
use crate::coding::Coding;

/// The largest window that a zstd frame may ask for.
pub const WINDOW: usize = 8 << 20;
/// What is unpacked before other tasks get their turn: about a millisecond's work.
const TURN: usize = 1 << 20;
/// The largest that is unpacked without giving other tasks their turn: some milliseconds' work.
const AT_ONCE: usize = 4 << 20;
/// How a member of gzip begins.
const MEMBER: &[u8] = b"\x1f\x8b\x08";
/// What a step counts for at the least, since those that bring nothing out take their time, too.
const STEP: usize = 64 << 10;
/// The least that there is room for at first.
const LEAST: usize = 1 << 10;
/// A size that is told is believed up to so many times the packed one, and found out beyond.
const BELIEVED: usize = 64;
/// How many times the packed size a snappy block can come to: its best element says 64 bytes with 3.
const SNAPPY_MOST: usize = 22;
/// How much larger telemetry is than its packed form, where no size is told.
const USUAL: usize = 4;

/// Who says how much memory there is. What it stands for at first is the packed message.
pub trait Room {
    /// Takes so many bytes more, or none where they are not there.
    fn grow(&mut self, bytes: usize) -> bool;
    /// Gives back what goes beyond so many bytes in all.
    fn shrink_to(&mut self, bytes: usize);
}

/// Why something was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("it is larger than the limit when it is unpacked")]
    TooLarge,
    #[error("there is no room for it")]
    NoRoom,
    #[error("the {0:?} data cannot be decompressed: {1}")]
    Damaged(Coding, io::Error),
    #[error("the zstd data asks for a window of more than {WINDOW} bytes; compress it with level 19 or lower")]
    Window,
}

/// The most room that it takes to unpack a message of at most `limit` bytes, however it is packed by one of `codings`.
pub fn most_room(codings: &[Coding], limit: usize) -> usize {
    let own = codings.iter().map(|coding| engine::most_held(*coding, limit)).max().unwrap_or(0);
    limit.saturating_mul(2).saturating_add(1).saturating_add(own)
}

/// Unpacks `packed`, which `room` stands for, to at most `limit` bytes. When it is done the room stands for what came
/// out.
///
/// # Errors
/// When the message is larger than the limit, there is no room, or the data is damaged or goes on behind its end.
pub async fn unpack<R: Room>(
    coding: Coding,
    packed: &[u8],
    limit: usize,
    room: &mut R,
) -> Result<Vec<u8>, UnpackError> {
    if coding == Coding::Snappy && !engine::is_framed(packed) {
        return block(packed, limit, room);
    }
    if coding == Coding::Gzip
        && let Some(size) = size_of_one(packed, limit)
    {
        if !room.grow(size) {
            return Err(UnpackError::NoRoom);
        }
        if let Some(out) = one_member(packed, size) {
            room.shrink_to(out.len());
            if size > TURN {
                yield_now().await;
            }
            return Ok(out);
        }
        // What is not as it seems is unpacked piece by piece, which tells what is wrong with it.
        room.shrink_to(packed.len());
    }
    let failed = |error| engine::explain(coding, error);
    let mut engine = Engine::new(coding, packed).map_err(failed)?;
    // One byte more than the limit tells a message that fits from one that does not.
    let most = limit.saturating_add(1);
    let mut next = announced(coding, packed).max(LEAST).min(most);
    let mut out: Vec<u8> = Vec::new();
    let mut granted = 0;
    let mut done = 0;
    loop {
        if out.len() == out.capacity() {
            let wanted = next + engine.holds(next);
            if !room.grow(wanted.saturating_sub(granted)) {
                return Err(UnpackError::NoRoom);
            }
            granted = wanted.max(granted);
            out.reserve_exact(next.saturating_sub(out.len()));
            next = out.capacity().saturating_mul(2).min(most);
        }
        let before = out.len();
        let is_done = engine.step(&mut out).map_err(failed)?;
        if out.len() > limit {
            return Err(UnpackError::TooLarge);
        }
        if is_done {
            break;
        }
        done += (out.len() - before).max(STEP);
        if done >= TURN {
            done = 0;
            yield_now().await;
        }
    }
    out.shrink_to_fit();
    room.shrink_to(out.len());
    Ok(out)
}

/// What a message of gzip says of its size, where it seems to be one member, as nearly all are, and not large: that is
/// unpacked at once, which takes half as long as piece by piece.
fn size_of_one(packed: &[u8], limit: usize) -> Option<usize> {
    let size = usize::try_from(u32::from_le_bytes(*packed.last_chunk()?)).ok()?;
    let is_likely = size <= limit.min(AT_ONCE) && size <= packed.len().saturating_mul(BELIEVED);
    // Another member may follow where one could begin. That these bytes are there by chance is rare. Of anything else that
    // follows the last four bytes would have to say the size once more: that is passed over.
    (is_likely && memmem::find(packed.get(1..)?, MEMBER).is_none()).then_some(size)
}

/// Unpacks a member that comes to exactly `size` bytes.
fn one_member(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; size];
    let unpacked = Decompressor::new().gzip_decompress(packed, &mut out);
    (unpacked.ok()? == size).then_some(out)
}

/// The room to begin with.
fn announced(coding: Coding, packed: &[u8]) -> usize {
    let told = match coding {
        // The last four bytes, of the last member only.
        Coding::Gzip => packed.last_chunk().map(|size| u32::from_le_bytes(*size) as usize),
        Coding::Zstd => match zstd::zstd_safe::get_frame_content_size(packed) {
            Ok(Some(size)) => usize::try_from(size).ok(),
            _ => None,
        },
        Coding::Zlib | Coding::Snappy | Coding::SnappyFramed | Coding::Lz4 => None,
    };
    match told {
        // One byte more, so that the end is found without growing.
        Some(size) => size.saturating_add(1).min(packed.len().saturating_mul(BELIEVED)),
        None => packed.len().saturating_mul(USUAL),
    }
}

/// A snappy block says first how large it is, and is unpacked at once: at a gigabyte a second nobody waits long.
fn block(packed: &[u8], limit: usize, room: &mut impl Room) -> Result<Vec<u8>, UnpackError> {
    let damaged = |error: snap::Error| UnpackError::Damaged(Coding::Snappy, error.into());
    let size = snap::raw::decompress_len(packed).map_err(damaged)?;
    if size > limit {
        return Err(UnpackError::TooLarge);
    }
    if size > packed.len().saturating_mul(SNAPPY_MOST) {
        return Err(UnpackError::Damaged(Coding::Snappy, io::Error::other("it says that it is larger than it can be")));
    }
    if !room.grow(size) {
        return Err(UnpackError::NoRoom);
    }
    let out = snap::raw::Decoder::new().decompress_vec(packed).map_err(damaged)?;
    room.shrink_to(out.len());
    Ok(out)
}

#[cfg(test)]
mod tests;
