//! The store is a log of segments: what was appended is there for good when that is said, and is read in order, each record
//! until somebody is done with it.
//!
//! Many appends share one sync. A sync that fails is never tried again on the same file, since the kernel may have
//! forgotten what it was to write: the segment ends at what was synced before, and another one begins. What was found at
//! the start is never appended to, so that no place is ever used twice.

mod appending;
mod reading;
mod recovery;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::progress::Keeper;
use crate::record::{Outgoing, Totals};
use crate::storage::Storage;

use self::appending::Appender;
use self::reading::Reader;
use self::state::State;

pub(crate) use self::appending::AppendError;
pub(crate) use self::reading::{Join, Taken};
pub use self::recovery::OpenError;
pub(crate) use self::recovery::{Recovered, recover};

/// What a store is made with.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The id of the exporter that the queue is of.
    pub(crate) owner: String,
    /// A segment that is longer is followed by another.
    pub(crate) segment_bytes: u64,
    /// So much of what was appended may stay in memory until it is taken.
    pub(crate) memory_bytes: usize,
    /// Whether an append waits for the disk.
    pub(crate) fsync: bool,
}

/// How much waits or is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub records: u64,
    pub items: u64,
    /// Of these records.
    pub bytes: u64,
    /// Of the segments, with what is done and not yet taken away.
    pub disk: u64,
}

/// What was lost to damage, since the last time that was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) bytes: u64,
    pub(crate) lost: Totals,
}

/// A queue on disk. Locks are taken in the order of the fields.
pub(crate) struct Store<S: Storage> {
    storage: S,
    settings: Settings,
    fsync: AtomicBool,
    keeper: Mutex<Keeper<S::File>>,
    appender: Mutex<Appender<S::File>>,
    reader: Mutex<Reader>,
    state: Mutex<State>,
    /// Something may be taken.
    pub(crate) ready: Notify,
}

impl<S: Storage> Store<S> {
    /// Opens the queue that lies in a folder, or begins one there.
    ///
    /// # Errors
    /// Where the folder cannot be read, or a newer program wrote what lies there.
    pub(crate) fn open(storage: S, settings: Settings) -> Result<(Arc<Self>, Recovered), OpenError> {
        let recovered = recover(&storage)?;
        for name in &recovered.finished {
            // Where it stays, the next start takes it away.
            let _ = storage.remove(&name.file());
        }
        Ok((Store::of(storage, settings, &recovered), recovered))
    }

    /// A store of what was found, for whoever only looks: nothing is changed on disk unless it appends or keeps.
    pub(crate) fn of(storage: S, settings: Settings, recovered: &Recovered) -> Arc<Self> {
        let keeper = Keeper::new(recovered.progress_file, recovered.progress.clone());
        Arc::new(Store {
            fsync: AtomicBool::new(settings.fsync),
            keeper: Mutex::new(keeper),
            appender: Mutex::new(Appender::new(recovered.next_number)),
            reader: Mutex::default(),
            state: Mutex::new(State::of(recovered)),
            ready: Notify::new(),
            storage,
            settings,
        })
    }

    /// Whether appends wait for the disk from now on.
    pub(crate) fn set_fsync(&self, fsync: bool) {
        self.fsync.store(fsync, Ordering::Relaxed);
    }

    /// Whether appends wait for the disk.
    pub(crate) fn fsync(&self) -> bool {
        self.fsync.load(Ordering::Relaxed)
    }

    pub(crate) fn usage(&self) -> Usage {
        self.state().usage()
    }

    /// What of it is in memory and waits.
    pub(crate) fn memory(&self) -> usize {
        self.state().fresh_bytes()
    }

    /// What of it was taken and neither put back nor done.
    pub(crate) fn under_way(&self) -> Usage {
        self.state().under_way()
    }

    /// When the oldest that is under way or was put back came, in nanoseconds since the Unix epoch.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.state().oldest()
    }

    /// What was lost to damage since this was asked the last time.
    pub(crate) fn take_damage(&self) -> Damage {
        std::mem::take(&mut self.state().damage)
    }

    /// Why nothing could be read at present, if so, since this was asked the last time: it is still there.
    pub(crate) fn take_trouble(&self) -> Option<std::io::Error> {
        self.state().trouble.take()
    }

    /// Appends these, one after the other: how many of them are there for good, and why the rest is not.
    pub(crate) fn append(&self, group: &[Outgoing]) -> (usize, Option<AppendError>) {
        let mut appender = lock(&self.appender);
        appender.append(self, group)
    }

    /// Takes what comes next where it need not be read back, or where nothing waits; none where it has to be.
    pub(crate) fn take_at_hand(self: &Arc<Self>, join: Join) -> Option<Vec<Taken<S>>> {
        // Whoever holds it may be reading.
        let mut reader = self.reader.try_lock().ok()?;
        reader.take_at_hand(self, join)
    }

    /// Takes what comes next, and more of the same that may travel with it; nothing where nothing waits, or what does cannot
    /// be read at present.
    pub(crate) fn take(self: &Arc<Self>, join: Join) -> Vec<Taken<S>> {
        let mut reader = lock(&self.reader);
        reader.take(self, join)
    }

    /// Writes down what was delivered, and takes away the segments that nobody needs any more. `lasts`: it is to outlast a
    /// loss of power, too.
    ///
    /// # Errors
    /// Where that fails: what was delivered since may be delivered again after a crash.
    pub(crate) fn keep(&self, lasts: bool) -> std::io::Result<()> {
        let mut keeper = lock(&self.keeper);
        let (progress, garbage) = {
            let mut state = self.state();
            (state.progress(), std::mem::take(&mut state.garbage))
        };
        let kept = match lasts || keeper.is_news(&progress) {
            true => keeper.write(&self.storage, progress, lasts),
            false => Ok(()),
        };
        let mut failed = None;
        for name in garbage {
            if let Err(error) = self.storage.remove(&name.file()) {
                failed = failed.or(Some(error));
            }
        }
        kept.and(failed.map_or(Ok(()), Err))
    }

    /// Ends the segment that is written to where all of it is done, so that it can be taken away.
    pub(crate) fn end_segment(&self) {
        let mut appender = lock(&self.appender);
        if self.state().is_all_done() {
            appender.end(self);
        }
    }

    /// Ends the segment that is written to, whatever waits in it: the next start need not read it to know what it holds.
    pub(crate) fn end_writing(&self) {
        lock(&self.appender).end(self);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
