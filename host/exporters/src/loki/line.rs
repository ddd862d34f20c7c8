//! The line of an entry: the body as it is, or the whole record in the forms that the Collector's former exporter had.

use host_otlp::view::{AnyValue, KeyValue, LogRecord, Scope};
use schemars::JsonSchema;
use serde::Deserialize;

use super::text;

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The body, as JSON where it is no text.
    Raw,
    /// The record and its resource as one object of JSON.
    Json,
    /// The same as pairs of keys and values.
    Logfmt,
}

impl Format {
    /// What a hint asks for.
    pub(super) fn named(name: &str) -> Option<Format> {
        match name {
            "raw" => Some(Format::Raw),
            "json" => Some(Format::Json),
            "logfmt" => Some(Format::Logfmt),
            _ => None,
        }
    }
}

/// What a line may tell besides its record.
pub(super) struct Around<'p, 'a> {
    pub(super) resource: &'p [Attribute<'a>],
    pub(super) scope: Option<&'p Scope<'a>>,
    /// Whether an attribute of the record is told of elsewhere.
    pub(super) is_left_out: &'p dyn Fn(&str) -> bool,
}

impl<'a> Around<'_, 'a> {
    /// The attributes of the resource that are no labels.
    fn resource(&self) -> impl Iterator<Item = &KeyValue<'a>> {
        self.resource.iter().filter(|attribute| !attribute.is_label).map(|attribute| &attribute.pair)
    }
}

/// An attribute of a resource.
pub(super) struct Attribute<'a> {
    pub(super) pair: KeyValue<'a>,
    /// Whether the stream has it.
    pub(super) is_label: bool,
}

/// Appends the line of a record.
pub(super) fn write(format: Format, record: &LogRecord<'_>, around: &Around<'_, '_>, out: &mut Vec<u8>) {
    match format {
        Format::Raw => record.body.iter().for_each(|body| text::plain(body, out)),
        Format::Json => json(record, around, out),
        Format::Logfmt => logfmt(record, around, out),
    }
}

fn json(record: &LogRecord<'_>, around: &Around<'_, '_>, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    if let Some(body) = record.body.as_ref().filter(|body| !matches!(body, AnyValue::Empty)) {
        object.key("body", |out| text::json(body, out));
    }
    let id = |bytes: &[u8], out: &mut Vec<u8>| {
        out.push(b'"');
        text::hex(bytes, out);
        out.push(b'"');
    };
    if has_id(record.trace_id) {
        object.key("traceid", |out| id(record.trace_id, out));
    }
    if has_id(record.span_id) {
        object.key("spanid", |out| id(record.span_id, out));
    }
    if !record.severity_text.is_empty() {
        object.key("severity", |out| text::quoted(record.severity_text, out));
    }
    if record.flags != 0 {
        object.key("flags", |out| text::integer(record.flags, out));
    }
    object.attributes("attributes", record.attributes.clone().filter(|pair| !(around.is_left_out)(pair.key)));
    object.attributes("resources", around.resource().cloned());
    if let Some(scope) = around.scope.filter(|scope| !scope.name.is_empty()) {
        object.key("instrumentation_scope", |out| {
            let mut inner = Object::open(out);
            inner.key("name", |out| text::quoted(scope.name, out));
            if !scope.version.is_empty() {
                inner.key("version", |out| text::quoted(scope.version, out));
            }
            inner.close();
        });
    }
    object.close();
}

/// An object of JSON that is being written.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, is_empty: true }
    }

    fn key(&mut self, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        text::quoted(key, self.out);
        self.out.push(b':');
        value(self.out);
    }

    /// An object of attributes, unless there are none.
    fn attributes<'a>(&mut self, key: &str, pairs: impl Iterator<Item = KeyValue<'a>>) {
        let mut pairs = pairs.peekable();
        if pairs.peek().is_none() {
            return;
        }
        self.key(key, |out| {
            let mut inner = Object::open(out);
            for pair in pairs {
                inner.key(pair.key, |out| text::json(&pair.value.unwrap_or(AnyValue::Empty), out));
            }
            inner.close();
        });
    }

    fn close(self) {
        self.out.push(b'}');
    }
}

