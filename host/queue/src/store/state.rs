//! What is known in memory of what lies on disk: the segments, how far they were read, and what is under way. That is a few
//! numbers a segment and a delivery, however much waits; and for a few of those that come next, what they are, so that they
//! need not be read back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

use host_component::Delivery;

use super::{Damage, Recovered, Usage};
use crate::progress::{Position, Progress};
use crate::record::{Mark, Totals};
use crate::segment::{HEADER, Name};

pub(super) struct State {
    pub(super) segments: BTreeMap<u64, Segment>,
    /// What comes next.
    pub(super) cursor: Position,
    /// What stands before it in its segment.
    pub(super) passed: Totals,
    /// What is missing before it and may never have been acknowledged: it was written with what was read last.
    doubtful: Totals,
    /// What of its segment was there for good when that was written.
    synced: Totals,
    /// What was taken and is not done.
    undone: BTreeMap<Position, Undone>,
    /// Which of that was put back.
    waiting: BTreeSet<Position>,
    /// Some of what comes, in its order.
    fresh: VecDeque<Fresh>,
    fresh_bytes: usize,
    /// Behind the cursor.
    ahead: Totals,
    ahead_bytes: u64,
    /// Before it.
    undone_totals: Totals,
    undone_bytes: u64,
    disk: u64,
    pub(super) damage: Damage,
    /// Why nothing could be read.
    pub(super) trouble: Option<io::Error>,
    /// Segments that nobody needs any more.
    pub(super) garbage: Vec<Name>,
}

/// One segment.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: Name,
    /// What may be read: it is there for good.
    pub(crate) end: u64,
    /// Of the file.
    pub(crate) length: u64,
    /// What it holds up to there.
    pub(crate) totals: Totals,
    /// Whether that was all there for good, so that what is missing is lost.
    pub(crate) is_whole: bool,
    /// Whether it is still written to.
    pub(crate) is_open: bool,
}

/// A record that was appended, and is still in memory.
pub(super) struct Fresh {
    /// What was appended before it ends here.
    pub(super) from: Position,
    pub(super) position: Position,
    pub(super) end: u64,
    pub(super) mark: Mark,
    pub(super) delivery: Delivery,
}

struct Undone {
    /// None where it is not known yet: it was found at the start.
    items: Option<u64>,
    bytes: u64,
    time: u64,
}

impl State {
    pub(super) fn of(recovered: &Recovered) -> Self {
        let mut state = State {
            segments: BTreeMap::new(),
            cursor: recovered.progress.cursor,
            passed: recovered.progress.passed,
            doubtful: Totals::default(),
            synced: Totals::default(),
            undone: BTreeMap::new(),
            waiting: recovered.progress.undone.clone(),
            fresh: VecDeque::new(),
            fresh_bytes: 0,
            ahead: Totals::default(),
            ahead_bytes: 0,
            undone_totals: Totals::default(),
            undone_bytes: 0,
            disk: 0,
            damage: Damage::default(),
            trouble: None,
            garbage: Vec::new(),
        };
        for segment in &recovered.segments {
            let number = segment.name.number;
            state.disk += segment.length;
            state.segments.insert(number, segment.clone());
            if number > state.cursor.segment {
                state.ahead = state.ahead.plus(segment.totals);
                state.ahead_bytes += segment.end.saturating_sub(HEADER);
            } else if number == state.cursor.segment {
                state.ahead = state.ahead.plus(segment.totals.since(state.passed));
                state.ahead_bytes += segment.end.saturating_sub(state.cursor.offset);
            }
        }
        for position in &recovered.progress.undone {
            // Its items are known when it is read.
            state.undone.insert(*position, Undone { items: None, bytes: 0, time: 0 });
            state.undone_totals.records += 1;
        }
        state
    }

    pub(super) fn usage(&self) -> Usage {
        let all = self.ahead.plus(self.undone_totals);
        let bytes = self.ahead_bytes + self.undone_bytes;
        Usage { records: all.records, items: all.items, bytes, disk: self.disk }
    }

