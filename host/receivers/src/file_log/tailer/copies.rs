//! Copies of files that are followed, as `copytruncate` makes them: not read before what they are copies of is cut or
//! gone, and then from where that was read to.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::follow::if_there;
use super::packed::has_content_packed;
use super::{GRACE, Tailer};
use crate::entries::entry::FileId;
use crate::file_log::identity::{self, Fingerprint, GUARD, Guard};
use crate::file_log::source;
use crate::file_log::tailed::{Copied, Position, Tailed};

/// So many first bytes that are the same make a copy likely, where no more can be compared.
const SURE: u64 = 256;

impl Tailer {
    /// The files that one of this path may be a copy of, as its name has it.
    pub(super) fn originals(&self, place: &Path) -> impl Iterator<Item = FileId> {
        let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let ends = name.char_indices().filter(|(at, c)| *at > 0 && ['.', '-', '_'].contains(c)).map(|(at, _)| at);
        let ids = ends.filter_map(move |end| self.by_place.get(&place.with_file_name(name.get(..end)?)).copied());
        ids.filter(|id| self.files.get(id).is_some_and(|file| !file.packed && file.copied.is_none()))
    }

    /// What one of this path is a copy of, or becomes one.
    pub(super) fn original_of(&self, place: &Path, now: Instant) -> Option<Copied> {
        let files = || self.originals(place).filter_map(|id| Some((id, self.files.get(&id)?)));
        let is_read = |file: &Tailed| file.offset > 0;
        let copied = |(of, _)| Copied::new(of, now);
        let own = files().find(|(_, file)| is_read(file) && is_copy(place, file).unwrap_or(false)).map(copied);
        // Of one that nothing was read of it is known by its beginning alone, once that is in the copy only.
        let is_cut = |file: &Tailed| {
            !is_read(file)
                && file.longest > 0
                && has_content(place, file).unwrap_or(false)
                && !has_content(&file.place, file).unwrap_or(true)
        };
        own.or_else(|| files().find(|(_, file)| is_cut(file)).map(|(of, _)| Copied::whole(of)))
    }

    /// Looks at copies that were not as long as what was read of their originals: they may be something else.
    pub(super) fn compare_copies(&mut self, now: Instant) {
        let mut others = Vec::new();
        for (id, file) in self.copies.iter().filter_map(|id| Some((id, self.files.get(id)?))) {
            let Some(copied) = &file.copied else { continue };
            let Some(original) = self.files.get(&copied.of).filter(|_| !copied.is_whole) else { continue };
            // It was truncated, or is gone: what was copied of it is known when it is read, or forgotten.
            if fs::metadata(&original.place).map_or(0, |metadata| metadata.len()) < original.offset {
                continue;
            }
            let is_copy = is_copy(&file.place, original).unwrap_or(true);
            let is_whole = is_copy && file.scanned >= original.offset;
            let is_over =
                !is_whole && file.scanned == copied.seen && now.saturating_duration_since(copied.grew) >= GRACE;
            others.push((*id, is_copy && !is_over, is_whole));
        }
        for (id, is_copy, is_whole) in others {
            let Some(file) = self.files.get_mut(&id) else { continue };
            if let Some(copied) = &mut file.copied {
                copied.is_whole = is_whole;
                if copied.seen != file.scanned {
                    (copied.seen, copied.grew) = (file.scanned, now);
                }
            }
            if !is_copy {
                file.copied = None;
                self.copies.remove(&id);
                self.changes.insert(id, Some(file.known()));
                self.make_ready(id);
            }
        }
    }

    /// A copy of this file that is followed.
    pub(super) fn own_copy(&self, id: FileId) -> Option<FileId> {
        let original = |copy: &FileId| Some(self.files.get(copy)?.copied?.of);
        self.copies.iter().find(|copy| original(copy) == Some(id)).copied()
    }

