//! A group is the part of a payload that goes under one key to one topic. Whole messages are copied as they are encoded.

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use host_component::{Payload, Signal};
use host_otlp::view::{AnyValue, Element as _};
use host_otlp::wire::{Field, Fields, WireType, put_len, put_tag, put_varint};
use host_otlp::{CheckError, Limits, check};
use sha2::{Digest as _, Sha256};

/// How a payload is taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grouping {
    pub(crate) by: By,
    /// The resource attribute that names the topic.
    pub(crate) topic: Option<String>,
}

/// What the key of a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Nothing,
    /// The id of a trace, in hex.
    Trace,
    /// A digest of the resource's attributes.
    Attributes,
    /// The value of one of the resource's attributes.
    Attribute(String),
}

/// A part of a payload.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) key: Option<Bytes>,
    /// What its data says that the topic is.
    pub(crate) topic: Option<String>,
    pub(crate) payload: Payload,
}

/// Resource and scope go with each trace. What that takes is bounded: beyond this multiple of the payload, where that is
/// more than [`FREE`], what is left makes one group without a key.
const REPEATED: usize = 16;
const FREE: usize = 8 << 20;

/// The numbers of the fields that lead to items, which are the same for logs and traces: resources in a request, scopes in
/// a resource, items in a scope. In metrics the first is the same.
const RESOURCES: u32 = 1;
const SCOPES: u32 = 2;
const ITEMS: u32 = 2;

/// Takes `payload` apart; one that stays whole is not copied.
///
/// # Errors
/// Where what comes of it is no OTLP, which no payload that was checked makes it.
pub(crate) fn groups(payload: &Payload, grouping: &Grouping) -> Result<Vec<Group>, CheckError> {
    if grouping.topic.is_none() && grouping.by == By::Nothing {
        return Ok(vec![Group { key: None, topic: None, payload: payload.clone() }]);
    }
    let whole = payload.contiguous();
    let signal = payload.signal();
    let mut parts = Parts::new(&whole, signal);
    parts.walk(grouping);
    if let [only] = parts.found.as_slice() {
        return Ok(vec![Group { key: only.key.clone(), topic: only.topic.clone(), payload: payload.clone() }]);
    }
    let group = |(at, part): (usize, &Part)| {
        // What leads to no item goes with the first one, once.
        let head = if at == 0 { parts.head.as_slice() } else { &[] };
        let payload = check(signal, parts.encoded(head, part).into(), &Limits::default())?;
        Ok(Group { key: part.key.clone(), topic: part.topic.clone(), payload })
    };
    parts.found.iter().enumerate().map(group).collect()
}

/// A payload on its way into parts.
struct Parts<'a> {
    buf: &'a [u8],
    signal: Signal,
    /// What of the request leads to no item.
    head: Vec<Range<usize>>,
    resources: Vec<Head>,
    scopes: Vec<Head>,
    found: Vec<Part>,
    index: HashMap<Name, usize>,
    /// What repeated heads may still take.
    room: usize,
}

/// What of a message goes with each of the items in it.
struct Head {
    ranges: Vec<Range<usize>>,
    len: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Name {
    topic: Option<String>,
    key: Option<Bytes>,
}

#[derive(Default)]
struct Part {
    key: Option<Bytes>,
    topic: Option<String>,
    /// Resources that belong to it as a whole, tag and all.
    whole: Vec<Range<usize>>,
    items: Vec<Item>,
}

/// An item in its place, tag and all.
struct Item {
    resource: usize,
    scope: usize,
    range: Range<usize>,
}

impl Head {
    fn of(buf: &[u8], message: &Field, children: u32) -> Head {
        let fields = Fields::new(buf, message.start, message.end).filter(|field| field.number != children);
        let ranges: Vec<Range<usize>> = fields.map(|field| field.tag..field.end).collect();
        Head { len: ranges.iter().map(Range::len).sum(), ranges }
    }
}

impl<'a> Parts<'a> {
    fn new(buf: &'a [u8], signal: Signal) -> Self {
        let others = Fields::new(buf, 0, buf.len()).filter(|field| field.number != RESOURCES);
        Parts {
            buf,
            signal,
            head: others.map(|field| field.tag..field.end).collect(),
            resources: Vec::new(),
            scopes: Vec::new(),
            found: Vec::new(),
            index: HashMap::new(),
            room: FREE.max(buf.len().saturating_mul(REPEATED)),
        }
    }

    fn walk(&mut self, grouping: &Grouping) {
        let buf = self.buf;
        for message in Fields::new(buf, 0, buf.len()).filter(|field| field.number == RESOURCES) {
            let attributes = Attributes::of(buf, &message);
            let topic = grouping.topic.as_ref().and_then(|name| attributes.text(name)).filter(|name| !name.is_empty());
            let key = match &grouping.by {
                By::Trace => {
                    self.walk_items(&message, topic.as_ref());
                    continue;
                }
                By::Nothing => None,
                By::Attributes => Some(attributes.digest()),
                By::Attribute(name) => attributes.text(name).map(Bytes::from),
            };
            self.part(Name { topic, key }).whole.push(message.tag..message.end);
        }
    }

