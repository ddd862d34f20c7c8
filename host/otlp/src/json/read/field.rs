//! A field of a message: from its key to its value, whatever JSON has for it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::names;
use super::sink::Sink;
use crate::json::shape::{Shape, camel};
use crate::schema::{Card, Field, Kind, Message, NUMBERS};

/// The fields of one message.
pub(super) struct Fields<'s, 'g> {
    pub(super) message: &'static Message,
    pub(super) sink: &'s mut Sink<'g>,
    /// How deep messages may lie in one another from here on.
    pub(super) depth: u32,
}

impl<'de> Visitor<'de> for Fields<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object, a {}", self.message.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.depth == 0 {
            return Err(A::Error::custom("messages are nested deeper than they may be"));
        }
        let mut seen = 0u32;
        while let Some(number) = map.next_key_seed(Key(self.message))? {
            let Some((number, field)) = number.and_then(|number| Some((number, self.message.field(number)?))) else {
                self.sink.unknown_keys += 1;
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen & 1 << number != 0 {
                return Err(A::Error::custom(format_args!(
                    "the key {} stands twice in a {}",
                    Camel(field),
                    self.message.name
                )));
            }
            seen |= 1 << number;
            let place = if field.card == Card::Many { Place::List } else { Place::Field };
            map.next_value_seed(Value { field, number, place, sink: &mut *self.sink, depth: self.depth })?;
        }
        Ok(())
    }
}

/// A key of a message, as the number of its field.
struct Key(&'static Message);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<u32>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u32>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<u32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Option<u32>, E> {
        let is_named = |number: &u32| self.0.field(*number).is_some_and(|field| camel(field.name).eq(key.bytes()));
        Ok((1..NUMBERS as u32).find(is_named))
    }
}

/// The name of a field as JSON has it.
struct Camel(&'static Field);

impl fmt::Display for Camel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name: String = camel(self.0.name).map(char::from).collect();
        write!(f, "`{name}`")
    }
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Field,
    /// A field that is a list.
    List,
    /// One element of it.
    Element,
}

