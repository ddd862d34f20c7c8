//! Attribute values and ids as text.

use std::fmt::Write as _;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// A value as it would be written, such as `["a", 5]`.
pub(super) fn value(value: Option<&AnyValue>) -> String {
    match value.and_then(|any| any.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
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
        write!(out, " {key}={}", value(any.as_ref())).expect("text is written to memory");
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
