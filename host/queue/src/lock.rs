//! The lock on a queue's folder: one process at a time works on it, and says who it is.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;

const FILE: &str = "lock";
/// How often to look whether another process has let go: that cannot be awaited without a thread.
const LOOK: Duration = Duration::from_millis(100);
/// How often to say so.
const TELL: u32 = 300;

/// Held until it is dropped, or the process ends in any way.
pub(crate) struct Lock {
    _file: File,
}

/// Who has the lock.
pub(crate) fn holder(folder: &Path) -> Option<String> {
    let path = folder.join(FILE);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(name(&path)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn name(path: &Path) -> String {
    let told = fs::read_to_string(path).unwrap_or_default();
    match told.trim() {
        "" => "another process".to_owned(),
        told => told.to_owned(),
    }
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(folder: &Path) -> io::Result<Result<Self, String>> {
        let path = folder.join(FILE);
        let open = || File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = open()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(name(&path))),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Who reads it finds out whom to look for; that it may not be there on a full disk does no harm.
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        let _ = file.set_len(0).and_then(|()| write!(file, "process {} on {host}", std::process::id()));
        Ok(Ok(Lock { _file: file }))
    }

    /// Takes the lock as soon as nobody has it, and tells who does.
    pub(crate) async fn wait(folder: &Path, owner: &str) -> io::Result<Self> {
        let mut looks = 0u32;
        loop {
            let holder = match Lock::take(folder)? {
                Ok(lock) => {
                    if looks > 0 {
                        tracing::info!(exporter = owner, folder = %folder.display(), "the queue is free now");
                    }
                    return Ok(lock);
                }
                Err(holder) => holder,
            };
            if looks.is_multiple_of(TELL) {
                let folder: PathBuf = folder.to_owned();
                tracing::warn!(
                    exporter = owner,
                    folder = %folder.display(),
                    holder,
                    "waiting for another process that has the queue; give each collector a `directory` of its own, or end that process"
                );
            }
            looks += 1;
            sleep(LOOK).await;
        }
    }
}