fn logfmt(record: &LogRecord<'_>, around: &Around<'_, '_>, out: &mut Vec<u8>) {
    let mut pairs = Pairs { start: out.len(), out };
    match &record.body {
        None | Some(AnyValue::Empty) => {}
        // It is what this form is made of, and stays as it is.
        Some(AnyValue::Text(body)) if is_logfmt(body) => pairs.out.extend_from_slice(body.as_bytes()),
        Some(body @ AnyValue::Map(_)) => pairs.value("", body),
        Some(body @ AnyValue::Array(_)) => pairs.value("body", body),
        Some(body) => pairs.value("msg", body),
    }
    for (key, id) in [("traceID", record.trace_id), ("spanID", record.span_id)] {
        if has_id(id) {
            pairs.key(key);
            text::hex(id, pairs.out);
        }
    }
    if !record.severity_text.is_empty() {
        pairs.value("severity", &AnyValue::Text(record.severity_text));
    }
    if record.flags != 0 {
        pairs.value("flags", &AnyValue::Int(i64::from(record.flags)));
    }
    for pair in record.attributes.clone().filter(|pair| !(around.is_left_out)(pair.key)) {
        pairs.attribute("attribute", &pair);
    }
    for pair in around.resource() {
        pairs.attribute("resource", pair);
    }
    if let Some(scope) = around.scope.filter(|scope| !scope.name.is_empty()) {
        pairs.value("instrumentation_scope_name", &AnyValue::Text(scope.name));
        if !scope.version.is_empty() {
            pairs.value("instrumentation_scope_version", &AnyValue::Text(scope.version));
        }
    }
}

/// Pairs that are being written.
struct Pairs<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
}

impl Pairs<'_> {
    fn attribute(&mut self, of: &str, pair: &KeyValue<'_>) {
        if let Some(value) = &pair.value {
            self.value(&format!("{of}_{}", pair.key), value);
        }
    }

    /// A pair, or one for each part of a value that has parts.
    fn value(&mut self, key: &str, value: &AnyValue<'_>) {
        let part = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}_{name}") };
        match value {
            AnyValue::Empty => {}
            AnyValue::Map(pairs) => {
                for pair in pairs.clone() {
                    self.value(&part(pair.key), &pair.value.unwrap_or(AnyValue::Empty));
                }
            }
            AnyValue::Array(values) => {
                for (i, value) in values.clone().enumerate() {
                    self.value(&part(&i.to_string()), &value);
                }
            }
            AnyValue::Text(value) => {
                self.key(key);
                let is_bare = !value.is_empty() && value.chars().all(is_bare);
                if is_bare { self.out.extend_from_slice(value.as_bytes()) } else { text::quoted(value, self.out) }
            }
            other => {
                self.key(key);
                text::plain(other, self.out);
            }
        }
    }

    fn key(&mut self, key: &str) {
        if self.out.len() > self.start {
            self.out.push(b' ');
        }
        if key.is_empty() {
            self.out.push(b'_');
        }
        for c in key.chars() {
            let c = if is_bare(c) { c } else { '_' };
            self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.out.push(b'=');
    }
}

/// Whether a character needs no quotes around it.
fn is_bare(c: char) -> bool {
    c > ' ' && !matches!(c, '=' | '"' | '\\' | '\u{7f}' | '\u{fffd}')
}

/// Whether a text consists of such pairs and nothing else.
fn is_logfmt(text: &str) -> bool {
    let mut rest = text.trim_end();
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let Some((key, behind)) = rest.split_once('=') else { return false };
        let Some(after) = behind_value(behind) else { return false };
        if key.is_empty() || !key.chars().all(is_bare) || !(after.is_empty() || after.starts_with(' ')) {
            return false;
        }
        rest = after.trim_start_matches(' ');
    }
    true
}

/// What stands behind the value at the start of a text.
fn behind_value(text: &str) -> Option<&str> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Some(text.trim_start_matches(is_bare));
    };
    let mut is_escaped = false;
    let end = quoted.find(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    quoted.get(end + 1..)
}

/// Whether an id is one; one of zeros is none.
pub(super) fn has_id(id: &[u8]) -> bool {
    id.iter().any(|byte| *byte != 0)
}
