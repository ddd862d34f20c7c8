//! The rewriting of a payload: resources are taken out, claims overwritten, and clusters written down.

use host_component::Subject;
use host_otlp::Payload;
use host_otlp::build::Attributes;
use host_otlp::edit::{self, Edits, Frame, Patch, REQUEST, Scratch};
use host_otlp::schema::{KEY_VALUE, Kind, Message, RESOURCE};
use host_otlp::wire::{Field, Fields, put_len};

use crate::judge::Judged;
use crate::rules::Speaker;
use crate::walk::parts;

/// The attribute that says of which cluster a resource is.
const CLUSTER: &str = "cluster.id";
/// The fields of a `KeyValue` and of an `AnyValue`.
const KEY: u32 = 1;
const VALUE: u32 = 2;
const TEXT: u32 = 1;

/// A change to a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) segment: usize,
    /// Where the resource's field begins.
    pub(crate) tag: u32,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    Refuse,
    /// Writes the cluster down.
    Stamp,
    /// Puts the truth in the place of the claim whose content begins there.
    Overwrite {
        at: u32,
        subject: Subject,
    },
}

/// Makes the changes, which are in the order of what they change; those of one resource begin with its stamp.
pub(crate) fn rewritten(speaker: &Speaker, payload: &Payload, changes: &[Change]) -> Judged {
    let request = Message::request(payload.signal());
    let (mut refused_items, mut refused_resources) = (0, 0);
    let mut segments = Vec::with_capacity(payload.segments().len());
    for (index, segment) in payload.segments().iter().enumerate() {
        let from = changes.partition_point(|change| change.segment < index);
        let to = changes.partition_point(|change| change.segment <= index);
        if from == to {
            segments.push((segment.bytes().clone(), segment.items()));
            continue;
        }
        let mut writer = Writer { changes: &changes[from..to], ..Writer::new(speaker) };
        let buf = segment.bytes();
        writer.request(request, buf);
        let edits = Edits { frames: &writer.frames, patches: &writer.patches, side: &writer.side };
        match edit::splice(buf, &edits, &mut Scratch::default()) {
            Ok(bytes) => {
                refused_items += writer.refused_items;
                refused_resources += writer.refused_resources;
                let items = u64::from(segment.items()).saturating_sub(writer.refused_items);
                segments.push((bytes.into(), u32::try_from(items).unwrap_or(u32::MAX)));
            }
            // What would be larger than anything may be is not taken at all.
            Err(_) => {
                refused_items += u64::from(segment.items());
                refused_resources += 1;
            }
        }
    }
    Judged { payload: payload.edited(segments), refused_items, refused_resources }
}

/// How many items there are in a message, counted up to `most`.
pub(crate) fn items_until(message: &'static Message, fields: Fields<'_>, most: u64) -> u64 {
    let buf = fields.buffer();
    let mut items = 0;
    for field in fields {
        if items >= most {
            break;
        }
        match message.field(field.number) {
            Some(known) if known.holds_items => match known.kind {
                Kind::Message(inner) if inner.item => items += 1,
                Kind::Message(inner) => {
                    items += items_until(inner, Fields::new(buf, field.start, field.end), most - items);
                }
                _ => {}
            },
            _ => {}
        }
    }
    items
}

/// Makes the changes to one segment into patches.
struct Writer<'s> {
    speaker: &'s Speaker,
    /// Those that are still to be made.
    changes: &'s [Change],
    frames: Vec<Frame>,
    patches: Vec<Patch>,
    side: Vec<u8>,
    /// Where in it the attribute lies that says the cluster, and the resource with nothing else.
    stamp: Option<(u32, u32)>,
    stamped_resource: Option<(u32, u32)>,
    refused_items: u64,
    refused_resources: u64,
}

impl<'s> Writer<'s> {
    fn new(speaker: &'s Speaker) -> Self {
        Writer {
            speaker,
            changes: &[],
            frames: Vec::new(),
            patches: Vec::new(),
            side: Vec::new(),
            stamp: None,
            stamped_resource: None,
            refused_items: 0,
            refused_resources: 0,
        }
    }

