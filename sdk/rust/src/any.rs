//! A value of any type, as OTLP's `AnyValue` holds it: what an encoded cell is decoded to, and what a configuration may
//! give.

mod configuration;

mod decode;

mod encode;

mod print;

#[cfg(test)]
mod tests;

/// A body, an attribute's value, or a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Any {
    /// UTF-8 text.
    Text(String),
    /// A byte string.
    Bytes(Vec<u8>),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// A truth value.
    Bool(bool),
    /// A list of values.
    List(Vec<Any>),
    /// Keys and their values, in order.
    Map(Vec<(String, Any)>),
    /// An `AnyValue` without a value.
    Empty,
}

impl Any {
    /// The entries of a map; none of anything else.
    pub fn into_entries(self) -> Vec<(String, Any)> {
        match self {
            Any::Map(entries) => entries,
            _ => Vec::new(),
        }
    }

    /// The text, where it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Any::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Any {
    fn from(text: &str) -> Any {
        Any::Text(text.to_owned())
    }
}

impl From<i64> for Any {
    fn from(int: i64) -> Any {
        Any::Int(int)
    }
}

impl From<f64> for Any {
    fn from(double: f64) -> Any {
        Any::Double(double)
    }
}

impl From<bool> for Any {
    fn from(truth: bool) -> Any {
        Any::Bool(truth)
    }
}

impl From<serde_json::Value> for Any {
    fn from(json: serde_json::Value) -> Any {
        match json {
            serde_json::Value::Null => Any::Empty,
            serde_json::Value::Bool(truth) => Any::Bool(truth),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(int) => Any::Int(int),
                None => Any::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Any::Text(text),
            serde_json::Value::Array(items) => Any::List(items.into_iter().map(Any::from).collect()),
            serde_json::Value::Object(entries) => Any::Map(entries.into_iter().map(|(k, v)| (k, v.into())).collect()),
        }
    }
}
