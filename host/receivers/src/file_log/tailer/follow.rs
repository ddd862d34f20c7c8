//! How files are found and followed: new ones, renamed ones, rotated ones that no pattern matches, and those that are gone.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::time::{ClockId, clock_gettime};

use super::copies::has_content;
use super::known::{is_content_of, open_as};
use super::packed::find_packed;
use super::{GRACE, Tailer};
use crate::entries::entry::FileId;
use crate::file_log::config::Compression;
use crate::file_log::finder::{Found, Look, is_absence};
use crate::file_log::identity::Fingerprint;
use crate::file_log::source::Source;
use crate::file_log::tailed::{Copied, Inode, Says, Tailed};

/// How much longer looking at everything rests than it takes.
pub(super) const REST: u32 = 50;
/// Between two looks where the kernel tells of changes, in intervals.
const WATCHED: u32 = 5;
/// How often it is told that something cannot be looked at.
const WARN_PAUSE: Duration = Duration::from_secs(60);

/// What became of a file that no pattern finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sought {
    /// It is elsewhere, with what was read of it.
    Found,
    /// It is read, or waited for, as it is.
    Open,
    Gone,
}

impl Tailer {
    /// Looks for files, and at what became of those that are followed.
    pub(super) fn scan(&mut self, now: Instant) {
        let (began, worked) = (Instant::now(), cpu_time());
        self.scans += 1;
        let Look { found, failures, failure } = self.finder.find();
        self.is_whole = failure.is_none();
        if let Some((path, error)) = failure {
            self.meters.read_errors.inc_by(failures);
            self.warn_of(&path, &error, now);
        }
        let is_first = self.scans == 1;
        let (known, new) = self.sort_out(found);
        for (id, found) in known {
            // It may have been told since that it is another.
            let owner = self.by_inode.get(&(found.metadata.dev(), found.metadata.ino())).copied();
            self.see(owner.unwrap_or(id), &found, now);
        }
        for found in new {
            self.begin(found, is_first, now);
        }
        self.compare_copies(now);
        // What was not found may be there nevertheless.
        if self.is_whole {
            self.miss(now);
        }
        self.has_gone = self.files.values().any(|file| file.gone.is_some());
        // On a busy machine it takes longer than the work that it is.
        self.scan_took = cpu_time().saturating_sub(worked).max(began.elapsed() / REST);
        let factor = if self.watch.is_some() { WATCHED } else { 1 };
        self.next_scan = now + (self.config.poll_interval * factor).max(self.scan_took * REST);
    }

    fn warn_of(&mut self, path: &Path, error: &io::Error, now: Instant) {
        if self.warned.is_none_or(|before| now.saturating_duration_since(before) >= WARN_PAUSE) {
            self.warned = Some(now);
            tracing::warn!(path = %path.display(), %error, "it cannot be looked at: files that are not found count as there");
        }
    }

    /// Those that are followed already, and those that are not; what has several names is there once.
    fn sort_out(&mut self, found: Vec<Found>) -> (Vec<(FileId, Found)>, Vec<Found>) {
        let mut places: HashMap<Inode, usize> = HashMap::new();
        let mut all: Vec<Found> = Vec::new();
        for found in found {
            let inode = (found.metadata.dev(), found.metadata.ino());
            match places.get(&inode) {
                None => {
                    places.insert(inode, all.len());
                    all.push(found);
                }
                Some(at) => {
                    // The name that it was followed by is the one that stays.
                    let own = self.by_inode.get(&inode).and_then(|id| self.files.get(id)).map(|file| &file.path);
                    if own == Some(&found.path)
                        && let Some(there) = all.get_mut(*at)
                    {
                        *there = found;
                    }
                }
            }
        }
        let (mut known, mut new) = (Vec::new(), Vec::new());
        for found in all {
            match self.owner(&found.path, &found.metadata) {
                Some(id) => known.push((id, found)),
                None => new.push(found),
            }
        }
        (known, new)
    }