    /// What somebody has.
    pub(super) fn under_way(&self) -> Usage {
        let held = self.undone.iter().filter(|(position, _)| !self.waiting.contains(position));
        held.fold(Usage::default(), |sum, (_, one)| Usage {
            records: sum.records + 1,
            items: sum.items + one.items.unwrap_or(0),
            bytes: sum.bytes + one.bytes,
            ..sum
        })
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.undone.values().map(|undone| undone.time).filter(|time| *time > 0).min()
    }

    pub(super) fn progress(&self) -> Progress {
        let undone = self.undone.keys().copied().collect();
        Progress { cursor: self.cursor, passed: self.passed, undone }
    }

    /// Whether everything that was appended was delivered.
    pub(super) fn is_all_done(&self) -> bool {
        self.is_read() && self.undone.is_empty()
    }

    fn is_read(&self) -> bool {
        let last = self.segments.last_key_value();
        last.is_none_or(|(number, segment)| self.cursor.segment == *number && self.cursor.offset >= segment.end)
    }

    /// A segment that is written to from now on.
    pub(super) fn begin(&mut self, name: Name) {
        let segment =
            Segment { name, end: HEADER, length: HEADER, totals: Totals::default(), is_whole: true, is_open: true };
        self.disk += segment.length;
        self.segments.insert(name.number, segment);
    }

    /// Keeps in memory what was just appended, where it has room beside what is there.
    pub(super) fn remember(&mut self, fresh: Fresh, most: usize) {
        let bytes = fresh.delivery.payload.len();
        if self.fresh_bytes.saturating_add(bytes) <= most {
            self.fresh_bytes += bytes;
            self.fresh.push_back(fresh);
        }
    }

    pub(super) fn fresh_bytes(&self) -> usize {
        self.fresh_bytes
    }

    /// The record at the cursor, where it is still in memory.
    pub(super) fn take_fresh(&mut self) -> Option<Fresh> {
        while self.fresh.front().is_some_and(|front| front.from <= self.cursor) {
            let front = self.fresh.pop_front()?;
            self.fresh_bytes -= front.delivery.payload.len();
            if self.cursor <= front.position {
                self.pass(front.position.offset);
                return Some(front);
            }
            // It was read back.
        }
        None
    }

