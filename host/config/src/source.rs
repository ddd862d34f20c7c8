//! The source is where a configuration comes from besides its own text: the environment and files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Environment and files.
pub trait Source {
    /// The environment variable `name`; none where it is not set.
    fn env(&self, name: &str) -> Option<String>;

    /// The text of the file at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, or is not UTF-8.
    fn read(&self, path: &Path) -> io::Result<String>;
}

/// A larger file is no configuration.
const MAX_FILE: u64 = 4 << 20;

/// The environment and the file system of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Os;

impl Source for Os {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        use io::Read;
        let mut text = String::new();
        std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(io::Error::other(format!("the file is larger than {} MiB", MAX_FILE >> 20)));
        }
        Ok(text)
    }
}

/// What a test says that the world holds.
#[derive(Clone, Debug, Default)]
pub struct Map {
    pub env: BTreeMap<String, String>,
    pub files: BTreeMap<PathBuf, String>,
}

impl Map {
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn with_file(mut self, path: impl Into<PathBuf>, text: &str) -> Self {
        self.files.insert(path.into(), text.to_owned());
        self
    }
}

impl Source for Map {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    }
}
