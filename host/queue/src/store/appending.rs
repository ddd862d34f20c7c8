//! Appending: frames are written to the open segment, and one sync makes all of a group last.

use std::io;

use host_component::Delivery;

use super::Store;
use super::state::Fresh;
use crate::progress::Position;
use crate::record::{Mark, Outgoing, Totals};
use crate::segment::{self, FOOTER, HEADER, Name, OWNER, RECORD};
use crate::storage::Storage;

/// What is written at once, and kept in memory for that.
const WRITE: usize = 1 << 20;
/// A buffer that has become larger than this is given back.
const BUFFER: usize = 4 << 20;

/// Why something was not appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AppendError {
    #[error("no space is left for the queue on disk: {0}")]
    Space(String),
    #[error("the queue on disk cannot be written: {0}")]
    Write(String),
    #[error("the disk did not take what was written to the queue: {0}")]
    Sync(String),
}

impl AppendError {
    fn write(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                AppendError::Space(error.to_string())
            }
            _ => AppendError::Write(error.to_string()),
        }
    }
}

/// The writing end of a store.
pub(super) struct Appender<F> {
    open: Option<Open<F>>,
    next_number: u64,
    buffer: Vec<u8>,
}

/// The segment that is written to.
struct Open<F> {
    name: Name,
    file: F,
    /// What is there for good.
    length: u64,
    totals: Totals,
    /// Whether its name is not yet, as far as anybody knows.
    is_new: bool,
}

impl<F: Send> Appender<F> {
    pub(super) fn new(next_number: u64) -> Self {
        Appender { open: None, next_number, buffer: Vec::new() }
    }

    pub(super) fn append<S: Storage<File = F>>(
        &mut self,
        store: &Store<S>,
        group: &[Outgoing],
    ) -> (usize, Option<AppendError>) {
        let mut done = 0;
        while done < group.len() {
            match self.run(store, &group[done..]) {
                Ok(count) => done += count,
                Err(error) => return (done, Some(error)),
            }
        }
        (done, None)
    }

    /// Appends as many of `group` as the segment takes, one at least, and syncs them.
    fn run<S: Storage<File = F>>(&mut self, store: &Store<S>, group: &[Outgoing]) -> Result<usize, AppendError> {
        if self.open.as_ref().is_some_and(|open| open.length >= store.settings.segment_bytes) {
            self.end(store);
        }
        if self.open.is_none() {
            self.begin(store)?;
        }
        let Some(open) = &mut self.open else { return Ok(0) };
        let written = open.write(store, &mut self.buffer, group);
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER);
        let Written { records, end, totals } = match written {
            Ok(written) => written,
            Err(error) => {
                let error = AppendError::write(&error);
                let is_cut = store.storage.truncate(&mut open.file, open.length).is_ok();
                if !is_cut || !matches!(error, AppendError::Space(_)) || open.length == HEADER {
                    self.abandon(store);
                }
                return Err(error);
            }
        };
        if store.fsync() {
            let name = if open.is_new { store.storage.sync_folder() } else { Ok(()) };
            if let Err(error) = name.and_then(|()| store.storage.sync(&mut open.file)) {
                self.abandon(store);
                return Err(AppendError::Sync(error.to_string()));
            }
            open.is_new = false;
        }
        let count = records.len();
        let mut state = store.state();
        state.publish(open.name.number, end, totals.since(open.totals));
        let mut from = Position { segment: open.name.number, offset: open.length };
        for (Place { offset, end, mark }, outgoing) in records.into_iter().zip(group) {
            // As it would be read back.
            let delivery = Delivery { route: None, ..outgoing.delivery.clone() };
            let fresh = Fresh { from, position: Position { offset, ..from }, end, mark, delivery };
            state.remember(fresh, store.settings.memory_bytes);
            from.offset = end;
        }
        drop(state);
        (open.length, open.totals) = (end, totals);
        Ok(count)
    }

    fn begin<S: Storage<File = F>>(&mut self, store: &Store<S>) -> Result<(), AppendError> {
        let name = Name::new(self.next_number);
        self.next_number += 1;
        let mut file = store.storage.create(&name.file()).map_err(|error| AppendError::write(&error))?;
        if let Err(error) = store.storage.append(&mut file, &segment::header()) {
            let _ = store.storage.remove(&name.file());
            return Err(AppendError::write(&error));
        }
        store.state().begin(name);
        self.open = Some(Open { name, file, length: HEADER, totals: Totals::default(), is_new: true });
        Ok(())
    }

    /// Ends the segment with what it holds: the next one to be appended begins another.
    pub(super) fn end<S: Storage<File = F>>(&mut self, store: &Store<S>) {
        let Some(mut open) = self.open.take() else { return };
        let mut footer = Vec::new();
        open.name.frames().put(FOOTER, [open.totals.encode().as_slice()], &mut footer);
        // Where it is not written, or lost, whoever reads the segment at the next start finds out what it holds.
        let is_written = store.storage.append(&mut open.file, &footer).is_ok();
        let length = if is_written { open.length + footer.len() as u64 } else { open.length };
        store.state().seal(open.name.number, length);
    }

    /// Ends the segment where it is: nothing is written to it, or synced, any more.
    fn abandon<S: Storage<File = F>>(&mut self, store: &Store<S>) {
        let Some(mut open) = self.open.take() else { return };
        // What was refused need not come back after a restart; where it does, it is delivered twice.
        let _ = store.storage.truncate(&mut open.file, open.length);
        match open.length {
            HEADER => store.state().discard(open.name.number),
            length => store.state().seal(open.name.number, length),
        }
    }
}

/// What was written of a group.
struct Written {
    records: Vec<Place>,
    /// Where the file ends, and what it holds.
    end: u64,
    totals: Totals,
}

/// Where a record lies in its segment.
struct Place {
    offset: u64,
    end: u64,
    mark: Mark,
}

impl<F: Send> Open<F> {
    /// Writes what fits.
    fn write<S: Storage<File = F>>(
        &mut self,
        store: &Store<S>,
        buffer: &mut Vec<u8>,
        group: &[Outgoing],
    ) -> io::Result<Written> {
        let frames = self.name.frames();
        let (mut end, mut totals, mut records) = (self.length, self.totals, Vec::with_capacity(group.len()));
        if end == HEADER {
            frames.put(OWNER, [store.settings.owner.as_bytes()], buffer);
        }
        for outgoing in group {
            if end + buffer.len() as u64 >= store.settings.segment_bytes && !records.is_empty() {
                break;
            }
            let (offset, mark) = (end + buffer.len() as u64, outgoing.mark(totals, self.totals));
            let head = outgoing.head(&mark);
            let payload = outgoing.delivery.payload.segments().iter().map(|segment| segment.bytes().as_ref());
            frames.put(RECORD, std::iter::once(head.as_slice()).chain(payload), buffer);
            records.push(Place { offset, end: end + buffer.len() as u64, mark });
            totals = mark.after();
            if buffer.len() >= WRITE {
                store.storage.append(&mut self.file, buffer)?;
                end += buffer.len() as u64;
                buffer.clear();
            }
        }
        store.storage.append(&mut self.file, buffer)?;
        Ok(Written { records, end: end + buffer.len() as u64, totals })
    }
}
