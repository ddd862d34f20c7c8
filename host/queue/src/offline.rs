//! The queues of a storage as somebody sees them who is not their collector: to look at, while one has them or not, and to
//! take from, while none does.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use host_component::Delivery;
use host_quarantine::{AccessError, Contents};

use crate::config::SEGMENT_BYTES;
use crate::letters::{FOLDER, Letter};
use crate::lock::{self, Lock};
use crate::segment::{self, Name};
use crate::storage::{Disk, Storage as _};
use crate::store::{Join, OpenError, Settings, Store, Taken, Usage, recover};
use crate::writer::KEEP;

/// The folder of each queue begins so.
const PREFIX: &str = "exporter_";

/// Why a queue cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no queue in {0}")]
    Missing(PathBuf),
    #[error("{path} cannot be used: {error}")]
    Folder { path: PathBuf, error: io::Error },
    #[error("the queue in {path} cannot be used: {error}")]
    Store { path: PathBuf, error: OpenError },
    #[error("{holder} has the queue in {path}: end it first, or leave the queue to it")]
    Held { path: PathBuf, holder: String },
}

/// A queue, as it is at present.
#[derive(Clone, Debug)]
pub struct Found {
    pub folder: PathBuf,
    /// The name of the folder.
    pub name: String,
    /// The id of the exporter that it is of; none where nothing in it says so.
    pub exporter: Option<String>,
    pub usage: Usage,
    /// When the oldest came, in nanoseconds since the Unix epoch.
    pub oldest: Option<u64>,
    /// The process that has it.
    pub holder: Option<String>,
    /// How many dead letters it has.
    pub letters: usize,
    /// Bytes that are no record.
    pub damaged: u64,
}

/// The folders of all queues of a storage, by name.
///
/// # Errors
/// Where the storage cannot be read.
pub fn folders(storage: &Path) -> Result<Vec<PathBuf>, Error> {
    let fails = |error| Error::Folder { path: storage.to_owned(), error };
    let mut folders = Vec::new();
    for entry in fs::read_dir(storage).map_err(fails)? {
        let entry = entry.map_err(fails)?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.path().is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

/// The queues of these storages that hold something and lie in none of the folders that are `named`, however either is
/// spelled. What cannot be looked at is left out.
pub fn orphans(storages: &[PathBuf], named: &[PathBuf]) -> Vec<Found> {
    let canonical = |folder: &PathBuf| fs::canonicalize(folder).ok();
    let named: BTreeSet<PathBuf> = named.iter().filter_map(canonical).collect();
    let storages: BTreeSet<PathBuf> = storages.iter().filter_map(canonical).collect();
    let folders = storages.iter().flat_map(|storage| folders(storage).unwrap_or_default());
    let others = folders.filter(|folder| canonical(folder).is_some_and(|folder| !named.contains(&folder)));
    others.filter_map(|folder| find(&folder).ok()).filter(|queue| queue.usage.records > 0).collect()
}

/// Looks at a queue, whoever has it. What its collector delivered within the last moments may still be shown.
///
/// # Errors
/// Where it cannot be read.
pub fn find(folder: &Path) -> Result<Found, Error> {
    let look = Look::at(folder)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (usage, damaged) = (look.store.usage(), look.damaged);
    let exporter = look.exporter.clone();
    let oldest = look.into_iter().next().map(|(time, _)| time);
    let letters = letters(folder).map_or(0, |letters| letters.records.len());
    let holder = lock::holder(folder);
    Ok(Found { folder: folder.to_owned(), name, exporter, usage, oldest, holder, letters, damaged })
}

/// Where the dead letters of a queue lie.
pub fn letters_folder(folder: &Path) -> PathBuf {
    folder.join(FOLDER)
}

/// The dead letters of a queue.
///
/// # Errors
/// Where they cannot be read.
pub fn letters(folder: &Path) -> Result<Contents<Letter>, AccessError> {
    host_quarantine::read(&letters_folder(folder))
}

/// What waits in a queue, in order: when it came, and what it is. Nothing is changed.
pub struct Look {
    store: Arc<Store<Disk>>,
    exporter: Option<String>,
    damaged: u64,
}

impl Look {
    /// # Errors
    /// Where the queue cannot be read.
    pub fn at(folder: &Path) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(Error::Missing(folder.to_owned()));
        }
        let disk = Disk::new(folder);
        let recovered = recover(&disk).map_err(|error| Error::Store { path: folder.to_owned(), error })?;
        let exporter = owner(&disk);
        let store = Store::of(disk, settings(exporter.clone()), &recovered);
        Ok(Look { store, exporter, damaged: recovered.damaged })
    }
}

