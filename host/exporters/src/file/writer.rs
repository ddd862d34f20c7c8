//! The writer owns the file: it opens, encodes, writes and rotates.
//!
//! Others may rotate, too. A file that was moved away or removed is let go of, and the next record goes to a new one at the
//! path; one that was cut short is gone on with where it ends now.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host_component::{ComponentId, Failure, Outcome, Payload};
use host_otlp::json;

use super::config::{Config, Error, Format, Rotation};
use super::journal::Journal;

/// One open file.
pub(super) struct Writer {
    path: PathBuf,
    journal: Journal<File>,
    /// Whether it is a file, which has a length and may be moved, and not a device or a pipe.
    is_regular: bool,
}

/// How an exporter writes, and what becomes of the file when it is full.
pub(super) struct Settings {
    id: ComponentId,
    format: Format,
    fsync: bool,
    rotation: Option<Rotation>,
}

impl Settings {
    pub(super) fn new(id: ComponentId, config: &Config) -> Self {
        Settings { id, format: config.format, fsync: config.fsync, rotation: config.rotation.clone() }
    }

    /// Appends `payload` to `out` as a record.
    pub(super) fn encode(&self, payload: &Payload, out: &mut Vec<u8>) {
        match self.format {
            Format::Json => {
                json::write(payload, out);
                out.push(b'\n');
            }
            Format::Proto => {
                // The check at the door lets nothing in that is larger, and a batch is far smaller.
                let len = u32::try_from(payload.len()).expect("a request is smaller than 4 GiB");
                out.extend_from_slice(&len.to_be_bytes());
                for segment in payload.segments() {
                    out.extend_from_slice(segment.bytes());
                }
            }
        }
    }
}

impl Writer {
    pub(super) fn open(path: PathBuf, config: &Config) -> Result<Self, Error> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
            if !config.create_directory {
                return Err(Error::NoFolder(folder.to_owned()));
            }
            std::fs::create_dir_all(folder).map_err(|error| Error::MakeFolder(folder.to_owned(), error))?;
        }
        let mut file = open(&path).map_err(|error| Error::Open(path.clone(), error))?;
        // Devices and pipes may be shared.
        let is_regular = file.metadata().is_ok_and(|data| data.is_file());
        match if is_regular { file.try_lock() } else { Ok(()) } {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Taken(path)),
            Err(TryLockError::Error(error)) => return Err(Error::Open(path, error)),
        }
        let len = if config.append && is_regular { whole(&mut file, config.format) } else { Ok(0) };
        let len = len.map_err(|error| Error::Open(path.clone(), error))?;
        Ok(Writer { path, journal: Journal::lazily(file, len), is_regular })
    }

    /// Whether it is a file of one writer's own, and no device or pipe.
    pub(super) fn is_regular(&self) -> bool {
        self.is_regular
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `records`, which [`Settings::encode`] made.
    pub(super) fn write(&mut self, records: &[u8], settings: &Settings) -> Outcome {
        if records.is_empty() {
            return Ok(());
        }
        let failed = |writer: &Writer, error: &io::Error| {
            Failure::retryable(format!("cannot write to {}: {error}", writer.path.display()))
        };
        if let Err(error) = self.follow(settings).and_then(|()| self.journal.mend()) {
            tracing::warn!(exporter = %settings.id, path = %self.path.display(), %error, "the file is not where it was, the sender is to try again");
            return Err(failed(self, &error));
        }
        if let Err(error) = self.rotate(records.len() as u64, settings) {
            tracing::warn!(exporter = %settings.id, path = %self.path.display(), %error, "the file is full and cannot be rotated, it grows on");
        }
        self.journal.append(records, settings.fsync).map_err(|error| {
            tracing::warn!(exporter = %settings.id, path = %self.path.display(), %error, "a write failed, the sender is to try again");
            failed(self, &error)
        })
    }

    pub(super) fn sync(&mut self, settings: &Settings) {
        if let Err(error) = self.journal.sync() {
            tracing::warn!(exporter = %settings.id, path = %self.path.display(), %error, "the file could not be synced");
        }
    }

    /// Goes where the path leads now.
    fn follow(&mut self, settings: &Settings) -> io::Result<()> {
        if !self.is_regular {
            return Ok(());
        }
        let open_file = self.journal.storage().metadata()?;
        let at_path = match std::fs::metadata(&self.path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if at_path.is_none_or(|found| (found.dev(), found.ino()) != (open_file.dev(), open_file.ino())) {
            let mut file = open(&self.path)?;
            file.try_lock()?;
            let len = whole(&mut file, settings.format)?;
            self.journal = Journal::new(file, len)?;
            tracing::info!(exporter = %settings.id, path = %self.path.display(), "the file was moved away, begun a new one");
        } else if open_file.len() < self.journal.len() {
            let len = whole(self.journal.storage(), settings.format)?;
            self.journal.go_back(len)?;
            tracing::info!(exporter = %settings.id, path = %self.path.display(), len, "the file was cut short, going on at its end");
        }
        Ok(())
    }

    /// Begins a new file where `more` bytes do not fit into this one.
    fn rotate(&mut self, more: u64, settings: &Settings) -> io::Result<()> {
        let Some(rotation) = settings.rotation.as_ref().filter(|_| self.is_regular) else { return Ok(()) };
        if self.journal.len() == 0 || self.journal.len() + more <= rotation.max_megabytes.get().saturating_mul(1 << 20)
        {
            return Ok(());
        }
        let backup = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        let most = if rotation.max_backups == 0 { u32::MAX } else { rotation.max_backups };
        // Each gives its place to the one before it; the oldest has none to go to.
        let free = (1..most).find(|number| !backup(*number).exists()).unwrap_or(most);
        for number in (1..free).rev() {
            std::fs::rename(backup(number), backup(number + 1))?;
        }
        std::fs::rename(&self.path, backup(1))?;
        if rotation.max_days > 0 {
            let age = Duration::from_secs(u64::from(rotation.max_days) * 86_400);
            (1..=free).map(backup).filter(|path| is_older(path, age)).try_for_each(std::fs::remove_file)?;
        }
        let file = open(&self.path)?;
        file.try_lock()?;
        self.journal = Journal::new(file, 0)?;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Truncation waits until the file is known to be nobody else's.
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn is_older(path: &Path, age: Duration) -> bool {
    let modified = std::fs::metadata(path).and_then(|data| data.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|elapsed| elapsed > age))
}

/// How many bytes of `file` are whole records: a process that was killed may have left a part of one.
fn whole(file: &mut File, format: Format) -> io::Result<u64> {
    let len = file.metadata()?.len();
    match format {
        Format::Json => whole_lines(file, len),
        Format::Proto => whole_requests(file, len),
    }
}

fn whole_lines(file: &mut File, len: u64) -> io::Result<u64> {
    let mut block = vec![0; 64 << 10];
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let part = &mut block[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn whole_requests(file: &mut File, len: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let mut at = 0;
    while at + 4 <= len {
        let mut prefix = [0; 4];
        reader.read_exact(&mut prefix)?;
        let size = u32::from_be_bytes(prefix);
        let next = at + 4 + u64::from(size);
        if next > len {
            break;
        }
        reader.seek_relative(i64::from(size))?;
        at = next;
    }
    Ok(at)
}
