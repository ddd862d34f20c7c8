//! A watched file is looked at a few times a second. That sees renames, writes in place and the symbolic links of
//! Kubernetes alike, on every file system, for the price of one `stat`.
//!
//! What is new is ready when it was left alone for one interval, however it came: a file that was made anew may be as
//! unfinished as one that is written in place.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

/// How often to look.
pub const POLL: Duration = Duration::from_millis(100);

/// A file system's clock may be this coarse: what was written just before it was read may change once more unseen.
const GRAIN: Duration = Duration::from_millis(50);

/// What tells one content of a file from another without reading it; none where there is no file.
type Stamp = Option<Identity>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file, and what was seen of it.
pub struct Watched {
    path: PathBuf,
    /// What was there when the file was read last; the outer none where it never was.
    taken: Option<Stamp>,
    /// What was there when it was looked at last.
    seen: Option<Stamp>,
    /// Whether what was read may have been changed without a trace.
    doubtful: bool,
}

/// What was found when a file was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Contents {
    Whole(Vec<u8>),
    /// It has so many bytes, which are too many.
    Large(u64),
    /// It was written to meanwhile: what was read may be half of one and half of another.
    Changing,
}

impl Watched {
    pub fn new(path: PathBuf) -> Self {
        Watched { path, taken: None, seen: None, doubtful: false }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn exists(&self) -> bool {
        self.stamp().is_some()
    }

    /// Reads what is there, and remembers it; at most `limit` bytes.
    ///
    /// # Errors
    /// Where it cannot be read, or is no regular file.
    pub fn read(&mut self, limit: u64) -> io::Result<Contents> {
        self.take();
        // A pipe would wait for a writer, and for ever.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(&self.path)?;
        let before = file.metadata()?;
        if !before.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        if before.len() > limit {
            return Ok(Contents::Large(before.len()));
        }
        let mut bytes = Vec::new();
        // Whatever its length says: the kernel's own files say nothing of what is in them.
        (&file).take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        let len = bytes.len() as u64;
        let is_steady = Identity::of(&before) == Identity::of(&file.metadata()?);
        Ok(match is_steady {
            true if len > limit => Contents::Large(len),
            true => Contents::Whole(bytes),
            false => Contents::Changing,
        })
    }

    /// Remembers what is there: before the file is read.
    pub fn take(&mut self) {
        let stamp = self.stamp();
        self.taken = Some(stamp);
        self.seen = Some(stamp);
        self.doubtful = stamp.is_some_and(|identity| identity.age() < GRAIN);
    }

    /// Whether there is something else now than what was taken, and it is ready.
    pub fn has_changed(&mut self) -> bool {
        let now = self.stamp();
        let settled = self.seen.replace(now) == Some(now);
        if self.taken == Some(now) {
            return std::mem::take(&mut self.doubtful);
        }
        settled
    }

    fn stamp(&self) -> Stamp {
        fs::metadata(&self.path).ok().as_ref().map(Identity::of)
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    fn age(&self) -> Duration {
        let (seconds, nanos) = self.modified.max(self.changed);
        let since_epoch = Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanos).unwrap_or(0));
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + since_epoch).unwrap_or_default()
    }
}
