//! An event is what Splunk's HTTP event collector indexes: what happened, fields beside it, and where it comes from.

use std::borrow::Cow;

use host_otlp::view::{AnyValue, KeyValue, Resource};

use super::translate::Shape;
use crate::json::{self, Object, as_text};

/// The host of an event whose origin names none, as in the Collector.
const UNKNOWN: &str = "unknown";
/// The attribute of a resource that names the token of its data.
const TOKEN: &str = "com.splunk.hec.access_token";

/// Where an event comes from and where it goes, beside what it says.
#[derive(Clone)]
pub(super) struct Place<'a> {
    pub(super) host: Cow<'a, str>,
    pub(super) source: Cow<'a, str>,
    pub(super) sourcetype: Cow<'a, str>,
    pub(super) index: Cow<'a, str>,
    /// The token that the data itself names; empty where it names none.
    pub(super) token: Cow<'a, str>,
}

impl<'a> Place<'a> {
    /// The place of data of this resource, with the attributes that say nothing about it.
    pub(super) fn of(shape: &'a Shape, resource: Option<&Resource<'a>>) -> (Self, Vec<KeyValue<'a>>) {
        let mut place = Place {
            host: Cow::Borrowed(UNKNOWN),
            source: Cow::Borrowed(&shape.source),
            sourcetype: Cow::Borrowed(&shape.sourcetype),
            index: Cow::Borrowed(&shape.index),
            token: Cow::Borrowed(""),
        };
        let mut rest = Vec::new();
        for attribute in resource.into_iter().flat_map(|resource| resource.attributes.clone()) {
            if !place.takes(shape, &attribute) {
                rest.push(attribute);
            }
        }
        (place, rest)
    }

    /// Takes what an attribute says about the place: whether it is one of those that do.
    pub(super) fn takes(&mut self, shape: &Shape, attribute: &KeyValue<'a>) -> bool {
        let names = &shape.names;
        let part = match attribute.key {
            key if key == names.host => &mut self.host,
            key if key == names.source => &mut self.source,
            key if key == names.sourcetype => &mut self.sourcetype,
            key if key == names.index => &mut self.index,
            TOKEN => &mut self.token,
            _ => return false,
        };
        *part = attribute.value.as_ref().map(as_text).unwrap_or_default();
        true
    }

    /// Writes the members of an event behind `fields`, in the Collector's order.
    pub(super) fn write(&self, event: &mut Object<'_>, time_unix_nano: u64) {
        event.member("host", &self.host);
        for (key, value) in [("source", &self.source), ("sourcetype", &self.sourcetype), ("index", &self.index)] {
            if !value.is_empty() {
                event.member(key, value);
            }
        }
        // Without a time Splunk takes that of the arrival.
        if time_unix_nano > 0 {
            seconds(event.key("time"), time_unix_nano);
        }
    }
}

/// Writes a time in seconds with every digit that it has.
fn seconds(out: &mut Vec<u8>, time_unix_nano: u64) {
    let (whole, part) = (time_unix_nano / 1_000_000_000, time_unix_nano % 1_000_000_000);
    json::scalar(out, whole);
    if part > 0 {
        let digits = format!("{part:09}");
        out.push(b'.');
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}

/// The fields of an event: flat, and each name once.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Field<'a>)>);

/// What a field holds.
#[derive(Clone, Debug)]
pub(super) enum Field<'a> {
    Value(AnyValue<'a>),
    Text(Cow<'a, str>),
    Int(i64),
}

impl<'a> Fields<'a> {
    /// Adds a field, which takes the place of one of this name.
    pub(super) fn set(&mut self, name: impl Into<Cow<'a, str>>, field: Field<'a>) {
        self.0.push((name.into(), field));
    }

    /// Adds an attribute as it is: maps become a field for each of their values, and lists that are not flat become text.
    pub(super) fn flatten(&mut self, name: Cow<'a, str>, value: AnyValue<'a>) {
        match &value {
            // Splunk refuses fields that hold nothing.
            AnyValue::Empty | AnyValue::TextIndex(_) => {}
            AnyValue::Map(pairs) => {
                for pair in pairs.clone() {
                    let inner = format!("{name}.{}", pair.key);
                    self.flatten(inner.into(), pair.value.unwrap_or(AnyValue::Empty));
                }
            }
            AnyValue::Array(elements) if !elements.clone().all(|element| is_plain(&element)) => {
                let text = as_text(&value);
                self.set(name, Field::Text(text));
            }
            _ => self.set(name, Field::Value(value)),
        }
    }

    /// Adds an attribute as text: a dimension.
    pub(super) fn dimension(&mut self, attribute: &KeyValue<'a>) {
        let text = attribute.value.as_ref().map(as_text).unwrap_or_default();
        self.set(attribute.key, Field::Text(text));
    }

    /// Sorts by name, and keeps the last field of each.
    pub(super) fn settle(&mut self) {
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
        // Of equal ones the later takes the earlier's place.
        self.0.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes the fields as members, those left out of which `is_other` says that another one stands there.
    pub(super) fn write(&self, object: &mut Object<'_>, is_other: impl Fn(&str) -> bool) {
        for (name, field) in self.0.iter().filter(|(name, _)| !is_other(name)) {
            match field {
                Field::Value(value) => json::value(object.key(name), value),
                Field::Text(text) => object.member(name, text),
                Field::Int(int) => object.member(name, int),
            }
        }
    }
}

/// Whether a list may hold this and be a field.
fn is_plain(value: &AnyValue<'_>) -> bool {
    !matches!(value, AnyValue::Empty | AnyValue::TextIndex(_) | AnyValue::Array(_) | AnyValue::Map(_))
}
