//! A plain value, as OTLP's `AnyValue` holds it.

/// A body, an attribute's value, or a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Any {
    Text(String),
    Bytes(Vec<u8>),
    Int(i64),
    Double(f64),
    Bool(bool),
    List(Vec<Any>),
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
