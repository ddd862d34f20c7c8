//! The sink takes the encoded request, and no byte of memory that it was not granted before.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, decoded_len_estimate};
use bytes::Bytes;
use serde::de::Error;

use super::ReadError;
use crate::wire::{self, WireType};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The most that a tag and a varint take.
const SCALAR: usize = 16;

pub(super) struct Sink<'g> {
    out: Vec<u8>,
    most: usize,
    grow: &'g mut dyn FnMut(usize) -> bool,
    pub(super) unknown_keys: u64,
    /// Why the walk ended where that was no fault of the text.
    pub(super) refusal: Option<ReadError>,
}

/// Where the length of a message will stand.
pub(super) struct Open {
    /// Where its tag stands.
    tag: usize,
    at: usize,
    room: usize,
}

impl<'g> Sink<'g> {
    pub(super) fn new(most: usize, grow: &'g mut dyn FnMut(usize) -> bool) -> Self {
        Sink { out: Vec::new(), most, grow, unknown_keys: 0, refusal: None }
    }

    /// Makes room for so many bytes, as far as there may be so many.
    pub(super) fn begin(&mut self, bytes: usize) -> Result<(), ReadError> {
        self.make_room(bytes.min(self.most))
    }

    fn make_room(&mut self, bytes: usize) -> Result<(), ReadError> {
        let (needed, capacity) = (self.out.len() + bytes, self.out.capacity());
        if needed <= capacity {
            return Ok(());
        }
        if needed > self.most {
            return Err(ReadError::TooLarge(self.most));
        }
        let wanted = needed.max(capacity * 2).min(self.most);
        if !(self.grow)(wanted - capacity) {
            return Err(ReadError::NoRoom);
        }
        self.out.reserve_exact(wanted - self.out.len());
        Ok(())
    }

    /// As [`Sink::make_room`], where a failure ends the walk over the text.
    pub(super) fn room<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.make_room(bytes).map_err(|refusal| {
            let error = E::custom(&refusal);
            self.refusal = Some(refusal);
            error
        })
    }

    /// The tag of a field, where it has one: packed elements have none.
    pub(super) fn tag<E: Error>(&mut self, number: Option<u32>, wire: WireType) -> Result<(), E> {
        self.room::<E>(SCALAR)?;
        if let Some(number) = number {
            wire::put_tag(&mut self.out, number, wire);
        }
        Ok(())
    }

    pub(super) fn varint<E: Error>(&mut self, number: Option<u32>, value: u64) -> Result<(), E> {
        self.tag::<E>(number, WireType::Varint)?;
        wire::put_varint(&mut self.out, value);
        Ok(())
    }

    pub(super) fn fixed64<E: Error>(&mut self, number: Option<u32>, value: u64) -> Result<(), E> {
        self.tag::<E>(number, WireType::Fixed64)?;
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    pub(super) fn fixed32<E: Error>(&mut self, number: Option<u32>, value: u32) -> Result<(), E> {
        self.tag::<E>(number, WireType::Fixed32)?;
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    /// A field of so many bytes.
    pub(super) fn bytes<E: Error>(
        &mut self,
        number: u32,
        len: usize,
        bytes: impl Iterator<Item = u8>,
    ) -> Result<(), E> {
        self.room::<E>(SCALAR + len)?;
        wire::put_tag(&mut self.out, number, WireType::Len);
        wire::put_varint(&mut self.out, len as u64);
        self.out.extend(bytes.take(len));
        Ok(())
    }

    pub(super) fn slice<E: Error>(&mut self, number: u32, bytes: &[u8]) -> Result<(), E> {
        self.room::<E>(SCALAR + bytes.len())?;
        wire::put_len(&mut self.out, number, bytes);
        Ok(())
    }

    /// A field of bytes, which `text` says in base64; whether it does.
    pub(super) fn base64<E: Error>(&mut self, number: u32, text: &str) -> Result<bool, E> {
        let most = decoded_len_estimate(text.len());
        self.room::<E>(SCALAR + most)?;
        let len = text.trim_end_matches('=').len() * 3 / 4;
        wire::put_tag(&mut self.out, number, WireType::Len);
        wire::put_varint(&mut self.out, len as u64);
        let at = self.out.len();
        self.out.resize(at + most, 0);
        let decoded = BASE64.decode_slice(text, &mut self.out[at..]);
        self.out.truncate(at + len);
        Ok(decoded == Ok(len))
    }

    /// Begins field `number`, whose length prefix will likely take `room` bytes.
    pub(super) fn open<E: Error>(&mut self, number: u32, room: usize) -> Result<Open, E> {
        let tag = self.out.len();
        self.tag::<E>(Some(number), WireType::Len)?;
        let at = self.out.len();
        self.out.resize(at + room, 0);
        Ok(Open { tag, at, room })
    }

    /// Ends it.
    pub(super) fn close<E: Error>(&mut self, open: &Open) -> Result<(), E> {
        self.room::<E>(SCALAR)?;
        wire::close_len(&mut self.out, open.at, open.room);
        Ok(())
    }

    /// Ends it, or takes it back where nothing stands in it.
    pub(super) fn close_if_any<E: Error>(&mut self, open: &Open) -> Result<(), E> {
        if self.out.len() == open.at + open.room {
            self.out.truncate(open.tag);
            return Ok(());
        }
        self.close(open)
    }

    pub(super) fn into_bytes(mut self) -> Bytes {
        self.out.shrink_to_fit();
        self.out.into()
    }
}
