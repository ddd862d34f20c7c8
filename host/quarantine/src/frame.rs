//! Frames: how records lie in the file, so that a torn or damaged place costs what lies there and nothing behind it.
//!
//! The file begins with a magic word, its version and a salt. A frame is a marker, the length of its content, a CRC-32 over
//! salt and content, a byte for its kind, and the content. Whoever reads looks behind a place that is no frame for the next
//! marker whose sum is right; without the salt, data that was made to look like a frame could pass for one there.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

const MAGIC: &[u8; 8] = b"TIDEQUAR";
/// What this program writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;
/// Magic word, version, salt.
pub(crate) const HEADER: usize = 20;

const MARKER: &[u8; 4] = b"TGQR";
/// Marker, length, sum, kind.
const OVERHEAD: usize = 13;

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

    /// Appends a frame. The content is less than 4 GiB: it was one request.
    pub(crate) fn put(self, kind: Kind, content: &[u8], out: &mut Vec<u8>) {
        let length = u32::try_from(content.len()).expect("a request has less than 4 GiB");
        out.extend_from_slice(MARKER);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&self.sum(kind.byte(), content).to_le_bytes());
        out.push(kind.byte());
        out.extend_from_slice(content);
    }

    fn sum(self, kind: u8, content: &[u8]) -> u32 {
        let mut sum = crc32fast::Hasher::new();
        sum.update(&self.0);
        sum.update(&(content.len() as u64).to_le_bytes());
        sum.update(&[kind]);
        sum.update(content);
        sum.finalize()
    }

    /// The kind and the content of the frame that begins at `at`, if one does.
    fn frame(self, file: &[u8], at: usize) -> Option<(u8, Range<usize>)> {
        let head = file.get(at..at.checked_add(OVERHEAD)?)?;
        if !head.starts_with(MARKER) {
            return None;
        }
        let (length, sum, kind) = (number(&head[4..])?, number(&head[8..])?, head[12]);
        let start = at + OVERHEAD;
        let content = start..start.checked_add(usize::try_from(length).ok()?)?;
        (self.sum(kind, file.get(content.clone())?) == sum).then_some((kind, content))
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
    let mut scan = Scan::default();
    let mut at = HEADER;
    while at < file.len() {
        if let Some((kind, content)) = salt.frame(file, at) {
            at = content.end;
            match Kind::of(kind) {
                Some(kind) => scan.frames.push((kind, file.slice(content))),
                None => scan.unknown += 1,
            }
            continue;
        }
        let markers = memmem::find_iter(&file[at + 1..], MARKER).map(|found| at + 1 + found);
        let next = markers.into_iter().find(|next| salt.frame(file, *next).is_some()).unwrap_or(file.len());
        scan.damaged += next - at;
        at = next;
    }
    scan
}

#[cfg(test)]
mod tests;
