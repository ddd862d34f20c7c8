//! Values as text: as they are where they are text, and as JSON where they have parts.

use std::fmt::Display;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_otlp::view::AnyValue;

/// Where numbers begin to be written with an exponent, as in JSON of Go and of JavaScript.
const LARGE: f64 = 1e21;
const SMALL: f64 = 1e-6;

/// Appends a value as it reads in a line or a label.
pub(super) fn plain(value: &AnyValue<'_>, out: &mut Vec<u8>) {
    match value {
        AnyValue::Empty => {}
        AnyValue::Text(text) => out.extend_from_slice(text.as_bytes()),
        AnyValue::Bytes(bytes) => base64(bytes, out),
        AnyValue::Double(value) => double(*value, out),
        other => json(other, out),
    }
}

/// Appends a value as JSON.
pub(super) fn json(value: &AnyValue<'_>, out: &mut Vec<u8>) {
    match value {
        AnyValue::Empty => out.extend_from_slice(b"null"),
        AnyValue::Text(text) => quoted(text, out),
        AnyValue::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        AnyValue::Int(value) => integer(value, out),
        AnyValue::TextIndex(index) => integer(index, out),
        AnyValue::Double(value) if value.is_finite() => double(*value, out),
        // JSON has no such numbers.
        AnyValue::Double(value) => {
            out.push(b'"');
            double(*value, out);
            out.push(b'"');
        }
        AnyValue::Bytes(bytes) => {
            out.push(b'"');
            base64(bytes, out);
            out.push(b'"');
        }
        AnyValue::Array(values) => {
            out.push(b'[');
            for (i, value) in values.clone().enumerate() {
                comma(i, out);
                json(&value, out);
            }
            out.push(b']');
        }
        AnyValue::Map(pairs) => {
            out.push(b'{');
            for (i, pair) in pairs.clone().enumerate() {
                comma(i, out);
                quoted(pair.key, out);
                out.push(b':');
                json(&pair.value.unwrap_or(AnyValue::Empty), out);
            }
            out.push(b'}');
        }
    }
}

/// Appends a text in quotes, as JSON.
pub(super) fn quoted(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("text is written to memory");
}

/// Appends a number.
pub(super) fn integer(value: impl Display, out: &mut Vec<u8>) {
    write!(out, "{value}").expect("text is written to memory");
}

/// Appends bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
}

fn double(value: f64, out: &mut Vec<u8>) {
    let size = value.abs();
    let written = if size != 0.0 && value.is_finite() && !(SMALL..LARGE).contains(&size) {
        let text = format!("{value:e}");
        out.write_all(if text.contains("e-") { text } else { text.replace('e', "e+") }.as_bytes())
    } else {
        write!(out, "{value}")
    };
    written.expect("text is written to memory");
}

fn comma(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}
