//! Splitting cuts a payload into pieces that respect a number of items and of bytes, each a whole request of its own.
//!
//! Segments stay whole where they can: they are shared, not copied. A segment that is too large by itself is cut between
//! items; whatever is not an item and not on the way to one (resource, scope, schema URL, a metric's name and
//! temporality, unknown fields) is the header of its message and goes with every piece that has items of that message.

mod divide;
mod tree;

use bytes::Bytes;

use crate::payload::{Payload, Segment};
use crate::schema::Message;
use crate::wire::{self, WireType};
use tree::{Tree, Unit};

pub use divide::Division;

/// What the pieces of one segment may take, as a multiple of it, where that is more than [`FREE`]. Headers go with each
/// piece, so that a few megabytes of attributes around as many small items would else become terabytes.
const REPEATED: usize = 16;
const FREE: usize = 64 << 20;

impl Payload {
    /// Cuts the payload into pieces of at most `max_items` items and `max_bytes` bytes, in order.
    ///
    /// An item that is larger than `max_bytes` by itself, headers included, makes a piece alone. A request that is nearly
    /// all header is not cut without end: beyond [`REPEATED`] what is left of it makes one piece.
    #[must_use]
    pub fn split(self, max_items: u64, max_bytes: usize) -> Vec<Payload> {
        if self.items() <= max_items && self.len() <= max_bytes {
            return vec![self];
        }
        let open = Payload::empty(self.signal());
        let mut pieces = Pieces { whole: &self, max_items, max_bytes, done: Vec::new(), open };
        for segment in self.segments() {
            pieces.take(segment);
        }
        pieces.close();
        pieces.done
    }
}

struct Pieces<'a> {
    whole: &'a Payload,
    max_items: u64,
    max_bytes: usize,
    done: Vec<Payload>,
    open: Payload,
}

impl Pieces<'_> {
    fn take(&mut self, segment: &Segment) {
        if !self.fits(segment) {
            self.close();
        }
        if self.fits(segment) {
            self.open.push(segment.clone());
            return;
        }
        for cut in cut(Message::request(self.whole.signal()), segment, self.max_items, self.max_bytes) {
            if !self.fits(&cut) {
                self.close();
            }
            self.open.push(cut);
        }
    }

    fn fits(&self, segment: &Segment) -> bool {
        self.open.items() + u64::from(segment.items()) <= self.max_items
            && self.open.len() + segment.bytes().len() <= self.max_bytes
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut piece = std::mem::replace(&mut self.open, Payload::empty(self.whole.signal()));
        if self.whole.unknown_fields() > 0 {
            piece.count_unknown();
        }
        self.done.push(piece);
    }
}

/// Cuts one request between its items.
fn cut(request: &'static Message, segment: &Segment, max_items: u64, max_bytes: usize) -> Vec<Segment> {
    let buf = segment.bytes();
    let tree = Tree::grow(request, buf);
    if tree.units.is_empty() {
        return vec![segment.clone()];
    }
    let mut out = Vec::new();
    let mut run = Run::new(&tree);
    let mut room = FREE.max(buf.len().saturating_mul(REPEATED));
    for (i, unit) in tree.units.iter().enumerate() {
        let size = run.size_with(unit);
        let full = run.items + u64::from(unit.items) > max_items || size > max_bytes;
        if full && run.first < i && room > 0 {
            let piece = run.write(buf, tree.units[run.first..i].iter());
            room = room.saturating_sub(piece.bytes.len());
            out.push(piece);
            run = Run { first: i, ..Run::new(&tree) };
        }
        run.add(unit);
    }
    out.push(run.write(buf, tree.units[run.first..].iter()));
    out
}

/// The units of one piece so far, and what they will take.
struct Run<'a> {
    tree: &'a Tree,
    first: usize,
    items: u64,
    /// The node of the last unit and those around it, outermost first, each with its content so far, the one inside it
    /// not counted.
    open: Vec<(u32, usize)>,
    /// Content of the request so far, the open node not counted.
    request: usize,
}

impl<'a> Run<'a> {
    fn new(tree: &'a Tree) -> Self {
        Run { tree, first: 0, items: 0, open: Vec::with_capacity(4), request: tree.header_len }
    }

    /// The size of the piece as it is.
    fn size(&self) -> usize {
        self.request + self.closed(0)
    }

