//! An error is a sentence for the operator.

use std::fmt;

/// Why a configuration or a batch was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
}

impl Error {
    /// An error of its own words.
    pub fn new(message: impl Into<String>) -> Error {
        Error { message: message.into() }
    }

    /// An error at a key of the configuration, such as `rules[2].route`.
    pub fn at(key: &str, problem: &str) -> Error {
        // Put together by hand: `format!` would weigh more in a module than all the rest of this file.
        let mut message = String::with_capacity(key.len() + problem.len() + 2);
        message.push_str(key);
        message.push_str(": ");
        message.push_str(problem);
        Error { message }
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
