//! A message is a payload as it goes over the wire: gRPC's prefix, then the segments, compressed or as they lie.

use std::io::{self, Write as _};
use std::num::NonZero;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use host_otlp::Payload;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::config::Compression;

/// A piece that is smaller than this is copied behind the one before it: a copy costs less than a frame.
const SMALL: usize = 16 << 10;
/// Where copied pieces are cut.
const BUFFER: usize = 64 << 10;
/// What is compressed without leaving the task.
const INLINE: usize = 32 << 10;
const PREFIX: usize = 5;

/// Pieces that make up a message, in order. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Message(Vec<Bytes>);

/// Makes messages, and bounds how many large ones are compressed at a time: a caller that leaves takes its turn along, so
/// that no payloads without an owner pile up before the threads.
#[derive(Debug)]
pub(crate) struct Framer {
    compression: Compression,
    turns: Arc<Semaphore>,
}

impl Framer {
    pub(crate) fn new(compression: Compression) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Framer { compression, turns: Arc::new(Semaphore::new(threads)) }
    }

    /// # Errors
    /// When the message is larger than gRPC can say, or compression failed.
    pub(crate) async fn frame(&self, payload: Payload) -> io::Result<Message> {
        match self.compression {
            Compression::None => Ok(Message(plain(&payload)?)),
            Compression::Gzip if payload.len() <= INLINE => Ok(Message(vec![gzip(&payload)?])),
            Compression::Gzip => {
                let turn = self.turns.clone().acquire_owned().await.map_err(io::Error::other)?;
                let packing = spawn_blocking(move || {
                    let packed = gzip(&payload);
                    drop(turn);
                    packed
                });
                Ok(Message(vec![packing.await.map_err(io::Error::other)??]))
            }
        }
    }
}

impl Message {
    pub(crate) fn pieces(&self) -> &[Bytes] {
        &self.0
    }
}

fn prefix(compressed: bool, len: usize) -> io::Result<[u8; PREFIX]> {
    let len = u32::try_from(len).map_err(io::Error::other)?;
    let [a, b, c, d] = len.to_be_bytes();
    Ok([u8::from(compressed), a, b, c, d])
}

/// Small segments are gathered in buffers, large ones are shared.
fn plain(payload: &Payload) -> io::Result<Vec<Bytes>> {
    let mut pieces = Vec::with_capacity(payload.segments().len() + 1);
    let small = payload.segments().iter().map(|segment| segment.bytes().len()).filter(|len| *len < SMALL);
    let mut buffer = BytesMut::with_capacity(PREFIX + small.sum::<usize>().min(BUFFER));
    buffer.put_slice(&prefix(false, payload.len())?);
    for segment in payload.segments() {
        let bytes = segment.bytes();
        if bytes.len() < SMALL {
            if buffer.len() + bytes.len() > buffer.capacity() {
                pieces.push(buffer.split().freeze());
                buffer.reserve(BUFFER);
            }
            buffer.put_slice(bytes);
        } else {
            if !buffer.is_empty() {
                pieces.push(buffer.split().freeze());
            }
            pieces.push(bytes.clone());
        }
    }
    if !buffer.is_empty() {
        pieces.push(buffer.freeze());
    }
    Ok(pieces)
}

fn gzip(payload: &Payload) -> io::Result<Bytes> {
    let mut out = Vec::with_capacity(PREFIX + payload.len() / 4);
    out.extend_from_slice(&[0; PREFIX]);
    let mut encoder = GzEncoder::new(out, Level::default());
    for segment in payload.segments() {
        encoder.write_all(segment.bytes())?;
    }
    let mut out = encoder.finish()?;
    let prefix = prefix(true, out.len() - PREFIX)?;
    out[..PREFIX].copy_from_slice(&prefix);
    Ok(out.into())
}
