//! An op is a range of a segment and what takes its place; the ops of a script are kept with the bytes that they insert.

use std::cmp::Reverse;

use host_otlp::wire;

use super::pieces::Pieces;
use super::{EditError, EditFault};
use crate::batch::Level;
use crate::projection::{NONE, Projection};
use crate::script::Script;

/// A length-delimited field: where its tag is, where its content starts and ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    pub(super) tag: u32,
    pub(super) content: u32,
    pub(super) end: u32,
}

impl Extent {
    /// The field whose tag is at `tag`. The walk saw it, so it is there.
    #[inline]
    pub(super) fn at(buf: &[u8], tag: u32) -> Extent {
        let read = || {
            let (_, prefix) = wire::varint(buf, tag as usize)?;
            wire::length(buf, prefix)
        };
        let (content, end) = read().unwrap_or((tag as usize, tag as usize));
        Extent { tag, content: content as u32, end: end as u32 }
    }
}

/// The messages around an op, from the row inwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) level: Level,
    pub(super) row: u32,
    /// Whether it lies in the message that the row holds.
    pub(super) held: bool,
    pub(super) nest: u32,
    /// The innermost messages, of which the first `tails` count.
    pub(super) tail: [Extent; 3],
    pub(super) tails: u8,
}

impl Place {
    pub(super) fn row(level: Level, row: u32, held: bool) -> Place {
        Place { level, row, held, nest: NONE, tail: [Extent::default(); 3], tails: 0 }
    }

    /// The same, of which the first `tails` of the innermost messages count.
    pub(super) fn within(self, tails: usize) -> Place {
        Place { tails: tails as u8, ..self }
    }
}

/// One change of the bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) segment: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    /// Range of the side buffer.
    pub(super) with: (u32, u32),
    pub(super) place: Place,
    /// One more than the tag of the innermost message around it; 0 where that is the request.
    pub(super) inner: u32,
    /// The edit that it came from.
    pub(super) edit: u32,
    pub(super) kind: Kind,
}

/// What an op is, beyond its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Change,
    /// Puts a field at the end of a message, where others may do so, too.
    Append,
    /// Takes out a row that has a fate; left to the passes.
    Row,
}

impl Op {
    /// The removal of a row.
    pub(super) fn of_row(projection: &Projection, level: Level, row: u32, edit: usize) -> Op {
        let site = projection.rows[level as usize][row as usize];
        let place = projection.around(level, row);
        let kind = if level <= Level::Item { Kind::Row } else { Kind::Change };
        Op {
            segment: projection.segment_of(level, row),
            start: site.tag,
            end: site.end,
            with: (0, 0),
            place: place.unwrap_or(Place::row(Level::Origin, NONE, false)),
            inner: place.map_or(0, |place| projection.innermost(&place)),
            edit: edit as u32,
            kind,
        }
    }

    /// Takes in `next`, a row like this one, where it lies right behind it.
    pub(super) fn takes_in(&mut self, next: &Op) -> bool {
        let adjacent = (self.segment, self.end, self.inner) == (next.segment, next.start, next.inner);
        if adjacent {
            self.end = next.end;
        }
        adjacent
    }

    #[inline]
    pub(super) fn order(&self) -> (u32, u32, Reverse<u32>, u32) {
        (self.segment, self.start, Reverse(self.inner), self.end)
    }
}

/// The ops of a script, as they are gathered.
#[derive(Debug)]
pub(super) struct Ops<'a> {
    pub(super) projection: &'a Projection,
    pub(super) script: &'a Script,
    pub(super) pieces: Pieces<'a>,
    pub(super) list: Vec<Op>,
    /// The script's text, and behind it what was encoded.
    pub(super) side: Vec<u8>,
    /// Bytes that the ops insert.
    growth: usize,
}

impl<'a> Ops<'a> {
    pub(super) fn new(projection: &'a Projection, script: &'a Script) -> Ops<'a> {
        let list = Vec::with_capacity(script.edits.len());
        let pieces = Pieces::new(script);
        Ops { projection, script, pieces, list, side: script.text.clone(), growth: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, op: Op) -> Result<(), EditFault> {
        self.growth = self.growth.saturating_add((op.with.1 - op.with.0) as usize);
        self.list.push(op);
        self.within(self.growth)
    }

