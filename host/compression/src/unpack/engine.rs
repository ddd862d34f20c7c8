//! An engine unpacks one message piece by piece into the room that its caller has made.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use snap::read::FrameDecoder as SnappyDecoder;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

use super::{UnpackError, WINDOW};
use crate::coding::Coding;

/// What is fed at a time.
const FEED: usize = 64 << 10;
/// What is taken at a time of a decoder that reads by itself.
const STEP: usize = 64 << 10;
/// The members of gzip, or frames of zstd, that one message may have: each takes its time, however little is in it.
const MEMBERS: u32 = 1024;
/// How a stream of snappy frames begins.
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// Blocks of lz4 have 4 MiB at the most.
const LZ4_MOST: usize = lz4_held(4 << 20);
/// How a frame of lz4 begins; the older form begins otherwise.
const LZ4_FRAME: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// One message under way.
pub(super) enum Engine<'a> {
    Deflate { state: Decompress, is_gzip: bool, members: u32, rest: &'a [u8] },
    Zstd { state: ZstdDecoder<'static>, is_between: bool, frames: u32, rest: &'a [u8] },
    Snappy(SnappyDecoder<&'a [u8]>),
    Lz4 { decoder: Box<Lz4Decoder<&'a [u8]>>, buffers: usize, is_closed: bool },
}

impl<'a> Engine<'a> {
    pub(super) fn new(coding: Coding, packed: &'a [u8]) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => {
                Engine::Deflate { state: Decompress::new_gzip(15), is_gzip: true, members: MEMBERS, rest: packed }
            }
            Coding::Zlib => Engine::Deflate { state: Decompress::new(true), is_gzip: false, members: 1, rest: packed },
            Coding::Zstd => {
                let mut state = ZstdDecoder::new()?;
                state.set_parameter(DParameter::WindowLogMax(WINDOW.ilog2()))?;
                Engine::Zstd { state, is_between: false, frames: MEMBERS, rest: packed }
            }
            // A message of no bytes has no frames, either.
            Coding::Snappy | Coding::SnappyFramed if !packed.is_empty() && !is_framed(packed) => {
                return Err(io::Error::other("it does not begin with a snappy frame"));
            }
            Coding::Snappy | Coding::SnappyFramed => Engine::Snappy(SnappyDecoder::new(packed)),
            Coding::Lz4 => Engine::Lz4 {
                decoder: Box::new(Lz4Decoder::new(packed)),
                buffers: lz4_buffers(packed)?,
                is_closed: lz4_is_closed(packed),
            },
        })
    }

    /// What the engine itself holds at most once `out` bytes have come out of it, beyond a few kilobytes.
    pub(super) fn holds(&self, out: usize) -> usize {
        match self {
            Engine::Deflate { .. } | Engine::Snappy(_) => 0,
            // It keeps what it unpacked last, as far as its window goes.
            Engine::Zstd { .. } => out.min(WINDOW),
            Engine::Lz4 { buffers, .. } => *buffers,
        }
    }

    /// Unpacks a piece into what `out` has room for, which is something. Whether the message has come to its end.
    pub(super) fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        match self {
            Engine::Deflate { state, is_gzip, members, rest } => deflate(state, *is_gzip, members, rest, out),
            Engine::Zstd { state, is_between, frames, rest } => zstd(state, is_between, frames, rest, out),
            Engine::Snappy(decoder) => {
                let is_done = read(decoder, out)?;
                if is_done && !decoder.get_ref().is_empty() { Err(surplus()) } else { Ok(is_done) }
            }
            Engine::Lz4 { decoder, is_closed, .. } => {
                let is_done = read(decoder, out)?;
                match (is_done, decoder.get_ref().is_empty(), *is_closed) {
                    (true, false, _) => Err(surplus()),
                    (true, true, false) => Err(cut_off()),
                    _ => Ok(is_done),
                }
            }
        }
    }
}

