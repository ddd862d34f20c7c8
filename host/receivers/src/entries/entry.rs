//! An entry is one log record on its way through the operators: it borrows the bytes that were read wherever it can.

use std::borrow::Cow;
use std::sync::Arc;

use host_otlp::build::{AnyValue, LogsWriter};

/// A file that is followed, for as long as it is.
pub(crate) type FileId = u64;

/// Values by key, in the order in which they came; no key stands twice.
pub(crate) type Map<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    #[default]
    Empty,
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Array(Vec<Value<'a>>),
    Map(Map<'a>),
}

/// Where an entry was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) file: FileId,
    /// Files that took each other's place under one name have the same.
    pub(crate) lineage: u64,
    /// Where its first byte stands.
    pub(crate) start: u64,
}

/// What an entry says of the thing that it is about: most say what their file says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Resource<'a> {
    Shared(Arc<Map<'static>>),
    Own(Map<'a>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) body: Value<'a>,
    pub(crate) attributes: Map<'a>,
    pub(crate) resource: Resource<'a>,
    /// Nanoseconds since the Unix epoch; 0 where nobody knows.
    pub(crate) time: u64,
    pub(crate) observed: u64,
    pub(crate) severity: u32,
    pub(crate) severity_text: Cow<'a, str>,
    pub(crate) trace_id: Option<[u8; 16]>,
    pub(crate) span_id: Option<[u8; 8]>,
    pub(crate) flags: u32,
    pub(crate) origin: Origin,
}

impl Default for Entry<'_> {
    fn default() -> Self {
        Entry {
            body: Value::Empty,
            attributes: Vec::new(),
            resource: Resource::Own(Vec::new()),
            time: 0,
            observed: 0,
            severity: 0,
            severity_text: Cow::Borrowed(""),
            trace_id: None,
            span_id: None,
            flags: 0,
            origin: Origin::default(),
        }
    }
}

pub(crate) fn get<'m, 'a>(map: &'m Map<'a>, key: &str) -> Option<&'m Value<'a>> {
    map.iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

pub(crate) fn set<'a>(map: &mut Map<'a>, key: impl Into<Cow<'a, str>>, value: Value<'a>) {
    let key = key.into();
    match map.iter_mut().find(|(known, _)| *known == key) {
        Some((_, there)) => *there = value,
        None => map.push((key, value)),
    }
}

pub(crate) fn take<'a>(map: &mut Map<'a>, key: &str) -> Option<Value<'a>> {
    let at = map.iter().position(|(known, _)| known == key)?;
    Some(map.remove(at).1)
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn owned_map(map: Map<'_>) -> Map<'static> {
    map.into_iter().map(|(key, value)| (owned(key), value.into_owned())).collect()
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Value::Text(text.into())
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, borrowed from where the value borrows it.
    pub(crate) fn share_text(&self) -> Option<Cow<'a, str>> {
        match self {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Value::Empty => Value::Empty,
            Value::Text(text) => Value::Text(owned(text)),
            Value::Bool(value) => Value::Bool(value),
            Value::Int(value) => Value::Int(value),
            Value::Double(value) => Value::Double(value),
            Value::Array(values) => Value::Array(values.into_iter().map(Value::into_owned).collect()),
            Value::Map(map) => Value::Map(owned_map(map)),
        }
    }

    pub(crate) fn of_json(json: &serde_json::Value) -> Value<'static> {
        match json {
            serde_json::Value::Null => Value::Empty,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(value) => Value::Int(value),
                None => Value::Double(number.as_f64().unwrap_or_default()),
            },
            serde_json::Value::String(text) => Value::Text(Cow::Owned(text.clone())),
            serde_json::Value::Array(values) => Value::Array(values.iter().map(Value::of_json).collect()),
            serde_json::Value::Object(map) => {
                Value::Map(map.iter().map(|(key, value)| (Cow::Owned(key.clone()), Value::of_json(value))).collect())
            }
        }
    }

    fn write(&self, out: &mut AnyValue<'_>) {
        match self {
            Value::Empty => {}
            Value::Text(text) => out.value(&**text),
            Value::Bool(value) => out.value(*value),
            Value::Int(value) => out.value(*value),
            Value::Double(value) => out.value(*value),
            Value::Array(values) => out.array(values, Value::write),
            Value::Map(map) => out.map(map.iter().map(|(key, value)| (&**key, value)), Value::write),
        }
    }
}

impl<'a> Resource<'a> {
    pub(crate) fn map(&self) -> &Map<'a> {
        match self {
            Resource::Shared(map) => map,
            Resource::Own(map) => map,
        }
    }

    pub(crate) fn map_mut(&mut self) -> &mut Map<'a> {
        if let Resource::Shared(map) = self {
            *self = Resource::Own(Map::clone(map));
        }
        match self {
            Resource::Own(map) => map,
            Resource::Shared(_) => unreachable!("it was made its own above"),
        }
    }

    fn is(&self, other: &Resource<'_>) -> bool {
        match (self, other) {
            (Resource::Shared(one), Resource::Shared(two)) if Arc::ptr_eq(one, two) => true,
            _ => self.map() == other.map(),
        }
    }

    pub(crate) fn into_owned(self) -> Resource<'static> {
        match self {
            Resource::Shared(map) => Resource::Shared(map),
            Resource::Own(map) => Resource::Own(owned_map(map)),
        }
    }
}

impl Entry<'_> {
    pub(crate) fn into_owned(self) -> Entry<'static> {
        Entry {
            body: self.body.into_owned(),
            attributes: owned_map(self.attributes),
            resource: self.resource.into_owned(),
            time: self.time,
            observed: self.observed,
            severity: self.severity,
            severity_text: owned(self.severity_text),
            trace_id: self.trace_id,
            span_id: self.span_id,
            flags: self.flags,
            origin: self.origin,
        }
    }
}

/// Writes entries as OTLP, those of one resource that follow each other into one group.
#[derive(Default)]
pub(crate) struct Writer {
    logs: LogsWriter,
    last: Option<Resource<'static>>,
}

impl Writer {
    pub(crate) fn put(&mut self, entry: &Entry<'_>) {
        if !self.last.as_ref().is_some_and(|last| entry.resource.is(last)) {
            let resource = entry.resource.clone().into_owned();
            self.logs.group(|out| {
                for (key, value) in resource.map() {
                    out.attribute_of(key, |out| value.write(out));
                }
            });
            self.last = Some(resource);
        }
        self.logs.log_record(|record| {
            if entry.time != 0 {
                record.time_unix_nano(entry.time);
            }
            record.observed_time_unix_nano(entry.observed);
            if entry.severity != 0 {
                record.severity_number(entry.severity);
            }
            if !entry.severity_text.is_empty() {
                record.severity_text(&entry.severity_text);
            }
            if entry.body != Value::Empty {
                record.body_of(|out| entry.body.write(out));
            }
            for (key, value) in &entry.attributes {
                record.attribute_of(key, |out| value.write(out));
            }
            if entry.flags != 0 {
                record.flags(entry.flags);
            }
            if let Some(trace_id) = &entry.trace_id {
                record.trace_id(trace_id);
            }
            if let Some(span_id) = &entry.span_id {
                record.span_id(span_id);
            }
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.logs.len()
    }

    pub(crate) fn items(&self) -> u32 {
        self.logs.items()
    }

    pub(crate) fn finish(self) -> host_otlp::Payload {
        self.logs.finish()
    }
}
