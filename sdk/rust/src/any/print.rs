//! A value as the text that the Collector prints it as: scalars bare, lists and maps as JSON with sorted keys.

use super::Any;

impl Any {
    /// The text. A list or map with a number that JSON has not (`NaN`) is printed as nothing, as the Collector does.
    pub fn printed(&self) -> String {
        match self {
            Any::Empty => String::new(),
            Any::Text(text) => text.clone(),
            Any::Bool(truth) => truth.to_string(),
            Any::Int(number) => number.to_string(),
            Any::Double(number) => double(*number),
            Any::Bytes(bytes) => base64(bytes),
            Any::List(_) | Any::Map(_) => {
                let mut out = String::new();
                if self.json(&mut out) { out } else { String::new() }
            }
        }
    }

    /// Appends JSON; whether all of it can be said in JSON.
    fn json(&self, out: &mut String) -> bool {
        match self {
            Any::Empty => out.push_str("null"),
            // Go has no bytes where there are none.
            Any::Bytes(bytes) if bytes.is_empty() => out.push_str("null"),
            Any::Text(text) => quoted(out, text),
            Any::Bytes(bytes) => quoted(out, &base64(bytes)),
            Any::Double(number) if !number.is_finite() => return false,
            Any::Bool(_) | Any::Int(_) | Any::Double(_) => out.push_str(&self.printed()),
            Any::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    if !item.json(out) {
                        return false;
                    }
                }
                out.push(']');
            }
            Any::Map(entries) => return map(out, entries),
        }
        true
    }
}

/// A key that is there twice has its last value.
fn map(out: &mut String, entries: &[(String, Any)]) -> bool {
    let mut sorted: Vec<&(String, Any)> = entries.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    out.push('{');
    let mut first = true;
    for (at, (key, value)) in sorted.iter().copied().enumerate() {
        if sorted.get(at + 1).is_some_and(|(next, _)| next == key) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        quoted(out, key);
        out.push(':');
        if !value.json(out) {
            return false;
        }
    }
    out.push('}');
    true
}

/// As Go escapes text when HTML does not matter.
fn quoted(out: &mut String, text: &str) {
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
            '\0'..' ' | '\u{2028}' | '\u{2029}' => {
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    out.push(char::from_digit(c as u32 >> shift & 15, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The shortest digits that give the number back; with an exponent where JavaScript has one.
fn double(number: f64) -> String {
    let size = number.abs();
    match number {
        _ if number.is_nan() => "NaN".to_owned(),
        _ if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        _ if size >= 1e21 => format!("{number:e}").replace('e', "e+"),
        _ if size != 0.0 && size < 1e-6 => format!("{number:e}"),
        _ => number.to_string(),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = bits >> (18 - 6 * digit) & 63;
            out.push(if digit > chunk.len() { '=' } else { char::from(DIGITS[index as usize]) });
        }
    }
    out
}
