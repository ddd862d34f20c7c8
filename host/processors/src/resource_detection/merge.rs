//! Puts what was detected into the resources of encoded requests.
//!
//! Each attribute is encoded once. A request is walked by its resources alone, items are stepped over, and one splice writes
//! the result: the bytes of the items are moved once. Where nothing changes, the bytes that came go on.

use bytes::Bytes;
use host_otlp::build::{Logs, Value as Encoded};
use host_otlp::edit::{self, EditError, Edits, Frame, Patch, REQUEST, Scratch};
use host_otlp::wire::{Field, Fields, WireType, put_len};
use host_otlp::{Payload, Segment};

use super::detector::{Found, Value};

/// Fields of a request, of what it has for each resource, of the resource, and of an attribute.
const GROUP: u32 = 1;
const RESOURCE: u32 = 1;
const SCHEMA_URL: u32 = 3;
const ATTRIBUTE: u32 = 1;
const KEY: u32 = 1;

/// What is put into resources, encoded.
#[derive(Debug)]
pub(crate) struct Merge {
    overrides: bool,
    /// By key.
    attributes: Vec<Attribute>,
    /// Where in `side` a resource of all attributes lies, as a field.
    whole: (u32, u32),
    /// Where in `side` the schema URL lies, as a field; empty where there is none.
    schema_url: (u32, u32),
    side: Vec<u8>,
}

#[derive(Debug)]
struct Attribute {
    key: String,
    /// Where in `side` it lies, as a field of a resource.
    at: (u32, u32),
}

impl Merge {
    pub(crate) fn new(found: &Found, overrides: bool) -> Self {
        let mut sorted: Vec<&(String, Value)> = found.attributes.iter().collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut merge =
            Merge { overrides, attributes: Vec::new(), whole: (0, 0), schema_url: (0, 0), side: Vec::new() };
        for (key, value) in sorted {
            let (key, field) = (key.clone(), encoded(key, value));
            let at = merge.keep(|side| side.extend_from_slice(&field));
            merge.attributes.push(Attribute { key, at });
        }
        if !merge.attributes.is_empty() {
            let attributes = merge.side.clone();
            merge.whole = merge.keep(|side| put_len(side, RESOURCE, &attributes));
        }
        if !found.schema_url.is_empty() {
            merge.schema_url = merge.keep(|side| put_len(side, SCHEMA_URL, found.schema_url.as_bytes()));
        }
        merge
    }

    fn keep(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> (u32, u32) {
        let start = self.side.len() as u32;
        write(&mut self.side);
        (start, self.side.len() as u32)
    }

    /// The attributes that are put into each resource.
    pub(crate) fn len(&self) -> usize {
        self.attributes.len()
    }

    /// The payload with everything that was detected in each of its resources.
    ///
    /// # Errors
    /// When it would be larger than 4 GiB.
    pub(crate) fn apply(&self, payload: &Payload) -> Result<Payload, EditError> {
        let mut scratch = Scratch::default();
        let mut walk = Walk { merge: self, frames: Vec::new(), patches: Vec::new(), seen: Vec::new() };
        let mut merged = |segment: &Segment| Ok((walk.segment(segment.bytes(), &mut scratch)?, segment.items()));
        let segments: Vec<_> = payload.segments().iter().map(&mut merged).collect::<Result<_, EditError>>()?;
        Ok(payload.edited(segments))
    }

    fn find(&self, key: &[u8]) -> Option<usize> {
        self.attributes.binary_search_by(|attribute| attribute.key.as_bytes().cmp(key)).ok()
    }
}

/// One attribute as a field of a resource.
fn encoded(key: &str, value: &Value) -> Vec<u8> {
    let texts: Vec<Encoded<'_>> = match value {
        Value::Texts(texts) => texts.iter().map(Encoded::from).collect(),
        Value::Text(_) | Value::Int(_) => Vec::new(),
    };
    let value = match value {
        Value::Text(text) => Encoded::Text(text),
        Value::Int(number) => Encoded::Int(*number),
        Value::Texts(_) => Encoded::Array(&texts),
    };
    let mut request = Logs::new();
    request.resource_logs(|group| group.resource(|resource| resource.attribute(key, value)));
    let request = request.finish().contiguous();
    // The request holds the group, that the resource, and that the attribute alone.
    let inside = |buf: &Bytes| Fields::new(buf, 0, buf.len()).next().map(|field| buf.slice(field.start..field.end));
    inside(&request).and_then(|group| inside(&group)).unwrap_or_default().to_vec()
}

