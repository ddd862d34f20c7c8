//! How a file is read: what it grew by, cut into entries, sent through the operators.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::Tailer;
use super::batches::{Draft, Out};
use crate::entries::entry::{Entry, FileId, Origin, Resource, Value};
use crate::entries::lines::Token;
use crate::entries::operators::Context;
use crate::file_log::config::OnTruncate;
use crate::file_log::identity::{Fingerprint, GUARD, Guard};
use crate::file_log::source::Source;
use crate::file_log::tailed::Tailed;

/// What is read at a time.
const CHUNK: usize = 128 << 10;

/// What a visit came to.
enum Visit {
    /// There is more than fits in the batch.
    More,
    /// It was read to its end.
    End,
    /// It is not what it was: it is to be read from its beginning.
    Replaced,
    /// It is not where it was.
    Moved,
}

impl Tailer {
    /// Reads a file as far as the batch goes.
    pub(super) fn visit(&mut self, id: FileId, draft: &mut Draft, now: Instant) {
        let Some(mut file) = self.files.remove(&id) else { return };
        file.is_ready = false;
        if file.used != draft.id {
            file.used = draft.id;
            draft.files.push(id);
        }
        let was_open = usize::from(file.source.is_some());
        let visited = self.read(id, &mut file, draft, now);
        let is_failing = visited.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::NotFound);
        file.failing = if is_failing { file.failing.or(Some(now)) } else { None };
        let is_again = match visited {
            Ok(Visit::More) => true,
            Ok(Visit::End) => {
                file.is_drained = file.partial.is_none();
                if file.partial.is_some() {
                    self.partials.insert(id);
                }
                false
            }
            Ok(Visit::Replaced) => {
                self.replaced(id, &mut file, now);
                true
            }
            Ok(Visit::Moved) => {
                file.take_source();
                self.next_scan = now;
                false
            }
            Err(error) => {
                let is_gone = error.kind() == io::ErrorKind::NotFound;
                file.take_source();
                if is_gone {
                    self.next_scan = now;
                } else {
                    self.meters.read_errors.inc();
                    tracing::debug!(path = %file.place.display(), %error, "a file cannot be read");
                }
                false
            }
        };
        self.open = (self.open + usize::from(file.source.is_some())).saturating_sub(was_open);
        if self.open > self.config.max_concurrent_files && file.source.is_some() && file.gone.is_none() && !file.packed
        {
            self.open -= 1;
            file.take_source();
        }
        self.files.insert(id, file);
        if is_again {
            self.make_ready(id);
        }
    }

    fn read(&mut self, id: FileId, file: &mut Tailed, draft: &mut Draft, now: Instant) -> io::Result<Visit> {
        let mut source = match file.source.take() {
            Some(source) => source,
            None => Source::open(&file.place, file.packed)?,
        };
        let metadata = source.metadata()?;
        if (metadata.dev(), metadata.ino()) != file.inode {
            return Ok(Visit::Moved);
        }
        if !file.packed {
            file.size = metadata.len();
        }
        let visit = self.read_source(id, file, &mut source, draft, now);
        file.source = Some(source);
        visit
    }

    fn read_source(
        &mut self,
        id: FileId,
        file: &mut Tailed,
        source: &mut Source,
        draft: &mut Draft,
        now: Instant,
    ) -> io::Result<Visit> {
        let wanted = self.config.fingerprint_size.0 as usize;
        if !file.packed {
            // Less is there than what it is known by: it is another content.
            let is_cut = file.size < u64::from(file.fingerprint.len);
            let is_short = (file.fingerprint.len as usize) < wanted && file.size > u64::from(file.fingerprint.len);
            if !file.is_checked || is_short || is_cut {
                let head = source.head(wanted)?;
                if !file.fingerprint.fits(&head) {
                    return Ok(Visit::Replaced);
                }
                if head.len() > file.fingerprint.len as usize {
                    file.fingerprint = Fingerprint::of(&head);
                }
                file.is_checked = true;
            }
            if file.size < file.offset && !self.has_shrunk(file, source)? {
                return Ok(Visit::Replaced);
            }
            if file.size < file.offset {
                return Ok(Visit::End);
            }
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let visit = self.read_chunks(id, file, source, draft, now, &mut scratch);
        self.scratch = scratch;
        visit
    }

    /// Whether a file that is shorter than what was read of it begins as it did, which is dealt with as `on_truncate` says.
    fn has_shrunk(&self, file: &mut Tailed, source: &mut Source) -> io::Result<bool> {
        let wanted = self.config.fingerprint_size.0;
        let begins_alike = u64::from(file.fingerprint.len) == wanted
            && file.size >= wanted
            && file.fingerprint.fits(&source.head(wanted as usize)?);
        if !begins_alike {
            return Ok(false);
        }
        match self.config.on_truncate {
            OnTruncate::ReadWholeFile => return Ok(false),
            OnTruncate::ReadNew => file.offset = file.size,
            OnTruncate::Ignore => file.has_shrunk = true,
        }
        file.guard = Guard::default();
        Ok(true)
    }

    fn read_chunks(
        &mut self,
        id: FileId,
        file: &mut Tailed,
        source: &mut Source,
        draft: &mut Draft,
        now: Instant,
        scratch: &mut Vec<u8>,
    ) -> io::Result<Visit> {
        let mut chunk = CHUNK;
        loop {
            let guarded = if source.is_packed() { 0 } else { file.guard.len as usize };
            let there = match source.is_packed() {
                true => chunk,
                false => chunk.min(usize::try_from(file.size - file.offset).unwrap_or(usize::MAX)),
            };
            source.read(file.offset - guarded as u64, guarded + there, scratch)?;
            // The file is shorter, or says something else, than a moment ago.
            let Some((before, bytes)) = scratch.split_at_checked(guarded) else { return Ok(Visit::Replaced) };
            if guarded > 0 && !file.guard.fits(before) {
                return Ok(Visit::Replaced);
            }
            file.longest =
                file.longest.max(file.offset + bytes.len() as u64).max(if file.packed { 0 } else { file.size });
            let end = file.offset + bytes.len() as u64;
            let is_end = if source.is_packed() { source.ends_at(end) } else { end >= file.size || bytes.len() < there };
            let mut at = self.cut(id, file, bytes, draft, now);
            let left = bytes.len() - at;
            // What was not cut is no rest.
            let is_end = is_end && !draft.is_full();
            if is_end && left > 0 && self.is_over(file, left as u64, now) {
                let token = self.splitter.rest(bytes, at);
                if token.next > at {
                    self.emit(id, file, &bytes[token.content], file.offset + at as u64, draft, now);
                    at = token.next;
                } else if file.gone.is_some() {
                    // The half of a character whose other half never comes.
                    at = bytes.len();
                }
            }
            draft.read += at;
            file.offset += at as u64;
            if at > 0 {
                file.guard = Guard::of(&scratch[..guarded + at]);
                file.partial = file.partial.filter(|_| source.is_packed());
            }
            let left = left.min(end.saturating_sub(file.offset) as usize);
            if is_end {
                file.partial = match (left, file.partial) {
                    (0, _) => None,
                    (left, Some((before, since))) if before == left as u64 => Some((before, since)),
                    (left, _) => Some((left as u64, now)),
                };
                return Ok(Visit::End);
            }
            if draft.is_full() {
                return Ok(Visit::More);
            }
            chunk = if at == 0 { (chunk * 2).min(self.splitter.window().max(CHUNK) + GUARD) } else { CHUNK };
        }
    }

    /// Whether nothing comes any more behind `left` bytes without an end.
    fn is_over(&self, file: &Tailed, left: u64, now: Instant) -> bool {
        let waited = |(before, since): (u64, Instant)| {
            before == left && now.saturating_duration_since(since) >= self.patience(file)
        };
        file.packed || file.partial.is_some_and(waited)
    }

    /// Takes whole entries out of what was read; gives how far they go.
    fn cut(&mut self, id: FileId, file: &mut Tailed, bytes: &[u8], draft: &mut Draft, now: Instant) -> usize {
        let mut at = 0;
        while !draft.is_full() {
            if file.skips {
                let end = bytes.get(at..).and_then(|rest| self.splitter.line_end(rest)).map(|end| at + end);
                file.skips = end.is_none();
                let end = end.unwrap_or(bytes.len());
                self.meters.truncated_bytes.inc_by((end - at) as u64);
                at = end;
            }
            let Some(Token { content, next, cuts }) = self.splitter.next(bytes, at) else { break };
            self.emit(id, file, &bytes[content], file.offset + at as u64, draft, now);
            at = next;
            file.skips = cuts;
        }
        at
    }

    fn emit(&mut self, id: FileId, file: &mut Tailed, content: &[u8], start: u64, draft: &mut Draft, now: Instant) {
        file.records += 1;
        // A blank line tells nothing, as in the Collector.
        if content.is_empty() {
            return;
        }
        let says = std::sync::Arc::clone(&file.says);
        let mut attributes = says.share();
        if self.config.include_file_record_number {
            attributes.push(("log.file.record_number".into(), Value::Int(file.records as i64)));
        }
        if self.config.include_file_record_offset {
            attributes.push(("log.file.record_offset".into(), Value::Int(start as i64)));
        }
        let entry = Entry {
            body: Value::Text(self.splitter.text(content)),
            attributes,
            resource: Resource::Shared(std::sync::Arc::clone(&says.resource)),
            observed: unix_nanos(),
            origin: Origin { file: id, lineage: file.lineage, start },
            ..Entry::default()
        };
        let mut out = Out { writer: &mut draft.writer, released: &mut draft.released, meters: &self.meters };
        self.plan.run(entry, &Context { now, path: &says.path }, &mut out);
    }

    /// A file has other content than what was read of it: what was not read is in a copy of it, or lost.
    fn replaced(&mut self, id: FileId, file: &mut Tailed, now: Instant) {
        let copy = self.copy_of(id, file);
        let unread = file.unread();
        match copy {
            Some(copy) => {
                self.inherit(copy, file, now);
                file.restart();
                file.after = Some(copy);
            }
            None => {
                if unread > 0 {
                    self.meters.lost_bytes.inc_by(unread);
                    tracing::warn!(path = %file.path.display(), bytes = unread, "a file was written anew before all of it was read");
                }
                file.restart();
            }
        }
        file.size = 0;
        self.changes.insert(id, Some(file.known()));
    }
}

fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