    /// Sorts the items of one resource by their traces.
    fn walk_items(&mut self, message: &Field, topic: Option<&String>) {
        let buf = self.buf;
        let resource = self.resources.len();
        self.resources.push(Head::of(buf, message, SCOPES));
        for within in Fields::new(buf, message.start, message.end).filter(|field| field.number == SCOPES) {
            let scope = self.scopes.len();
            self.scopes.push(Head::of(buf, &within, ITEMS));
            let heads = self.resources[resource].len + self.scopes[scope].len;
            for item in Fields::new(buf, within.start, within.end).filter(|field| field.number == ITEMS) {
                let trace = trace_id(self.signal, buf, &item).filter(|_| self.room > 0);
                let key = trace.map(|id| Bytes::from(hex(id)));
                let part = self.part(Name { topic: topic.cloned(), key });
                let is_new = part.items.last().is_none_or(|last| last.scope != scope);
                part.items.push(Item { resource, scope, range: item.tag..item.end });
                if is_new {
                    self.room = self.room.saturating_sub(heads);
                }
            }
        }
    }

    fn part(&mut self, name: Name) -> &mut Part {
        let next = self.found.len();
        let at = *self.index.entry(name.clone()).or_insert(next);
        if at == next {
            self.found.push(Part { key: name.key, topic: name.topic, ..Part::default() });
        }
        &mut self.found[at]
    }

    fn encoded(&self, head: &[Range<usize>], part: &Part) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out, head);
        self.put(&mut out, &part.whole);
        for of_resource in part.items.chunk_by(|one, next| one.resource == next.resource) {
            let mut content = Vec::new();
            for of_scope in of_resource.chunk_by(|one, next| one.scope == next.scope) {
                let items: usize = of_scope.iter().map(|item| item.range.len()).sum();
                let scope = of_scope.first().map(|item| &self.scopes[item.scope]);
                put_tag(&mut content, SCOPES, WireType::Len);
                put_varint(&mut content, (items + scope.map_or(0, |scope| scope.len)) as u64);
                self.put(&mut content, scope.map_or(&[], |scope| &scope.ranges));
                of_scope.iter().for_each(|item| content.extend_from_slice(&self.buf[item.range.clone()]));
            }
            let resource = of_resource.first().map(|item| &self.resources[item.resource]);
            let mut message = Vec::with_capacity(content.len() + resource.map_or(0, |resource| resource.len));
            self.put(&mut message, resource.map_or(&[], |resource| &resource.ranges));
            message.append(&mut content);
            put_len(&mut out, RESOURCES, &message);
        }
        out
    }

    fn put(&self, out: &mut Vec<u8>, ranges: &[Range<usize>]) {
        for range in ranges {
            out.extend_from_slice(&self.buf[range.clone()]);
        }
    }
}

/// The attributes of a resource, as they are encoded.
struct Attributes<'a> {
    buf: &'a [u8],
    fields: Vec<Field>,
}

/// The resource in a message that has one, its attributes, and key and value in one of those.
const RESOURCE: u32 = 1;
const ATTRIBUTES: u32 = 1;
const KEY: u32 = 1;
const VALUE: u32 = 2;

impl<'a> Attributes<'a> {
    fn of(buf: &'a [u8], message: &Field) -> Self {
        let resources = Fields::new(buf, message.start, message.end).filter(|field| field.number == RESOURCE);
        let attributes = resources.flat_map(|field| Fields::new(buf, field.start, field.end));
        Attributes { buf, fields: attributes.filter(|field| field.number == ATTRIBUTES).collect() }
    }

    fn part(&self, attribute: &Field, number: u32) -> Option<Field> {
        Fields::new(self.buf, attribute.start, attribute.end).find(|field| field.number == number)
    }

    fn key(&self, attribute: &Field) -> &'a [u8] {
        self.part(attribute, KEY).map_or(&[], |key| &self.buf[key.start..key.end])
    }

    /// What the attribute of this name says, where that is a text or a number.
    fn text(&self, name: &str) -> Option<String> {
        let attribute = self.fields.iter().find(|attribute| self.key(attribute) == name.as_bytes())?;
        match AnyValue::element(self.buf, &self.part(attribute, VALUE)?) {
            AnyValue::Text(text) => Some(text.to_owned()),
            AnyValue::Int(number) => Some(number.to_string()),
            AnyValue::Bool(is) => Some(is.to_string()),
            _ => None,
        }
    }

    /// The same for the same attributes in whichever order.
    fn digest(&self) -> Bytes {
        let value = |attribute| self.part(attribute, VALUE).map_or(&[][..], |value| &self.buf[value.start..value.end]);
        let mut pairs: Vec<(&[u8], &[u8])> = self.fields.iter().map(|field| (self.key(field), value(field))).collect();
        pairs.sort_unstable();
        let mut hash = Sha256::new();
        for (key, value) in pairs {
            for text in [key, value] {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
        }
        Bytes::copy_from_slice(&hash.finalize()[..16])
    }
}

/// The id of the trace that a span or a log record belongs to, where it says one.
fn trace_id<'a>(signal: Signal, buf: &'a [u8], item: &Field) -> Option<&'a [u8]> {
    let number = match signal {
        Signal::Traces => 1,
        Signal::Logs => 9,
        Signal::Metrics => return None,
    };
    let field = Fields::new(buf, item.start, item.end).find(|field| field.number == number)?;
    let id = &buf[field.start..field.end];
    id.iter().any(|byte| *byte != 0).then_some(id)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
