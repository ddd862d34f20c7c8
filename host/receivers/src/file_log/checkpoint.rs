//! The checkpoint remembers how far each file was read and delivered, also over a `kill -9` and a loss of power.
//!
//! It is a journal: what changed is appended, each record with its length and checksum, and synced. When the journal is
//! much longer than what it says, it is written anew beside itself and renamed. A damaged record costs what stands behind
//! it; that is told, and whatever is there is read again from the place before.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use super::identity::{Fingerprint, Guard};
use crate::storage;

const MAGIC: &[u8] = b"tidegate file_log 1\n";
/// The journal is written anew when it is so many times longer than what it says, and longer than the latter.
const SURPLUS: u64 = 4;
const SMALL: u64 = 1 << 20;
/// A longer record is a damaged one.
const MAX_RECORD: usize = 64 << 10;

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Where it is not UTF-8, nearly so: the file is known by its inode and content.
    #[serde(serialize_with = "lossy")]
    pub(super) path: PathBuf,
    /// Where it was, links followed; nothing where that was not written down.
    #[serde(default, serialize_with = "lossy")]
    pub(super) place: PathBuf,
    pub(super) fingerprint: Fingerprint,
    /// All before it was delivered.
    pub(super) offset: u64,
    pub(super) guard: Guard,
    /// How long the file was.
    pub(super) size: u64,
    #[serde(default)]
    pub(super) packed: bool,
    /// Files that took each other's place under one name have the same.
    pub(super) lineage: u64,
    /// The file that is read before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<u64>,
    #[serde(default)]
    pub(super) records: u64,
}

fn lossy<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&path.display())
}

#[derive(Serialize, Deserialize)]
struct Record {
    id: u64,
    /// None where the file is gone.
    file: Option<Known>,
}

pub(super) struct Checkpoint {
    path: PathBuf,
    journal: File,
    length: u64,
    live: BTreeMap<u64, Known>,
    /// Whether what is live is not what the journal says.
    is_behind: bool,
}

impl Checkpoint {
    /// Opens the checkpoint at `path`, or begins it.
    ///
    /// # Errors
    /// Where the folder cannot be written to.
    pub(super) fn open(path: &Path) -> io::Result<Checkpoint> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let (live, is_whole) = read(&content);
        if !is_whole && !content.is_empty() {
            tracing::warn!(path = %path.display(), files = live.len(), "the checkpoint is damaged: what it still says is used");
        }
        let (journal, length) = write_anew(path, &live)?;
        Ok(Checkpoint { path: path.to_owned(), journal, length, live, is_behind: false })
    }

    pub(super) fn live(&self) -> &BTreeMap<u64, Known> {
        &self.live
    }

    /// Whether something was not written that was to be.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// Writes what changed, and returns when the disk has it. What fails is written with the next try.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub(super) fn write(&mut self, changes: BTreeMap<u64, Option<Known>>) -> io::Result<()> {
        // What was written in part would hide what comes behind it: until all was written anew nothing is appended.
        let was_behind = std::mem::replace(&mut self.is_behind, true);
        let mut bytes = Vec::new();
        for (id, file) in changes {
            match &file {
                Some(known) if self.live.get(&id) == Some(known) => continue,
                Some(known) => self.live.insert(id, known.clone()),
                None => match self.live.remove(&id) {
                    None => continue,
                    removed => removed,
                },
            };
            frame(&Record { id, file }, &mut bytes)?;
        }
        let live = self.live.len() as u64 * 300;
        let is_long = self.length + bytes.len() as u64 > (live * SURPLUS).max(SMALL);
        if was_behind || !bytes.is_empty() && (is_long || self.append(&bytes).is_err()) {
            (self.journal, self.length) = write_anew(&self.path, &self.live)?;
        }
        self.is_behind = false;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.journal.write_all(bytes)?;
        self.journal.sync_data()?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

fn frame(record: &Record, out: &mut Vec<u8>) -> io::Result<()> {
    let json = serde_json::to_vec(record)?;
    out.extend_from_slice(&(json.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&json).to_le_bytes());
    out.extend_from_slice(&json);
    Ok(())
}

/// What a journal says, and whether all of it could be read.
pub(super) fn read(content: &[u8]) -> (BTreeMap<u64, Known>, bool) {
    let mut live = BTreeMap::new();
    let Some(mut rest) = content.strip_prefix(MAGIC) else { return (live, false) };
    while !rest.is_empty() {
        let Some((record, after)) = first(rest) else { return (live, false) };
        match record.file {
            Some(known) => live.insert(record.id, known),
            None => live.remove(&record.id),
        };
        rest = after;
    }
    (live, true)
}

fn first(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (json, after) = rest.split_at_checked(length).filter(|_| length <= MAX_RECORD)?;
    if crc32fast::hash(json) != u32::from_le_bytes(*sum) {
        return None;
    }
    Some((serde_json::from_slice(json).ok()?, after))
}

/// Writes a journal of what is live, and gives the file to append to and its length.
fn write_anew(path: &Path, live: &BTreeMap<u64, Known>) -> io::Result<(File, u64)> {
    let mut bytes = MAGIC.to_vec();
    for (id, known) in live {
        frame(&Record { id: *id, file: Some(known.clone()) }, &mut bytes)?;
    }
    let file = storage::replace(path, &bytes)?;
    Ok((file, bytes.len() as u64))
}

#[cfg(test)]
mod tests;
