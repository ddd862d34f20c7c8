//! A segment is one file of the queue: a header, frames with records, and, once it is full, a footer with what it holds.
//!
//! Its name holds its number and the salt of its frames, so that a damaged header costs nothing. It is written once, from
//! its beginning to its end, by one process: what a process finds when it starts is read and never appended to.

use std::io;

use bytes::Bytes;
use host_frames::{Found, Frames, OVERHEAD};

use crate::record::{Cursor, Record, Totals};
use crate::storage::Storage;

/// What this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"TIDEQUEU";
/// Magic word, version, their sum.
pub(crate) const HEADER: u64 = 16;
const SUFFIX: &str = ".segment";

/// Who the queue is of: the id of an exporter.
pub(crate) const OWNER: u8 = 1;
pub(crate) const RECORD: u8 = 2;
/// What stands before it.
pub(crate) const FOOTER: u8 = 3;
pub(crate) const FOOTER_BYTES: u64 = OVERHEAD as u64 + 16;

/// Bytes that are read at once.
const CHUNK: usize = 256 << 10;
/// What a disk that has gone bad in one place loses there.
const SECTOR: u64 = 4096;

/// A segment by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) number: u64,
    salt: u64,
}

impl Name {
    pub(crate) fn new(number: u64) -> Self {
        Name { number, salt: fastrand::u64(..) }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (number, salt) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let hex = |text: &str| (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten();
        Some(Name { number: hex(number)?, salt: hex(salt)? })
    }

    pub(crate) fn file(self) -> String {
        format!("{:016x}-{:016x}{SUFFIX}", self.number, self.salt)
    }

    /// Nobody who sends data knows how frames begin here, so that data never looks like one.
    pub(crate) fn frames(self) -> Frames {
        let [a, b, c, d, ..] = (self.salt ^ self.number.rotate_left(32)).to_be_bytes();
        Frames::new([a, b, c, d], self.salt.to_le_bytes())
    }
}

pub(crate) fn header() -> Vec<u8> {
    let mut header = [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat();
    let sum = sum(&header);
    header.extend_from_slice(&sum.to_le_bytes());
    header
}

/// The version of a newer program, where one wrote this. A header that is damaged says nothing.
pub(crate) fn newer(header: &[u8]) -> Option<u32> {
    let mut cursor = Cursor(header);
    let is_whole = cursor.take(MAGIC.len())? == MAGIC;
    let version = cursor.u32()?;
    (is_whole && cursor.u32()? == sum(&header[..12]) && version > VERSION).then_some(version)
}

/// The sum of a frame serves for the header, too.
fn sum(bytes: &[u8]) -> u32 {
    let mut frame = Vec::new();
    Frames::new(*b"head", [0; 8]).put(0, [bytes], &mut frame);
    Cursor(&frame[8..]).u32().unwrap_or_default()
}

/// What stands at a place.
pub(crate) enum Step {
    Frame {
        kind: u8,
        content: Bytes,
        end: u64,
    },
    /// What is no frame, up to the next one.
    Damage {
        end: u64,
    },
    /// It cannot be read at present, which says nothing of what stands there.
    Unreadable(io::Error),
    End,
}

/// What the kernel says where a disk has gone bad.
const EIO: i32 = 5;

/// Whether a read that failed says that what stands there is gone: the disk has gone bad, or somebody took the file away. Every
/// other error may pass, such as that the process has too many files open.
pub(crate) fn is_damage<S: Storage>(storage: &S, error: &io::Error) -> bool {
    let is_gone = || error.kind() == io::ErrorKind::NotFound && storage.list().is_ok();
    error.raw_os_error() == Some(EIO) || is_gone()
}

/// Reads a segment from front to back, in chunks.
#[derive(Default)]
pub(crate) struct Scanner {
    /// Of what it has read last.
    number: Option<u64>,
    start: u64,
    chunk: Bytes,
}

impl Scanner {
    /// What stands at `at` of the segment's first `end` bytes.
    pub(crate) fn step<S: Storage>(&mut self, storage: &S, name: Name, at: u64, end: u64) -> Step {
        if at >= end {
            return Step::End;
        }
        let frames = name.frames();
        let mut needed = OVERHEAD;
        loop {
            let left = usize::try_from(end - at).unwrap_or(usize::MAX);
            if needed > left {
                return self.damage(storage, name, at, end);
            }
            let buffer = match self.from(storage, name, at, needed, left) {
                Ok(buffer) => buffer,
                Err(error) if is_damage(storage, &error) => return Step::Damage { end: bad_until(at, end) },
                Err(error) => return Step::Unreadable(error),
            };
            if buffer.len() < needed {
                return Step::Damage { end: bad_until(at + buffer.len() as u64, end) };
            }
            match frames.at(&buffer, 0) {
                Found::Frame { kind, content } => {
                    let end = at + content.end as u64;
                    return Step::Frame { kind, content: buffer.slice(content), end };
                }
                Found::Short { needed: more } => needed = more,
                Found::Nothing => return self.damage(storage, name, at, end),
            }
        }
    }

    /// Looks for the next frame behind a place that is none.
    fn damage<S: Storage>(&mut self, storage: &S, name: Name, at: u64, end: u64) -> Step {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        match storage.read(&name.file(), at, left) {
            Ok(rest) if rest.len() == left => Step::Damage { end: at + name.frames().next_behind(&rest, 0) as u64 },
            Ok(rest) => Step::Damage { end: bad_until(at + rest.len() as u64, end) },
            Err(error) if is_damage(storage, &error) => Step::Damage { end: bad_until(at, end) },
            Err(error) => Step::Unreadable(error),
        }
    }

    /// What stands at `at`: `needed` bytes at least, where the disk has them.
    fn from<S: Storage>(&mut self, storage: &S, name: Name, at: u64, needed: usize, left: usize) -> io::Result<Bytes> {
        let skipped = at.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        if let Some(skipped) = skipped.filter(|_| self.number == Some(name.number))
            && self.chunk.len() >= skipped.saturating_add(needed)
        {
            return Ok(self.chunk.slice(skipped..));
        }
        self.chunk = storage.read(&name.file(), at, needed.max(CHUNK).min(left))?.into();
        (self.number, self.start) = (Some(name.number), at);
        Ok(self.chunk.clone())
    }
}

fn bad_until(at: u64, end: u64) -> u64 {
    ((at / SECTOR + 1) * SECTOR).min(end)
}

/// What a segment holds that was there when the program started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Where records end.
    pub(crate) end: u64,
    /// Of the file.
    pub(crate) length: u64,
    pub(crate) totals: Totals,
    /// Whether it says so itself, so that what is missing was there once.
    pub(crate) is_whole: bool,
    /// Bytes in the middle that are no frame.
    pub(crate) damaged: u64,
    /// Bytes at the end that are no frame: the rest of a write that a crash cut short.
    pub(crate) torn: u64,
}

/// Whose queue a segment is of.
pub(crate) fn owner<S: Storage>(storage: &S, name: Name) -> Option<String> {
    let end = storage.length(&name.file()).ok()?;
    match Scanner::default().step(storage, name, HEADER, end) {
        Step::Frame { kind: OWNER, content, .. } => String::from_utf8(content.to_vec()).ok(),
        _ => None,
    }
}

/// Finds out what a segment holds: from its footer, or by reading all of it.
///
/// # Errors
/// Where it cannot be read at present.
pub(crate) fn survey<S: Storage>(storage: &S, name: Name) -> io::Result<Survey> {
    let length = storage.length(&name.file())?;
    if let Some(at) = length.checked_sub(FOOTER_BYTES).filter(|at| *at >= HEADER) {
        match Scanner::default().step(storage, name, at, length) {
            Step::Frame { kind: FOOTER, content, .. } => {
                if let Some(totals) = Totals::decode(&mut Cursor(&content)) {
                    return Ok(Survey { end: at, length, totals, is_whole: true, ..Survey::default() });
                }
            }
            Step::Unreadable(error) => return Err(error),
            Step::Frame { .. } | Step::Damage { .. } | Step::End => {}
        }
    }
    let (mut survey, mut scanner, mut at) =
        (Survey { length, ..Survey::default() }, Scanner::default(), HEADER.min(length));
    survey.end = at;
    loop {
        match scanner.step(storage, name, at, length) {
            Step::End => break,
            Step::Unreadable(error) => return Err(error),
            Step::Damage { end } if end == length => {
                survey.torn += length - at;
                at = end;
            }
            Step::Damage { end } => {
                survey.damaged += end - at;
                at = end;
            }
            Step::Frame { kind, content, end } => {
                if let (RECORD, Some(record)) = (kind, Record::decode(&content)) {
                    survey.totals = record.mark.after();
                }
                (at, survey.end) = (end, end);
            }
        }
    }
    Ok(survey)
}
