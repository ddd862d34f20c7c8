//! What a file is known by besides its inode: a digest of its first bytes, and one of those before where it was read to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes before an offset that have to be as they were.
pub(super) const GUARD: usize = 256;

/// The first bytes of a file. A short file is known by what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    pub(super) len: u32,
    digest: u64,
}

/// The bytes before an offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guard {
    pub(super) len: u32,
    digest: u32,
}

impl Fingerprint {
    pub(super) fn of(head: &[u8]) -> Self {
        let digest = Sha256::digest(head);
        let first = digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Fingerprint { len: head.len() as u32, digest: first }
    }

    /// Whether a file that begins so may be the one that this is of.
    pub(super) fn fits(&self, head: &[u8]) -> bool {
        self.len == 0 || head.get(..self.len as usize).is_some_and(|head| Fingerprint::of(head) == *self)
    }
}

impl Guard {
    /// What is to stand before the end of `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let last = &bytes[bytes.len().saturating_sub(GUARD)..];
        Guard { len: last.len() as u32, digest: crc32fast::hash(last) }
    }

    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.len as usize && crc32fast::hash(bytes) == self.digest
    }
}

/// What stands at `offset`, as much of `length` bytes as is there.
pub(super) fn read_at(file: &File, offset: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.resize(length, 0);
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(())
}

/// The first bytes of a file.
pub(super) fn head(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    read_at(file, 0, length, &mut head)?;
    Ok(head)
}
