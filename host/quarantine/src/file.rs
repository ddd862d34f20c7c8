//! The file as both sides see it: locked while it is written, read as a whole, and written anew without what is done.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::FILE;
use crate::frame::{HEADER, HeaderError, Kind, Salt, Scan, VERSION, scan};
use crate::record::{Content, Poison, Record, id};

/// Nobody writes for so long.
const LOCKED: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(2);

/// Why the quarantine in a folder cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("there is no quarantine in {0}: nothing was ever put into it, or the folder is another")]
    Missing(PathBuf),
    #[error("{0} is no quarantine: it does not begin as one")]
    Foreign(PathBuf),
    #[error(
        "{path} was written by a newer tidegate, in version {version} of its format; this one reads version {VERSION}: use \
         that tidegate"
    )]
    Newer { path: PathBuf, version: u32 },
    #[error("{path} cannot be used: {error}")]
    File { path: PathBuf, error: io::Error },
}

/// What lies in a quarantine.
#[derive(Debug)]
pub struct Contents<P = Poison> {
    /// Those that nobody is done with, oldest first.
    pub records: Vec<Record<P>>,
    /// Bytes that are no record: the rest of a write that a crash cut short, or damage.
    pub damaged_bytes: usize,
    /// Records that only a later version can read.
    pub unreadable: usize,
    /// Frames that writing the file anew would leave out.
    pub(crate) done: usize,
}

/// The ids of what is done with.
fn finished(scanned: &Scan) -> HashSet<Bytes> {
    let is_done = |(kind, _): &&(Kind, Bytes)| *kind == Kind::Done;
    scanned.frames.iter().filter(is_done).map(|(_, id)| id.clone()).collect()
}

impl<P: Content> Contents<P> {
    pub(crate) fn of(scanned: Scan) -> Self {
        let finished = finished(&scanned);
        let (damaged_bytes, unreadable) = (scanned.damaged, scanned.unknown);
        let mut contents = Contents { records: Vec::new(), damaged_bytes, unreadable, done: 0 };
        for (_, body) in scanned.frames.into_iter().filter(|(kind, _)| *kind == Kind::Record) {
            match Record::decode(&body) {
                Some(record) if finished.contains(record.id.as_bytes()) => contents.done += 1,
                Some(record) => contents.records.push(record),
                None => contents.unreadable += 1,
            }
        }
        contents
    }
}

/// What a file of these bytes holds; nothing where it is none that this program reads.
pub fn contents<P: Content>(file: &Bytes) -> Option<Contents<P>> {
    let salt = Salt::of(file).ok()?;
    Some(Contents::of(scan(salt, file)))
}

/// Reads the quarantine in `folder`.
///
/// # Errors
/// Where there is none, or none that this program can read.
pub fn read<P: Content>(folder: &Path) -> Result<Contents<P>, AccessError> {
    let file = Locked::shared(folder)?;
    let (salt, bytes) = file.whole()?;
    Ok(Contents::of(scan(salt, &bytes)))
}

/// Marks records as done with: the mark is on disk when this returns.
///
/// # Errors
/// Where it cannot be written.
pub fn finish(folder: &Path, id: &str) -> Result<(), AccessError> {
    let mut file = Locked::existing(folder)?;
    let salt = file.salt()?;
    let mut frame = Vec::new();
    salt.put(Kind::Done, id.as_bytes(), &mut frame);
    file.append(&frame)
}

/// Writes the file anew without what is done with, where there is any.
///
/// # Errors
/// Where it cannot be written: it is then as it was.
pub fn compact(folder: &Path) -> Result<(), AccessError> {
    let file = Locked::existing(folder)?;
    let (salt, bytes) = file.whole()?;
    let scanned = scan(salt, &bytes);
    // What a later version wrote is its own: it stays where it is.
    if scanned.unknown > 0 {
        return Ok(());
    }
    let finished = finished(&scanned);
    let salt = Salt::random();
    let mut out = salt.header();
    let mut done = 0;
    for (_, body) in scanned.frames.iter().filter(|(kind, _)| *kind == Kind::Record) {
        match id(body) {
            Some(id) if finished.contains(id.as_bytes()) => done += 1,
            Some(_) => salt.put(Kind::Record, body, &mut out),
            None => return Ok(()),
        }
    }
    if done == 0 {
        return Ok(());
    }
    file.replace(&out)
}

/// The file, while nobody else writes to it.
pub(crate) struct Locked {
    folder: PathBuf,
    path: PathBuf,
    file: File,
}

impl Locked {
    /// For writing; made where it is not there.
    pub(crate) fn writable(folder: &Path) -> Result<Self, AccessError> {
        Locked::open(folder, File::options().read(true).append(true).create(true).mode(0o600), File::try_lock)
    }

