//! How far the journal was read, in memory and, where there is a storage, on disk.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::storage;

/// The longest cursor that is taken for one.
const MAX_CURSOR: usize = 1_024;

/// A place in a journal, as systemd writes it: `s=…;i=…;b=…;m=…;t=…;x=…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor(String);

impl Cursor {
    /// None where the text is no cursor: `journalctl` would not start with it.
    pub(super) fn parse(text: &str) -> Option<Cursor> {
        let is_part = |part: &str| part.split_once('=').is_some_and(|(key, value)| key.len() == 1 && !value.is_empty());
        let is_cursor = text.len() <= MAX_CURSOR && text.contains('=') && text.split(';').all(is_part);
        is_cursor.then(|| Cursor(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The cursors of entries that are not confirmed yet, by their number.
#[derive(Debug, Default)]
pub(super) struct Progress {
    waiting: VecDeque<(u64, Cursor)>,
    confirmed: Option<Cursor>,
}

impl Progress {
    pub(super) fn from(confirmed: Option<Cursor>) -> Self {
        Progress { waiting: VecDeque::new(), confirmed }
    }

    /// An entry was read.
    pub(super) fn read(&mut self, number: u64, cursor: Cursor) {
        self.waiting.push_back((number, cursor));
    }

    /// All up to this number are with the pipeline. Gives whether anything has changed.
    pub(super) fn confirm(&mut self, number: u64) -> bool {
        let mut has_changed = false;
        while self.waiting.front().is_some_and(|(waiting, _)| *waiting <= number) {
            self.confirmed = self.waiting.pop_front().map(|(_, cursor)| cursor);
            has_changed = true;
        }
        has_changed
    }

    /// Where somebody else is to go on.
    pub(super) fn confirmed(&self) -> Option<&Cursor> {
        self.confirmed.as_ref()
    }

    /// Where this one goes on.
    pub(super) fn last(&self) -> Option<&Cursor> {
        self.waiting.back().map(|(_, cursor)| cursor).or(self.confirmed.as_ref())
    }
}

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    /// None is a journal that was empty: it is read from its beginning.
    cursor: Option<String>,
}

/// The file of a receiver. The last of those who write it has the last word.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) path: PathBuf,
    written: Arc<Mutex<u64>>,
}

impl Store {
    pub(super) fn new(path: PathBuf) -> Self {
        Store { path, written: Arc::default() }
    }

    /// What was written last, which may be that the journal was empty; nothing where nothing was.
    ///
    /// # Errors
    /// Where it cannot be read, or is damaged.
    pub(super) fn read(&self) -> io::Result<Option<Option<Cursor>>> {
        let content = match fs::read(&self.path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(cursor) = serde_json::from_slice::<Written>(&content)?.cursor else { return Ok(Some(None)) };
        Cursor::parse(&cursor).map(Some).map(Some).ok_or_else(|| io::Error::other("there is no cursor in it"))
    }

    /// Writes it, unless somebody has who was asked later, and returns when the disk has it.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub(super) fn write(&self, which: u64, cursor: Option<&Cursor>) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if which < *written {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let cursor = cursor.map(|cursor| cursor.0.clone());
        storage::replace(&self.path, &serde_json::to_vec(&Written { cursor })?)?;
        *written = which;
        Ok(())
    }
}