    fn request(&mut self, request: &'static Message, buf: &[u8]) {
        for field in Fields::new(buf, 0, buf.len()) {
            let Some(Kind::Message(message)) = request.field(field.number).map(|known| known.kind) else { continue };
            let Some(change) = self.changes.first().filter(|change| change.tag == field.tag as u32) else { continue };
            let fields = Fields::new(buf, field.start, field.end);
            match change.what {
                What::Refuse => {
                    self.changes = &self.changes[1..];
                    self.refused_items += items_until(message, fields, u64::MAX);
                    self.refused_resources += 1;
                    self.patch(field.tag as u32, field.end as u32, REQUEST, (0, 0));
                }
                What::Stamp => {
                    self.changes = &self.changes[1..];
                    self.kept(message, &field, fields, true);
                }
                What::Overwrite { .. } => self.kept(message, &field, fields, false),
            }
        }
    }

    /// What is of a resource that is changed and kept.
    fn kept(&mut self, message: &'static Message, field: &Field, mut fields: Fields<'_>, is_stamped: bool) {
        let frame = self.frame(field, REQUEST);
        if is_stamped && fields.clone().all(|field| field.number != 1) {
            let with = self.stamped_resource();
            self.patch(field.start as u32, field.start as u32, frame, with);
        }
        self.message(message, &mut fields, frame, is_stamped);
    }

    fn message(&mut self, message: &'static Message, fields: &mut Fields<'_>, frame: u32, is_stamped: bool) {
        let buf = fields.buffer();
        for field in fields {
            let Some(Kind::Message(inner)) = message.field(field.number).map(|known| known.kind) else { continue };
            let is_stamped = is_stamped && std::ptr::eq(inner, &raw const RESOURCE);
            if !is_stamped && self.next_within(&field).is_none() {
                continue;
            }
            let inside = self.frame(&field, frame);
            if is_stamped {
                let with = self.stamp();
                self.patch(field.start as u32, field.start as u32, inside, with);
            }
            match self.next_within(&field) {
                Some((at, subject)) if at == field.start as u32 && std::ptr::eq(inner, &raw const KEY_VALUE) => {
                    self.changes = &self.changes[1..];
                    let with = self.truth(parts(Fields::new(buf, field.start, field.end)).0, subject);
                    self.patch(field.start as u32, field.end as u32, inside, with);
                }
                _ => self.message(inner, &mut Fields::new(buf, field.start, field.end), inside, false),
            }
        }
    }

    /// The next claim to overwrite, where it lies in this field.
    fn next_within(&self, field: &Field) -> Option<(u32, Subject)> {
        match self.changes.first()?.what {
            What::Overwrite { at, subject } if (field.start as u32..field.end as u32).contains(&at) => {
                Some((at, subject))
            }
            _ => None,
        }
    }

    fn frame(&mut self, field: &Field, parent: u32) -> u32 {
        let (tag, content, end) = (field.tag as u32, field.start as u32, field.end as u32);
        self.frames.push(Frame { tag, content, end, parent });
        self.frames.len() as u32 - 1
    }

    fn patch(&mut self, start: u32, end: u32, frame: u32, with: (u32, u32)) {
        self.patches.push(Patch { start, end, frame, with });
    }

    /// The attribute that says the cluster, as it stands in a resource.
    fn stamp(&mut self) -> (u32, u32) {
        if let Some(stamp) = self.stamp {
            return stamp;
        }
        let attribute = self.speaker.truth(Subject::Cluster).map(|cluster| Attributes::of([(CLUSTER, cluster)]));
        let written = self.write(attribute.unwrap_or_default().as_bytes());
        *self.stamp.insert(written)
    }

    /// A resource that has it, as it stands in the message of what is of it.
    fn stamped_resource(&mut self) -> (u32, u32) {
        if let Some(resource) = self.stamped_resource {
            return resource;
        }
        let (from, to) = self.stamp();
        let mut resource = Vec::new();
        put_len(&mut resource, 1, &self.side[from as usize..to as usize]);
        let written = self.write(&resource);
        *self.stamped_resource.insert(written)
    }

    /// The content of an attribute with the key of a claim, and what its speaker may say there. Where that is not known there is
    /// nothing.
    fn truth(&mut self, key: &[u8], subject: Subject) -> (u32, u32) {
        let (mut value, mut pair) = (Vec::new(), Vec::new());
        if let Some(truth) = self.speaker.truth(subject) {
            put_len(&mut value, TEXT, truth.as_bytes());
            put_len(&mut pair, KEY, key);
            put_len(&mut pair, VALUE, &value);
        }
        self.write(&pair)
    }

    fn write(&mut self, bytes: &[u8]) -> (u32, u32) {
        let from = self.side.len() as u32;
        self.side.extend_from_slice(bytes);
        (from, self.side.len() as u32)
    }
}