    /// A file that is followed is there.
    fn see(&mut self, id: FileId, found: &Found, now: Instant) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.seen = self.scans;
        // One that was moved away may be back under its name.
        let may_be_elsewhere = self.scans == 1 || file.gone.is_some();
        if file.copied.is_none() {
            file.gone = None;
        }
        if file.path != found.path || may_be_elsewhere {
            self.name(id, &found.path);
        }
        if self.is_written_anew(id, &found.metadata) {
            return self.split(id, now);
        }
        let Some(file) = self.files.get_mut(&id) else { return };
        let size = found.metadata.len();
        let has_changed =
            file.size != size || file.scanned != size || size > file.offset || !file.is_checked && file.scanned == 0;
        // What could not be read is tried again.
        let has_changed = has_changed || file.failing.is_some();
        file.scanned = size;
        if size > file.longest && !file.packed && file.copied.is_none() {
            file.longest = size;
            self.changes.insert(id, Some(file.known()));
        }
        let is_read = file.packed && file.is_drained;
        if has_changed && !is_read && !(file.partial.is_some() && file.size == size) {
            self.make_ready(id);
        }
        self.hold(id);
    }

    /// A file is found by this path.
    fn name(&mut self, id: FileId, path: &Path) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if file.path == path && file.place == place {
            return;
        }
        let is_other = file.path != path;
        let before = std::mem::replace(&mut file.path, path.to_owned());
        file.says = std::sync::Arc::new(Says::new(&self.config, path, &place));
        if is_other
            && let Some(was) = file.was.replace(before)
            && self.by_path.get(&was) == Some(&id)
        {
            self.by_path.remove(&was);
        }
        let inode = file.inode;
        self.by_path.insert(path.to_owned(), id);
        self.goes_to(id, inode, place);
        self.remember(id);
    }

    /// Opens a file that is new or has something to read: who removes it before its turn comes takes nothing of it.
    fn hold(&mut self, id: FileId) {
        let has_room = self.open < self.config.max_concurrent_files;
        let Some(file) = self.files.get_mut(&id).filter(|_| has_room) else { return };
        let is_to_read = file.scanned > file.offset || file.records == 0;
        if is_to_read
            && !file.packed
            && file.copied.is_none()
            && file.source.is_none()
            && let Ok(source) = Source::open(&file.place, false)
            && source.metadata().is_ok_and(|there| (there.dev(), there.ino()) == file.inode)
        {
            file.source = Some(source);
            self.open += 1;
        }
    }

    /// A file is there that was not followed.
    fn begin(&mut self, found: Found, is_first: bool, now: Instant) {
        let place = fs::canonicalize(&found.path).unwrap_or_else(|_| found.path.clone());
        self.split_originals(&place, now);
        // One that was found as a copy a moment ago is followed.
        if let Some(id) = self.by_inode.get(&(found.metadata.dev(), found.metadata.ino())) {
            return self.see(*id, &found, now);
        }
        let Found { path, metadata } = found;
        let predecessor = self.by_path.get(&path).copied().filter(|id| self.files.contains_key(id));
        if let Some(limit) = self.config.exclude_older_than
            && metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok()) > Some(limit)
        {
            return;
        }
        let packed = match self.config.compression {
            Compression::None => false,
            Compression::Gzip => true,
            Compression::Auto => path.extension().is_some_and(|extension| extension == "gz"),
        };
        let inode = (metadata.dev(), metadata.ino());
        // What was moved since it was found is found elsewhere the next time.
        let open = open_as(&path, inode).ok().flatten();
        if open.is_none() && !fs::metadata(&path).is_ok_and(|there| (there.dev(), there.ino()) == inode) {
            return;
        }
        let mut copied = None;
        if packed {
            match self.original_of_packed(&path, inode) {
                Ok(Some(id)) if self.goes_on_packed(id, &path, inode) => return,
                Ok(original) => copied = original.map(Copied::whole),
                Err(error) => {
                    // It may be packed yet.
                    self.meters.read_errors.inc();
                    tracing::debug!(path = %path.display(), %error, "a packed file cannot be read");
                    return;
                }
            }
        }
        if let Some(id) = predecessor
            && self.is_same_content(id, &path)
        {
            self.move_to(id, inode, &path);
            return;
        }
        let may_be_copy = !packed && (!is_first || self.from_beginning);
        // What nothing stands in yet may become a copy: it is looked at again.
        if may_be_copy && metadata.len() == 0 && self.originals(&place).next().is_some() {
            return;
        }
        let id = self.next_id;
        self.next_id += 1;
        let lineage = predecessor.and_then(|id| self.files.get(&id)).map_or(id, |file| file.lineage);
        let mut file = Tailed::new(inode, lineage, path, place, &self.config);
        file.packed = packed;
        file.seen = self.scans;
        file.size = metadata.len();
        file.scanned = metadata.len();
        file.after = predecessor;
        if let Some(before) = predecessor.and_then(|id| self.files.get_mut(&id)) {
            before.is_drained = false;
        }
        if is_first && !self.from_beginning {
            file.offset = metadata.len();
            file.longest = metadata.len();
            file.delivered.offset = metadata.len();
        } else if !packed {
            copied = self.original_of(&file.place, inode, now);
            file.longest = metadata.len();
        }
        file.copied = copied;
        // It may be moved before it is its turn to be read.
        let wanted = self.config.fingerprint_size.0 as usize;
        if let Some(Ok(head)) = open.map(|open| Source::of(open, packed).and_then(|mut source| source.head(wanted))) {
            file.fingerprint = Fingerprint::of(&head);
        }
        // A copy is nothing that is followed, as long as it is one.
        if file.copied.is_some() {
            self.copies.insert(id);
        } else {
            self.changes.insert(id, Some(file.known()));
        }
        self.enter(id, file);
        self.make_ready(id);
        self.hold(id);
    }

    pub(super) fn enter(&mut self, id: FileId, file: Tailed) {
        self.by_inode.insert(file.inode, id);
        self.by_path.insert(file.path.clone(), id);
        self.by_place.insert(file.place.clone(), id);
        if let (Some(watch), Some(folder)) = (&mut self.watch, file.place.parent()) {
            watch.add(folder);
        }
        self.files.insert(id, file);
    }

    /// What no pattern finds any more: it was moved, packed, or removed.
    fn miss(&mut self, now: Instant) {
        let missed = self.files.iter().filter(|(_, file)| file.seen != self.scans).map(|(id, _)| *id);
        for id in missed.collect::<Vec<FileId>>() {
            let Some(mut file) = self.files.remove(&id) else { continue };
            let is_new = file.gone.is_none();
            if is_new {
                file.gone = Some(now);
                file.is_drained = false;
            }
            let is_sought = !file.is_drained && (is_new || file.source.is_none() && !file.is_under_way());
            let (inode, place, packed) = (file.inode, file.place.clone(), file.packed);
            let mut sought = if is_sought { self.seek(&mut file, now) } else { Sought::Open };
            if sought == Sought::Found && self.is_of_another(id, &file) {
                (file.inode, file.place, file.packed) = (inode, place.clone(), packed);
                sought = if file.is_under_way() || file.source.is_some() { Sought::Open } else { Sought::Gone };
            }
            if sought == Sought::Gone {
                let unread = file.unread();
                if unread > 0 && file.copied.is_none() && self.own_copy(id).is_none() {
                    self.meters.lost_bytes.inc_by(unread);
                    tracing::warn!(path = %file.path.display(), bytes = unread, "a file is gone before all of it was read");
                }
                self.forget(id, &file, now);
                continue;
            }
            if sought == Sought::Found {
                self.let_go(id, inode, &place);
                self.by_inode.insert(file.inode, id);
                if file.copied.is_none() {
                    self.changes.insert(id, Some(file.known()));
                }
            }
            if is_sought {
                // Another file may have been given the inode meanwhile: that one has it.
                self.by_inode.entry(file.inode).or_insert(id);
                self.by_place.entry(file.place.clone()).or_insert(id);
            }
            let is_to_read = has_grown(&mut file, now) || is_sought;
            self.files.insert(id, file);
            if is_to_read {
                self.make_ready(id);
                self.hold(id);
            }
        }
    }

    /// Looks for a file that no pattern finds.
    fn seek(&mut self, file: &mut Tailed, now: Instant) -> Sought {
        let is_open = file.source.is_some() || file.is_under_way();
        let look = |file: &mut Tailed| match find_moved(file) {
            // What is open is read to its end as it is.
            Ok(false) if !is_open => find_packed(file),
            found => found,
        };
        // What got another name while it was looked for was not found under either.
        let found = match look(file) {
            Ok(false) if !is_open => look(file),
            found => found,
        };
        match found {
            Ok(true) => Sought::Found,
            Ok(false) if !is_open => Sought::Gone,
            Ok(false) => Sought::Open,
            Err(error) => {
                self.meters.read_errors.inc();
                self.warn_of(&file.place, &error, now);
                Sought::Open
            }
        }
    }

    /// Whether a file that is gone has come back under its name with what was read of it.
    fn is_same_content(&self, id: FileId, path: &Path) -> bool {
        let Some(file) = self.files.get(&id) else { return false };
        let mut probe = Tailed::of(&file.known(), &self.config);
        probe.place.clone_from(&file.place);
        let is_elsewhere = match &file.source {
            Some(source) => source.metadata().is_ok_and(|metadata| metadata.nlink() > 0),
            None => find_moved(&mut probe).unwrap_or(true) || find_packed(&mut probe).unwrap_or(true),
        };
        let is_idle = !is_elsewhere && !file.is_under_way() && file.offset > 0;
        is_idle && has_content(path, file).unwrap_or(false)
    }

    fn move_to(&mut self, id: FileId, inode: Inode, path: &Path) {
        let Some(file) = self.files.get_mut(&id) else { return };
        file.take_source();
        (file.gone, file.seen) = (None, self.scans);
        self.goes_to(id, inode, fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
        self.remember(id);
        self.make_ready(id);
    }

    /// Lets go of files that are gone and read.
    pub(super) fn retire(&mut self, now: Instant) {
        if !self.is_whole {
            return;
        }
        let kept: std::collections::HashSet<FileId> = self.plan.kept().map(|(file, _)| file).collect();
        let is_over = |id: &FileId, file: &Tailed| {
            let since = |gone: Instant| now.saturating_duration_since(gone) >= GRACE.max(self.config.poll_interval * 3);
            file.gone.is_some_and(since)
                && file.is_drained
                && !file.is_under_way()
                && !kept.contains(id)
                && (file.delivered.offset == file.offset)
        };
        let over: Vec<FileId> = self.files.iter().filter(|(id, file)| is_over(id, file)).map(|(id, _)| *id).collect();
        for id in &over {
            let Some(mut file) = self.files.remove(id) else { continue };
            // Who wrote to it may have done so until a moment ago.
            if has_grown(&mut file, now) {
                self.files.insert(*id, file);
                self.make_ready(*id);
                continue;
            }
            self.forget(*id, &file, now);
        }
        if !over.is_empty()
            && let Some(watch) = &mut self.watch
        {
            let folders: std::collections::HashSet<&Path> =
                self.files.values().filter_map(|file| file.place.parent()).collect();
            watch.keep(|folder| folders.contains(folder));
        }
    }

    fn forget(&mut self, id: FileId, file: &Tailed, now: Instant) {
        // What it was copied to is what is left of it.
        while let Some(copy) = self.own_copy(id) {
            self.inherit(copy, file, now);
        }
        let own = |map: &mut HashMap<PathBuf, FileId>, path: &PathBuf| {
            if map.get(path) == Some(&id) {
                map.remove(path);
            }
        };
        own(&mut self.by_path, &file.path);
        file.was.iter().for_each(|was| own(&mut self.by_path, was));
        self.let_go(id, file.inode, &file.place);
        self.copies.remove(&id);
        self.changes.insert(id, None);
    }

    /// When somebody looks again at the latest.
    pub(in crate::file_log) fn pause(&self) -> Duration {
        self.config.poll_interval
    }
}

