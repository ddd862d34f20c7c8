//! A value in a configuration.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::Any;

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Any, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Any::Text(text) => serializer.serialize_str(text),
            Any::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Any::Int(number) => serializer.serialize_i64(*number),
            Any::Double(number) => serializer.serialize_f64(*number),
            Any::Bool(truth) => serializer.serialize_bool(*truth),
            Any::List(items) => serializer.collect_seq(items),
            Any::Map(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
            Any::Empty => serializer.serialize_unit(),
        }
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a truth value, a list or a mapping")
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Any, E> {
        Ok(Any::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Any, E> {
        Ok(Any::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Any, E> {
        i64::try_from(number).map(Any::Int).map_err(|_| E::custom("the number is larger than 64 bits hold"))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Any, E> {
        Ok(Any::Double(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Any, E> {
        Ok(Any::from(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Any, E> {
        Ok(Any::Empty)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Any, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Any::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Any::Map(entries))
    }
}
