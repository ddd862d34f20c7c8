//! Cutting push requests that are too large, at the borders of entries.

use std::collections::HashMap;

use host_otlp::wire::{Field, Fields, WireType, put_len, put_tag, put_varint, varint_len};

use super::push::{ENTRIES, LABELS, Push, STREAMS};

/// The labels of each stream of a request, and how many entries it has.
pub(super) fn streams(body: &[u8]) -> HashMap<&str, u64> {
    let streams = Fields::new(body, 0, body.len()).filter(|field| field.number == STREAMS);
    let told = streams.map(|stream| {
        let labels = inside(body, &stream).find(|field| field.number == LABELS);
        let labels = labels.and_then(|field| body.get(field.start..field.end)).unwrap_or_default();
        let entries = inside(body, &stream).filter(|field| field.number == ENTRIES).count();
        (std::str::from_utf8(labels).unwrap_or_default(), entries as u64)
    });
    told.collect()
}

/// The request in pieces of at most so many bytes; an entry that is larger by itself is one of its own.
pub(super) fn pieces(push: &Push, most: usize) -> Vec<Push> {
    let body = push.body.as_slice();
    let mut cutter = Cutter { push, most, done: Vec::new(), body: Vec::new(), stream: Vec::new(), items: 0 };
    for stream in Fields::new(body, 0, body.len()).filter(|field| field.number == STREAMS) {
        let mut labels = &[][..];
        for field in inside(body, &stream) {
            let Some(bytes) = body.get(field.start..field.end) else { continue };
            match field.number {
                LABELS => labels = bytes,
                ENTRIES => cutter.entry(labels, bytes),
                _ => {}
            }
        }
        cutter.end_stream(labels);
    }
    cutter.end_piece();
    cutter.done
}

struct Cutter<'p> {
    push: &'p Push,
    most: usize,
    done: Vec<Push>,
    /// The streams of the piece that are whole, and the entries of the one that is not.
    body: Vec<u8>,
    stream: Vec<u8>,
    items: u64,
}

impl Cutter<'_> {
    fn entry(&mut self, labels: &[u8], entry: &[u8]) {
        let size = |bytes: usize| 1 + varint_len(bytes as u64) + bytes;
        let stream = size(size(labels.len()) + self.stream.len() + size(entry.len()));
        if self.items > 0 && self.body.len() + stream > self.most {
            self.end_stream(labels);
            self.end_piece();
        }
        put_len(&mut self.stream, ENTRIES, entry);
        self.items += 1;
    }

    fn end_stream(&mut self, labels: &[u8]) {
        if self.stream.is_empty() {
            return;
        }
        let head = 1 + varint_len(labels.len() as u64) + labels.len();
        put_tag(&mut self.body, STREAMS, WireType::Len);
        put_varint(&mut self.body, (head + self.stream.len()) as u64);
        put_len(&mut self.body, LABELS, labels);
        self.body.append(&mut self.stream);
    }

    fn end_piece(&mut self) {
        if self.items > 0 {
            let (body, items) = (std::mem::take(&mut self.body), std::mem::take(&mut self.items));
            self.done.push(Push { tenant: self.push.tenant.clone(), body, items });
        }
    }
}

fn inside<'b>(body: &'b [u8], field: &Field) -> Fields<'b> {
    Fields::new(body, field.start, field.end)
}