/// What this thread has worked.
pub(super) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// What is there; none where it is not.
pub(super) fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(there) => Ok(Some(there)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file that no pattern finds is longer than it was; then it is read on.
fn has_grown(file: &mut Tailed, now: Instant) -> bool {
    let Some(length) = file.length().filter(|length| *length > file.scanned.max(file.offset)) else { return false };
    file.scanned = length;
    file.longest = file.longest.max(length);
    file.gone = Some(now);
    file.is_drained = false;
    true
}

/// Looks for a file beside where it was, by its inode.
///
/// # Errors
/// Where that cannot be told.
pub(super) fn find_moved(file: &mut Tailed) -> io::Result<bool> {
    for entry in beside(file)? {
        let Some(entry) = if_there(entry)? else { continue };
        if entry.ino() == file.inode.1
            && let Some(open) = open_as(&entry.path(), file.inode)?
            && is_content_of(open, file).or_else(|error| if file.packed { Ok(false) } else { Err(error) })?
        {
            file.place = entry.path();
            return Ok(true);
        }
    }
    Ok(false)
}

/// What stands in the folder of a file.
pub(super) fn beside(file: &Tailed) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>> + use<>> {
    let folder = file.place.parent().map(fs::read_dir).map(if_there).transpose()?;
    Ok(folder.flatten().into_iter().flatten())
}
