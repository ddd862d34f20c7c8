//! A constant is a value out of the configuration, ready to be written.

use tidegate_sdk::{Any, NewValue};

/// A value, with its encoding where it is no scalar.
#[derive(Debug)]
pub(super) struct Constant {
    value: Any,
    encoded: Vec<u8>,
}

impl Constant {
    pub(super) fn new(value: Any) -> Constant {
        let encoded = match &value {
            Any::List(_) | Any::Map(_) | Any::Empty => value.encode(),
            _ => Vec::new(),
        };
        Constant { value, encoded }
    }

    pub(super) fn value(&self) -> &Any {
        &self.value
    }

    pub(super) fn write(&self) -> NewValue<'_> {
        match &self.value {
            Any::Text(text) => NewValue::Text(text),
            Any::Bytes(bytes) => NewValue::Bytes(bytes),
            Any::Int(number) => NewValue::Signed(*number),
            Any::Double(number) => NewValue::Double(*number),
            Any::Bool(truth) => NewValue::Boolean(*truth),
            Any::List(_) | Any::Map(_) | Any::Empty => NewValue::Encoded(&self.encoded),
        }
    }
}
