//! The scrubber that one would write without a sandbox: one walk over the encoded request, patterns over each text where it
//! lies, and the parts that match spliced.

use host_component::Payload;
use host_otlp::edit::{self, Edits, Frame, Patch, REQUEST, Scratch};
use host_otlp::schema::Kind;
use host_otlp::view::View;

#[path = "../../../../tests/guests/scrub.rs"]
mod scrub;

use scrub::MASK;

/// The patterns.
pub(crate) struct Scrubber(scrub::Scrubber);

#[derive(Default)]
struct Found {
    frames: Vec<Frame>,
    patches: Vec<Patch>,
}

impl Scrubber {
    pub(crate) fn new() -> Self {
        Scrubber(scrub::Scrubber::new())
    }

    /// The request with a mask for each match.
    pub(crate) fn scrub(&self, request: &Payload) -> Vec<u8> {
        let bytes = request.contiguous();
        let mut found = Found::default();
        self.walk(View::request(request.signal(), &bytes), REQUEST, &mut found);
        if found.patches.is_empty() {
            return bytes.into();
        }
        let edits = Edits { frames: &found.frames, patches: &found.patches, side: MASK.as_bytes() };
        edit::splice(&bytes, &edits, &mut Scratch::default()).expect("the patches are in order")
    }

    fn walk(&self, view: View<'_>, parent: u32, found: &mut Found) {
        for field in view.fields() {
            let frame = |found: &mut Found| {
                let at = |offset: usize| offset as u32;
                found.frames.push(Frame { tag: at(field.tag), content: at(field.start), end: at(field.end), parent });
                found.frames.len() as u32 - 1
            };
            match view.schema(&field).map(|schema| schema.kind) {
                Some(Kind::Message(_)) => {
                    if let Some(inside) = view.enter(&field) {
                        let frame = frame(found);
                        self.walk(inside, frame, found);
                    }
                }
                Some(Kind::Text) => {
                    let matches = self.0.find(&view.buf[field.start..field.end]);
                    if matches.is_empty() {
                        continue;
                    }
                    let frame = frame(found);
                    found.patches.extend(matches.into_iter().map(|range| Patch {
                        start: (field.start + range.start) as u32,
                        end: (field.start + range.end) as u32,
                        frame,
                        with: (0, MASK.len() as u32),
                    }));
                }
                _ => {}
            }
        }
    }
}
