//! The way across with encoded OTLP: the guest walks the request in place, without decoding what it does not look at, and
//! splices its changes into a new one.

use std::cell::RefCell;

use host_otlp::Signal;
use host_otlp::edit::{self, Edits, Frame, Patch, REQUEST, Scratch};
use host_otlp::view::View;

#[path = "../../scrub.rs"]
mod scrub;

use scrub::{MASK, Scrubber};

wit_bindgen::generate!({ path: "wit", world: "bytes" });

#[derive(Default)]
struct Walk {
    frames: Vec<Frame>,
    patches: Vec<Patch>,
    scratch: Scratch,
}

thread_local! {
    static STATE: (Scrubber, RefCell<Walk>) = (Scrubber::new(), RefCell::default());
}

struct Bytes;

impl Guest for Bytes {
    fn process(request: Vec<u8>) -> Vec<u8> {
        STATE.with(|(scrubber, walk)| {
            let walk = &mut *walk.borrow_mut();
            walk.frames.clear();
            walk.patches.clear();
            message(&View::request(Signal::Logs, &request), REQUEST, false, scrubber, walk);
            if walk.patches.is_empty() {
                return request;
            }
            let edits = Edits { frames: &walk.frames, patches: &walk.patches, side: MASK.as_bytes() };
            edit::splice(&request, &edits, &mut walk.scratch).expect("the walk made the patches in order")
        })
    }
}

/// Scrubs the texts of a message; `wanted` where it is a body's or an attribute's value.
fn message(view: &View<'_>, parent: u32, wanted: bool, scrubber: &Scrubber, walk: &mut Walk) {
    for field in view.fields() {
        let Some(schema) = view.schema(&field) else { continue };
        if wanted && schema.name == "string_value" {
            text(view, field.tag, field.start, field.end, parent, scrubber, walk);
            continue;
        }
        let Some(inner) = view.enter(&field) else { continue };
        let within = match (view.message.name, schema.name) {
            ("LogRecord", "body" | "attributes") => true,
            ("ResourceLogs", "resource") | ("ScopeLogs", "scope") => continue,
            _ => wanted,
        };
        let frame = walk.frames.len() as u32;
        let (tag, content, end) = (field.tag as u32, field.start as u32, field.end as u32);
        walk.frames.push(Frame { tag, content, end, parent });
        message(&inner, frame, within, scrubber, walk);
    }
}

fn text(view: &View<'_>, tag: usize, start: usize, end: usize, parent: u32, scrubber: &Scrubber, walk: &mut Walk) {
    let found = scrubber.find(&view.buf[start..end]);
    if found.is_empty() {
        return;
    }
    let frame = walk.frames.len() as u32;
    walk.frames.push(Frame { tag: tag as u32, content: start as u32, end: end as u32, parent });
    walk.patches.extend(found.into_iter().map(|range| Patch {
        start: (start + range.start) as u32,
        end: (start + range.end) as u32,
        frame,
        with: (0, MASK.len() as u32),
    }));
}

export!(Bytes);
