//! The points of a payload that will never be taken, as a payload of their own.

use hashbrown::HashSet;
use host_otlp::schema::{Kind, Message};
use host_otlp::wire::{self, Fields, WireType};
use host_otlp::{Limits, Payload, check};

/// What of `payload` consists of these points, by their numbers; none where that is nothing.
pub(super) fn only(payload: &Payload, points: &HashSet<u32>) -> Option<Payload> {
    let mut copy = Copy { points, next: 0, out: Vec::new() };
    for segment in payload.segments() {
        let buf = segment.bytes();
        copy.message(Message::request(payload.signal()), Fields::new(buf, 0, buf.len()));
    }
    let checked = check(payload.signal(), copy.out.into(), &Limits::default());
    checked.ok().filter(|payload| payload.items() > 0)
}

struct Copy<'p> {
    points: &'p HashSet<u32>,
    /// The number of the next point.
    next: u32,
    out: Vec<u8>,
}

impl Copy<'_> {
    /// Copies a message without the points that are not wanted, and whether there was any that is.
    fn message(&mut self, message: &Message, fields: Fields<'_>) -> bool {
        let buf = fields.buffer();
        let mut is_any = false;
        for field in fields {
            let inner = message.field(field.number).filter(|known| known.holds_items).map(|known| known.kind);
            let Some(Kind::Message(inner)) = inner else {
                self.out.extend_from_slice(&buf[field.tag..field.end]);
                continue;
            };
            if inner.item {
                if self.points.contains(&self.next) {
                    self.out.extend_from_slice(&buf[field.tag..field.end]);
                    is_any = true;
                }
                self.next += 1;
                continue;
            }
            let start = self.out.len();
            wire::put_tag(&mut self.out, field.number, WireType::Len);
            let at = self.out.len();
            self.out.resize(at + 2, 0);
            if self.message(inner, Fields::new(buf, field.start, field.end)) {
                wire::close_len(&mut self.out, at, 2);
                is_any = true;
            } else {
                self.out.truncate(start);
            }
        }
        is_any
    }
}
