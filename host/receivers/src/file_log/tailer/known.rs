//! Which of the followed files something on the disk is: the one place that is asked, whoever finds it.
//!
//! An inode says nothing for longer than its file is there: it is given to the next one at once, while a file that is gone
//! is followed on until all of it was delivered. So an inode counts only with the content of its file behind it.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Tailer;
use super::copies::is_content;
use super::follow::if_there;
use super::packed::has_packed;
use crate::entries::entry::FileId;
use crate::file_log::identity;
use crate::file_log::source;
use crate::file_log::tailed::{Inode, Tailed};

/// What all begins with that gzip has packed.
const GZIP: [u8; 2] = [0x1f, 0x8b];

impl Tailer {
    /// The followed file that what is at `path` is.
    pub(super) fn owner(&mut self, path: &Path, there: &Metadata) -> Option<FileId> {
        let inode = (there.dev(), there.ino());
        let last = *self.by_inode.get(&inode)?;
        if self.is_it(last, path, there) {
            return Some(last);
        }
        // Of several that had it, the checkpoint does not say which was the last.
        let others = self.files.iter().filter(|(id, file)| **id != last && file.inode == inode).map(|(id, _)| *id);
        let owner = others.filter(|id| self.is_it(*id, path, there)).max();
        match owner {
            Some(id) => self.by_inode.insert(inode, id),
            None => self.by_inode.remove(&inode),
        };
        owner
    }

    /// Whether what is at `path` is that file, and not one that was given its inode when that was gone.
    fn is_it(&self, id: FileId, path: &Path, there: &Metadata) -> bool {
        let inode = (there.dev(), there.ino());
        // It may have been packed, and be known by the inode of that since.
        let Some(file) = self.files.get(&id).filter(|file| file.inode == inode) else { return false };
        // What has other content under its own name was written anew; one that was moved from there is no more at that name.
        let is_at = || file.place == path || fs::canonicalize(path).is_ok_and(|place| place == file.place);
        let is_own = file.path == path && (self.scans > 1 && file.gone.is_none() || is_at());
        // What is open has its inode for itself.
        if file.source.is_some() || is_own && (!file.packed || file.scanned == there.len()) {
            return true;
        }
        // It may have been moved since it was found, and be told from others the next time.
        let Ok(Some(open)) = open_as(path, inode) else { return true };
        // One that is packed yet is what it was.
        is_content_of(open, file).unwrap_or(is_own || !file.packed)
    }

    /// Whether a file is at `path` as it was, whatever is known of its name and inode.
    pub(super) fn has_its_content(&self, id: FileId, path: &Path) -> bool {
        let has = |file: &Tailed| match open_as(path, file.inode) {
            Ok(Some(open)) => is_content_of(open, file).unwrap_or(true),
            _ => true,
        };
        self.files.get(&id).is_some_and(|file| file.source.is_some() || has(file))
    }

    /// Whether what a file was found in is another that was seen there by now. One that nothing is known of takes nothing.
    pub(super) fn is_of_another(&self, id: FileId, file: &Tailed) -> bool {
        let other =
            self.by_inode.get(&file.inode).filter(|other| **other != id).and_then(|other| self.files.get(other));
        let is_there = |other: &Tailed| other.seen == self.scans || file.fingerprint.len == 0;
        other.is_some_and(|other| other.inode == file.inode && is_there(other))
    }

    /// A file has an inode and a place no more.
    pub(super) fn let_go(&mut self, id: FileId, inode: Inode, place: &Path) {
        if self.by_inode.get(&inode) == Some(&id) {
            self.by_inode.remove(&inode);
        }
        if self.by_place.get(place) == Some(&id) {
            self.by_place.remove(place);
        }
    }

    /// A file is at another place, with the inode that is there.
    pub(super) fn goes_to(&mut self, id: FileId, inode: Inode, place: PathBuf) {
        let Some(file) = self.files.get_mut(&id) else { return };
        let before = (std::mem::replace(&mut file.inode, inode), std::mem::replace(&mut file.place, place.clone()));
        self.let_go(id, before.0, &before.1);
        self.by_inode.insert(inode, id);
        if let (Some(watch), Some(folder)) = (&mut self.watch, place.parent()) {
            watch.add(folder);
        }
        self.by_place.insert(place, id);
    }

    /// What is known of a file is to be in the checkpoint; a copy is nothing that is followed, as long as it is one.
    pub(super) fn remember(&mut self, id: FileId) {
        if let Some(file) = self.files.get(&id).filter(|file| file.copied.is_none()) {
            self.changes.insert(id, Some(file.known()));
        }
    }
}

/// Whether what has the inode of a file is that file, and not one that was given the inode when it was gone.
pub(super) fn is_content_of(open: File, file: &Tailed) -> io::Result<bool> {
    if file.packed {
        return has_packed(open, file);
    }
    if file.fingerprint.len > 0 {
        return is_content(&open, file);
    }
    // Nothing is known of it, but that nothing was packed in it.
    let head = identity::head(&open, GZIP.len())?;
    Ok(!head.is_empty() && !head.starts_with(&GZIP))
}

/// What is at `path`, where that has this inode; under its name may be another by now.
pub(super) fn open_as(path: &Path, inode: Inode) -> io::Result<Option<File>> {
    let Some(open) = if_there(source::regular(path))? else { return Ok(None) };
    let there = open.metadata()?;
    Ok(Some(open).filter(|_| (there.dev(), there.ino()) == inode))
}