/// The changes to one request so far.
struct Walk<'a> {
    merge: &'a Merge,
    frames: Vec<Frame>,
    patches: Vec<Patch>,
    /// By attribute, whether the resource has it.
    seen: Vec<bool>,
}

impl Walk<'_> {
    fn segment(&mut self, buf: &Bytes, scratch: &mut Scratch) -> Result<Bytes, EditError> {
        self.frames.clear();
        self.patches.clear();
        for field in Fields::new(buf, 0, buf.len()).filter(|field| is(field, GROUP)) {
            self.group(buf, &field);
        }
        if self.patches.is_empty() {
            return Ok(buf.clone());
        }
        let edits = Edits { frames: &self.frames, patches: &self.patches, side: &self.merge.side };
        edit::splice(buf, &edits, scratch).map(Bytes::from)
    }

    /// What the request has for one resource.
    fn group(&mut self, buf: &[u8], field: &Field) {
        let (before, frames) = (self.patches.len(), self.frames.len());
        let group = self.frame(field, REQUEST);
        let (mut resource, mut schema_url) = (None, None);
        for inner in Fields::new(buf, field.start, field.end) {
            match inner.number {
                RESOURCE if is(&inner, RESOURCE) => resource = Some(inner),
                SCHEMA_URL if is(&inner, SCHEMA_URL) => schema_url = Some(inner),
                _ => {}
            }
        }
        match resource {
            Some(resource) => {
                let frame = self.frame(&resource, group);
                self.resource(buf, &resource, frame);
            }
            None => self.patch((field.start, field.start), group, self.merge.whole),
        }
        match schema_url {
            // One that says nothing counts as none.
            Some(given) if given.start == given.end => self.patch((given.tag, given.end), group, self.merge.schema_url),
            Some(_) => {}
            None => self.patch((field.end, field.end), group, self.merge.schema_url),
        }
        // The two may stand in any order. What is put at one place stays in this order: the inner one first.
        self.patches[before..].sort_by_key(|patch| patch.start);
        if self.patches.len() == before {
            self.frames.truncate(frames);
        }
    }

    fn resource(&mut self, buf: &[u8], resource: &Field, frame: u32) {
        let merge = self.merge;
        self.seen.clear();
        self.seen.resize(merge.attributes.len(), false);
        for field in Fields::new(buf, resource.start, resource.end).filter(|field| is(field, ATTRIBUTE)) {
            let mut parts = Fields::new(buf, field.start, field.end).filter(|part| is(part, KEY));
            let key = parts.next().map_or(&[][..], |part| &buf[part.start..part.end]);
            let Some(at) = merge.find(key) else { continue };
            // Of two attributes of one key the first counts.
            let (again, with) = (std::mem::replace(&mut self.seen[at], true), merge.attributes[at].at);
            let is_so = buf[field.tag..field.end] == merge.side[with.0 as usize..with.1 as usize];
            if merge.overrides && !again && !is_so {
                self.patch((field.tag, field.end), frame, with);
            }
        }
        for (at, attribute) in merge.attributes.iter().enumerate() {
            if !self.seen[at] {
                self.patch((resource.end, resource.end), frame, attribute.at);
            }
        }
    }

    fn frame(&mut self, field: &Field, parent: u32) -> u32 {
        self.frames.push(Frame { tag: field.tag as u32, content: field.start as u32, end: field.end as u32, parent });
        (self.frames.len() - 1) as u32
    }

    /// Puts a piece of `side` in the place of a range; one that is empty changes nothing.
    fn patch(&mut self, (start, end): (usize, usize), frame: u32, with: (u32, u32)) {
        if with.0 < with.1 {
            self.patches.push(Patch { start: start as u32, end: end as u32, frame, with });
        }
    }
}

fn is(field: &Field, number: u32) -> bool {
    field.number == number && field.wire == WireType::Len
}
