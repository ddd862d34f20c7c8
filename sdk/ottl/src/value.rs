//! Values on their way through a program, and what the language says of comparing and reckoning with them.

use std::borrow::Cow;
use std::cmp::Ordering;

use tidegate_sdk::{Any, NewValue, Value};

use crate::syntax::{Comparison, Operator};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// A list or a map, and nothing else.
    Any(Cow<'a, Any>),
    /// Nanoseconds since the Unix epoch.
    Time(i64),
    /// Nanoseconds.
    Duration(i64),
}

impl<'a> Val<'a> {
    /// What a cell holds.
    pub(crate) fn of_cell(value: Value<'a>) -> Val<'a> {
        match value {
            Value::Text(text) => Val::Text(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Val::Bytes(Cow::Borrowed(bytes)),
            Value::Signed(int) => Val::Int(int),
            Value::Unsigned(int) => Val::Int(int.cast_signed()),
            Value::Double(double) => Val::Double(double),
            Value::Boolean(truth) => Val::Bool(truth),
            Value::Encoded(encoded) => Val::of_any(Any::decode(encoded)),
        }
    }

    /// What an attribute or a body holds.
    pub(crate) fn of_any(any: Any) -> Val<'a> {
        match any {
            Any::Text(text) => Val::Text(Cow::Owned(text)),
            Any::Bytes(bytes) => Val::Bytes(Cow::Owned(bytes)),
            Any::Int(int) => Val::Int(int),
            Any::Double(double) => Val::Double(double),
            Any::Bool(truth) => Val::Bool(truth),
            Any::Empty => Val::Nil,
            any => Val::Any(Cow::Owned(any)),
        }
    }

    /// The same, borrowed.
    pub(crate) fn of_any_ref(any: &'a Any) -> Val<'a> {
        match any {
            Any::Text(text) => Val::Text(Cow::Borrowed(text)),
            Any::Bytes(bytes) => Val::Bytes(Cow::Borrowed(bytes)),
            Any::Int(int) => Val::Int(*int),
            Any::Double(double) => Val::Double(*double),
            Any::Bool(truth) => Val::Bool(*truth),
            Any::Empty => Val::Nil,
            any => Val::Any(Cow::Borrowed(any)),
        }
    }

    pub(crate) fn text(text: impl Into<String>) -> Val<'a> {
        Val::Text(Cow::Owned(text.into()))
    }

    /// As an attribute or a body holds it.
    ///
    /// # Errors
    /// Times and durations are none of theirs.
    pub(crate) fn into_any(self) -> Result<Any, String> {
        Ok(match self {
            Val::Nil => Any::Empty,
            Val::Bool(truth) => Any::Bool(truth),
            Val::Int(int) => Any::Int(int),
            Val::Double(double) => Any::Double(double),
            Val::Text(text) => Any::Text(text.into_owned()),
            Val::Bytes(bytes) => Any::Bytes(bytes.into_owned()),
            Val::Any(any) => any.into_owned(),
            Val::Time(_) | Val::Duration(_) => return Err(["an attribute cannot hold ", self.kind()].concat()),
        })
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Val::Nil => "nil",
            Val::Bool(_) => "a truth value",
            Val::Int(_) => "an integer",
            Val::Double(_) => "a double",
            Val::Text(_) => "text",
            Val::Bytes(_) => "bytes",
            Val::Any(any) if matches!(**any, Any::Map(_)) => "a map",
            Val::Any(_) => "a list",
            Val::Time(_) => "a time",
            Val::Duration(_) => "a duration",
        }
    }

    fn mismatch<T>(&self, wanted: &str) -> Result<T, String> {
        Err(["expected ", wanted, " but got ", self.kind()].concat())
    }