    /// The copy that was made of a file before it was truncated.
    pub(super) fn copy_of(&mut self, id: FileId, file: &Tailed) -> Option<FileId> {
        let own = self.own_copy(id);
        if own.is_some() {
            return own;
        }
        let folder = file.place.parent()?;
        let name = file.place.file_name()?.to_str()?;
        for entry in fs::read_dir(folder).ok()?.flatten() {
            let there = entry.file_name();
            let is_other = there.to_str().is_some_and(|there| there.len() > name.len() && there.starts_with(name));
            let packed = is_other && entry.path().extension().is_some_and(|extension| extension == "gz");
            let is_copy = || match packed {
                true => has_content_packed(&entry.path(), file),
                false => Ok(has_content(&entry.path(), file)? || is_begin(&entry.path(), file)?),
            };
            if !is_other || !is_copy().unwrap_or(false) {
                continue;
            }
            let metadata = entry.metadata().ok()?;
            let inode = (metadata.dev(), metadata.ino());
            // It may have been given the inode of one that is gone, and not delivered yet.
            if self.by_inode.get(&inode).is_some_and(|known| self.is_it(*known, &entry.path())) {
                continue;
            }
            let copy = self.next_id;
            self.next_id += 1;
            let mut other = Tailed::new(inode, file.lineage, file.path.clone(), entry.path(), &self.config);
            other.fingerprint = file.fingerprint;
            other.packed = packed;
            other.size = metadata.len();
            self.by_inode.insert(inode, copy);
            self.by_place.insert(entry.path(), copy);
            self.files.insert(copy, other);
            return Some(copy);
        }
        None
    }

    /// Whether a file that waits to be read was written anew; where it only became shorter, reading decides. Where it was
    /// not, more of its beginning is known now.
    pub(super) fn is_written_anew(&mut self, id: FileId, there: &Metadata) -> bool {
        let wanted = self.config.fingerprint_size.0;
        let Some(file) = self.files.get_mut(&id) else { return false };
        let is_waiting = file.is_under_way() || file.is_ready;
        let is_short = u64::from(file.fingerprint.len) < wanted.min(there.len());
        let has_changed = there.len() != file.scanned && file.inode == (there.dev(), there.ino());
        let is_shorter = there.len() < file.offset && there.len() >= wanted;
        if !is_waiting && !is_short || !has_changed || is_shorter || file.packed || file.copied.is_some() {
            return false;
        }
        // It may be another by now that is there under its name.
        let is_it = |open: &File| open.metadata().is_ok_and(|open| (open.dev(), open.ino()) == file.inode);
        let Some(open) = source::regular(&file.place).ok().filter(is_it) else { return false };
        if file.fingerprint.len > 0 && is_content(&open, file).is_ok_and(|is| !is) {
            return true;
        }
        if is_short
            && let Ok(head) = identity::head(&open, wanted as usize)
            && file.fingerprint.fits(&head)
        {
            file.fingerprint = Fingerprint::of(&head);
            self.changes.insert(id, Some(file.known()));
        }
        false
    }

    /// A file was written anew before what was there was read or delivered: that goes on as the copy that was made of it,
    /// and what is there is another file behind it.
    pub(super) fn split(&mut self, id: FileId, now: Instant) {
        let Some(mut file) = self.files.remove(&id) else { return };
        let source = file.source.take();
        let new = self.next_id;
        self.next_id += 1;
        let mut other = Tailed::new(file.inode, file.lineage, file.path.clone(), file.place.clone(), &self.config);
        if let Some(copy) = self.copy_of(id, &file).and_then(|copy| self.files.remove(&copy).map(|file| (copy, file))) {
            let (copy, copied) = copy;
            self.copies.remove(&copy);
            (file.inode, file.path, file.place, file.packed) = (copied.inode, copied.path, copied.place, copied.packed);
            (file.seen, file.scanned, file.is_drained) = (copied.seen, copied.scanned, false);
            file.fingerprint = copied.fingerprint;
            let length = fs::metadata(&file.place).ok().filter(|_| !file.packed).map_or(u64::MAX, |there| there.len());
            file.shorten(length);
            self.by_inode.insert(file.inode, id);
            self.by_path.insert(file.path.clone(), id);
            self.by_place.insert(file.place.clone(), id);
            self.changes.insert(copy, None);
        } else {
            let unread = file.unread();
            self.meters.lost_bytes.inc_by(unread);
            tracing::warn!(path = %file.path.display(), bytes = unread, "a file was written anew before all of it was read");
            // Nothing leads to it any more; it stays until what is under way of it is delivered.
            (file.inode, file.place, file.longest) = ((0, id), PathBuf::new(), file.offset);
            file.is_drained = true;
        }
        (file.gone, file.partial, file.is_checked) = (file.gone.or(Some(now)), None, false);
        other.seen = self.scans;
        other.after = Some(id);
        if let Ok(metadata) = fs::metadata(&other.place) {
            (other.scanned, other.longest) = (metadata.len(), metadata.len());
        }
        if let Ok(head) = source::regular(&other.place)
            .and_then(|open| identity::head(&open, self.config.fingerprint_size.0 as usize))
        {
            other.fingerprint = Fingerprint::of(&head);
        }
        other.source = source;
        self.changes.insert(id, Some(file.known()));
        self.changes.insert(new, Some(other.known()));
        self.files.insert(id, file);
        self.enter(new, other);
        self.make_ready(id);
        self.make_ready(new);
    }

