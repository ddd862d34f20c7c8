//! A value that is made from files, and made anew when they change.
//!
//! Whoever uses the value asks for it, and that is when the files are looked at: at most once in an interval, on a thread
//! that may wait for a disk. What is compared is their content, so that a file written in place, one renamed into place
//! and the symbolic links of Kubernetes are all seen, whatever a file system makes of times. What cannot be used leaves
//! the value as it is, is counted, is told once, and is tried again each time.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_config::Wrong;
use host_telemetry::{Counter, Metrics};
use tokio::time::Instant;

/// A larger file holds no certificates.
const MAX_FILE: u64 = 4 << 20;

/// The value. Cloning shares it.
pub struct Fresh<T>(Arc<Inner<T>>);

impl<T> Clone for Fresh<T> {
    fn clone(&self) -> Self {
        Fresh(Arc::clone(&self.0))
    }
}

/// What is watched, for whom.
pub struct Watch {
    /// The component that uses the value, as the log and metrics name it.
    pub owner: String,
    /// What the value is, in one word.
    pub what: &'static str,
    pub files: Vec<PathBuf>,
    /// How often they are looked at, at most; zero is never again.
    pub interval: Duration,
}

type Load<T> = Box<dyn Fn() -> Result<T, Wrong> + Send + Sync>;

struct Inner<T> {
    watch: Watch,
    load: Load<T>,
    hasher: RandomState,
    state: Mutex<State<T>>,
    reloads: Counter,
    failures: Counter,
}

struct State<T> {
    value: Arc<T>,
    /// What the files held when they were looked at last.
    seen: Vec<Option<u64>>,
    /// Whether the value is still to be made of that, since it could not be.
    is_owed: bool,
    looked: Instant,
    /// Whether somebody looks at present.
    is_looking: bool,
}

impl<T: Send + Sync + 'static> Fresh<T> {
    /// Makes the value for the first time.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(
        watch: Watch,
        metrics: &Metrics,
        load: impl Fn() -> Result<T, Wrong> + Send + Sync + 'static,
    ) -> Result<Self, Wrong> {
        let labels = [("component", watch.owner.as_str()), ("what", watch.what)];
        let reloads = metrics.counter("tidegate_reloads", "Files that had changed and were taken.", &labels);
        let failures =
            metrics.counter("tidegate_reload_failures", "Files that had changed and could not be used.", &labels);
        let hasher = RandomState::new();
        // Before they are used: what changes in between is seen the next time.
        let seen = digests(&hasher, &watch.files);
        let value = Arc::new(load()?);
        let state = Mutex::new(State { value, seen, is_owed: false, looked: Instant::now(), is_looking: false });
        Ok(Fresh(Arc::new(Inner { watch, load: Box::new(load), hasher, state, reloads, failures })))
    }

    /// The value as the files have it, or had it a moment ago.
    pub async fn get(&self) -> Arc<T> {
        if !self.is_due() {
            return self.0.value();
        }
        let inner = Arc::clone(&self.0);
        match tokio::task::spawn_blocking(move || inner.look()).await {
            Ok(value) => value,
            // Only a runtime that ends does that.
            Err(_) => self.0.value(),
        }
    }

    /// Whether it is time to look; who is told so is the one to do it.
    fn is_due(&self) -> bool {
        let Watch { files, interval, .. } = &self.0.watch;
        if files.is_empty() || interval.is_zero() {
            return false;
        }
        let mut state = self.0.state();
        let due = !state.is_looking && state.looked.elapsed() >= *interval;
        if due {
            (state.looked, state.is_looking) = (Instant::now(), true);
        }
        due
    }
}

impl<T> Inner<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self) -> Arc<T> {
        Arc::clone(&self.state().value)
    }

    fn look(&self) -> Arc<T> {
        let _looking = Looking(self);
        let seen = digests(&self.hasher, &self.watch.files);
        let (value, is_changed, is_owed) = {
            let mut state = self.state();
            let before = std::mem::replace(&mut state.seen, seen);
            (Arc::clone(&state.value), before != state.seen, state.is_owed)
        };
        if !is_changed && !is_owed {
            return value;
        }
        let Watch { owner, what, .. } = &self.watch;
        match (self.load)() {
            Ok(made) => {
                self.reloads.inc();
                tracing::info!(component = owner, what, "the files have changed and were taken");
                let made = Arc::new(made);
                let mut state = self.state();
                (state.value, state.is_owed) = (Arc::clone(&made), false);
                made
            }
            Err(error) => {
                self.state().is_owed = true;
                // What stays as it was is tried again, since the reason may have passed, but is not told again.
                if is_changed {
                    self.failures.inc();
                    tracing::warn!(component = owner, what, %error, "changed files cannot be used; what was there stays");
                }
                value
            }
        }
    }
}

/// Somebody who looks; nobody else does meanwhile, so that no older value comes after a newer one.
struct Looking<'a, T>(&'a Inner<T>);

impl<T> Drop for Looking<'_, T> {
    fn drop(&mut self) {
        self.0.state().is_looking = false;
    }
}

/// What tells the contents of files apart; none for one that cannot be read.
fn digests(hasher: &RandomState, files: &[PathBuf]) -> Vec<Option<u64>> {
    files.iter().map(|path| read(path).ok().map(|content| hasher.hash_one(content))).collect()
}

/// The content of a file.
///
/// # Errors
/// When it cannot be read, is no file, or is too large to be what it should.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe would wait for a writer, and for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut content = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("the file is larger than {} MiB", MAX_FILE >> 20)));
    }
    Ok(content)
}
