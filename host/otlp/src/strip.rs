//! Stripping removes every field that the schema does not know, at any depth: a processor that reads with a wildcard or
//! a pattern could not vouch for them.

use bytes::Bytes;

use crate::edit::{self, Edits, Frame, Patch, REQUEST, Scratch};
use crate::payload::{Payload, Segment};
use crate::schema::{Kind, Message};
use crate::wire::Fields;

/// The payload without its unknown fields; untouched where it has none.
#[must_use]
pub fn unknown(payload: Payload) -> Payload {
    if payload.unknown_fields() == 0 {
        return payload;
    }
    let request = Message::request(payload.signal());
    let segments: Vec<_> = payload.segments().iter().map(|s| (segment(request, s), s.items())).collect();
    payload.edited(segments).without_unknown()
}

fn segment(request: &'static Message, segment: &Segment) -> Bytes {
    let buf = segment.bytes();
    let mut walk = Walk { frames: Vec::new(), patches: Vec::new() };
    walk.message(request, REQUEST, Fields::new(buf, 0, buf.len()));
    if walk.patches.is_empty() {
        return buf.clone();
    }
    let edits = Edits { frames: &walk.frames, patches: &walk.patches, side: &[] };
    edit::splice(buf, &edits, &mut Scratch::default()).expect("the walk notes fields in order, each once").into()
}

struct Walk {
    frames: Vec<Frame>,
    patches: Vec<Patch>,
}

impl Walk {
    fn message(&mut self, message: &'static Message, frame: u32, fields: Fields<'_>) {
        let buf = fields.buffer();
        for field in fields {
            let Some(known) = message.field(field.number) else {
                self.remove(field.tag as u32, field.end as u32, frame);
                continue;
            };
            if let Kind::Message(inner) = known.kind {
                let (frames, patches) = (self.frames.len(), self.patches.len());
                let (tag, content, end) = (field.tag as u32, field.start as u32, field.end as u32);
                self.frames.push(Frame { tag, content, end, parent: frame });
                self.message(inner, frames as u32, Fields::new(buf, field.start, field.end));
                if self.patches.len() == patches {
                    // Nothing in it changes. A request may consist of little else than such messages.
                    self.frames.truncate(frames);
                }
            }
        }
    }

    /// Takes out a field, together with the one before it where that goes, too.
    fn remove(&mut self, start: u32, end: u32, frame: u32) {
        match self.patches.last_mut() {
            Some(last) if (last.end, last.frame) == (start, frame) => last.end = end,
            _ => self.patches.push(Patch { start, end, frame, with: (0, 0) }),
        }
    }
}

#[cfg(test)]
mod tests;
