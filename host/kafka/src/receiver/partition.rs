//! A partition that was given to this receiver: what was read of it, and up to where all was acknowledged.

use std::collections::VecDeque;

use host_component::{Shutdown, Trigger};
use host_receivers::budget::Reservation;

use super::record::Record;

/// Records under way, in the order of their offsets, and what may be committed.
#[derive(Debug, Default)]
pub(crate) struct Progress(VecDeque<(i64, bool)>);

impl Progress {
    /// How many are under way, or wait behind one that is.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn begin(&mut self, offset: i64) {
        self.0.push_back((offset, false));
    }

    /// A record was acknowledged. The offset to commit, where all before it were acknowledged, too: that of the next record.
    pub(crate) fn done(&mut self, offset: i64) -> Option<i64> {
        if let Ok(at) = self.0.binary_search_by_key(&offset, |(offset, _)| *offset)
            && let Some((_, is_done)) = self.0.get_mut(at)
        {
            *is_done = true;
        }
        let mut next = None;
        while let Some((offset, true)) = self.0.front().copied() {
            self.0.pop_front();
            next = Some(offset + 1);
        }
        next
    }
}

/// One partition.
pub(crate) struct Partition {
    /// Which of the partitions of this name it is: what was begun before it was taken away belongs to another one.
    pub(crate) generation: u64,
    pub(crate) progress: Progress,
    /// What was read and waits for its turn, each with its room.
    pub(crate) waiting: VecDeque<(Record, Reservation)>,
    pub(crate) waiting_bytes: usize,
    /// Records that failed and wait to be tried again.
    pub(crate) failing: usize,
    pub(crate) is_paused: bool,
    /// Ends waits, also when it is dropped.
    end: Trigger,
    pub(crate) ending: Shutdown,
}

impl Partition {
    pub(crate) fn new(generation: u64) -> Self {
        let (end, ending) = Trigger::new();
        Partition {
            generation,
            progress: Progress::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            failing: 0,
            is_paused: false,
            end,
            ending,
        }
    }

    /// What waits to be tried again is not.
    pub(crate) fn end(&self) {
        self.end.fire();
    }

    pub(crate) fn push(&mut self, record: Record, reservation: Reservation) {
        self.waiting_bytes += record.value.len();
        self.waiting.push_back((record, reservation));
    }

    /// The next record to begin, where one may: while one of them is tried again, no other is begun.
    pub(crate) fn next(&mut self, max_in_flight: usize) -> Option<(Record, Reservation)> {
        if self.failing > 0 || self.progress.len() >= max_in_flight {
            return None;
        }
        let (record, reservation) = self.waiting.pop_front()?;
        self.waiting_bytes -= record.value.len();
        self.progress.begin(record.offset);
        Some((record, reservation))
    }
}