    /// The text, where it is text.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn as_text(&self) -> Result<&str, String> {
        match self {
            Val::Text(text) => Ok(text),
            _ => self.mismatch("text"),
        }
    }

    /// The integer, where it is one.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn as_int(&self) -> Result<i64, String> {
        match self {
            Val::Int(int) => Ok(*int),
            _ => self.mismatch("an integer"),
        }
    }

    /// The truth value, where it is one.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn as_bool(&self) -> Result<bool, String> {
        match self {
            Val::Bool(truth) => Ok(*truth),
            _ => self.mismatch("a truth value"),
        }
    }

    /// The items, where it is a list.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn as_list(&self) -> Result<&[Any], String> {
        match self {
            Val::Any(any) => match &**any {
                Any::List(items) => Ok(items),
                _ => self.mismatch("a list"),
            },
            _ => self.mismatch("a list"),
        }
    }

    /// The entries, where it is a map.
    ///
    /// # Errors
    /// It is something else.
    pub(crate) fn as_map(&self) -> Result<&[(String, Any)], String> {
        match self {
            Val::Any(any) => match &**any {
                Any::Map(entries) => Ok(entries),
                _ => self.mismatch("a map"),
            },
            _ => self.mismatch("a map"),
        }
    }

    /// The text that it is printed as; none of nil.
    pub(crate) fn printed(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Val::Nil => return None,
            Val::Text(text) => Cow::Borrowed(text),
            Val::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
            Val::Int(int) => Cow::Owned(int.to_string()),
            Val::Double(double) => Cow::Owned(printed_double(*double)),
            Val::Bytes(bytes) => Cow::Owned(hex(bytes)),
            Val::Any(any) => Cow::Owned(any.printed()),
            Val::Time(nanos) | Val::Duration(nanos) => Cow::Owned(nanos.to_string()),
        })
    }

    /// As an edit writes it.
    pub(crate) fn written<'w>(&'w self, encoded: &'w mut Vec<u8>) -> NewValue<'w> {
        match self {
            Val::Bool(truth) => NewValue::Boolean(*truth),
            Val::Int(int) | Val::Time(int) | Val::Duration(int) => NewValue::Signed(*int),
            Val::Double(double) => NewValue::Double(*double),
            Val::Text(text) => NewValue::Text(text),
            Val::Bytes(bytes) => NewValue::Bytes(bytes),
            Val::Nil => NewValue::Encoded(&[]),
            Val::Any(any) => {
                *encoded = any.encode();
                NewValue::Encoded(encoded)
            }
        }
    }

    /// Whether a comparison holds. What cannot be compared is different, and nothing else.
    pub(crate) fn compares(&self, comparison: Comparison, other: &Val<'_>) -> bool {
        // Bytes that are none are nil to the Collector, too.
        let (this, other) = (self.or_nil(), other.or_nil());
        let order = match (this, other) {
            (Val::Nil, Val::Nil) => Some(Ordering::Equal),
            (Val::Bool(a), Val::Bool(b)) => Some(a.cmp(b)),
            (Val::Int(a), Val::Int(b)) | (Val::Time(a), Val::Time(b)) | (Val::Duration(a), Val::Duration(b)) => {
                Some(a.cmp(b))
            }
            (Val::Int(a), Val::Double(b)) => return ordered(comparison, (*a as f64).partial_cmp(b)),
            (Val::Double(a), Val::Int(b)) => return ordered(comparison, a.partial_cmp(&(*b as f64))),
            (Val::Double(a), Val::Double(b)) => return ordered(comparison, a.partial_cmp(b)),
            (Val::Text(a), Val::Text(b)) => Some(a.cmp(b)),
            (Val::Bytes(a), Val::Bytes(b)) => Some(a.cmp(b)),
            (Val::Any(a), Val::Any(b)) => {
                return match comparison {
                    Comparison::Equal => same(a, b),
                    Comparison::NotEqual => !same(a, b),
                    _ => false,
                };
            }
            _ => None,
        };
        ordered(comparison, order)
    }

    fn or_nil(&self) -> &Self {
        match self {
            Val::Bytes(bytes) if bytes.is_empty() => &Val::Nil,
            value => value,
        }
    }

    /// A sum, difference, product or quotient.
    ///
    /// # Errors
    /// The operation is not defined on these.
    pub(crate) fn reckon(&self, operator: Operator, other: &Val<'_>) -> Result<Val<'a>, String> {
        match (self, other) {
            (Val::Int(a), Val::Int(b)) => match operator {
                Operator::Plus => Ok(Val::Int(a.wrapping_add(*b))),
                Operator::Minus => Ok(Val::Int(a.wrapping_sub(*b))),
                Operator::Times => Ok(Val::Int(a.wrapping_mul(*b))),
                Operator::Over if *b == 0 => Err("a division by 0".to_owned()),
                Operator::Over => Ok(Val::Int(a.wrapping_div(*b))),
            },
            (Val::Int(a), Val::Double(b)) => doubles(*a as f64, operator, *b),
            (Val::Double(a), Val::Int(b)) => doubles(*a, operator, *b as f64),
            (Val::Double(a), Val::Double(b)) => doubles(*a, operator, *b),
            (Val::Time(a), Val::Duration(b)) if operator == Operator::Plus => Ok(Val::Time(a.wrapping_add(*b))),
            (Val::Duration(a), Val::Time(b)) if operator == Operator::Plus => Ok(Val::Time(a.wrapping_add(*b))),
            (Val::Time(a), Val::Duration(b)) if operator == Operator::Minus => Ok(Val::Time(a.wrapping_sub(*b))),
            (Val::Time(a), Val::Time(b)) if operator == Operator::Minus => Ok(Val::Duration(a.wrapping_sub(*b))),
            (Val::Duration(a), Val::Duration(b)) if operator == Operator::Plus => Ok(Val::Duration(a.wrapping_add(*b))),
            (Val::Duration(a), Val::Duration(b)) if operator == Operator::Minus => {
                Ok(Val::Duration(a.wrapping_sub(*b)))
            }
            _ => Err(["cannot reckon with ", self.kind(), " and ", other.kind()].concat()),
        }
    }

    /// The number with the other sign.
    ///
    /// # Errors
    /// It is no number.
    pub(crate) fn negative(&self) -> Result<Val<'a>, String> {
        match self {
            Val::Int(int) => Ok(Val::Int(int.wrapping_neg())),
            Val::Double(double) => Ok(Val::Double(-double)),
            _ => self.mismatch("a number"),
        }
    }
}

