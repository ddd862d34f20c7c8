//! A pass writes the payload of one way: without the rows that go another, and with the edits of those that go this one.

use host_otlp::Payload;
use host_otlp::edit::{self, Edits, Frame, Patch, REQUEST, Scratch};
use host_otlp::schema::{Kind as FieldKind, Message};
use host_otlp::wire::Fields;

use super::fate::{Fates, STAYS};
use super::op::{Extent, Kind, Op, Ops, Place};
use super::{EditError, Routed};
use crate::batch::Level;
use crate::meter::Meter;
use crate::projection::{NONE, Projection};
use crate::projector::LEVELS;

pub(super) fn run(
    projection: &Projection,
    ops: Ops<'_>,
    fates: &Fates,
    meter: &mut dyn Meter,
) -> Result<Vec<Routed>, EditError> {
    let Ops { list, side, .. } = ops;
    if fates.idle() {
        let payload = write(projection, &list, &side, None, meter)?;
        return Ok(vec![Routed { route: None, payload }]);
    }
    let mut routed = Vec::new();
    for way in fates.ways() {
        let alive = fates.alive(projection, way);
        let mut these: Vec<Op> = list.iter().filter(|op| projection.lives(op, &alive)).copied().collect();
        removals(projection, fates, &alive, &mut these);
        these.sort_by_key(Op::order);
        let payload = write(projection, &these, &side, Some((fates, &alive)), meter)?;
        // What holds no item is sent only where there was none from the start.
        if payload.items() > 0 || (way == STAYS && projection.payload.items() == 0 && !payload.is_empty()) {
            routed.push(Routed { route: (way != STAYS).then_some(way), payload });
        }
    }
    Ok(routed)
}

type Alive = [Vec<bool>; LEVELS];

impl Projection {
    /// Whether an op is of a row that goes this way.
    fn lives(&self, op: &Op, alive: &Alive) -> bool {
        if op.kind == Kind::Row {
            return false;
        }
        let (mut level, mut row) = (op.place.level, op.place.row);
        if level > Level::Item {
            row = self.rows[level as usize][row as usize].parent;
            level = Level::Item;
        }
        alive[level as usize][row as usize]
    }
}

/// Adds the removal of each outermost row that does not go this way.
fn removals(projection: &Projection, fates: &Fates, alive: &Alive, ops: &mut Vec<Op>) {
    for &level in &fates.levels {
        let above = projection.level_above(level);
        let mut open: Option<Op> = None;
        for (row, (site, lives)) in projection.rows[level as usize].iter().zip(&alive[level as usize]).enumerate() {
            let gone_with_parent = above.is_some_and(|above| !alive[above as usize][site.parent as usize]);
            if *lives || gone_with_parent {
                continue;
            }
            let op = Op::of_row(projection, level, row as u32, 0);
            if !open.as_mut().is_some_and(|open| open.takes_in(&op)) {
                ops.extend(open.replace(op));
            }
        }
        ops.extend(open);
    }
}

/// Splices the ops, which are sorted, into the segments.
fn write(
    projection: &Projection,
    ops: &[Op],
    side: &[u8],
    fates: Option<(&Fates, &Alive)>,
    meter: &mut dyn Meter,
) -> Result<Payload, EditError> {
    let payload = &projection.payload;
    if ops.is_empty() && fates.is_none() {
        return Ok(payload.clone());
    }
    let mut scratch = Scratch::default();
    let mut framer = Framer::new(projection);
    let mut patches = Vec::new();
    let mut segments = Vec::with_capacity(payload.segments().len());
    let mut rest = ops;
    for (index, segment) in payload.segments().iter().enumerate() {
        let here = rest.partition_point(|op| op.segment as usize <= index);
        let (these, later) = rest.split_at(here);
        rest = later;
        if meter.spent() {
            return Err(EditError::Overrun);
        }
        if these.is_empty() {
            segments.push((segment.bytes().clone(), segment.items()));
            continue;
        }
        let buf = segment.bytes();
        framer.frames.clear();
        framer.open.clear();
        patches.clear();
        patches.reserve(these.len());
        for op in these {
            let frame = framer.frame(buf, op);
            patches.push(Patch { start: op.start, end: op.end, frame, with: op.with });
        }
        let edits = Edits { frames: &framer.frames, patches: &patches, side };
        // The ops were sorted and checked; were the table wrong even so, the batch fails and nothing is sent.
        let bytes = edit::splice(buf, &edits, &mut scratch)?;
        if bytes.is_empty() {
            continue;
        }
        let items = fates.map_or(segment.items(), |(fates, alive)| left(projection, fates, alive, index as u32));
        segments.push((bytes.into(), items));
    }
    Ok(payload.edited(segments))
}

