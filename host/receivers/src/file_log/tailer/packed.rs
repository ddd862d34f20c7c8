//! Files that are packed by gzip while they are followed: what is packed goes on where the file as it was ended.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::Tailer;
use super::follow::{beside, if_there};
use super::known::open_as;
use crate::entries::entry::FileId;
use crate::file_log::identity::Fingerprint;
use crate::file_log::source::{self, Source};
use crate::file_log::tailed::{Inode, Tailed};

impl Tailer {
    /// The followed file of the same folder that this is the packed content of.
    ///
    /// # Errors
    /// Where it cannot be unpacked as far as that file was read, as when it is packed yet.
    pub(super) fn original_of_packed(&mut self, path: &Path, inode: Inode) -> io::Result<Option<FileId>> {
        self.know_empty_ones(path.parent());
        let open = || open_as(path, inode)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        let head = Source::of(open()?, true)?.head(self.config.fingerprint_size.0 as usize)?;
        let is_candidate = |file: &Tailed| {
            !file.packed
                && file.copied.is_none()
                && file.fingerprint.len > 0
                && file.place.parent() == path.parent()
                && file.fingerprint.fits(&head)
        };
        let mut candidates: Vec<(bool, FileId)> = self
            .files
            .iter()
            .filter(|(_, file)| is_candidate(file))
            .map(|(id, file)| (file.seen == self.scans, *id))
            .collect();
        // One that is not there any more before one that is.
        candidates.sort_unstable();
        for (_, id) in candidates {
            if let Some(file) = self.files.get(&id)
                && has_packed(open()?, file)?
            {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// What was empty when it was looked at may have been written to since, and be open.
    fn know_empty_ones(&mut self, folder: Option<&Path>) {
        let wanted = self.config.fingerprint_size.0 as usize;
        let is_unknown = |file: &&mut Tailed| file.fingerprint.len == 0 && file.place.parent() == folder;
        for file in self.files.values_mut().filter(is_unknown) {
            if let Some(source @ Source::Plain(_)) = &mut file.source
                && let Ok(head) = source.head(wanted)
            {
                file.fingerprint = Fingerprint::of(&head);
            }
        }
    }

    /// Whether a file that is packed and not there any more as it was is read on in what is packed.
    pub(super) fn goes_on_packed(&mut self, id: FileId, path: &Path, inode: Inode) -> bool {
        let Some(file) = self.files.get_mut(&id) else { return false };
        // One that is open is read to its end as it is.
        if file.seen == self.scans || file.source.is_some() {
            return false;
        }
        (file.packed, file.seen, file.is_drained) = (true, self.scans, false);
        self.goes_to(id, inode, path.to_owned());
        self.remember(id);
        self.make_ready(id);
        true
    }
}

/// Whether what has this name may be packed of what had that name; a number or a date at its end is another by now.
pub(super) fn may_be_packed_of(there: &str, name: &str) -> bool {
    let is_of_rotation = |c: char| c.is_ascii_digit() || ['.', '-', '_'].contains(&c);
    there.ends_with(".gz") && there.starts_with(name.trim_end_matches(".gz").trim_end_matches(is_of_rotation))
}

/// Looks beside where a file was for what is packed of it.
///
/// # Errors
/// Where that cannot be told.
pub(super) fn find_packed(file: &mut Tailed) -> io::Result<bool> {
    let name = file.place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut packed = Vec::new();
    for entry in beside(file)? {
        let Some(entry) = if_there(entry)? else { continue };
        let there = entry.file_name().to_string_lossy().into_owned();
        if may_be_packed_of(&there, &name) {
            packed.push(entry.path());
        }
    }
    packed.sort();
    for path in packed {
        // What cannot be unpacked is nothing that is known.
        let Ok(open) = source::regular(&path) else { continue };
        let metadata = open.metadata()?;
        if has_packed(open, file).unwrap_or(false) {
            file.inode = (metadata.dev(), metadata.ino());
            (file.place, file.packed) = (path, true);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether what is packed in a file begins as the one that is followed, and has before its offset what was read there.
///
/// # Errors
/// Where it cannot be unpacked as far as that.
pub(super) fn has_packed(open: File, file: &Tailed) -> io::Result<bool> {
    let mut source = Source::of(open, true)?;
    let head = source.head(file.fingerprint.len as usize)?;
    if file.fingerprint.len == 0 || !file.fingerprint.fits(&head) {
        return Ok(false);
    }
    let mut before = Vec::new();
    source.read(file.offset - u64::from(file.guard.len), file.guard.len as usize, &mut before)?;
    Ok(file.guard.len == 0 || file.guard.fits(&before))
}
