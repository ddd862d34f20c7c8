//! The error that ends decoding: either a message that is still to be given its place, or one that has been recorded.

use std::fmt;

use serde::de;

use crate::nearest::hint;

/// Why a type could not be made.
#[derive(Debug)]
pub(crate) enum DecodeError {
    Recorded,
    Message(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Recorded => f.write_str("the problem is recorded"),
            DecodeError::Message(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        DecodeError::Message(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        DecodeError::Message(format!("the key `{field}` is missing"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        DecodeError::Message(format!("unknown key `{field}`{}", hint(field, expected.iter().copied())))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        DecodeError::Message(format!("unknown value `{variant}`{}", hint(variant, expected.iter().copied())))
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        DecodeError::Message(format!("expected {expected}, found {unexpected}"))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        DecodeError::Message(format!("expected {expected}, found {unexpected}"))
    }
}