    /// Whether something was appended that was not read, or was put back.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty() || !self.is_read()
    }

    /// Whether something was put back.
    pub(super) fn has_back(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What was appended to the open segment is there for good.
    pub(super) fn publish(&mut self, number: u64, end: u64, added: Totals) {
        let Some(segment) = self.segments.get_mut(&number) else { return };
        self.disk += end.saturating_sub(segment.length);
        self.ahead_bytes += end - segment.end;
        (segment.end, segment.length) = (end, end);
        segment.totals = segment.totals.plus(added);
        self.ahead = self.ahead.plus(added);
    }

    /// The segment is not written to any more.
    pub(super) fn seal(&mut self, number: u64, length: u64) {
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.is_open = false;
            self.disk += length.saturating_sub(segment.length);
            segment.length = segment.length.max(length);
        }
        self.collect(number);
    }

    /// The segment holds nothing, and is not written to any more.
    pub(super) fn discard(&mut self, number: u64) {
        if let Some(segment) = self.segments.remove(&number) {
            self.disk -= segment.length;
            self.garbage.push(segment.name);
        }
    }

    /// The segment that the cursor is in, or the one behind it: what may be read of it, and whether there will be more.
    pub(super) fn current(&mut self) -> Option<Segment> {
        let (number, segment) = self.segments.range(self.cursor.segment..).next()?;
        let (number, segment) = (*number, segment.clone());
        if number != self.cursor.segment {
            self.enter(number);
        }
        self.cursor.offset = self.cursor.offset.max(HEADER);
        Some(segment)
    }

    fn enter(&mut self, number: u64) {
        self.cursor = Position { segment: number, offset: HEADER };
        (self.passed, self.synced, self.doubtful) = Default::default();
    }

    /// The segment behind the one that the cursor is in comes next, where there is one. What the other should have held
    /// and did not is lost.
    pub(super) fn leave(&mut self, segment: &Segment) -> bool {
        let missing = segment.totals.since(self.passed);
        self.ahead = self.ahead.since(missing);
        let doubtful = std::mem::take(&mut self.doubtful).plus(missing);
        if segment.is_whole {
            self.damage.lost = self.damage.lost.plus(doubtful);
        }
        self.passed = segment.totals;
        let number = self.cursor.segment;
        let next = self.segments.range(self.cursor.segment + 1..).next().map(|(number, _)| *number);
        if let Some(next) = next {
            self.enter(next);
        }
        self.collect(number);
        next.is_some()
    }

    /// The cursor goes over what holds no record.
    pub(super) fn pass(&mut self, end: u64) {
        self.ahead_bytes = self.ahead_bytes.saturating_sub(end.saturating_sub(self.cursor.offset));
        self.cursor.offset = end;
    }

    pub(super) fn pass_damage(&mut self, end: u64) {
        self.damage.bytes += end - self.cursor.offset;
        self.pass(end);
    }

    /// The cursor goes over a record, which is under way from now on.
    pub(super) fn take(&mut self, mark: &Mark, end: u64) -> Position {
        self.miss(mark);
        let (position, items) = (self.cursor, mark.items);
        let bytes = end - position.offset;
        self.pass(end);
        self.passed = mark.after();
        self.ahead = self.ahead.since(Totals::default().with(items));
        self.undone_totals = self.undone_totals.with(items);
        self.undone_bytes += bytes;
        self.undone.insert(position, Undone { items: Some(items), bytes, time: mark.time });
        position
    }

    /// Finds out what is missing before a record. What was written with it may never have been acknowledged; what was there
    /// before is lost.
    fn miss(&mut self, mark: &Mark) {
        if mark.synced.records > self.synced.records {
            let doubtful = std::mem::take(&mut self.doubtful);
            self.damage.lost = self.damage.lost.plus(doubtful);
            self.synced = mark.synced;
        }
        let missing = mark.before.since(self.passed);
        let lost = mark.synced.since(self.passed);
        self.ahead = self.ahead.since(missing);
        self.damage.lost = self.damage.lost.plus(lost);
        self.doubtful = self.doubtful.plus(missing.since(lost));
    }

    /// What was put back, the oldest first: where it lies. It is under way from now on.
    pub(super) fn take_back(&mut self) -> Option<(Position, Option<Segment>)> {
        let position = self.waiting.pop_first()?;
        Some((position, self.segments.get(&position.segment).cloned()))
    }

    /// What was found at the start is known when it is read.
    pub(super) fn learn(&mut self, position: Position, items: u64, time: u64, bytes: u64) {
        let Some(undone) = self.undone.get_mut(&position) else { return };
        if undone.items.is_none() {
            undone.items = Some(items);
            undone.bytes = bytes;
            undone.time = time;
            self.undone_totals.items += items;
            self.undone_bytes += bytes;
        }
    }

    /// What was found at the start and cannot be read is lost.
    pub(super) fn lose_undone(&mut self, position: Position) {
        self.damage.lost.records += 1;
        self.finish(position);
    }

    /// Whether it was still under way.
    pub(super) fn put_back(&mut self, position: Position) -> bool {
        self.undone.contains_key(&position) && self.waiting.insert(position)
    }

    pub(super) fn finish(&mut self, position: Position) {
        let Some(undone) = self.undone.remove(&position) else { return };
        let items = undone.items.unwrap_or(0);
        self.undone_totals = self.undone_totals.since(Totals { records: 1, items });
        self.undone_bytes -= undone.bytes;
        self.collect(position.segment);
    }

    /// A segment that was read to its end, and of which nothing is under way, is not needed any more.
    fn collect(&mut self, number: u64) {
        let Some(segment) = self.segments.get(&number) else { return };
        let is_at_end = self.cursor.offset >= segment.end && self.passed == segment.totals && !segment.is_open;
        let is_read = number < self.cursor.segment || (number == self.cursor.segment && is_at_end);
        let of_it = Position { segment: number, offset: 0 }..Position { segment: number + 1, offset: 0 };
        if is_read && self.undone.range(of_it).next().is_none() {
            self.discard(number);
        }
    }
}
