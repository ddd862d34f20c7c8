//! An error is a sentence for the operator.

use std::fmt;

/// Why a configuration or a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    /// How much of the message is the key.
    key: usize,
}

impl Error {
    /// An error of its own words.
    pub fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), key: 0 }
    }

    /// An error at a key of the configuration, such as `rules[2].route`.
    pub fn at(key: &str, problem: &str) -> Error {
        // Put together by hand: `format!` would weigh more in a module than all the rest of this file.
        let mut message = String::with_capacity(key.len() + problem.len() + 2);
        message.push_str(key);
        message.push_str(": ");
        message.push_str(problem);
        Error { message, key: key.len() }
    }

    /// The key of the configuration at fault, where the error is of one.
    pub fn key(&self) -> Option<&str> {
        self.message.get(..self.key).filter(|key| !key.is_empty())
    }

    /// The sentence without the key.
    pub fn problem(&self) -> &str {
        match self.key {
            0 => &self.message,
            key => self.message.get(key + 2..).unwrap_or_default(),
        }
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Error> for String {
    fn from(error: Error) -> String {
        error.message
    }
}
