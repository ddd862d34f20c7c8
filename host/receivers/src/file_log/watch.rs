//! The watch asks the operating system to tell of changes in the folders of files that are followed.
//!
//! What it cannot watch is looked at now and then instead, so nothing depends on it.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

/// What is read of the kernel's queue at a time.
const BUFFER: usize = 16 << 10;

pub(super) struct Watch {
    fd: OwnedFd,
    folders: HashMap<i32, PathBuf>,
    known: HashMap<PathBuf, bool>,
}

/// What was told.
#[derive(Default)]
pub(super) struct Told {
    /// Files that were written to.
    pub(super) written: Vec<PathBuf>,
    /// Whether names came or went.
    pub(super) is_other: bool,
}

impl Watch {
    /// None where the kernel gives none.
    pub(super) fn new() -> Option<Watch> {
        let fd = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC);
        let fd = fd
            .inspect_err(|error| tracing::warn!(%error, "changes of files cannot be watched: they are looked for"))
            .ok()?;
        Some(Watch { fd, folders: HashMap::new(), known: HashMap::new() })
    }

    pub(super) fn fd(&self) -> std::io::Result<OwnedFd> {
        self.fd.try_clone()
    }

    /// Whether changes in the folder are told.
    pub(super) fn add(&mut self, folder: &Path) -> bool {
        if let Some(is_watched) = self.known.get(folder) {
            return *is_watched;
        }
        let flags = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        let watched = inotify::add_watch(&self.fd, folder, flags);
        if let Ok(descriptor) = watched {
            self.folders.insert(descriptor, folder.to_owned());
        }
        self.known.insert(folder.to_owned(), watched.is_ok());
        watched.is_ok()
    }

    /// Forgets folders in which nothing is followed any more.
    pub(super) fn keep(&mut self, is_used: impl Fn(&Path) -> bool) {
        self.folders.retain(|descriptor, folder| {
            let stays = is_used(folder);
            if !stays && let Err(error) = inotify::remove_watch(&self.fd, *descriptor) {
                tracing::trace!(%error, "a folder that went is not watched any more");
            }
            stays
        });
        self.known.retain(|folder, _| is_used(folder));
    }

    pub(super) fn folders(&self) -> usize {
        self.folders.len()
    }

    /// All that was told since the last call.
    pub(super) fn told(&mut self) -> Told {
        let mut told = Told::default();
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.fd, &mut buffer);
        while let Ok(event) = reader.next() {
            let flags = event.events();
            let name = event.file_name().and_then(|name| name.to_str().ok());
            match (self.folders.get(&event.wd()), name) {
                (Some(folder), Some(name)) if flags.contains(ReadFlags::MODIFY) => {
                    let path = folder.join(name);
                    if told.written.last() != Some(&path) {
                        told.written.push(path);
                    }
                }
                _ => told.is_other = true,
            }
            if flags.contains(ReadFlags::IGNORED)
                && let Some(folder) = self.folders.remove(&event.wd())
            {
                self.known.remove(&folder);
            }
        }
        told
    }
}
