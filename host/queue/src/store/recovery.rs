//! Recovery: what a process finds when it starts, whatever the one before it was doing when it ended.

use std::io;

use super::state::Segment;
use crate::progress::{self, Progress};
use crate::segment::{self, HEADER, Name, VERSION};
use crate::storage::Storage;

/// Why the queue in a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("{file} in it cannot be read at present: {error}")]
    File { file: String, error: io::Error },
    #[error(
        "a file in it has the number {number:016x}, which no tidegate wrote, and none may follow: take it out of the folder"
    )]
    Number { number: u64 },
    #[error(
        "a newer tidegate wrote it, in version {version} of its format, and this one reads version {VERSION}: use that tidegate, \
         or drain the queue with it first"
    )]
    Newer { version: u32 },
}

/// Numbers of files begin with 1 and grow by 1: this leaves more than any queue writes.
const LAST: u64 = u64::MAX / 2;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) segments: Vec<Segment>,
    /// Those of which everything is done.
    pub(crate) finished: Vec<Name>,
    pub(crate) progress: Progress,
    pub(crate) progress_file: u64,
    /// Of the segment that is written next.
    pub(crate) next_number: u64,
    /// Bytes in the middle of segments that are no frame.
    pub(crate) damaged: u64,
    /// Bytes at the end of segments that are no frame: what was being written when the process ended.
    pub(crate) torn: u64,
}

/// Looks at a folder and changes nothing in it.
pub(crate) fn recover<S: Storage>(storage: &S) -> Result<Recovered, OpenError> {
    let (progress, progress_file) = progress::read(storage)?;
    let mut names: Vec<Name> = storage.list()?.iter().filter_map(|name| Name::parse(name)).collect();
    names.sort_by_key(|name| name.number);
    let last = names.last().map_or(0, |name| name.number).max(progress.cursor.segment);
    if last.max(progress_file) > LAST {
        return Err(OpenError::Number { number: last.max(progress_file) });
    }
    let mut recovered = Recovered { progress, progress_file, next_number: last + 1, ..Recovered::default() };
    for name in names {
        let fails = |error| OpenError::File { file: name.file(), error };
        let header = match storage.read(&name.file(), 0, HEADER as usize) {
            Err(error) if segment::is_damage(storage, &error) => Vec::new(),
            header => header.map_err(fails)?,
        };
        if let Some(version) = segment::newer(&header) {
            return Err(OpenError::Newer { version });
        }
        let is_behind = name.number < recovered.progress.cursor.segment;
        let is_undone = recovered.progress.undone.iter().any(|position| position.segment == name.number);
        if is_behind && !is_undone {
            recovered.finished.push(name);
            continue;
        }
        let survey = match segment::survey(storage, name) {
            // Whoever only looks may find that it was taken away meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            survey => survey.map_err(fails)?,
        };
        recovered.damaged += survey.damaged;
        recovered.torn += survey.torn;
        let segment::Survey { end, length, totals, is_whole, .. } = survey;
        let segment = Segment { name, end, length, totals, is_whole, is_open: false };
        recovered.segments.push(segment);
    }
    Ok(recovered)
}