    /// Appends to the side buffer what `write` writes; returns its range.
    pub(super) fn encode(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(u32, u32), EditFault> {
        let start = self.side.len();
        write(&mut self.side);
        self.within(self.side.len() - self.script.text.len())?;
        match (u32::try_from(start), u32::try_from(self.side.len())) {
            (Ok(start), Ok(end)) => Ok((start, end)),
            _ => Err(self.overgrown()),
        }
    }

    /// Whether a script may add so many bytes.
    pub(super) fn within(&self, bytes: usize) -> Result<(), EditFault> {
        if bytes > self.projection.compiled.growth { Err(self.overgrown()) } else { Ok(()) }
    }

    #[cold]
    fn overgrown(&self) -> EditFault {
        EditFault::Growth { limit: self.projection.compiled.growth }
    }

    /// Sorts the ops and finds those that are in each other's way.
    pub(super) fn settle(&mut self) -> Result<(), EditError> {
        if !self.list.is_sorted_by_key(Op::order) {
            self.list.sort_by_key(Op::order);
        }
        let mut range: Option<&Op> = None;
        let mut last: Option<&Op> = None;
        for op in &self.list {
            let in_range = range
                .filter(|range| range.segment == op.segment)
                .filter(|range| op.start < range.end || (op.inner > range.start && op.inner <= range.end));
            let twice = last.filter(|last| {
                let same = (last.segment, last.start, last.inner) == (op.segment, op.start, op.inner);
                same && last.start == last.end && op.start == op.end && op.kind != Kind::Append
            });
            if let Some(other) = in_range.or(twice) {
                let fault = EditFault::Overlap { other: other.edit as usize };
                return Err(EditError::Edit { edit: op.edit as usize, fault });
            }
            if op.start < op.end {
                range = Some(op);
            }
            last = Some(op);
        }
        Ok(())
    }
}

impl Projection {
    /// The segment in which a row lies.
    pub(super) fn segment_of(&self, level: Level, row: u32) -> u32 {
        let after = self.segments.partition_point(|first| first[level as usize] <= row);
        after as u32 - 1
    }

    pub(super) fn segment(&self, index: u32) -> &[u8] {
        self.payload.segments()[index as usize].bytes()
    }

    /// The messages around a row; none around an origin.
    pub(super) fn around(&self, level: Level, row: u32) -> Option<Place> {
        let site = self.rows[level as usize][row as usize];
        let parent = self.level_above(level)?;
        Some(Place::row(parent, site.parent, self.lies_held(level)))
    }

    /// The level of a row's parent.
    pub(super) fn level_above(&self, level: Level) -> Option<Level> {
        Some(match level {
            Level::Origin => return None,
            Level::Scope => Level::Origin,
            Level::Metric => Level::Scope,
            Level::Item if self.compiled.signal == host_otlp::Signal::Metrics => Level::Metric,
            Level::Item => Level::Scope,
            Level::Event | Level::Link | Level::Exemplar => Level::Item,
        })
    }

    /// Whether rows of this level lie in what the row above holds, as data points do.
    pub(super) fn lies_held(&self, level: Level) -> bool {
        level == Level::Item && self.compiled.signal == host_otlp::Signal::Metrics
    }

    /// How many messages there are around what a row of this level has in it, the request left out.
    pub(super) fn depth(&self, level: Level) -> usize {
        let above = self.level_above(level).map_or(0, |above| self.depth(above));
        above + 1 + usize::from(self.lies_held(level))
    }

    /// How many messages inside one another a value may be that is put at a place, so that the door lets it in again.
    pub(super) fn room_for_value(&self, place: &Place) -> u32 {
        let mut around = 1 + self.depth(place.level) + usize::from(place.held) + usize::from(place.tails);
        let mut nest = place.nest;
        while let Some(outer) = self.nests.get(nest as usize) {
            around += 1;
            nest = outer.parent;
        }
        host_otlp::Limits::default().depth.saturating_sub(around as u32)
    }

    /// One more than the tag of the innermost message of a place.
    pub(super) fn innermost(&self, place: &Place) -> u32 {
        let row = &self.rows[place.level as usize][place.row as usize];
        let tag = match place.tails {
            0 if place.nest != NONE => self.nests[place.nest as usize].tag,
            0 if place.held => row.held,
            0 => row.tag,
            tails => place.tail[tails as usize - 1].tag,
        };
        tag + 1
    }
}
