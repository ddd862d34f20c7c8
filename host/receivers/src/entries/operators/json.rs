//! JSON as values that borrow the text wherever no escape stands in it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::entries::entry::{self, Map, Value};

/// Objects with more keys than this are looked through for keys that stand twice.
const FEW: usize = 64;

/// The object that a text is. Numbers are doubles, as in the Collector, unless `ints` is set.
///
/// # Errors
/// Where it is none.
pub(crate) fn parse(text: &str, ints: bool) -> Result<Map<'_>, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed { ints }.deserialize(&mut deserializer).map_err(|error| format!("it is no JSON: {error}"))?;
    deserializer.end().map_err(|error| format!("it is no JSON: {error}"))?;
    match value {
        Value::Map(map) => Ok(map),
        _ => Err("it is no JSON object".to_owned()),
    }
}

pub(crate) fn parse_shared(text: Cow<'_, str>, ints: bool) -> Result<Map<'_>, String> {
    match text {
        Cow::Borrowed(text) => parse(text, ints),
        Cow::Owned(text) => match Value::Map(parse(&text, ints)?).into_owned() {
            Value::Map(map) => Ok(map),
            _ => Ok(Vec::new()),
        },
    }
}

#[derive(Clone, Copy)]
struct Seed {
    ints: bool,
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Empty)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(if self.ints { Value::Int(value) } else { Value::Double(value as f64) })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(match i64::try_from(value) {
            Ok(value) if self.ints => Value::Int(value),
            _ => Value::Double(value as f64),
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Double(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Value<'de>, A::Error> {
        let mut map: Map<'de> = Vec::new();
        while let Some(key) = pairs.next_key_seed(Key)? {
            let value = pairs.next_value_seed(self)?;
            match map.len() < FEW {
                true => entry::set(&mut map, key, value),
                false => map.push((key, value)),
            }
        }
        if map.len() > FEW {
            // The last of each key is the one that counts.
            let mut seen = std::collections::HashSet::new();
            let is_last: Vec<bool> = map.iter().rev().map(|(key, _)| seen.insert(key.clone())).collect();
            let mut is_last = is_last.into_iter().rev();
            map.retain(|_| is_last.next().unwrap_or(true));
        }
        Ok(Value::Map(map))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
