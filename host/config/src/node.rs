//! A node is one value of a configuration, with the place where it was written.

use std::sync::Arc;

use crate::problem::Position;

/// A spanned YAML value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) data: Data,
    /// What a reference such as `${env:PIN}` gave, before it was read as YAML: what a text field wants.
    pub(crate) original: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Null,
    Bool(bool, Box<str>),
    Signed(i64, Box<str>),
    Unsigned(u64, Box<str>),
    Float(f64, Box<str>),
    Text(Box<str>),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
    /// A reference that led nowhere; the message says why.
    Invalid(Box<str>),
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: Box<str>,
    pub(crate) at: Position,
}

impl Node {
    pub(crate) fn new(at: Position, data: Data) -> Self {
        Node { at, data, original: None }
    }

    /// The scalar as text: what was written, whatever it would be without a type.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Some(original) = &self.original {
            return Some(original);
        }
        match &self.data {
            Data::Bool(_, text)
            | Data::Signed(_, text)
            | Data::Unsigned(_, text)
            | Data::Float(_, text)
            | Data::Text(text) => Some(text),
            Data::Null | Data::Sequence(_) | Data::Mapping(_) | Data::Invalid(_) => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// The entries of a mapping; an absent value has none.
    pub(crate) fn entries(&self) -> Option<&[(Key, Node)]> {
        match &self.data {
            Data::Mapping(entries) => Some(entries),
            Data::Null => Some(&[]),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|(k, _)| &*k.name == key).map(|(_, node)| node)
    }

    /// The item of a sequence.
    pub(crate) fn item(&self, index: usize) -> Option<&Node> {
        match &self.data {
            Data::Sequence(items) => items.get(index),
            _ => None,
        }
    }

    /// Says that this is not what is `expected`.
    pub(crate) fn mismatch(&self, expected: &str) -> String {
        let found = match &self.data {
            Data::Invalid(message) => return message.to_string(),
            Data::Null => "nothing".to_owned(),
            Data::Bool(value, _) => format!("the boolean {value}"),
            Data::Signed(_, text) | Data::Unsigned(_, text) | Data::Float(_, text) => format!("the number {text}"),
            Data::Text(text) => format!("the text {:?}", shorten(text)),
            Data::Sequence(_) => "a list".to_owned(),
            Data::Mapping(_) => "a mapping".to_owned(),
        };
        format!("expected {expected}, found {found}")
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What a plain scalar means, by the rules that the Collector's YAML reader has: those of YAML 1.2, with Go's integers.
pub(crate) fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true, text.into()),
        "false" | "False" | "FALSE" => return Data::Bool(false, text.into()),
        ".nan" | ".NaN" | ".NAN" => return Data::Float(f64::NAN, text.into()),
        _ => {}
    }
    number(text).unwrap_or_else(|| Data::Text(text.into()))
}

fn number(text: &str) -> Option<Data> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Some(Data::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }, text.into()));
    }
    if let Some(magnitude) = magnitude(digits) {
        return match (negative, i64::try_from(magnitude)) {
            (false, Ok(value)) => Some(Data::Signed(value, text.into())),
            (false, Err(_)) => Some(Data::Unsigned(magnitude, text.into())),
            (true, Ok(value)) => Some(Data::Signed(-value, text.into())),
            (true, Err(_)) if magnitude == 1 << 63 => Some(Data::Signed(i64::MIN, text.into())),
            (true, Err(_)) => None,
        };
    }
    let float = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    float.then(|| text.parse().ok()).flatten().map(|value| Data::Float(value, text.into()))
}

/// An integer without its sign, in the bases that Go's `ParseInt` knows; a leading zero means octal.
fn magnitude(digits: &str) -> Option<u64> {
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') && digits.bytes().all(|b| matches!(b, b'0'..=b'7')) => (8, &digits[1..]),
        _ => (10, digits),
    };
    let clean = digits.bytes().all(|b| b.is_ascii_alphanumeric()) && !digits.is_empty();
    clean.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}