fn deflate(
    state: &mut Decompress,
    is_gzip: bool,
    members: &mut u32,
    rest: &mut &[u8],
    out: &mut Vec<u8>,
) -> io::Result<bool> {
    let before = state.total_in();
    let status = state.decompress_vec(&rest[..rest.len().min(FEED)], out, FlushDecompress::None)?;
    *rest = &rest[(state.total_in() - before) as usize..];
    if status == Status::StreamEnd {
        if rest.is_empty() {
            return Ok(true);
        }
        if !is_gzip {
            return Err(surplus());
        }
        // Members may follow one another.
        count_down(members)?;
        *state = Decompress::new_gzip(15);
        return Ok(false);
    }
    if rest.is_empty() && out.len() < out.capacity() { Err(cut_off()) } else { Ok(false) }
}

fn zstd(
    state: &mut ZstdDecoder<'static>,
    is_between: &mut bool,
    frames: &mut u32,
    rest: &mut &[u8],
    out: &mut Vec<u8>,
) -> io::Result<bool> {
    if std::mem::take(is_between) {
        count_down(frames)?;
        state.reinit()?;
    }
    let mut input = InBuffer::around(&rest[..rest.len().min(FEED)]);
    let end = out.len();
    let left = state.run(&mut input, &mut OutBuffer::around_pos(out, end))?;
    *rest = &rest[input.pos()..];
    if left == 0 {
        *is_between = true;
        return Ok(rest.is_empty());
    }
    if rest.is_empty() && out.len() < out.capacity() { Err(cut_off()) } else { Ok(false) }
}

/// One more is begun.
fn count_down(left: &mut u32) -> io::Result<()> {
    *left = left.saturating_sub(1);
    if *left == 0 { Err(io::Error::other(format!("it has more than {MEMBERS} parts"))) } else { Ok(()) }
}

/// Takes a piece of a decoder that reads by itself; whether there was none any more.
fn read(decoder: &mut impl io::Read, out: &mut Vec<u8>) -> io::Result<bool> {
    let start = out.len();
    out.resize(out.capacity().min(start + STEP), 0);
    let taken = decoder.read(&mut out[start..]);
    out.truncate(start + taken.as_ref().copied().unwrap_or(0));
    taken.map(|bytes| bytes == 0)
}

pub(super) fn is_framed(snappy: &[u8]) -> bool {
    snappy.starts_with(SNAPPY_FRAMES)
}

/// The most that an engine of this coding holds for a message of at most `limit` bytes.
pub(super) fn most_held(coding: Coding, limit: usize) -> usize {
    match coding {
        Coding::Gzip | Coding::Zlib | Coding::Snappy | Coding::SnappyFramed => 0,
        Coding::Zstd => limit.saturating_add(1).min(WINDOW),
        Coding::Lz4 => LZ4_MOST,
    }
}

/// What the decoder makes of the frame's header: room for a packed block, and for two unpacked ones and their window.
fn lz4_buffers(packed: &[u8]) -> io::Result<usize> {
    let [a, b, c, d, _, sizes, ..] = packed else { return Err(cut_off()) };
    if [*a, *b, *c, *d] != LZ4_FRAME {
        return Err(io::Error::other("it does not begin with an lz4 frame"));
    }
    Ok(lz4_held(1 << (8 + 2 * (sizes >> 4 & 7))))
}

const fn lz4_held(block: usize) -> usize {
    3 * block + (64 << 10)
}

/// Whether the frame ends with its mark, and its checksum where its header wants one: the decoder does not mind when a
/// message is cut off between two blocks.
fn lz4_is_closed(packed: &[u8]) -> bool {
    let checksum = if packed.get(4).is_some_and(|flags| flags & 4 != 0) { 4 } else { 0 };
    let end = packed.len().saturating_sub(checksum);
    packed[..end].ends_with(&[0; 4])
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "it is cut off")
}

fn surplus() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "something follows its end")
}

/// What an engine's error means for the message.
pub(super) fn explain(coding: Coding, error: io::Error) -> UnpackError {
    if coding == Coding::Zstd && error.to_string().contains("too much memory") {
        return UnpackError::Window;
    }
    UnpackError::Damaged(coding, error)
}
