//! A source is what the bytes of a file come from: the file itself, or what is packed in it.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use rustix::fs::OFlags;

use super::identity;

/// What is unpacked at a time to be passed over.
const STEP: usize = 64 << 10;

pub(super) enum Source {
    Plain(File),
    Packed(Box<Packed>),
}

/// A file that is unpacked from its beginning; offsets are those of what is in it.
pub(super) struct Packed {
    decoder: MultiGzDecoder<BufReader<File>>,
    file: File,
    /// What was unpacked and nobody took yet, and where it begins.
    held: Vec<u8>,
    start: u64,
    is_at_end: bool,
}

/// Opens a regular file. What is none, such as a pipe that nobody writes to, is not waited for: it has no lines to follow.
///
/// # Errors
/// Where it is none, or cannot be opened.
pub(super) fn regular(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    }
}

impl Source {
    pub(super) fn open(path: &Path, packed: bool) -> io::Result<Source> {
        Source::of(regular(path)?, packed)
    }

    pub(super) fn of(file: File, packed: bool) -> io::Result<Source> {
        if !packed {
            return Ok(Source::Plain(file));
        }
        let decoder = MultiGzDecoder::new(BufReader::new(file.try_clone()?));
        Ok(Source::Packed(Box::new(Packed { decoder, file, held: Vec::new(), start: 0, is_at_end: false })))
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Source::Plain(file) => file.metadata(),
            Source::Packed(packed) => packed.file.metadata(),
        }
    }

    pub(super) fn is_packed(&self) -> bool {
        matches!(self, Source::Packed(_))
    }

    /// Whether all there is was handed out up to `offset`; of a plain file its length says so.
    pub(super) fn ends_at(&self, offset: u64) -> bool {
        match self {
            Source::Plain(_) => false,
            Source::Packed(packed) => packed.is_at_end && offset >= packed.start + packed.held.len() as u64,
        }
    }

    /// The first bytes, where nothing was taken yet of what is packed.
    pub(super) fn head(&mut self, length: usize) -> io::Result<Vec<u8>> {
        match self {
            Source::Plain(file) => identity::head(file, length),
            Source::Packed(packed) => {
                packed.fill(length)?;
                Ok(packed.held.iter().take(length).copied().collect())
            }
        }
    }

    /// What stands at `offset`, as much of `length` bytes as is there. Of what is packed nothing before it can be read again.
    pub(super) fn read(&mut self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Source::Plain(file) => identity::read_at(file, offset, length, buffer),
            Source::Packed(packed) => {
                packed.skip_to(offset)?;
                packed.fill(length)?;
                buffer.clear();
                buffer.extend(packed.held.iter().take(length));
                Ok(())
            }
        }
    }
}

impl Packed {
    fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.held.len() < length && !self.is_at_end {
            let before = self.held.len();
            self.held.resize(length, 0);
            let read = self.decoder.read(&mut self.held[before..]);
            self.held.truncate(before + read.as_ref().copied().unwrap_or(0));
            self.is_at_end = read? == 0;
        }
        Ok(())
    }

    fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        if offset < self.start {
            return Err(io::Error::other("what is packed was unpacked beyond that already"));
        }
        while self.start < offset {
            self.fill(STEP)?;
            let skipped = self.held.len().min(usize::try_from(offset - self.start).unwrap_or(usize::MAX));
            if skipped == 0 {
                return Ok(());
            }
            self.held.drain(..skipped);
            self.start += skipped as u64;
        }
        Ok(())
    }
}