impl Iterator for Look {
    type Item = (u64, Delivery);

    fn next(&mut self) -> Option<Self::Item> {
        let taken = self.store.take(Join { bytes: 0, items: 0 }).pop()?;
        let seen = (taken.time, taken.delivery.clone());
        taken.done();
        Some(seen)
    }
}

/// A queue that no collector has, for as long as this is held.
pub struct Own {
    store: Arc<Store<Disk>>,
    folder: PathBuf,
    /// When it was written down last what was delivered.
    kept: Cell<Instant>,
    _lock: Lock,
}

/// What was taken from it; it goes back when it is dropped.
pub struct One(Taken<Disk>);

impl Own {
    /// # Errors
    /// Where a process has the queue, or it cannot be read.
    pub fn take(folder: &Path) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(Error::Missing(folder.to_owned()));
        }
        let lock = Lock::take(folder).map_err(|error| Error::Folder { path: folder.to_owned(), error })?;
        let lock = lock.map_err(|holder| Error::Held { path: folder.to_owned(), holder })?;
        let disk = Disk::new(folder);
        let settings = settings(owner(&disk));
        let opened = Store::open(disk, settings);
        let (store, _) = opened.map_err(|error| Error::Store { path: folder.to_owned(), error })?;
        Ok(Own { store, folder: folder.to_owned(), kept: Cell::new(Instant::now()), _lock: lock })
    }

    pub fn usage(&self) -> Usage {
        self.store.usage()
    }

    /// What comes next.
    ///
    /// # Errors
    /// Where it cannot be read at present: it is still there.
    pub fn next(&self) -> Result<Option<One>, Error> {
        let next = self.store.take(Join { bytes: 0, items: 0 }).pop().map(One);
        match self.store.take_trouble() {
            Some(error) => Err(Error::Folder { path: self.folder.clone(), error }),
            None => Ok(next),
        }
    }

    /// It does not come again. That is written down now and then.
    ///
    /// # Errors
    /// Where it cannot be written down: it may be delivered again.
    pub fn done(&self, one: One) -> Result<(), Error> {
        one.0.done();
        if self.kept.get().elapsed() < KEEP {
            return Ok(());
        }
        self.kept.set(Instant::now());
        self.store.keep(false).map_err(|error| Error::Folder { path: self.folder.clone(), error })
    }

    /// Writes down what was delivered, so that it outlasts a loss of power, too.
    ///
    /// # Errors
    /// Where that fails: it may be delivered again.
    pub fn keep(&self) -> Result<(), Error> {
        self.store.keep(true).map_err(|error| Error::Folder { path: self.folder.clone(), error })
    }

    /// Removes the queue with all that is in it.
    ///
    /// # Errors
    /// Where not all of it can be removed.
    pub fn remove(self) -> Result<(), Error> {
        fs::remove_dir_all(&self.folder).map_err(|error| Error::Folder { path: self.folder, error })
    }
}

impl One {
    pub fn delivery(&self) -> &Delivery {
        &self.0.delivery
    }
}

fn settings(exporter: Option<String>) -> Settings {
    Settings { owner: exporter.unwrap_or_default(), segment_bytes: SEGMENT_BYTES, memory_bytes: 0, fsync: true }
}

/// Who the queue is of, as its first segment tells.
fn owner(disk: &Disk) -> Option<String> {
    let mut names: Vec<Name> = disk.list().ok()?.iter().filter_map(|name| Name::parse(name)).collect();
    names.sort_by_key(|name| name.number);
    names.into_iter().find_map(|name| segment::owner(disk, name))
}