/// The value of a field, or an element of it.
struct Value<'s, 'g> {
    field: &'static Field,
    number: u32,
    place: Place,
    sink: &'s mut Sink<'g>,
    depth: u32,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Value<'_, '_> {
    /// The number for the tag; the elements of a packed field have none.
    fn tag(&self) -> Option<u32> {
        (!matches!(self.field.kind, Kind::Packed(_))).then_some(self.number)
    }

    fn is_single(&self) -> bool {
        self.place != Place::List
    }

    fn wrong<E: Error>(&self, found: Unexpected<'_>) -> E {
        E::invalid_type(found, self)
    }

    fn integer<E: Error>(self, value: i128, found: Unexpected<'_>) -> Result<(), E> {
        if !self.is_single() {
            return Err(self.wrong(found));
        }
        let tag = self.tag();
        let fits = |bits: Option<u64>, field: &'static Field| {
            bits.ok_or_else(|| E::custom(format_args!("{value} is beyond what {} can hold", Camel(field))))
        };
        let signed = |value: i64| value.cast_unsigned();
        match Shape::of(self.field) {
            Shape::Int32 => {
                let bits = fits(i32::try_from(value).ok().map(|value| signed(value.into())), self.field)?;
                self.sink.varint(tag, bits)
            }
            Shape::Uint32 => {
                let bits = fits(u32::try_from(value).ok().map(u64::from), self.field)?;
                self.sink.varint(tag, bits)
            }
            Shape::Int64 => {
                let bits = fits(i64::try_from(value).ok().map(signed), self.field)?;
                self.sink.varint(tag, bits)
            }
            Shape::Uint64 => {
                let bits = fits(u64::try_from(value).ok(), self.field)?;
                self.sink.varint(tag, bits)
            }
            Shape::Zigzag => {
                let zigzag = |value: i32| u64::from((value << 1 ^ value >> 31).cast_unsigned());
                let bits = fits(i32::try_from(value).ok().map(zigzag), self.field)?;
                self.sink.varint(tag, bits)
            }
            Shape::Fixed32 => {
                let bits = fits(u32::try_from(value).ok().map(u64::from), self.field)?;
                self.sink.fixed32(tag, bits as u32)
            }
            Shape::Fixed64 => {
                let bits = fits(u64::try_from(value).ok(), self.field)?;
                self.sink.fixed64(tag, bits)
            }
            Shape::Sfixed64 => {
                let bits = fits(i64::try_from(value).ok().map(signed), self.field)?;
                self.sink.fixed64(tag, bits)
            }
            Shape::Double => self.sink.fixed64(tag, (value as f64).to_bits()),
            Shape::Bool | Shape::Text | Shape::Bytes | Shape::Id | Shape::Message(_) => Err(self.wrong(found)),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match (self.place, Shape::of(self.field)) {
            (Place::List, _) => "a list",
            (_, Shape::Bool) => "true or false",
            (_, Shape::Int32) => "a whole number",
            (_, Shape::Uint32 | Shape::Zigzag | Shape::Fixed32) => "a whole number",
            (_, Shape::Int64 | Shape::Uint64 | Shape::Fixed64 | Shape::Sfixed64) => "a whole number, as text or not,",
            (_, Shape::Double) => "a number, \"NaN\", \"Infinity\" or \"-Infinity\"",
            (_, Shape::Text) => "text",
            (_, Shape::Bytes) => "bytes in base64",
            (_, Shape::Id) => "an id in hex",
            (_, Shape::Message(_)) => "an object",
        };
        write!(f, "{what} for {}", Camel(self.field))
    }

    /// `null` is the same as nothing.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.place == Place::Element { Err(self.wrong(Unexpected::Unit)) } else { Ok(()) }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match Shape::of(self.field) {
            Shape::Bool if self.is_single() => self.sink.varint(Some(self.number), u64::from(value)),
            _ => Err(self.wrong(Unexpected::Bool(value))),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.integer(value.into(), Unexpected::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.integer(value.into(), Unexpected::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match Shape::of(self.field) {
            Shape::Double if self.is_single() => {
                let tag = self.tag();
                self.sink.fixed64(tag, value.to_bits())
            }
            // `1e3` is a whole number, too.
            _ if value.fract() == 0.0 && value.abs() < 1e15 => self.integer(value as i128, Unexpected::Float(value)),
            _ => Err(self.wrong(Unexpected::Float(value))),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let found = Unexpected::Str(text);
        if !self.is_single() {
            return Err(self.wrong(found));
        }
        match Shape::of(self.field) {
            Shape::Text => self.sink.slice(self.number, text.as_bytes()),
            Shape::Id => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| digit(byte).is_some()) {
                    return Err(E::invalid_value(found, &self));
                }
                let pairs = text.as_bytes().chunks_exact(2);
                let byte = |pair: &[u8]| pair.iter().fold(0, |byte, half| byte << 4 | digit(*half).unwrap_or(0) as u8);
                self.sink.bytes(self.number, text.len() / 2, pairs.map(byte))
            }
            Shape::Bytes => {
                let is_base64 = self.sink.base64::<E>(self.number, text)?;
                if is_base64 { Ok(()) } else { Err(E::invalid_value(found, &self)) }
            }
            Shape::Double => {
                // What Rust takes for a number besides, JSON has no name for: `inf`, `nan` and their like.
                let is_named = matches!(text, "NaN" | "Infinity" | "-Infinity");
                let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
                match text.parse::<f64>() {
                    Ok(value) if is_named || is_number => {
                        let tag = self.tag();
                        self.sink.fixed64(tag, value.to_bits())
                    }
                    _ => Err(E::invalid_value(found, &self)),
                }
            }
            Shape::Bool | Shape::Message(_) => Err(self.wrong(found)),
            _ => match text.parse().ok().or_else(|| names::number(self.field.name, text)) {
                Some(value) => self.integer(value, found),
                None => Err(E::invalid_value(found, &self)),
            },
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.place != Place::List {
            return Err(self.wrong(Unexpected::Seq));
        }
        let Value { field, number, sink, depth, .. } = self;
        let open = matches!(field.kind, Kind::Packed(_)).then(|| sink.open::<A::Error>(number, 1)).transpose()?;
        while seq.next_element_seed(Value { field, number, place: Place::Element, sink: &mut *sink, depth })?.is_some()
        {
        }
        open.map_or(Ok(()), |open| sink.close_if_any(&open))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Kind::Message(message) = self.field.kind else { return Err(self.wrong(Unexpected::Map)) };
        if !self.is_single() {
            return Err(self.wrong(Unexpected::Map));
        }
        // A guess at the length of the length, since a wrong one moves what was written.
        let room = match (self.field.holds_items, message.item) {
            (true, false) => 3,
            (true, true) => 2,
            (false, _) => 1,
        };
        let open = self.sink.open::<A::Error>(self.number, room)?;
        Fields { message, sink: &mut *self.sink, depth: self.depth - 1 }.visit_map(map)?;
        self.sink.close(&open)
    }
}