    /// What the open nodes from `level` inwards will take.
    fn closed(&self, level: usize) -> usize {
        self.open[level..].iter().rev().fold(0, |inner, &(node, content)| self.tree.framed(node, content + inner))
    }

    /// The size of the piece if `unit` came to it.
    fn size_with(&self, unit: &Unit) -> usize {
        let path = self.tree.path(unit.node);
        let shared = self.shared(&path);
        // From the unit outwards: nodes yet to be opened, then the open ones.
        let mut inner = (unit.end - unit.start) as usize;
        for &node in path[shared..].iter().rev() {
            inner = self.tree.framed(node, self.tree.nodes[node as usize].header_len + inner);
        }
        inner += self.closed(shared);
        for &(node, content) in self.open[..shared].iter().rev() {
            inner = self.tree.framed(node, content + inner);
        }
        self.request + inner
    }

    fn add(&mut self, unit: &Unit) {
        let path = self.tree.path(unit.node);
        let shared = self.shared(&path);
        let closed = self.closed(shared);
        self.open.truncate(shared);
        *self.innermost() += closed;
        for &node in &path[shared..] {
            self.open.push((node, self.tree.nodes[node as usize].header_len));
        }
        *self.innermost() += (unit.end - unit.start) as usize;
        self.items += u64::from(unit.items);
    }

    fn innermost(&mut self) -> &mut usize {
        self.open.last_mut().map_or(&mut self.request, |(_, content)| content)
    }

    /// How many nodes of `path` are open.
    fn shared(&self, path: &[u32]) -> usize {
        self.open.iter().zip(path).take_while(|((node, _), other)| node == *other).count()
    }

    /// Writes the units that were added, back to front: a length is known when its prefix is due.
    fn write<'u>(&self, buf: &[u8], units: impl DoubleEndedIterator<Item = &'u Unit>) -> Segment {
        let mut out = Backward::new(self.size());
        let mut open: Vec<(u32, usize)> = Vec::with_capacity(4);
        for unit in units.rev() {
            let path = self.tree.path(unit.node);
            let shared = open.iter().zip(&path).take_while(|((node, _), other)| node == *other).count();
            self.close(buf, &mut out, &mut open, shared);
            for &node in &path[shared..] {
                open.push((node, out.pos));
            }
            out.put(&buf[unit.start as usize..unit.end as usize]);
        }
        self.close(buf, &mut out, &mut open, 0);
        for &(start, end) in self.tree.headers[self.tree.header.clone()].iter().rev() {
            out.put(&buf[start as usize..end as usize]);
        }
        Segment::trusted(out.finish(), u32::try_from(self.items).expect("a segment has at most 2^32 items"))
    }

    /// Writes header, length and tag of the open nodes from the innermost to `level`.
    fn close(&self, buf: &[u8], out: &mut Backward, open: &mut Vec<(u32, usize)>, level: usize) {
        while open.len() > level
            && let Some((node, end)) = open.pop()
        {
            let node = &self.tree.nodes[node as usize];
            for &(start, end) in self.tree.headers[node.header.clone()].iter().rev() {
                out.put(&buf[start as usize..end as usize]);
            }
            out.varint((end - out.pos) as u64);
            out.varint(u64::from(node.number << 3 | WireType::Len.bits()));
        }
    }
}

/// A buffer of known size that is filled from its end.
struct Backward {
    buf: Vec<u8>,
    pos: usize,
}

impl Backward {
    fn new(size: usize) -> Self {
        Backward { buf: vec![0; size], pos: size }
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.pos;
        self.pos -= bytes.len();
        self.buf[self.pos..end].copy_from_slice(bytes);
    }

    fn varint(&mut self, value: u64) {
        let mut bytes = [0; 10];
        let len = wire::varint_len(value);
        for (i, byte) in bytes[..len].iter_mut().enumerate() {
            *byte = (value >> (7 * i)) as u8 | 0x80;
        }
        bytes[len - 1] &= 0x7f;
        self.put(&bytes[..len]);
    }

    fn finish(self) -> Bytes {
        debug_assert_eq!(self.pos, 0, "the size was settled before");
        Bytes::from(self.buf).slice(self.pos..)
    }
}

#[cfg(test)]
mod tests;