    /// A copy takes the place of what it is one of, and is read from there on.
    pub(super) fn inherit(&mut self, copy: FileId, file: &Tailed, now: Instant) {
        let Some(other) = self.files.get_mut(&copy) else { return };
        // What was written and read after it was made is not in it.
        let length = fs::metadata(&other.place).ok().filter(|_| !other.packed).map_or(u64::MAX, |there| there.len());
        let guard = if length < file.offset { Guard::default() } else { file.guard };
        other.copied = None;
        self.copies.remove(&copy);
        other.offset = file.offset.min(length);
        other.guard = guard;
        other.records = file.records;
        other.delivered = Position { offset: other.offset, guard, records: file.records };
        other.lineage = file.lineage;
        other.says = Arc::clone(&file.says);
        other.gone.get_or_insert(now);
        other.is_drained = false;
        self.changes.insert(copy, Some(other.known()));
        self.make_ready(copy);
    }
}

/// Whether what has the inode of a file is that file, and not one that was given the inode when it was gone.
pub(super) fn is_content_of(path: &Path, file: &Tailed) -> io::Result<bool> {
    match (file.packed, file.fingerprint.len) {
        (true, _) => has_content_packed(path, file),
        (false, 0) => Ok(true),
        (false, _) => has_content(path, file),
    }
}

/// Whether a file begins as the one that is followed, and has before its offset what was read there.
pub(super) fn has_content(path: &Path, file: &Tailed) -> io::Result<bool> {
    match if_there(source::regular(path))? {
        Some(other) => is_content(&other, file),
        None => Ok(false),
    }
}

/// The same of one that is open.
fn is_content(other: &File, file: &Tailed) -> io::Result<bool> {
    let head = identity::head(other, file.fingerprint.len as usize)?;
    let mut before = Vec::new();
    let guarded = u64::from(file.guard.len);
    let start = file.offset.saturating_sub(guarded);
    identity::read_at(other, start, guarded as usize, &mut before)?;
    Ok(file.fingerprint.len > 0 && file.fingerprint.fits(&head) && (guarded == 0 || file.guard.fits(&before)))
}

/// Whether what is at `place` is a copy of a file as far as that was read, or as far as the copy was written yet.
fn is_copy(place: &Path, file: &Tailed) -> io::Result<bool> {
    let Some(copy) = if_there(source::regular(place))? else { return Ok(false) };
    let length = copy.metadata()?.len();
    if length >= file.offset {
        return has_content(place, file);
    }
    let Some(original) = if_there(source::regular(&file.place))? else { return is_begin(place, file) };
    if !file.fingerprint.fits(&identity::head(&original, file.fingerprint.len as usize)?) {
        return is_begin(place, file);
    }
    let first = length.min(u64::from(file.fingerprint.len)) as usize;
    let begins_alike = first > 0 && identity::head(&copy, first)? == identity::head(&original, first)?;
    let last = length.saturating_sub(GUARD as u64);
    let (mut ends, mut other) = (Vec::new(), Vec::new());
    identity::read_at(&copy, last, (length - last) as usize, &mut ends)?;
    identity::read_at(&original, last, (length - last) as usize, &mut other)?;
    Ok(begins_alike && ends == other)
}

/// Whether what is at `place` begins as a file does that was written anew since, and is shorter than what was read of it: that
/// was written, and read, after the copy was made.
fn is_begin(place: &Path, file: &Tailed) -> io::Result<bool> {
    let Some(copy) = if_there(source::regular(place))? else { return Ok(false) };
    let (wanted, length) = (u64::from(file.fingerprint.len), copy.metadata()?.len());
    let is_between = wanted >= SURE && (wanted..file.offset).contains(&length);
    Ok(is_between && file.fingerprint.fits(&identity::head(&copy, wanted as usize)?))
}
