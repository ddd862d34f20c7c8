//! The decoder turns nodes into whatever serde can make, and goes on after a mistake to find the next.
//!
//! A value of the wrong type is recorded and a placeholder stands in for it, which nobody sees: decoding fails in the
//! end. Unknown keys are recorded and skipped.

mod error;
mod parts;
mod path;

use std::cell::RefCell;

use serde::de::{Deserializer, Visitor};

use self::error::DecodeError;
use self::parts::{Elements, Entries, Variant};
pub(crate) use self::path::Path;
use crate::node::{Data, Key, Node};
use crate::problem::{Errors, Position, Problem};
use crate::time;

/// Decodes one node.
#[derive(Clone, Copy)]
pub(crate) struct Decoder<'a> {
    node: &'a Node,
    path: Path<'a>,
    errors: &'a RefCell<Errors>,
}

type Decoded<T> = Result<T, DecodeError>;

impl<'a> Decoder<'a> {
    pub(crate) fn new(node: &'a Node, path: Path<'a>, errors: &'a RefCell<Errors>) -> Self {
        Decoder { node, path, errors }
    }

    /// Records a problem, unless one is known here: the second is what the first one caused.
    fn record(&self, at: &Position, path: String, message: String) {
        self.record_once(Problem::new(at, path, message));
    }

    fn record_once(&self, problem: Problem) {
        let mut errors = self.errors.borrow_mut();
        let is_known = |p: &Problem| p.path == problem.path && p.line == problem.line && p.column == problem.column;
        if !errors.iter().any(is_known) {
            errors.push(problem);
        }
    }

    fn mismatch(&self, expected: &str) {
        self.record(&self.node.at, self.path.render(), self.node.mismatch(expected));
    }

    /// An error that the type raised becomes a problem at this node.
    fn located<T>(&self, result: Decoded<T>) -> Decoded<T> {
        result.map_err(|error| {
            if let DecodeError::Message(message) = error {
                self.record(&self.node.at, self.path.render(), message);
            }
            DecodeError::Recorded
        })
    }

    fn integer<'de, V: Visitor<'de>>(&self, visitor: V, min: i128, max: i128) -> Decoded<V::Value> {
        let value = match &self.node.data {
            Data::Signed(value, _) => i128::from(*value),
            Data::Unsigned(value, _) => i128::from(*value),
            _ => {
                self.mismatch("a whole number");
                return self.located(visitor.visit_u64(0));
            }
        };
        if value < min || value > max {
            self.mismatch(&format!("a whole number from {min} to {max}"));
            return self.located(visitor.visit_u64(0));
        }
        self.located(match u64::try_from(value) {
            Ok(value) => visitor.visit_u64(value),
            Err(_) => visitor.visit_i64(value as i64),
        })
    }

    fn float<'de, V: Visitor<'de>>(&self, visitor: V) -> Decoded<V::Value> {
        let value = match &self.node.data {
            Data::Float(value, _) => *value,
            Data::Signed(value, _) => *value as f64,
            Data::Unsigned(value, _) => *value as f64,
            _ => {
                self.mismatch("a number");
                0.0
            }
        };
        self.located(visitor.visit_f64(value))
    }

    fn text<'de, V: Visitor<'de>>(&self, visitor: V) -> Decoded<V::Value> {
        let text = self.node.text().unwrap_or_else(|| {
            self.mismatch("text");
            ""
        });
        self.located(visitor.visit_str(text))
    }

    fn entries(&self, expected: &str) -> &'a [(Key, Node)] {
        self.node.entries().unwrap_or_else(|| {
            self.mismatch(expected);
            &[]
        })
    }

    /// Names every key that is not among `fields`.
    fn refuse_unknown(&self, entries: &[(Key, Node)], fields: &'static [&'static str]) {
        for (key, _) in entries.iter().filter(|(key, _)| !fields.contains(&&*key.name)) {
            let path = self.path.key(&key.name).render();
            self.record_once(Problem::unknown_key(&key.at, path, &key.name, fields.iter().copied()));
        }
    }

    fn map<'de, V: Visitor<'de>>(
        &self,
        visitor: V,
        fields: Option<&'static [&'static str]>,
        expected: &str,
    ) -> Decoded<V::Value> {
        let entries = self.entries(expected);
        if let Some(fields) = fields {
            self.refuse_unknown(entries, fields);
        }
        self.located(visitor.visit_map(Entries::new(entries, fields, *self)))
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
            self.integer(visitor, <$type>::MIN as i128, <$type>::MAX as i128)
        })*
    };
}

impl<'de> Deserializer<'de> for Decoder<'_> {
    type Error = DecodeError;

    integers! {
        deserialize_i8: i8, deserialize_i16: i16, deserialize_i32: i32, deserialize_i64: i64,
        deserialize_u8: u8, deserialize_u16: u16, deserialize_u32: u32, deserialize_u64: u64,
        deserialize_i128: i64, deserialize_u128: u64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        match &self.node.data {
            Data::Invalid(message) => {
                self.record(&self.node.at, self.path.render(), message.to_string());
                self.located(visitor.visit_unit())
            }
            Data::Null => self.located(visitor.visit_unit()),
            Data::Bool(value, _) => self.located(visitor.visit_bool(*value)),
            Data::Signed(value, _) => self.located(visitor.visit_i64(*value)),
            Data::Unsigned(value, _) => self.located(visitor.visit_u64(*value)),
            Data::Float(value, _) => self.located(visitor.visit_f64(*value)),
            Data::Text(text) => self.located(visitor.visit_str(text)),
            Data::Sequence(_) => self.deserialize_seq(visitor),
            Data::Mapping(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let value = if let Data::Bool(value, _) = self.node.data {
            value
        } else {
            self.mismatch("true or false");
            false
        };
        self.located(visitor.visit_bool(value))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.float(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.float(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.text(visitor)
    }

    /// A key that is there is given, even with nothing behind it: `grpc:` means gRPC with its defaults.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.located(visitor.visit_some(self))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        if !self.node.is_null() {
            self.mismatch("nothing");
        }
        self.located(visitor.visit_unit())
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Decoded<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Decoded<V::Value> {
        if name != time::MARKER {
            return self.located(visitor.visit_newtype_struct(self));
        }
        let duration = match self.node.text().map(time::parse) {
            Some(Ok(duration)) => duration,
            Some(Err(error)) => {
                self.record(&self.node.at, self.path.render(), error.to_string());
                Default::default()
            }
            None => {
                self.mismatch("a duration such as `5s` or `200ms`");
                Default::default()
            }
        };
        self.located(visitor.visit_str(&time::exact(duration)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let list: &[Node] = match &self.node.data {
            Data::Sequence(list) => list,
            Data::Null => &[],
            _ => {
                self.mismatch("a list");
                &[]
            }
        };
        self.located(visitor.visit_seq(Elements::new(list, self)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Decoded<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Decoded<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.map(visitor, None, "a mapping")
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        let expected = match fields {
            [] => "an empty mapping".to_owned(),
            _ => format!("a mapping with {}", fields.join(", ")),
        };
        self.map(visitor, Some(fields), &expected)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        self.located(visitor.visit_enum(Variant::new(self, variants)))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.text(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        visitor.visit_unit()
    }
}
