//! Values of attributes as the text that a label holds, as the Collector writes them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_otlp::view::{AnyValue, KeyValue};

/// The text of a value; empty where there is none.
pub(crate) fn text<'a>(value: Option<&AnyValue<'a>>) -> Cow<'a, str> {
    match value {
        None | Some(AnyValue::Empty | AnyValue::TextIndex(_)) => Cow::Borrowed(""),
        Some(AnyValue::Text(text)) => Cow::Borrowed(text),
        Some(AnyValue::Bool(true)) => Cow::Borrowed("true"),
        Some(AnyValue::Bool(false)) => Cow::Borrowed("false"),
        Some(AnyValue::Int(number)) => Cow::Owned(number.to_string()),
        Some(AnyValue::Double(number)) => Cow::Owned(double(*number)),
        Some(AnyValue::Bytes(bytes)) => Cow::Owned(STANDARD.encode(bytes)),
        // What JSON cannot say leaves nothing, as there.
        Some(nested @ (AnyValue::Array(_) | AnyValue::Map(_))) => {
            let mut out = String::new();
            Cow::Owned(if json(nested, &mut out) { out } else { String::new() })
        }
    }
}

fn double(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => finite(number),
    }
}

/// As ECMAScript writes numbers.
fn finite(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    if size < 1.0 { text } else { text.replacen('e', "e+", 1) }
}

/// Appends a value as JSON; false where it holds a number that JSON has not.
fn json(value: &AnyValue<'_>, out: &mut String) -> bool {
    match value {
        AnyValue::Empty | AnyValue::TextIndex(_) => out.push_str("null"),
        AnyValue::Text(text) => quoted(text, out),
        AnyValue::Bool(_) | AnyValue::Int(_) => out.push_str(&text(Some(value))),
        AnyValue::Double(number) if number.is_finite() => out.push_str(&finite(*number)),
        AnyValue::Double(_) => return false,
        AnyValue::Bytes(bytes) => quoted(&STANDARD.encode(bytes), out),
        AnyValue::Array(values) => {
            out.push('[');
            for (at, element) in values.clone().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                if !json(&element, out) {
                    return false;
                }
            }
            out.push(']');
        }
        AnyValue::Map(pairs) => {
            let sorted: BTreeMap<&str, _> = pairs.clone().map(|KeyValue { key, value, .. }| (key, value)).collect();
            out.push('{');
            for (at, (key, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quoted(key, out);
                out.push(':');
                if !json(&value.unwrap_or(AnyValue::Empty), out) {
                    return false;
                }
            }
            out.push('}');
        }
    }
    true
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // What ends a line in JavaScript is escaped with the control characters.
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                // Writing to text cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A bound of a bucket, or a quantile: the shortest decimal, without an exponent.
pub(super) fn bound(number: f64) -> String {
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => number.to_string(),
    }
}