/// As a double is printed in JSON, with two digits of an exponent at least.
fn printed_double(double: f64) -> String {
    let mut text = Any::Double(double).printed();
    if let Some(sign) = text.find("e-")
        && text.len() == sign + 3
    {
        text.insert(sign + 2, '0');
    }
    text
}

fn ordered(comparison: Comparison, order: Option<Ordering>) -> bool {
    match (comparison, order) {
        (Comparison::NotEqual, order) => order != Some(Ordering::Equal),
        (_, None) => false,
        (Comparison::Equal, Some(order)) => order.is_eq(),
        (Comparison::Less, Some(order)) => order.is_lt(),
        (Comparison::LessOrEqual, Some(order)) => order.is_le(),
        (Comparison::Greater, Some(order)) => order.is_gt(),
        (Comparison::GreaterOrEqual, Some(order)) => order.is_ge(),
    }
}

fn doubles<'a>(a: f64, operator: Operator, b: f64) -> Result<Val<'a>, String> {
    Ok(Val::Double(match operator {
        Operator::Plus => a + b,
        Operator::Minus => a - b,
        Operator::Times => a * b,
        Operator::Over if b == 0.0 => return Err("a division by 0".to_owned()),
        Operator::Over => a / b,
    }))
}

/// Whether two values are the same, maps in any order.
fn same(a: &Any, b: &Any) -> bool {
    match (a, b) {
        (Any::Map(a), Any::Map(b)) => {
            let mut sorted_a: Vec<_> = a.iter().collect();
            let mut sorted_b: Vec<_> = b.iter().collect();
            sorted_a.sort_by(|a, b| a.0.cmp(&b.0));
            sorted_b.sort_by(|a, b| a.0.cmp(&b.0));
            a.len() == b.len() && sorted_a.iter().zip(&sorted_b).all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
        }
        (Any::List(a), Any::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (a, b) => a == b,
    }
}

/// In hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]].map(char::from);
    bytes.iter().flat_map(digits).collect()
}

/// Bytes of hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    bytes.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}
