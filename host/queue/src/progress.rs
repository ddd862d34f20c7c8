//! Progress is what is known of what was delivered: how far the queue was read, and what before that place is not done yet.
//!
//! It is written now and then, and not before a delivery counts: what it does not tell yet is delivered again after a
//! crash. A file of it is appended to until it is long, and the last whole frame of all files holds.

use std::collections::BTreeSet;
use std::io;

use host_frames::{Found, Frames};

use crate::record::{Cursor, Totals};
use crate::segment::is_damage;
use crate::storage::Storage;

const SUFFIX: &str = ".progress";
const MARKER: [u8; 4] = *b"TGPR";
const KIND: u8 = 1;
/// A file that is longer than this is followed by another.
const LONG: u64 = 64 << 10;
/// What is no file of this program's is not read as a whole.
const LONGEST: usize = 64 << 20;

/// A place in the queue: the number of a segment, and an offset in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What comes next.
    pub(crate) cursor: Position,
    /// What stands before it in its segment.
    pub(crate) passed: Totals,
    /// Records before it that nobody is done with.
    pub(crate) undone: BTreeSet<Position>,
}

impl Progress {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40 + 16 * self.undone.len());
        put(&mut out, self.cursor);
        out.extend_from_slice(&self.passed.encode());
        out.extend_from_slice(&(self.undone.len() as u64).to_le_bytes());
        self.undone.iter().for_each(|position| put(&mut out, *position));
        out
    }

    fn decode(content: &[u8]) -> Option<Self> {
        let mut cursor = Cursor(content);
        let mut progress = Progress { cursor: position(&mut cursor)?, ..Progress::default() };
        progress.passed = Totals::decode(&mut cursor)?;
        for _ in 0..cursor.u64()? {
            progress.undone.insert(position(&mut cursor)?);
        }
        Some(progress)
    }
}

fn put(out: &mut Vec<u8>, position: Position) {
    out.extend_from_slice(&position.segment.to_le_bytes());
    out.extend_from_slice(&position.offset.to_le_bytes());
}

fn position(cursor: &mut Cursor<'_>) -> Option<Position> {
    Some(Position { segment: cursor.u64()?, offset: cursor.u64()? })
}

fn number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(SUFFIX)?;
    (number.len() == 16).then(|| u64::from_str_radix(number, 16).ok()).flatten()
}

fn file(number: u64) -> String {
    format!("{number:016x}{SUFFIX}")
}

/// What was known last, and the number of the newest file.
///
/// # Errors
/// Where a file cannot be read at present.
pub(crate) fn read<S: Storage>(storage: &S) -> io::Result<(Progress, u64)> {
    let mut numbers: Vec<u64> = storage.list()?.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    let newest = numbers.last().copied().unwrap_or(0);
    for number in numbers.into_iter().rev() {
        let content = match storage.read(&file(number), 0, LONGEST) {
            // What is damaged is as good as not there.
            Err(error) if is_damage(storage, &error) => continue,
            content => content?,
        };
        if let Some(progress) = last(number, &content) {
            return Ok((progress, newest));
        }
    }
    Ok((Progress::default(), newest))
}

fn last(number: u64, content: &[u8]) -> Option<Progress> {
    let (frames, mut at, mut last) = (frames(number), 0, None);
    while at < content.len() {
        match frames.at(content, at) {
            Found::Frame { content: range, .. } => {
                at = range.end;
                last = Progress::decode(&content[range]).or(last);
            }
            Found::Short { .. } | Found::Nothing => at = frames.next_behind(content, at),
        }
    }
    last
}

fn frames(number: u64) -> Frames {
    Frames::new(MARKER, number.to_le_bytes())
}

/// Writes progress down.
pub(crate) struct Keeper<F> {
    file: Option<(F, u64)>,
    /// Of the newest file.
    number: u64,
    written: Progress,
}

impl<F> Keeper<F> {
    pub(crate) fn new(number: u64, written: Progress) -> Self {
        Keeper { file: None, number, written }
    }

    /// Whether this is not known on disk.
    pub(crate) fn is_news(&self, progress: &Progress) -> bool {
        self.written != *progress
    }

    /// Writes it. `lasts`: it is to outlast a loss of power, too.
    pub(crate) fn write<S: Storage<File = F>>(
        &mut self,
        storage: &S,
        progress: Progress,
        lasts: bool,
    ) -> io::Result<()> {
        let content = progress.encode();
        if let Some((file, length)) = self.file.as_mut().filter(|(_, length)| *length < LONG) {
            let mut frame = Vec::new();
            frames(self.number).put(KIND, [content.as_slice()], &mut frame);
            let written = storage.append(file, &frame).and_then(|()| if lasts { storage.sync(file) } else { Ok(()) });
            if let Err(error) = written {
                // Whatever stands there now, the next time is another file's.
                self.file = None;
                return Err(error);
            }
            *length += frame.len() as u64;
        } else {
            self.begin(storage, &content)?;
        }
        self.written = progress;
        Ok(())
    }

    /// Goes on in a new file: those before it are taken away when it is there for good.
    fn begin<S: Storage<File = F>>(&mut self, storage: &S, content: &[u8]) -> io::Result<()> {
        self.file = None;
        self.number += 1;
        let mut frame = Vec::new();
        frames(self.number).put(KIND, [content], &mut frame);
        let mut new = storage.create(&file(self.number))?;
        storage.append(&mut new, &frame)?;
        storage.sync(&mut new)?;
        storage.sync_folder()?;
        for name in storage.list()? {
            if number(&name).is_some_and(|old| old < self.number) {
                storage.remove(&name)?;
            }
        }
        self.file = Some((new, frame.len() as u64));
        Ok(())
    }
}
