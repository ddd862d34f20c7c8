//! Disks that are full and that fail, where this machine can have one.

use std::io::{ErrorKind, Write};

use super::*;

/// A disk, where this machine and its user can have one.
fn disk() -> Option<(tempfile::TempDir, Disk)> {
    if !own_mounts().unwrap() {
        println!("SKIPPED: a disk needs root and mkfs.ext4");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(&folder.path().join("disk"), 16).unwrap();
    Some((folder, disk))
}

#[test]
fn has_no_room_while_it_is_full() {
    let Some((_folder, disk)) = disk() else { return };
    let mut file = File::create(disk.path.join("file")).unwrap();
    disk.fill().unwrap();
    assert_eq!(file.write(&[0; 8192]).unwrap_err().kind(), ErrorKind::StorageFull);
    disk.free().unwrap();
    file.write_all(&[0; 8192]).unwrap();
}

#[tokio::test]
async fn has_what_was_synced_and_nothing_else_after_it_failed() {
    let Some((_folder, disk)) = disk() else { return };
    let mut synced = File::create(disk.path.join("synced")).unwrap();
    synced.write_all(b"kept").and_then(|()| synced.sync_all()).unwrap();
    let mut written = File::create(disk.path.join("written")).unwrap();
    written.write_all(b"lost").unwrap();
    disk.fail().unwrap();
    assert_eq!(synced.write(b"more").unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    drop((synced, written));
    disk.recover().await.unwrap();
    assert_eq!(std::fs::read(disk.path.join("synced")).unwrap(), b"kept");
    assert!(!disk.path.join("written").exists());
    std::fs::write(disk.path.join("again"), b"there is a disk again").unwrap();
}
