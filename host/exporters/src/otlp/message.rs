//! A message is a payload as it goes over the wire: the segments, compressed or as they lie, and before them what the
//! protocol wants there.

use std::io;
use std::num::NonZero;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use host_compression::{Coding, pack};
use host_otlp::{Payload, json};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// A piece that is smaller than this is copied behind the one before it: a copy costs less than a frame.
const SMALL: usize = 16 << 10;
/// Where copied pieces are cut.
const BUFFER: usize = 64 << 10;
/// What is compressed without leaving the task.
const INLINE: usize = 32 << 10;
/// The flag byte and the length that gRPC has before a message.
const PREFIX: usize = 5;

/// Pieces that make up a message, in order. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pieces: Vec<Bytes>,
    /// The size of the request before it was compressed, which is what servers bound.
    plain_len: usize,
}

/// What a message consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// The request behind a flag and its length.
    Grpc,
    /// The request and nothing else.
    Bare,
    /// The request as JSON.
    Json,
}

/// How messages are compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    pub(crate) coding: Coding,
    /// What the protocol calls it.
    pub(crate) name: &'static str,
    pub(crate) level: Option<i32>,
}

/// How a payload becomes a message.
#[derive(Clone, Copy, Debug)]
struct Form {
    framing: Framing,
    packing: Option<Packing>,
}

/// Makes messages, and bounds how many large ones are compressed at a time: a caller that leaves takes its turn along, so
/// that no payloads without an owner pile up before the threads.
#[derive(Debug)]
pub(crate) struct Framer {
    form: Form,
    turns: Arc<Semaphore>,
}

impl Framer {
    pub(crate) fn new(framing: Framing, packing: Option<Packing>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Framer { form: Form { framing, packing }, turns: Arc::new(Semaphore::new(threads)) }
    }

    /// # Errors
    /// When the message is larger than the protocol can say, or compression failed.
    pub(crate) async fn frame(&self, payload: Payload) -> io::Result<Message> {
        let form = self.form;
        let is_work = form.packing.is_some() || form.framing == Framing::Json;
        if !is_work || payload.len() <= INLINE {
            return form.message(&payload);
        }
        let turn = self.turns.clone().acquire_owned().await.map_err(io::Error::other)?;
        let making = spawn_blocking(move || {
            let message = form.message(&payload);
            drop(turn);
            message
        });
        making.await.map_err(io::Error::other)?
    }
}

impl Message {
    pub(crate) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    pub(crate) fn plain_len(&self) -> usize {
        self.plain_len
    }
}

impl Form {
    fn message(self, payload: &Payload) -> io::Result<Message> {
        if self.framing == Framing::Json {
            let mut text = Vec::with_capacity(2 * payload.len());
            json::write(payload, &mut text);
            let plain_len = text.len();
            let pieces = match self.packing {
                None => vec![text.into()],
                Some(packing) => vec![self.packed(std::iter::once(&text[..]), plain_len, packing)?],
            };
            return Ok(Message { pieces, plain_len });
        }
        let segments = payload.segments().iter().map(|segment| &segment.bytes()[..]);
        let pieces = match self.packing {
            None => self.plain(payload)?,
            Some(packing) => vec![self.packed(segments, payload.len(), packing)?],
        };
        Ok(Message { pieces, plain_len: payload.len() })
    }

    /// What stands before the request.
    fn prefix(self, is_packed: bool, len: usize) -> io::Result<Option<[u8; PREFIX]>> {
        if self.framing != Framing::Grpc {
            return Ok(None);
        }
        let [a, b, c, d] = u32::try_from(len).map_err(io::Error::other)?.to_be_bytes();
        Ok(Some([u8::from(is_packed), a, b, c, d]))
    }

    /// Small segments are gathered in buffers, large ones are shared.
    fn plain(self, payload: &Payload) -> io::Result<Vec<Bytes>> {
        let mut pieces = Vec::with_capacity(payload.segments().len() + 1);
        let small = payload.segments().iter().map(|segment| segment.bytes().len()).filter(|len| *len < SMALL);
        let mut buffer = BytesMut::with_capacity(PREFIX + small.sum::<usize>().min(BUFFER));
        if let Some(prefix) = self.prefix(false, payload.len())? {
            buffer.put_slice(&prefix);
        }
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

    fn packed<'p>(self, plain: impl Iterator<Item = &'p [u8]>, len: usize, packing: Packing) -> io::Result<Bytes> {
        let room = if self.framing == Framing::Grpc { PREFIX } else { 0 };
        let mut out = Vec::with_capacity(room + len / 4);
        out.resize(room, 0);
        pack(packing.coding, packing.level, plain, len, &mut out)?;
        if let Some(prefix) = self.prefix(true, out.len() - room)? {
            out[..PREFIX].copy_from_slice(&prefix);
        }
        Ok(out.into())
    }
}
