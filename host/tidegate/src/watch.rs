//! The watch over the files that a configuration was read from: those of `--config`, those that it refers to, and, where
//! it was refused, those that its sections name.

use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_config::watched::Watched;
use host_config::{Os, Source, read_text};
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How often to look. A file that has changed is taken when it was left alone for so long.
const LOOK: Duration = Duration::from_millis(250);

/// The environment and files of this process, with a note of what was read.
#[derive(Default)]
pub(crate) struct Noted(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    files: Vec<Watched>,
    text: Sha256,
    /// Files that sections name, such as certificates: who uses them watches them, once they are in use.
    named: Vec<Watched>,
}

/// The same, for files that sections name.
pub(crate) struct Named<'a>(&'a Noted);

impl Noted {
    pub(crate) fn named(&self) -> Named<'_> {
        Named(self)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Noted {
    fn env(&self, name: &str) -> Option<String> {
        Os.env(name)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut file = Watched::new(path.to_owned());
        let read = read_text(&mut file);
        let mut notes = self.notes();
        notes.text.update(path.as_os_str().as_encoded_bytes());
        match &read {
            Ok(text) => notes.text.update(text),
            Err(error) => notes.text.update(error.to_string()),
        }
        add(&mut notes.files, file);
        read
    }
}

impl Source for Named<'_> {
    fn env(&self, name: &str) -> Option<String> {
        Os.env(name)
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let mut file = Watched::new(path.to_owned());
        let read = read_text(&mut file);
        add(&mut self.0.notes().named, file);
        read
    }
}

fn add(files: &mut Vec<Watched>, file: Watched) {
    if !files.iter().any(|known| known.path() == file.path()) {
        files.push(file);
    }
}

/// Files, and what was in them when they were read last.
#[derive(Default)]
pub(crate) struct Watch {
    files: Arc<Mutex<Vec<Watched>>>,
    read: Vec<u8>,
    named: Vec<Watched>,
}

impl Watch {
    /// Watches what was noted.
    pub(crate) fn over(noted: Noted) -> Self {
        let Notes { files, text, named } = noted.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Watch { files: Arc::new(Mutex::new(files)), read: text.finalize().to_vec(), named }
    }

    /// Watches the files that sections name, too, and `modules`: what was read was refused, and one of them may be why.
    pub(crate) fn include_named(&mut self, modules: Vec<Watched>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.named.drain(..).chain(modules).for_each(|file| add(&mut files, file));
    }

    /// Whether the same was read for both.
    pub(crate) fn reads_as(&self, other: &Watch) -> bool {
        self.read == other.read
    }

    /// Goes over to what was read for another configuration. Where that one could not be read to its end, the files of
    /// the one in force are watched on.
    pub(crate) fn go_over(&mut self, newer: Watch, has_all: bool) {
        if !has_all {
            let mut newer = newer.lock();
            let missing = |file: &Watched| !newer.iter().any(|known| known.path() == file.path());
            let mut old: Vec<Watched> = self.lock().drain(..).filter(missing).collect();
            old.iter_mut().for_each(Watched::take);
            newer.append(&mut old);
        }
        *self = newer;
    }

    /// Waits until a file is another than it was, and names it. Files that are still being written are left alone.
    pub(crate) async fn changed(&self) -> PathBuf {
        if self.lock().is_empty() {
            return pending().await;
        }
        loop {
            sleep(LOOK).await;
            let files = Arc::clone(&self.files);
            let look = spawn_blocking(move || {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                // Each is looked at: whether one was left alone shows when it is looked at again.
                let changed: Vec<PathBuf> =
                    files.iter_mut().filter_map(|file| file.has_changed().then(|| file.path().to_owned())).collect();
                changed.into_iter().next()
            });
            if let Ok(Some(path)) = look.await {
                return path;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Watched>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
