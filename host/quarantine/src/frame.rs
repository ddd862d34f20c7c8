//! The file as frames: it begins with a magic word, its version and the salt of its frames, which are of two kinds.

use bytes::Bytes;
use host_frames::{Found, Frames};

const MAGIC: &[u8; 8] = b"TIDEQUAR";
/// What this program writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;
/// Magic word, version, salt.
pub(crate) const HEADER: usize = 20;

const MARKER: &[u8; 4] = b"TGQR";

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    /// The id of a record that is done with.
    Done,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Record => 1,
            Kind::Done => 2,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Kind::Record, Kind::Done].into_iter().find(|kind| kind.byte() == byte)
    }
}

/// Why a file is none that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// Nothing was ever written into it, or only a part of this.
    Short,
    Foreign,
    Newer(u32),
}

/// What makes the sums of one file its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt([u8; 8]);

impl Salt {
    pub(crate) fn random() -> Self {
        Salt(fastrand::u64(..).to_le_bytes())
    }

    pub(crate) fn header(self) -> Vec<u8> {
        [MAGIC.as_slice(), &VERSION.to_le_bytes(), &self.0].concat()
    }

    /// Reads the head of a file.
    pub(crate) fn of(file: &[u8]) -> Result<Self, HeaderError> {
        let known = file.len().min(MAGIC.len());
        if file[..known] != MAGIC[..known] {
            return Err(HeaderError::Foreign);
        }
        let Some((header, _)) = file.split_first_chunk::<HEADER>() else { return Err(HeaderError::Short) };
        match number(&header[8..]) {
            Some(VERSION) => {}
            Some(0) | None => return Err(HeaderError::Foreign),
            Some(version) => return Err(HeaderError::Newer(version)),
        }
        let mut salt = [0; 8];
        salt.copy_from_slice(&header[12..]);
        Ok(Salt(salt))
    }

    /// Appends a frame.
    pub(crate) fn put(self, kind: Kind, content: &[u8], out: &mut Vec<u8>) {
        self.frames().put(kind.byte(), [content], out);
    }

    fn frames(self) -> Frames {
        Frames::new(*MARKER, self.0)
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// The frames of a file, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) frames: Vec<(Kind, Bytes)>,
    /// Bytes that are no frame: the rest of a write that a crash cut short, or damage.
    pub(crate) damaged: usize,
    /// Frames of a kind that only a later program knows.
    pub(crate) unknown: usize,
}

/// Reads what lies behind the header.
pub(crate) fn scan(salt: Salt, file: &Bytes) -> Scan {
    let (mut scan, frames) = (Scan::default(), salt.frames());
    let mut at = HEADER;
    while at < file.len() {
        match frames.at(file, at) {
            Found::Frame { kind, content } => {
                at = content.end;
                match Kind::of(kind) {
                    Some(kind) => scan.frames.push((kind, file.slice(content))),
                    None => scan.unknown += 1,
                }
            }
            Found::Short { .. } | Found::Nothing => {
                let next = frames.next_behind(file, at);
                scan.damaged += next - at;
                at = next;
            }
        }
    }
    scan
}

#[cfg(test)]
mod tests;
