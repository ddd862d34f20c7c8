//! What becomes of the journal when the disk takes nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Checkpoint, Known, read};
use crate::file_log::identity::{Fingerprint, Guard};

fn known(inode: u64) -> Known {
    Known {
        device: 1,
        inode,
        place: Default::default(),
        path: PathBuf::from("/var/log/app.log"),
        fingerprint: Fingerprint::default(),
        offset: 10,
        guard: Guard::default(),
        size: 10,
        packed: false,
        lineage: 1,
        after: None,
        records: 1,
    }
}

fn write(checkpoint: &mut Checkpoint, id: u64) -> std::io::Result<()> {
    checkpoint.write([(id, Some(known(id)))].into())
}

fn ids(path: &Path) -> Vec<u64> {
    let (live, is_whole) = read(&fs::read(path).unwrap());
    assert!(is_whole);
    live.into_keys().collect()
}

/// A checkpoint that the disk takes nothing of, with half a record at its end, and what stops it.
fn full(path: &Path) -> (Checkpoint, File, PathBuf) {
    let mut checkpoint = Checkpoint::open(path).unwrap();
    write(&mut checkpoint, 1).unwrap();
    let no_room = File::options().write(true).open("/dev/full").unwrap();
    let mut journal = std::mem::replace(&mut checkpoint.journal, no_room);
    // Nothing is written beside it, either.
    let beside = path.with_extension("new");
    fs::create_dir(&beside).unwrap();
    write(&mut checkpoint, 2).unwrap_err();
    journal.write_all(b"half").unwrap();
    (checkpoint, journal, beside)
}

#[test]
fn nothing_is_appended_behind_what_was_written_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let (mut checkpoint, journal, beside) = full(&path);
    checkpoint.journal = journal;
    write(&mut checkpoint, 3).unwrap_err();
    fs::remove_dir(beside).unwrap();
    write(&mut checkpoint, 4).unwrap();
    assert_eq!(ids(&path), [1, 2, 3, 4]);
    write(&mut checkpoint, 5).unwrap();
    assert_eq!(ids(&path), [1, 2, 3, 4, 5]);
}

#[test]
fn what_was_not_written_is_written_when_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let (mut checkpoint, _journal, beside) = full(&path);
    assert!(checkpoint.is_behind());
    fs::remove_dir(beside).unwrap();
    checkpoint.write([].into()).unwrap();
    assert!(!checkpoint.is_behind());
    assert_eq!(ids(&path), [1, 2]);
}
