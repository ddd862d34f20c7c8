//! Frames: how records lie in a file, so that a torn or damaged place costs what lies there and nothing behind it.
//!
//! A frame is a marker, the length of its content, a CRC-32 over salt and content, a byte for its kind, and the content.
//! Whoever reads looks behind a place that is no frame for the next marker whose sum is right; without the salt, data that
//! was made to look like a frame could pass for one there.

use std::ops::Range;

use memchr::memmem;

/// Bytes of a marker.
const MARKER: usize = 4;
/// Marker, length, sum, kind.
pub const OVERHEAD: usize = MARKER + 9;

/// The frames of one file: how its frames begin, and what makes their sums its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames {
    marker: [u8; MARKER],
    salt: [u8; 8],
}

/// What begins at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A frame of this kind, with its content there.
    Frame { kind: u8, content: Range<usize> },
    /// What may be a frame, of which so many bytes have to be there to tell.
    Short { needed: usize },
    /// None.
    Nothing,
}

impl Frames {
    pub const fn new(marker: [u8; MARKER], salt: [u8; 8]) -> Self {
        Frames { marker, salt }
    }

    /// Appends a frame whose content is these parts end to end: less than 4 GiB, since it was one request.
    pub fn put<'p>(&self, kind: u8, parts: impl IntoIterator<Item = &'p [u8]>, out: &mut Vec<u8>) {
        let head = out.len();
        out.extend_from_slice(&self.marker);
        out.extend_from_slice(&[0; 8]);
        out.push(kind);
        let start = out.len();
        parts.into_iter().for_each(|part| out.extend_from_slice(part));
        let length = u32::try_from(out.len() - start).expect("a request has less than 4 GiB");
        let sum = self.sum(kind, &out[start..]);
        out[head + MARKER..head + MARKER + 4].copy_from_slice(&length.to_le_bytes());
        out[head + MARKER + 4..head + MARKER + 8].copy_from_slice(&sum.to_le_bytes());
    }

    /// What begins at `at` in a buffer that may go on.
    pub fn at(&self, buffer: &[u8], at: usize) -> Found {
        let Some(found) = buffer.get(at..) else { return Found::Nothing };
        let known = found.len().min(MARKER);
        if found[..known] != self.marker[..known] {
            return Found::Nothing;
        }
        let Some((head, _)) = found.split_first_chunk::<OVERHEAD>() else {
            return Found::Short { needed: OVERHEAD };
        };
        let (Some(length), Some(sum), kind) = (number(&head[4..]), number(&head[8..]), head[12]) else {
            return Found::Nothing;
        };
        let Some(needed) = usize::try_from(length).ok().and_then(|length| length.checked_add(OVERHEAD)) else {
            return Found::Nothing;
        };
        match found.get(OVERHEAD..needed) {
            None => Found::Short { needed },
            Some(content) if self.sum(kind, content) == sum => {
                Found::Frame { kind, content: at + OVERHEAD..at + needed }
            }
            Some(_) => Found::Nothing,
        }
    }

    /// Where behind `at` the next whole frame begins; the end of the buffer where there is none.
    pub fn next_behind(&self, buffer: &[u8], at: usize) -> usize {
        let behind = buffer.get(at + 1..).unwrap_or_default();
        let mut markers = memmem::find_iter(behind, &self.marker).map(|found| at + 1 + found);
        markers.find(|next| matches!(self.at(buffer, *next), Found::Frame { .. })).unwrap_or(buffer.len())
    }

    fn sum(&self, kind: u8, content: &[u8]) -> u32 {
        let mut sum = crc32fast::Hasher::new();
        sum.update(&self.salt);
        sum.update(&(content.len() as u64).to_le_bytes());
        sum.update(&[kind]);
        sum.update(content);
        sum.finalize()
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;
