//! A text that stands in the configuration or in a file: a name, a password, a token.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host_config::{Secret, Wrong};

/// How often files are looked at, at most.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);

/// Reads a file.
pub(crate) type Read<'a> = dyn Fn(&Path) -> io::Result<Vec<u8>> + 'a;

/// Where a text stands. A file goes before what stands in the configuration, as in the Collector.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    key: &'static str,
    inline: Secret,
    file: PathBuf,
}

impl Source {
    /// `key` is what `file` stands behind.
    pub(crate) fn new(inline: &Secret, key: &'static str, file: &Path) -> Self {
        Source { key, inline: inline.clone(), file: file.to_owned() }
    }

    /// The same, with a path that starts from `base`.
    pub(crate) fn based(mut self, base: &Path) -> Self {
        if self.is_file() {
            self.file = base.join(&self.file);
        }
        self
    }

    fn is_file(&self) -> bool {
        !self.file.as_os_str().is_empty()
    }

    /// The file, where it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.is_file().then(|| self.file.clone())
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.is_file() && self.inline.is_empty()
    }

    /// All of it.
    pub(crate) fn text(&self, read: &Read<'_>) -> Result<String, Wrong> {
        if !self.is_file() {
            return Ok(self.inline.as_str().to_owned());
        }
        let content = read(&self.file).map_err(|error| self.wrong(&format!("the file cannot be read: {error}")))?;
        String::from_utf8(content).map_err(|_| self.wrong("it is no UTF-8"))
    }

    /// All of it, without the space around it; what is empty then is wrong.
    pub(crate) fn word(&self, read: &Read<'_>) -> Result<String, Wrong> {
        let text = self.text(read)?;
        // What stands in the configuration is meant as it stands.
        let word = if self.is_file() { text.trim() } else { &text };
        match word {
            "" => Err(self.wrong("it is empty")),
            word => Ok(word.to_owned()),
        }
    }

    pub(crate) fn wrong(&self, message: &str) -> Wrong {
        match self.is_file() {
            true => Wrong::new(self.key, format!("{}: {message}", self.file.display())),
            false => Wrong::new(self.key, message),
        }
    }
}
