//! How batches are made of what is ready, and what files wait for when they are under way.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use host_component::Payload;

use super::{GRACE, Meters, Tailer};
use crate::budget::Reservation;
use crate::entries::entry::{Entry, FileId, Writer};
use crate::entries::operators::Sink;
use crate::file_log::tailed::{Position, Tailed};

/// What is read for one batch, and what is set aside for it: with what is read, what is made of it.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_ROOM: usize = 4 << 20;

/// What is to be sent, and the files that wait for what becomes of it.
pub(in crate::file_log) struct Batch {
    pub(super) id: u64,
    pub(in crate::file_log) payload: Payload,
    files: Vec<FileId>,
    _room: Reservation,
}

/// A batch that is being made.
pub(super) struct Draft {
    pub(super) id: u64,
    pub(super) writer: Writer,
    pub(super) read: usize,
    pub(super) files: Vec<FileId>,
    pub(super) released: Vec<FileId>,
}

/// When a file is read.
enum Turn {
    Now,
    Later,
    /// When this one was read.
    Behind(FileId),
    Never,
}

impl Draft {
    pub(super) fn is_full(&self) -> bool {
        self.read >= BATCH_BYTES || self.writer.len() >= BATCH_BYTES * 2
    }
}

impl Tailer {
    /// Makes one batch of what is ready; none where nothing is, or where there is no room for it.
    pub(super) fn fill(&mut self, now: Instant) -> Option<Batch> {
        if self.ready.is_empty() && self.plan.kept().next().is_none() {
            return None;
        }
        let mut room = self.budget.reserve(BATCH_ROOM.min(self.budget.limit()))?;
        let id = self.next_batch;
        self.next_batch += 1;
        let mut draft = Draft { id, writer: Writer::default(), read: 0, files: Vec::new(), released: Vec::new() };
        let (mut busy, mut blocked) = (Vec::new(), Vec::new());
        while !draft.is_full() {
            let Some(next) = self.ready.pop_front() else { break };
            match self.may_read(next, &draft, now) {
                Turn::Now => {
                    self.visit(next, &mut draft, now);
                    // Who waits for this one may come now.
                    while let Some(waiting) = blocked.pop() {
                        self.ready.push_front(waiting);
                    }
                }
                Turn::Never => {}
                Turn::Later => busy.push(next),
                Turn::Behind(before) => {
                    blocked.push(next);
                    self.make_ready(before);
                }
            }
        }
        self.ready.extend(blocked);
        self.ready.extend(busy);
        self.flush(&mut draft, now);
        let files = self.put_under_way(&draft);
        if draft.writer.items() == 0 {
            // Nothing came of them: who looked again for that would look for ever.
            for id in files {
                self.settle(id, draft.id);
            }
            return None;
        }
        self.in_flight += 1;
        let payload = draft.writer.finish();
        room.shrink_to(payload.len());
        Some(Batch { id: draft.id, payload, files, _room: room })
    }

    /// Whether a file may be read for this batch.
    fn may_read(&mut self, id: FileId, draft: &Draft, now: Instant) -> Turn {
        let Some(file) = self.files.get_mut(&id) else { return Turn::Never };
        if file.copied.is_some() {
            file.is_ready = false;
            return Turn::Never;
        }
        if file.is_under_way() {
            return Turn::Later;
        }
        let Some((before, other)) = file.after.and_then(|id| Some((id, self.files.get(&id)?))) else {
            return Turn::Now;
        };
        if other.is_under_way() {
            return Turn::Later;
        }
        if other.is_drained {
            return Turn::Now;
        }
        if other.copied.is_some() || self.comes_behind(before, id) {
            return Turn::Now;
        }
        if other.is_stuck(now, self.stuck_after()) {
            tracing::warn!(path = %other.place.display(), "a rotated file cannot be read to its end: the one that took its place is read before that");
            if let Some(file) = self.files.get_mut(&id) {
                file.after = None;
            }
            return Turn::Now;
        }
        if other.is_ready || other.used == draft.id { Turn::Later } else { Turn::Behind(before) }
    }

    /// Whether a file waits for another, or for one that does.
    fn comes_behind(&self, mut id: FileId, other: FileId) -> bool {
        for _ in 0..self.files.len() {
            match self.files.get(&id).and_then(|file| file.after) {
                Some(before) if before == other => return true,
                Some(before) => id = before,
                None => return false,
            }
        }
        true
    }

    /// How long a file that nothing comes out of is waited for.
    fn stuck_after(&self) -> Duration {
        GRACE.max(self.config.force_flush_period.saturating_mul(2))
    }

    /// Sends on what was kept for too long.
    fn flush(&mut self, draft: &mut Draft, now: Instant) {
        let files = &self.files;
        let stuck_after = self.stuck_after();
        let is_busy = |file: &Tailed| {
            let is_to_come = file.is_ready || file.offset < file.size && file.partial.is_none();
            file.is_under_way() || is_to_come && !file.is_stuck(now, stuck_after)
        };
        let waits = |lineage: u64| files.values().any(|file| file.lineage == lineage && is_busy(file));
        let mut out = Out { writer: &mut draft.writer, released: &mut draft.released, meters: &self.meters };
        self.plan.flush(now, self.config.force_flush_period, &waits, &mut out);
    }

    /// Notes where the files of a batch are when it was delivered. One whose own batch is under way, and of which
    /// something that was kept is in this one, waits for both.
    fn put_under_way(&mut self, draft: &Draft) -> Vec<FileId> {
        let mut starts: HashMap<FileId, u64> = HashMap::new();
        for (file, start) in self.plan.kept() {
            starts.entry(file).and_modify(|first| *first = start.min(*first)).or_insert(start);
        }
        let mut ids: Vec<FileId> = draft.files.iter().chain(&draft.released).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| {
            let Some(file) = self.files.get_mut(id) else { return false };
            let low = starts.get(id).copied().filter(|start| *start < file.offset);
            let position = match low {
                // What stands before it is not known any more.
                Some(offset) => Position { offset, records: file.delivered.records, ..Position::default() },
                None => Position { offset: file.offset, guard: file.guard, records: file.records },
            };
            file.under_way.push_back((draft.id, position, false));
            // How long it is known to be tells later what was lost of it.
            self.changes.insert(*id, Some(file.known()));
            true
        });
        ids
    }

    /// Hears what became of a batch. What was not delivered, and is not to be tried again, stays where it was.
    pub(in crate::file_log) fn done(&mut self, batch: &Batch, is_over: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        for id in batch.files.iter().filter(|_| is_over) {
            if self.settle(*id, batch.id) {
                self.make_ready(*id);
            }
        }
    }

    /// A batch with entries of a file was delivered. Gives whether the file may go on: all before it were, too.
    fn settle(&mut self, id: FileId, batch: u64) -> bool {
        let Some(file) = self.files.get_mut(&id) else { return false };
        if file.settle(batch) {
            self.changes.insert(id, Some(file.known()));
        }
        !file.is_under_way()
    }
}

/// What the operators write to.
pub(super) struct Out<'o> {
    pub(super) writer: &'o mut Writer,
    pub(super) released: &'o mut Vec<FileId>,
    pub(super) meters: &'o Meters,
}

impl Sink for Out<'_> {
    fn put(&mut self, entry: &Entry<'_>) {
        self.writer.put(entry);
    }

    fn released(&mut self, file: FileId) {
        self.released.push(file);
    }

    fn dropped(&mut self) {
        self.meters.dropped.inc();
    }
}
