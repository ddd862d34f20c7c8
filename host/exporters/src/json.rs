//! JSON is written straight into a buffer: texts, numbers and OpenTelemetry's values, exact, with no tree between.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_otlp::view::{AnyValue, Number};
use serde::Serialize;

/// An object that is being written.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    pub(crate) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, is_empty: true }
    }

    /// Writes the name of the next member; the caller writes its value behind it.
    pub(crate) fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::replace(&mut self.is_empty, false) {
            self.out.push(b',');
        }
        scalar(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// A member that is a text or a number.
    pub(crate) fn member(&mut self, key: &str, value: impl Serialize) {
        scalar(self.key(key), value);
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}

/// Writes a list, each element by `write`.
pub(crate) fn list<T>(out: &mut Vec<u8>, elements: impl Iterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (i, element) in elements.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, element);
    }
    out.push(b']');
}

/// Writes a text, a number or a truth value. What is no finite number is null.
pub(crate) fn scalar(out: &mut Vec<u8>, value: impl Serialize) {
    // A scalar can be written, and a buffer takes everything.
    let _ = serde_json::to_writer(out, &value);
}

/// Writes a measured number.
pub(crate) fn number(out: &mut Vec<u8>, number: Number) {
    match number {
        Number::Int(value) => scalar(out, value),
        Number::Double(value) => scalar(out, value),
    }
}

/// Whether JSON has this number.
pub(crate) fn is_finite(number: Number) -> bool {
    !matches!(number, Number::Double(double) if !double.is_finite())
}

/// Writes a value. JSON has no bytes, which are base64 here, and no numbers without an end, which are words.
pub(crate) fn value(out: &mut Vec<u8>, any: &AnyValue<'_>) {
    match any {
        AnyValue::Empty | AnyValue::TextIndex(_) => out.extend_from_slice(b"null"),
        AnyValue::Text(text) => scalar(out, text),
        AnyValue::Bool(truth) => scalar(out, truth),
        AnyValue::Int(int) => scalar(out, int),
        AnyValue::Double(double) => match endless(*double) {
            Some(word) => scalar(out, word),
            None => scalar(out, double),
        },
        AnyValue::Bytes(bytes) => scalar(out, STANDARD.encode(bytes)),
        AnyValue::Array(elements) => list(out, elements.clone(), |out, element| value(out, &element)),
        AnyValue::Map(pairs) => {
            let mut object = Object::open(out);
            for pair in pairs.clone() {
                value(object.key(pair.key), &pair.value.unwrap_or(AnyValue::Empty));
            }
            object.close();
        }
    }
}

/// What a value is where only text can stand: as the Collector spells it.
pub(crate) fn as_text<'a>(any: &AnyValue<'a>) -> Cow<'a, str> {
    match any {
        AnyValue::Empty | AnyValue::TextIndex(_) => Cow::Borrowed(""),
        AnyValue::Text(text) => Cow::Borrowed(text),
        AnyValue::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        AnyValue::Int(int) => Cow::Owned(int.to_string()),
        AnyValue::Double(double) => Cow::Owned(plain(*double)),
        AnyValue::Bytes(bytes) => Cow::Owned(STANDARD.encode(bytes)),
        AnyValue::Array(_) | AnyValue::Map(_) => {
            let mut out = Vec::new();
            value(&mut out, any);
            Cow::Owned(String::from_utf8(out).unwrap_or_default())
        }
    }
}

/// Bytes in hexadecimal: the ids of traces and spans.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// The word for a number that is not finite.
pub(crate) fn endless(number: f64) -> Option<&'static str> {
    match number {
        _ if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// A number in as many digits as tell it from all others, with an exponent where it is very large or very small: as Go
/// writes it in JSON.
fn plain(number: f64) -> String {
    if let Some(word) = endless(number) {
        return word.to_owned();
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return format!("{number}");
    }
    let short = format!("{number:e}");
    if size >= 1.0 { short.replace('e', "e+") } else { short }
}

/// The power of ten from which on Go's `%g` writes an exponent.
const LARGE: i32 = 6;

/// A number in as many digits as tell it from all others, with an exponent from a million on: Go's `%g`, which is what
/// the bounds of buckets are called by.
pub(crate) fn general(number: f64) -> String {
    if let Some(word) = endless(number) {
        return word.to_owned();
    }
    let short = format!("{number:e}");
    let Some((digits, exponent)) = short.split_once('e') else { return short };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Zero has no exponent of its own.
    if number == 0.0 || (-4..LARGE).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests;
