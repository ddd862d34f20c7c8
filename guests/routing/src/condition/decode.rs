//! How conditions are written: a scalar, a list of conditions, or a map of operators.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Condition, Order, Range, Scalar};

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Condition;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, a truth value, a list of conditions or a map of operators")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Condition, E> {
        Ok(Condition::Equal(Scalar::Text(text.to_owned())))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Condition, E> {
        Ok(Condition::Equal(Scalar::Int(number)))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Condition, E> {
        Ok(Condition::Equal(i64::try_from(number).map_or(Scalar::Double(number as f64), Scalar::Int)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Condition, E> {
        Ok(Condition::Equal(Scalar::Double(number)))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Condition, E> {
        Ok(Condition::Equal(Scalar::Bool(truth)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Condition, A::Error> {
        let mut any = Vec::new();
        while let Some(condition) = list.next_element()? {
            any.push(condition);
        }
        if any.is_empty() {
            return Err(de::Error::custom("an empty list holds of nothing"));
        }
        Ok(Condition::Any(any))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Condition, A::Error> {
        let mut all = Vec::new();
        while let Some(operator) = map.next_key::<String>()? {
            all.push(match operator.as_str() {
                "eq" => Condition::Equal(map.next_value()?),
                "prefix" => Condition::Prefix(map.next_value()?),
                "glob" => Condition::Glob(map.next_value()?),
                "exists" => Condition::Exists(map.next_value()?),
                "any" => match map.next_value()? {
                    any @ Condition::Any(_) => any,
                    _ => return Err(de::Error::custom("`any` takes a list of conditions")),
                },
                "not" => Condition::Not(Box::new(map.next_value()?)),
                "gt" => range(Order::Greater, map.next_value()?)?,
                "gte" => range(Order::GreaterOrEqual, map.next_value()?)?,
                "lt" => range(Order::Less, map.next_value()?)?,
                "lte" => range(Order::LessOrEqual, map.next_value()?)?,
                other => {
                    let known = &["eq", "any", "prefix", "glob", "gt", "gte", "lt", "lte", "exists", "not"];
                    return Err(de::Error::unknown_field(other, known));
                }
            });
        }
        match all.len() {
            0 => Err(de::Error::custom("there is no operator in the condition")),
            1 => Ok(all.remove(0)),
            _ => Ok(Condition::All(all)),
        }
    }
}

fn range<E: de::Error>(order: Order, bound: Scalar) -> Result<Condition, E> {
    match bound {
        Scalar::Int(_) | Scalar::Double(_) => Ok(Condition::Range(Range { order, bound })),
        Scalar::Text(_) | Scalar::Bool(_) => Err(E::custom("only numbers have an order")),
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Condition::deserialize(deserializer)? {
            Condition::Equal(scalar) => Ok(scalar),
            _ => Err(de::Error::custom("a single value belongs here: text, a number or a truth value")),
        }
    }
}
