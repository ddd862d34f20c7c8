//! Patches on a request, and a writer that applies them by building the result from the frames inwards out.

use host_otlp::edit::{Edits, Frame, Patch, REQUEST};
use host_otlp::view::View;
use host_otlp::wire;

use crate::entropy::Entropy;

/// What patches insert: unknown fields, so that the result of field for field is valid.
pub(crate) fn side() -> Vec<u8> {
    [0xa5, 0x06, 1, 2, 3, 4].repeat(4_000)
}

/// The frames of a request in the order of their tags, and the bounds of its fields with their frame.
pub(crate) fn table(view: View<'_>) -> (Vec<Frame>, Vec<(u32, u32, u32)>) {
    let (mut frames, mut bounds) = (Vec::new(), Vec::new());
    walk(view, REQUEST, &mut frames, &mut bounds);
    (frames, bounds)
}

fn walk(view: View<'_>, parent: u32, frames: &mut Vec<Frame>, bounds: &mut Vec<(u32, u32, u32)>) {
    for field in view.fields() {
        bounds.push((field.tag as u32, field.end as u32, parent));
        if let Some(inner) = view.enter(&field) {
            let index = frames.len() as u32;
            let (tag, content, end) = (field.tag as u32, field.start as u32, field.end as u32);
            frames.push(Frame { tag, content, end, parent });
            walk(inner, index, frames, bounds);
        }
    }
}

/// Writes a frame's content: what is around its patches and inner frames as it was, patches replaced, frames by recursion.
pub(crate) fn reference(buf: &[u8], edits: &Edits<'_>, frame: u32) -> Vec<u8> {
    let (start, end) = match edits.frames.get(frame as usize) {
        Some(frame) => (frame.content, frame.end),
        None => (0, buf.len() as u32),
    };
    let patches = edits.patches.iter().filter(|patch| patch.frame == frame);
    let mut events: Vec<(u32, u32, Vec<u8>)> = patches
        .map(|patch| (patch.start, patch.end, edits.side[patch.with.0 as usize..patch.with.1 as usize].to_vec()))
        .collect();
    for (index, inner) in edits.frames.iter().enumerate().filter(|(_, inner)| inner.parent == frame) {
        let removed = events.iter().any(|(start, end, _)| *start <= inner.tag && inner.end <= *end && start != end);
        if removed {
            continue;
        }
        let old = &buf[inner.tag as usize..inner.end as usize];
        let content = reference(buf, edits, index as u32);
        let unchanged = content.len() == (inner.end - inner.content) as usize;
        let mut new = Vec::new();
        if unchanged {
            new.extend(&old[..(inner.content - inner.tag) as usize]);
        } else {
            let (tag, _) = wire::varint(old, 0).expect("the request is valid");
            let (_, after) = wire::varint(buf, inner.tag as usize).expect("the request is valid");
            new.extend(&buf[inner.tag as usize..after]);
            assert_eq!(tag & 7, 2);
            wire::put_varint(&mut new, content.len() as u64);
        }
        new.extend(content);
        events.push((inner.tag, inner.end, new));
    }
    events.sort_by_key(|(start, end, _)| (*start, *end));
    let mut out = Vec::new();
    let mut pos = start;
    for (start, end, with) in events {
        out.extend(&buf[pos as usize..start as usize]);
        out.extend(with);
        pos = end;
    }
    out.extend(&buf[pos as usize..end as usize]);
    out
}

/// Patches on field bounds: removals, replacements by an unknown field, insertions.
pub(crate) fn right(bounds: &[(u32, u32, u32)], e: &mut Entropy<'_>) -> Vec<Patch> {
    let mut out: Vec<Patch> = Vec::new();
    let mut free = 0;
    for &(start, end, frame) in bounds {
        if start < free {
            continue;
        }
        let with = e.pick(&[(0, 0), (0, 6), (6, 18), (0, 204), (0, 20_004)]);
        match e.below(8) {
            1 => out.push(Patch { start, end: start, frame, with }),
            2 => {
                out.push(Patch { start, end, frame, with });
                free = end;
            }
            _ => {}
        }
    }
    out
}
