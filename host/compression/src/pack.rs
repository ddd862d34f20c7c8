//! Packing: from the pieces of a request to one compressed buffer.
//!
//! What gzip and zstd work with is kept for the next request of the same thread, since to make it costs more than to pack
//! a small request.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::{self, Write as _};

use libdeflater::{CompressionLvl, Compressor};
use lz4_flex::frame::{BlockSize, FrameEncoder as Lz4Encoder, FrameInfo};
use snap::write::FrameEncoder as SnappyEncoder;
use zstd::stream::raw::{Encoder as ZstdEncoder, InBuffer, Operation as _, OutBuffer};

use crate::coding::Coding;

/// By how much a full buffer grows at least.
const STEP: usize = 16 << 10;

thread_local! {
    static SPARE: RefCell<Vec<Spare>> = const { RefCell::new(Vec::new()) };
}

/// Working memory at rest: no thread needs more than one of a kind and level.
struct Spare {
    coding: Coding,
    level: i32,
    engine: Engine,
}

enum Engine {
    Deflate(Compressor),
    Zstd(ZstdEncoder<'static>),
}

/// How many kinds a thread keeps.
const SPARES: usize = 2;

/// Appends `pieces`, which are one request of `len` bytes, to `out`. A level that the coding has not is the nearest that
/// it has.
///
/// # Errors
/// When the library fails, which no input should make it do.
pub fn pack<'p>(
    coding: Coding,
    level: Option<i32>,
    mut pieces: impl Iterator<Item = &'p [u8]>,
    len: usize,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    match coding {
        Coding::Gzip | Coding::Zlib | Coding::Zstd => {
            let level = match (level, coding.levels()) {
                (Some(level), Some(levels)) => level.clamp(*levels.start(), *levels.end()),
                _ => coding.default_level(),
            };
            with_engine(coding, level, |engine| match engine {
                Engine::Deflate(state) => deflate(state, coding, &joined(pieces, len), out),
                Engine::Zstd(state) => zstd(state, pieces, len, out),
            })
        }
        Coding::Snappy => {
            let whole = joined(pieces, len);
            let (start, room) = (out.len(), snap::raw::max_compress_len(whole.len()));
            // Memory that comes zeroed, most of which is never touched, costs next to nothing.
            match start {
                0 => *out = vec![0; room],
                _ => out.resize(start + room, 0),
            }
            let packed = snap::raw::Encoder::new().compress(&whole, &mut out[start..])?;
            out.truncate(start + packed);
            Ok(())
        }
        Coding::SnappyFramed => {
            let mut encoder = SnappyEncoder::new(out);
            pieces.try_for_each(|piece| encoder.write_all(piece))?;
            encoder.into_inner().map(|_| ()).map_err(|error| io::Error::other(error.to_string()))
        }
        Coding::Lz4 => {
            let size = if len <= 64 << 10 { BlockSize::Max64KB } else { BlockSize::Max256KB };
            let mut encoder = Lz4Encoder::with_frame_info(FrameInfo::new().block_size(size), out);
            pieces.try_for_each(|piece| encoder.write_all(piece))?;
            encoder.finish().map(|_| ()).map_err(io::Error::other)
        }
    }
}

/// Lends working memory of this kind and level, made now or left from before.
fn with_engine(coding: Coding, level: i32, work: impl FnOnce(&mut Engine) -> io::Result<()>) -> io::Result<()> {
    let fits = |spare: &Spare| spare.coding == coding && spare.level == level;
    let kept = SPARE.with_borrow_mut(|spares| spares.iter().position(fits).map(|at| spares.swap_remove(at).engine));
    let mut engine = match kept {
        Some(engine) => engine,
        None => Engine::new(coding, level)?,
    };
    work(&mut engine)?;
    engine.reset()?;
    SPARE.with_borrow_mut(|spares| {
        if spares.len() == SPARES {
            spares.remove(0);
        }
        spares.push(Spare { coding, level, engine });
    });
    Ok(())
}

impl Engine {
    fn new(coding: Coding, level: i32) -> io::Result<Engine> {
        Ok(match coding {
            Coding::Zstd => Engine::Zstd(ZstdEncoder::new(level)?),
            _ => {
                let level = CompressionLvl::new(level).map_err(|error| io::Error::other(format!("{error:?}")))?;
                Engine::Deflate(Compressor::new(level))
            }
        })
    }

    fn reset(&mut self) -> io::Result<()> {
        match self {
            Engine::Deflate(_) => Ok(()),
            Engine::Zstd(state) => state.reinit(),
        }
    }
}

/// Telemetry is packed to less than a quarter, mostly: room for that, and more where it does not do.
fn make_room(out: &mut Vec<u8>) {
    if out.len() == out.capacity() {
        out.reserve(STEP.max(out.len() / 2));
    }
}

/// The pieces end to end; one piece is that already.
fn joined<'p>(mut pieces: impl Iterator<Item = &'p [u8]>, len: usize) -> Cow<'p, [u8]> {
    let first = pieces.next().unwrap_or_default();
    if first.len() == len {
        return Cow::Borrowed(first);
    }
    let mut whole = Vec::with_capacity(len);
    whole.extend_from_slice(first);
    pieces.for_each(|piece| whole.extend_from_slice(piece));
    Cow::Owned(whole)
}

fn deflate(state: &mut Compressor, coding: Coding, whole: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    // As large as what is packed may come to at the worst: most of it is never touched, and none of it is kept.
    let mut room;
    let packed = if coding == Coding::Zlib {
        room = vec![0; state.zlib_compress_bound(whole.len())];
        state.zlib_compress(whole, &mut room)
    } else {
        room = vec![0; state.gzip_compress_bound(whole.len())];
        state.gzip_compress(whole, &mut room)
    };
    let packed = packed.map_err(|error| io::Error::other(error.to_string()))?;
    out.extend_from_slice(&room[..packed]);
    Ok(())
}

fn zstd<'p>(
    state: &mut ZstdEncoder<'static>,
    pieces: impl Iterator<Item = &'p [u8]>,
    len: usize,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    // The size goes into the frame, so that whoever unpacks it knows what to make room for.
    state.set_pledged_src_size(Some(len as u64))?;
    for piece in pieces {
        let mut input = InBuffer::around(piece);
        while input.pos() < piece.len() {
            make_room(out);
            let end = out.len();
            state.run(&mut input, &mut OutBuffer::around_pos(out, end))?;
        }
    }
    loop {
        make_room(out);
        let end = out.len();
        if state.finish(&mut OutBuffer::around_pos(out, end), true)? == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
