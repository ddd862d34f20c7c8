//! Copies of files that are followed, as `copytruncate` makes them: not read before what they are copies of is cut or
//! gone, and then from where that was read to.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::follow::{find_moved, if_there};
use super::known::open_as;
use super::packed::{has_packed, may_be_packed_of};
use super::{GRACE, Tailer};
use crate::entries::entry::FileId;
use crate::file_log::identity::{self, Fingerprint, GUARD, Guard};
use crate::file_log::source;
use crate::file_log::tailed::{Copied, Inode, Position, Tailed};

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
    pub(super) fn original_of(&self, place: &Path, inode: Inode, now: Instant) -> Option<Copied> {
        let copy = open_as(place, inode).ok()??;
        let is_original = |id: &FileId| self.files.get(id).is_some_and(|file| is_copy(&copy, file).unwrap_or(false));
        self.originals(place).find(is_original).map(|of| Copied::new(of, now))
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
            // What is at its place may be another already.
            let Ok(Some(copy)) = open_as(&file.place, file.inode) else { continue };
            let is_copy = is_copy(&copy, original).unwrap_or(true);
            // What nothing was read of is compared until something was.
            let is_read = original.offset > 0;
            let is_whole = is_copy && is_read && file.scanned >= original.offset;
            let has_stayed = file.scanned == copied.seen && now.saturating_duration_since(copied.grew) >= GRACE;
            let is_over = is_read && !is_whole && has_stayed;
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
            let Some(there) = there.to_str() else { continue };
            let packed = may_be_packed_of(there, name);
            let may_be_plain = there.len() > name.len() && there.starts_with(name);
            if !packed && !may_be_plain {
                continue;
            }
            let Ok(open) = source::regular(&entry.path()) else { continue };
            let Ok(metadata) = open.metadata() else { continue };
            let is_copy = match packed {
                true => has_packed(open, file),
                false => is_content(&open, file).and_then(|is| Ok(is || is_begin(&open, file)?)),
            };
            if !is_copy.unwrap_or(false) {
                continue;
            }
            let inode = (metadata.dev(), metadata.ino());
            // Whose name and inode it has by chance after a restart has no more of it than that.
            if self.owner(&entry.path(), &metadata).is_some_and(|known| self.has_its_content(known, &entry.path())) {
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

    /// Whether a file that changed was written anew; where it became shorter and begins as before, reading
    /// decides. Where it was not, more of its beginning is known now.
    pub(super) fn is_written_anew(&mut self, id: FileId, there: &Metadata) -> bool {
        let wanted = self.config.fingerprint_size.0;
        let Some(file) = self.files.get_mut(&id) else { return false };
        let is_short = u64::from(file.fingerprint.len) < wanted.min(there.len());
        let has_changed = there.len() != file.scanned && file.inode == (there.dev(), there.ino());
        if !has_changed || file.packed || file.copied.is_some() {
            return false;
        }
        let Ok(Some(open)) = open_as(&file.place, file.inode) else { return false };
        if has_other_content(&open, file, wanted).unwrap_or(false) {
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

    /// What was written anew is told apart from what it was before something is taken for a copy of either.
    pub(super) fn split_originals(&mut self, place: &Path, now: Instant) {
        let wanted = self.config.fingerprint_size.0;
        let is_other = |id: &FileId| {
            let Some(file) = self.files.get(id) else { return false };
            let open = open_as(&file.place, file.inode).ok().flatten();
            open.is_some_and(|open| has_other_content(&open, file, wanted).unwrap_or(false))
        };
        let others: Vec<FileId> = self.originals(place).filter(is_other).collect();
        for id in others {
            self.split(id, now);
        }
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
            let (copy, mut copied) = copy;
            self.copies.remove(&copy);
            let length = seek_copy(&mut copied);
            (file.inode, file.path, file.place, file.packed) = (copied.inode, copied.path, copied.place, copied.packed);
            (file.seen, file.scanned, file.is_drained) = (copied.seen, copied.scanned, false);
            file.fingerprint = copied.fingerprint;
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
        if let Ok(Some(open)) = open_as(&other.place, other.inode)
            && let Ok(metadata) = open.metadata()
            && let Ok(head) = identity::head(&open, self.config.fingerprint_size.0 as usize)
        {
            (other.scanned, other.longest) = (metadata.len(), metadata.len());
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
        let length = seek_copy(other);
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

/// Looks where a copy is by now, which may have been moved since it was seen, and how long it is; so much that nothing is
/// beyond it where that cannot be told.
fn seek_copy(copy: &mut Tailed) -> u64 {
    if copy.length().is_none() && !copy.packed {
        find_moved(copy).unwrap_or(false);
    }
    copy.length().unwrap_or(u64::MAX)
}

/// Whether a file begins as the one that is followed, and has before its offset what was read there.
pub(super) fn has_content(path: &Path, file: &Tailed) -> io::Result<bool> {
    match if_there(source::regular(path))? {
        Some(other) => is_content(&other, file),
        None => Ok(false),
    }
}

/// The same of one that is open.
pub(super) fn is_content(other: &File, file: &Tailed) -> io::Result<bool> {
    let head = identity::head(other, file.fingerprint.len as usize)?;
    let mut before = Vec::new();
    let guarded = u64::from(file.guard.len);
    let start = file.offset.saturating_sub(guarded);
    identity::read_at(other, start, guarded as usize, &mut before)?;
    Ok(file.fingerprint.len > 0 && file.fingerprint.fits(&head) && (guarded == 0 || file.guard.fits(&before)))
}

/// Whether something else stands in a file than what was read of it, and not less of the same.
fn has_other_content(open: &File, file: &Tailed, wanted: u64) -> io::Result<bool> {
    let length = open.metadata()?.len();
    if file.fingerprint.len == 0 {
        return Ok(false);
    }
    if length < file.offset && length >= wanted {
        let head = identity::head(open, file.fingerprint.len as usize)?;
        return Ok(!file.fingerprint.fits(&head));
    }
    Ok(!is_content(open, file)?)
}

/// Whether this is a copy of a file as far as that was read, or as far as the copy was written yet.
fn is_copy(copy: &File, file: &Tailed) -> io::Result<bool> {
    let length = copy.metadata()?.len();
    if file.offset > 0 && length >= file.offset.max(u64::from(file.fingerprint.len)) {
        return is_content(copy, file);
    }
    // Of one that was cut it may be whole by now; what nothing was read of is known by its beginning alone.
    let is_known = |copy| Ok(is_content(copy, file)? || file.offset > 0 && is_begin(copy, file)?);
    let Some(original) = open_as(&file.place, file.inode)? else { return is_known(copy) };
    let is_cut =
        || Ok::<_, io::Error>(!file.fingerprint.fits(&identity::head(&original, file.fingerprint.len as usize)?));
    if is_cut()? {
        return is_known(copy);
    }
    let first = length.min(u64::from(file.fingerprint.len).max(SURE)) as usize;
    let begins_alike = first > 0 && identity::head(copy, first)? == identity::head(&original, first)?;
    let last = length.saturating_sub(GUARD as u64);
    let (mut ends, mut other) = (Vec::new(), Vec::new());
    identity::read_at(copy, last, (length - last) as usize, &mut ends)?;
    identity::read_at(&original, last, (length - last) as usize, &mut other)?;
    // It may have been cut while it was compared.
    if begins_alike && ends == other { Ok(true) } else { Ok(is_cut()? && is_known(copy)?) }
}

/// Whether this begins as a file does that was written anew since, and is shorter than what was read of it: that was
/// written, and read, after the copy was made.
fn is_begin(copy: &File, file: &Tailed) -> io::Result<bool> {
    let (wanted, length) = (u64::from(file.fingerprint.len), copy.metadata()?.len());
    let is_between = wanted >= SURE && (wanted..file.offset).contains(&length);
    Ok(is_between && file.fingerprint.fits(&identity::head(copy, wanted as usize)?))
}
