//! What a component's section has to say about itself beyond the types of its values.

use std::fmt;
use std::io;
use std::path::Path;

use crate::source::Source;

/// A value that has the right type and makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The key, below the component's section, such as `retry_on_failure.multiplier`.
    pub key: String,
    pub message: String,
}

/// A section that knows which values make sense. Pure: `tidegate validate` asks, and so does whoever builds from it.
pub trait Check {
    /// Everything that makes no sense.
    fn wrongs(&self) -> Vec<Wrong>;

    /// Everything that is wrong with the files that the section names: certificates, keys, credentials.
    fn wrongs_in(&self, _files: &Files<'_>) -> Vec<Wrong> {
        Vec::new()
    }
}

/// The files that sections name, by paths that start from the folder of the configuration.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    source: &'a dyn Source,
    base: &'a Path,
}

impl<'a> Files<'a> {
    pub fn new(source: &'a dyn Source, base: &'a Path) -> Self {
        Files { source, base }
    }

    /// The content of a file of text.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.source.read(&self.base.join(path)).map(String::into_bytes)
    }
}

impl Wrong {
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Wrong { key: key.into(), message: message.into() }
    }

    /// Those of `rules` that are broken: each a key, whether it is, and what is wrong then.
    pub fn among<const N: usize>(rules: [(&str, bool, &str); N]) -> Vec<Wrong> {
        rules.into_iter().filter(|(_, broken, _)| *broken).map(|(key, _, message)| Wrong::new(key, message)).collect()
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl std::error::Error for Wrong {}
