//! Attribute values and ids as text, which does nothing to the terminal that it is shown on.

use std::borrow::Cow;
use std::fmt::Write as _;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// Text on one line, with everything in it escaped that a terminal acts on.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n' || acts(c))
}

/// Text with everything in it escaped that a terminal acts on, but for its line breaks.
fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_escaped(c) {
            true if c.is_ascii_control() => out.extend(c.escape_default()),
            true => out.extend(c.escape_unicode()),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal does more with it than show it or go on: control characters, and what turns the direction of writing.
fn acts(c: char) -> bool {
    const DIRECTION: [char; 14] = [
        '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
    ];
    (c.is_control() && !matches!(c, '\n' | '\t')) || DIRECTION.contains(&c)
}

/// A value as it would be written, such as `["a", 5]`.
pub(super) fn value(value: Option<&AnyValue>) -> String {
    match value.and_then(|any| any.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => lines(text).into_owned(),
        Some(other) => nested(other),
    }
}

/// A value with its type in front, such as `Str(checkout)`.
pub(super) fn typed(any: &AnyValue) -> String {
    let name = match &any.value {
        None => return "Empty()".to_owned(),
        Some(Value::StringValue(_)) => "Str",
        Some(Value::BoolValue(_)) => "Bool",
        Some(Value::IntValue(_)) => "Int",
        Some(Value::DoubleValue(_)) => "Double",
        Some(Value::ArrayValue(_)) => "Slice",
        Some(Value::KvlistValue(_)) => "Map",
        Some(Value::BytesValue(_)) => "Bytes",
        Some(Value::StringValueStrindex(_)) => "StrIndex",
    };
    format!("{name}({})", value(Some(any)))
}

/// Attributes, each as ` key=value`.
pub(super) fn attributes(attributes: &[KeyValue], out: &mut String) {
    for KeyValue { key, value: any, .. } in attributes {
        write!(out, " {}={}", line(key), line(&value(any.as_ref()))).expect("text is written to memory");
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        write!(out, "{byte:02x}").expect("text is written to memory");
        out
    })
}

fn nested(value: &Value) -> String {
    let inner = |any: &AnyValue| any.value.as_ref().map_or_else(|| "null".to_owned(), nested);
    match value {
        Value::StringValue(text) => format!("{text:?}"),
        Value::BoolValue(value) => value.to_string(),
        Value::IntValue(value) => value.to_string(),
        Value::DoubleValue(value) => value.to_string(),
        Value::BytesValue(bytes) => format!("0x{}", hex(bytes)),
        Value::StringValueStrindex(index) => format!("#{index}"),
        Value::ArrayValue(array) => format!("[{}]", array.values.iter().map(inner).collect::<Vec<_>>().join(", ")),
        Value::KvlistValue(list) => {
            let pair =
                |pair: &KeyValue| format!("{:?}: {}", pair.key, pair.value.as_ref().map_or_else(String::new, inner));
            format!("{{{}}}", list.values.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}