    fn existing(folder: &Path) -> Result<Self, AccessError> {
        Locked::open(folder, File::options().read(true).append(true), File::try_lock)
    }

    fn shared(folder: &Path) -> Result<Self, AccessError> {
        Locked::open(folder, File::options().read(true), File::try_lock_shared)
    }

    fn open(
        folder: &Path,
        options: &fs::OpenOptions,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Self, AccessError> {
        let path = folder.join(FILE);
        let fails = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => AccessError::Missing(folder.to_path_buf()),
            _ => AccessError::File { path: path.clone(), error },
        };
        loop {
            let file = options.open(&path).map_err(fails)?;
            wait_for(|| lock(&file)).map_err(fails)?;
            // Another process may have put a new file in its place while this one waited.
            let (held, there) = (file.metadata().map_err(fails)?, fs::metadata(&path));
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
                return Ok(Locked { folder: folder.to_path_buf(), path, file });
            }
        }
    }

    /// What tells this file in this state from every other.
    pub(crate) fn state(&self) -> Result<(u64, u64), AccessError> {
        let metadata = self.file.metadata().map_err(|error| self.fails(error))?;
        Ok((metadata.ino(), metadata.len()))
    }

    /// Its salt; a file in which nothing stands yet gets its header, and is there for good when this returns.
    pub(crate) fn begun(&mut self) -> Result<Salt, AccessError> {
        match Salt::of(&self.head()?) {
            Ok(salt) => Ok(salt),
            Err(HeaderError::Short) => {
                let salt = Salt::random();
                self.file.set_len(0).map_err(|error| self.fails(error))?;
                self.append(&salt.header())?;
                sync_folder(&self.folder).map_err(|error| self.fails(error))?;
                Ok(salt)
            }
            Err(error) => Err(self.refuses(error)),
        }
    }

    /// Takes from others what they may do with it: it may have come here as a copy.
    pub(crate) fn make_private(&self) -> Result<(), AccessError> {
        self.file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(|error| self.fails(error))
    }

    pub(crate) fn salt(&self) -> Result<Salt, AccessError> {
        Salt::of(&self.head()?).map_err(|error| self.refuses(error))
    }

    fn head(&self) -> Result<Vec<u8>, AccessError> {
        let mut head = vec![0; HEADER];
        let read = rustix::io::pread(&self.file, &mut head, 0).map_err(|error| self.fails(error.into()))?;
        head.truncate(read);
        Ok(head)
    }

    pub(crate) fn whole(&self) -> Result<(Salt, Bytes), AccessError> {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        // Whoever appends leaves it at its end.
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut bytes)).map_err(|error| self.fails(error))?;
        let salt = Salt::of(&bytes).map_err(|error| self.refuses(error))?;
        Ok((salt, bytes.into()))
    }

    /// Appends, and returns when it is on disk. What fails leaves nothing behind, or what readers pass over.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), AccessError> {
        let (_, before) = self.state()?;
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_all());
        written.map_err(|error| {
            // Where this fails, too, the rest of a frame stays, which readers know for what it is.
            let _ = self.file.set_len(before);
            self.fails(error)
        })
    }

    /// Puts another file in its place.
    fn replace(self, bytes: &[u8]) -> Result<(), AccessError> {
        let write = || {
            // With mode 0600.
            let mut beside = NamedTempFile::with_prefix_in(".tmp-", &self.folder)?;
            beside.write_all(bytes)?;
            // Whoever runs this may be root, and the file the collector's.
            let (owner, own) = (self.file.metadata()?, beside.as_file().metadata()?);
            if (owner.uid(), owner.gid()) != (own.uid(), own.gid()) {
                fchown(beside.as_file(), Some(owner.uid()), Some(owner.gid()))?;
            }
            beside.as_file().sync_all()?;
            beside.persist(&self.path).map_err(|error| error.error)?;
            sync_folder(&self.folder)
        };
        write().map_err(|error| self.fails(error))
    }

    fn refuses(&self, error: HeaderError) -> AccessError {
        let path = self.path.clone();
        match error {
            HeaderError::Foreign => AccessError::Foreign(path),
            HeaderError::Newer(version) => AccessError::Newer { path, version },
            HeaderError::Short => AccessError::Missing(self.folder.clone()),
        }
    }

    fn fails(&self, error: io::Error) -> AccessError {
        AccessError::File { path: self.path.clone(), error }
    }
}

/// Waits for a lock that others have for moments only; not for one that was stopped while it had it.
fn wait_for(mut lock: impl FnMut() -> Result<(), TryLockError>) -> io::Result<()> {
    let end = Instant::now() + LOCKED;
    loop {
        match lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("somebody has held its lock for {LOCKED:?}"),
                ));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(AGAIN),
        }
    }
}

/// Makes names in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
