//! A repeated field: its elements in wire order, be they messages, texts or scalars, packed or not.

use std::marker::PhantomData;

use super::Raw;
use crate::wire::{self, Fields, WireType};

/// What a repeated field consists of.
pub trait Element<'a>: Sized {
    /// Reads the element that lies at `field`.
    fn element(buf: &'a [u8], field: &wire::Field) -> Self;

    /// Reads the first of the elements that share one field, where they can, and returns the rest.
    fn unpack(_packed: &'a [u8], _scalar: WireType) -> Option<(Self, &'a [u8])> {
        None
    }
}

/// The elements of one repeated field. Cheap to clone; a clone goes on from where the original stands.
#[derive(Clone, Debug)]
pub struct Repeated<'a, E> {
    fields: Fields<'a>,
    number: u32,
    /// How one element lies in a packed field; length-delimited elements are never packed.
    scalar: WireType,
    /// What is left of the current packed field.
    packed: &'a [u8],
    element: PhantomData<E>,
}

impl<'a, E> Repeated<'a, E> {
    /// The elements of field `number` in `fields`.
    pub(super) fn new(fields: Fields<'a>, number: u32) -> Self {
        Repeated { fields, number, scalar: WireType::Len, packed: &[], element: PhantomData }
    }

    /// No element yet: for a reader that comes by the first one.
    pub(super) fn none(number: u32, scalar: WireType) -> Self {
        Repeated { fields: Fields::new(&[], 0, 0), number, scalar, packed: &[], element: PhantomData }
    }

    /// Notes that `fields` begin with an element; the first such note counts.
    pub(super) fn start(&mut self, fields: Fields<'a>) {
        if self.fields.buffer().is_empty() {
            self.fields = fields;
        }
    }
}

impl<'a, E: Element<'a>> Iterator for Repeated<'a, E> {
    type Item = E;

    fn next(&mut self) -> Option<E> {
        loop {
            if !self.packed.is_empty() {
                let (element, rest) = E::unpack(self.packed, self.scalar)?;
                self.packed = rest;
                return Some(element);
            }
            let field = self.fields.find(|field| field.number == self.number)?;
            let buf = self.fields.buffer();
            if field.wire == self.scalar {
                return Some(E::element(buf, &field));
            }
            self.packed = &buf[field.start..field.end];
        }
    }
}

impl<'a> Element<'a> for &'a str {
    fn element(buf: &'a [u8], field: &wire::Field) -> Self {
        Raw { buf, field: *field }.text()
    }
}

impl<'a> Element<'a> for u64 {
    fn element(buf: &'a [u8], field: &wire::Field) -> Self {
        let raw = Raw { buf, field: *field };
        if field.wire == WireType::Varint { raw.varint() } else { raw.fixed64() }
    }

    fn unpack(packed: &'a [u8], scalar: WireType) -> Option<(Self, &'a [u8])> {
        if scalar == WireType::Varint {
            let (value, end) = wire::varint(packed, 0)?;
            return Some((value, &packed[end..]));
        }
        let (chunk, rest) = packed.split_first_chunk()?;
        Some((u64::from_le_bytes(*chunk), rest))
    }
}

impl<'a> Element<'a> for f64 {
    fn element(buf: &'a [u8], field: &wire::Field) -> Self {
        Raw { buf, field: *field }.double()
    }

    fn unpack(packed: &'a [u8], _scalar: WireType) -> Option<(Self, &'a [u8])> {
        let (chunk, rest) = packed.split_first_chunk()?;
        Some((f64::from_le_bytes(*chunk), rest))
    }
}