/// The frames around the ops of one segment, as the ops come by.
struct Framer<'a> {
    projection: &'a Projection,
    frames: Vec<Frame>,
    /// The frames around the last op, outermost first.
    open: Vec<u32>,
    /// By level, how many frames there are around the content of a row.
    depths: [usize; LEVELS],
}

impl<'a> Framer<'a> {
    fn new(projection: &'a Projection) -> Framer<'a> {
        let mut depths = [0; LEVELS];
        for &level in &projection.compiled.table.levels {
            depths[level as usize] = projection.depth(level);
        }
        Framer { projection, frames: Vec::new(), open: Vec::new(), depths }
    }

    /// The innermost frame around `op`.
    fn frame(&mut self, buf: &[u8], op: &Op) -> u32 {
        let place = &op.place;
        if op.inner == 0 {
            return REQUEST;
        }
        let mut depth = self.row(buf, place.level, place.row);
        if place.held {
            let tag = self.projection.rows[place.level as usize][place.row as usize].held;
            depth = self.enter(depth, Extent::at(buf, tag));
        }
        depth = self.nest(buf, place.nest, depth);
        for extent in &place.tail[..place.tails as usize] {
            depth = self.enter(depth, *extent);
        }
        self.open.get(depth.wrapping_sub(1)).copied().unwrap_or(REQUEST)
    }

    fn row(&mut self, buf: &[u8], level: Level, row: u32) -> usize {
        let site = self.projection.rows[level as usize][row as usize];
        let depth = self.depths[level as usize];
        if self.open.get(depth - 1).is_some_and(|&open| self.frames[open as usize].tag == site.tag) {
            return depth;
        }
        let mut depth = 0;
        if let Some(Place { level, row, held, .. }) = self.projection.around(level, row) {
            depth = self.row(buf, level, row);
            if held {
                let tag = self.projection.rows[level as usize][row as usize].held;
                depth = self.enter(depth, Extent::at(buf, tag));
            }
        }
        self.enter(depth, Extent { tag: site.tag, content: site.content, end: site.end })
    }

    fn nest(&mut self, buf: &[u8], nest: u32, depth: usize) -> usize {
        if nest == NONE {
            return depth;
        }
        let nest = self.projection.nests[nest as usize];
        let depth = self.nest(buf, nest.parent, depth);
        self.enter(depth, Extent::at(buf, nest.tag))
    }

    /// Opens a frame within the first `depth` that are open, unless it is open already.
    #[inline]
    fn enter(&mut self, depth: usize, extent: Extent) -> usize {
        if self.open.get(depth).is_some_and(|&open| self.frames[open as usize].tag == extent.tag) {
            return depth + 1;
        }
        self.open.truncate(depth);
        let parent = self.open.last().copied().unwrap_or(REQUEST);
        self.open.push(self.frames.len() as u32);
        let Extent { tag, content, end } = extent;
        self.frames.push(Frame { tag, content, end, parent });
        depth + 1
    }
}

/// How many items of a segment go this way.
fn left(projection: &Projection, fates: &Fates, alive: &Alive, segment: u32) -> u32 {
    let Some(&leaf) = fates.levels.last() else { return 0 };
    let first = |index: usize| projection.segments.get(index).map(|first| first[leaf as usize] as usize);
    let rows = first(segment as usize).unwrap_or(0)
        ..first(segment as usize + 1).unwrap_or(projection.rows[leaf as usize].len());
    let living = rows.filter(|&row| alive[leaf as usize][row]);
    if leaf == Level::Item {
        return living.count() as u32;
    }
    let buf = projection.segment(segment);
    let message = row_message(projection, leaf);
    living
        .map(|row| {
            let site = projection.rows[leaf as usize][row];
            message.map_or(0, |message| items(buf, message, site.content as usize, site.end as usize))
        })
        .sum()
}

/// The message type of the rows of a level above the items.
fn row_message(projection: &Projection, level: Level) -> Option<&'static Message> {
    let mut message = Message::request(projection.compiled.signal);
    loop {
        let inner = message.fields.iter().flatten().find_map(|field| match field.kind {
            FieldKind::Message(inner) if crate::projector::row(inner).is_some() => Some(inner),
            _ => None,
        })?;
        if crate::projector::row(inner) == Some(level) {
            return Some(inner);
        }
        message = inner;
    }
}

/// Counts the items in a message, which is none itself.
fn items(buf: &[u8], message: &'static Message, start: usize, end: usize) -> u32 {
    let mut count = 0;
    for field in Fields::new(buf, start, end) {
        if let Some(FieldKind::Message(inner)) = message.field(field.number).map(|field| field.kind) {
            let leads = crate::projector::row(inner).is_some_and(|level| level <= Level::Item)
                || message.oneof & 1 << field.number != 0;
            count += match inner.item {
                true => 1,
                false if leads => items(buf, inner, field.start, field.end),
                false => 0,
            };
        }
    }
    count
}
