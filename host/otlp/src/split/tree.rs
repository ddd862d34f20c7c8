//! The tree of one request down to its items: which bytes are items, which are headers, and what lies in what.

use std::ops::Range;

use smallvec::SmallVec;

use crate::schema::{Kind, Message};
use crate::wire::{self, Fields, WireType};

/// The request itself, where a node around something is named.
pub(super) const NONE: u32 = u32::MAX;

/// A message on the way from the request to its items.
#[derive(Debug)]
pub(super) struct Node {
    parent: u32,
    /// Field number in the parent.
    pub(super) number: u32,
    /// Range of [`Tree::headers`].
    pub(super) header: Range<usize>,
    pub(super) header_len: usize,
}

/// Something that is not cut: an item, or a message on the way that holds none.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) node: u32,
    pub(super) items: u32,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) units: Vec<Unit>,
    /// Byte ranges that go with every piece of their node.
    pub(super) headers: Vec<(u32, u32)>,
    /// The request's own: only unknown fields.
    pub(super) header: Range<usize>,
    pub(super) header_len: usize,
}

impl Tree {
    pub(super) fn grow(request: &'static Message, buf: &[u8]) -> Tree {
        let mut tree = Tree::default();
        (tree.header, tree.header_len) = tree.header(request, Fields::new(buf, 0, buf.len()));
        tree.children(request, NONE, Fields::new(buf, 0, buf.len()));
        tree
    }

    /// Notes what in a message is header.
    fn header(&mut self, message: &Message, fields: Fields<'_>) -> (Range<usize>, usize) {
        let first = self.headers.len();
        let mut len = 0;
        for field in fields {
            if message.field(field.number).is_some_and(|known| known.holds_items) {
                continue;
            }
            let (start, end) = (field.tag as u32, field.end as u32);
            len += field.end - field.tag;
            match self.headers[first..].last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => self.headers.push((start, end)),
            }
        }
        (first..self.headers.len(), len)
    }

    /// Notes the items in a message, however deep, and returns whether there is anything on the way to one.
    fn children(&mut self, message: &Message, parent: u32, fields: Fields<'_>) -> bool {
        let buf = fields.buffer();
        let mut any = false;
        for field in fields {
            let inner = match message.field(field.number) {
                Some(known) if known.holds_items => match known.kind {
                    Kind::Message(inner) => inner,
                    _ => continue,
                },
                _ => continue,
            };
            any = true;
            let mut unit = Unit { start: field.tag as u32, end: field.end as u32, node: parent, items: 1 };
            if inner.item {
                self.units.push(unit);
                continue;
            }
            let inside = Fields::new(buf, field.start, field.end);
            let (nodes, headers) = (self.nodes.len(), self.headers.len());
            let (header, header_len) = self.header(inner, inside.clone());
            self.nodes.push(Node { parent, number: field.number, header, header_len });
            if !self.children(inner, nodes as u32, inside) {
                self.nodes.truncate(nodes);
                self.headers.truncate(headers);
                unit.items = 0;
                self.units.push(unit);
            }
        }
        any
    }

    /// The nodes around and including `node`, outermost first.
    pub(super) fn path(&self, mut node: u32) -> SmallVec<[u32; 4]> {
        let mut path = SmallVec::new();
        while node != NONE {
            path.push(node);
            node = self.nodes[node as usize].parent;
        }
        path.reverse();
        path
    }

    /// What `node` takes with this much content.
    pub(super) fn framed(&self, node: u32, content: usize) -> usize {
        let tag = self.nodes[node as usize].number << 3 | WireType::Len.bits();
        wire::varint_len(u64::from(tag)) + wire::varint_len(content as u64) + content
    }
}
