//! The store is the collector's side: what it adds is on disk when it says so, and never more than it may take.

use std::fs::{self, DirBuilder};
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::file::{AccessError, Contents, Locked, compact, sync_folder};
use crate::frame::{Kind, scan};
use crate::record::{Content, Poison, Record};

/// How much it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of the file.
    pub bytes: u64,
    pub records: usize,
}

/// Why there is no quarantine.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the folder {path} cannot be used: {error}")]
    Folder { path: PathBuf, error: io::Error },
    #[error(
        "the folder {path} is open to others, and what lies in a quarantine is unscrubbed: `chmod 700 {path}` or name another"
    )]
    Open { path: PathBuf },
    #[error("the folder {path} belongs to another user: name one of your own")]
    Foreign { path: PathBuf },
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Why something was not taken. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    #[error("the quarantine is full: {records} records in {bytes} bytes; send again what can be, or raise its limits")]
    Full { records: usize, bytes: u64 },
    #[error("the quarantine cannot be written: {0}")]
    Access(#[from] AccessError),
}

/// What it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the file.
    pub bytes: u64,
    /// That nobody is done with.
    pub records: usize,
}

/// One quarantine, for one that adds to it; others may have it open, too.
pub struct Quarantine<P = Poison> {
    folder: PathBuf,
    limits: Limits,
    /// How the file was left.
    left: Mutex<Option<Left>>,
    holds: PhantomData<fn(P)>,
}

#[derive(Clone, Copy)]
struct Left {
    state: (u64, u64),
    contents: Held,
}

/// What the limits look at.
#[derive(Clone, Copy)]
struct Held {
    records: usize,
    /// Whether there is something to be left out.
    done: bool,
}

impl<P: Content> Quarantine<P> {
    /// Opens the quarantine in `folder`, which is made where it is not there, and finds out whether it can be written.
    ///
    /// # Errors
    /// When it cannot, when it is open to others, or when a newer program wrote it.
    pub fn open(folder: &Path, limits: Limits) -> Result<(Self, Usage), OpenError> {
        let fails = |error| OpenError::Folder { path: folder.to_path_buf(), error };
        if !folder.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(fails)?;
            let around = folder.parent().filter(|around| !around.as_os_str().is_empty());
            sync_folder(around.unwrap_or(Path::new("."))).map_err(fails)?;
        }
        let metadata = fs::metadata(folder).map_err(fails)?;
        if !metadata.is_dir() {
            return Err(fails(io::ErrorKind::NotADirectory.into()));
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(OpenError::Foreign { path: folder.to_path_buf() });
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(OpenError::Open { path: folder.to_path_buf() });
        }
        let quarantine =
            Quarantine { folder: folder.to_path_buf(), limits, left: Mutex::default(), holds: PhantomData };
        let mut file = Locked::writable(folder)?;
        file.begun()?;
        file.make_private()?;
        let left = quarantine.look(&file)?;
        *quarantine.left() = Some(left);
        Ok((quarantine, left.usage()))
    }

    /// Adds all of these, or nothing: they are on disk when this returns.
    ///
    /// # Errors
    /// When there is no room, or the disk does not take it.
    pub fn add(&self, content: Vec<P>) -> Result<Usage, AddError> {
        let records: Vec<Record<P>> =
            content.into_iter().map(|content| Record::new(content, fastrand::u64(..))).collect();
        match self.try_add(&records)? {
            Added::Yes(usage) => Ok(usage),
            Added::Full { reclaimable: false, held } => Err(held.full()),
            Added::Full { reclaimable: true, .. } => {
                compact(&self.folder)?;
                match self.try_add(&records)? {
                    Added::Yes(usage) => Ok(usage),
                    Added::Full { held, .. } => Err(held.full()),
                }
            }
        }
    }

    fn try_add(&self, records: &[Record<P>]) -> Result<Added, AddError> {
        let mut left = self.left();
        let mut file = Locked::writable(&self.folder)?;
        let salt = file.begun()?;
        let state = file.state()?;
        let before = match *left {
            Some(known) if known.state == state => known,
            // Somebody else has written to it.
            _ => self.look(&file)?,
        };
        let mut frames = Vec::new();
        for record in records {
            salt.put(Kind::Record, &record.encode(), &mut frames);
        }
        let bytes = state.1 + frames.len() as u64;
        let count = before.contents.records + records.len();
        if bytes > self.limits.bytes || count > self.limits.records {
            *left = Some(before);
            return Ok(Added::Full { reclaimable: before.contents.done, held: before.usage() });
        }
        *left = None;
        file.append(&frames)?;
        let contents = Held { records: count, ..before.contents };
        let after = Left { state: file.state()?, contents };
        *left = Some(after);
        Ok(Added::Yes(after.usage()))
    }

    fn look(&self, file: &Locked) -> Result<Left, AccessError> {
        let (salt, bytes) = file.whole()?;
        let contents = Contents::<P>::of(scan(salt, &bytes));
        let contents = Held { records: contents.records.len(), done: contents.done > 0 };
        Ok(Left { state: file.state()?, contents })
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Option<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Added {
    Yes(Usage),
    Full { reclaimable: bool, held: Usage },
}

impl Left {
    fn usage(&self) -> Usage {
        Usage { bytes: self.state.1, records: self.contents.records }
    }
}

impl Usage {
    fn full(self) -> AddError {
        AddError::Full { records: self.records, bytes: self.bytes }
    }
}

#[cfg(test)]
mod tests;
