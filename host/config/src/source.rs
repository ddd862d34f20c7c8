//! The source is where a configuration comes from besides its own text: the environment and files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::watched::{Contents, POLL, Watched};

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
/// A file that is written to for longer is told as an error.
const SETTLING: Duration = Duration::from_secs(2);

/// The environment and the file system of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Os;

impl Source for Os {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        read_text(&mut Watched::new(path.to_owned()))
    }
}

/// The text of a file as somebody finished it: one that is written to meanwhile is read again.
///
/// # Errors
/// As [`Source::read`], and where it is written to for too long.
pub fn read_text(file: &mut Watched) -> io::Result<String> {
    let bytes = match std::fs::metadata(file.path()) {
        Ok(found) if found.is_file() => finished(file)?,
        // What a pipe holds is there once, and comes when it comes.
        _ => {
            file.take();
            let mut bytes = Vec::new();
            File::open(file.path())?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
            bytes
        }
    };
    if bytes.len() as u64 > MAX_FILE {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8"))
}

fn finished(file: &mut Watched) -> io::Result<Vec<u8>> {
    let started = Instant::now();
    loop {
        match file.read(MAX_FILE)? {
            Contents::Whole(bytes) => return Ok(bytes),
            Contents::Large(_) => return Err(too_large()),
            Contents::Changing if started.elapsed() < SETTLING => sleep(POLL),
            Contents::Changing => {
                return Err(io::Error::other("it is being written to: rename a finished file into its place"));
            }
        }
    }
}

fn too_large() -> io::Error {
    io::Error::other(format!("the file is larger than {} MiB", MAX_FILE >> 20))
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
