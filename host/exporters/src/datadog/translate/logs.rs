//! Log records as entries of the intake for logs: a message, what Datadog knows of it, and everything else as attributes.

use std::borrow::Cow;

use host_otlp::Payload;
use host_otlp::view::{self, AnyValue, KeyValue, LogRecord, Scope};

use super::{LOG_BYTES, LOGS, Request, Shape};
use crate::datadog::host::{Source, source};
use crate::datadog::tags;
use crate::entries::Packer;
use crate::growth::Growth;
use crate::json::{self, Object, as_text, hex};
use crate::left_out::LeftOut;

/// What the Collector tags its logs with.
const MADE_BY: &str = "otel_source:datadog_exporter";
/// The source of a log that names none, as in the Collector.
const SOURCE: &str = "otlp_log_ingestion";
/// What a message ends with that was cut.
const CUT: &str = "...TRUNCATED...";
/// How deep maps become attributes of their own.
const DEPTH: usize = 10;
/// What the intake reads for itself.
const RESERVED: [&str; 7] = ["ddsource", "ddtags", "hostname", "message", "service", "status", "timestamp"];

pub(super) fn translate(payload: &Payload, shape: &Shape) -> (Vec<Request>, LeftOut) {
    let mut packer = Packer::new(LOGS);
    let mut left_out = LeftOut::default();
    let mut growth = Growth::of(payload);
    for resource_logs in view::logs(payload) {
        let resource: Vec<KeyValue<'_>> =
            resource_logs.resource.iter().flat_map(|resource| resource.attributes.clone()).collect();
        let place = Place { shape, source: source(&resource), tags: tags::of_resource(&resource), resource: &resource };
        for scope_logs in resource_logs.scope_logs.clone() {
            for record in scope_logs.log_records.clone() {
                if !growth.has(0) {
                    left_out.add(LeftOut::TOO_MUCH_REPEATED, 1);
                    continue;
                }
                let log = Log::of(&record, scope_logs.scope.as_ref(), &place);
                match packer.add(1, (), |out| log.write(out)) {
                    Ok(bytes) => growth.take(bytes),
                    Err(_) => left_out.add(LeftOut::TOO_LONG, 1),
                }
            }
        }
    }
    (packer.finish().into_iter().map(Request::Logs).collect(), left_out)
}

/// What the records of a resource have in common.
struct Place<'p, 'a> {
    shape: &'p Shape,
    source: Option<Source<'a>>,
    tags: Vec<String>,
    resource: &'p [KeyValue<'a>],
}

/// One log.
#[derive(Default)]
struct Log<'a> {
    message: Cow<'a, str>,
    status: Cow<'a, str>,
    host: Cow<'a, str>,
    service: Cow<'a, str>,
    source: Cow<'a, str>,
    tags: String,
    timestamp: u64,
    attributes: Vec<(Cow<'a, str>, Attribute<'a>)>,
}

enum Attribute<'a> {
    Value(AnyValue<'a>),
    Text(Cow<'a, str>),
}

impl<'a> Log<'a> {
    fn of(record: &LogRecord<'a>, scope: Option<&Scope<'a>>, place: &Place<'_, 'a>) -> Self {
        let own: Vec<KeyValue<'a>> = record.attributes.clone().collect();
        let mut log = Log { source: Cow::Borrowed(SOURCE), ..Log::default() };
        let mut tags = place.tags.clone();
        for attribute in &own {
            log.take(attribute, &mut tags);
        }
        for attribute in place.resource {
            log.set(attribute.key, attribute.value.as_ref().map(as_text).unwrap_or_default());
        }
        for attribute in scope.into_iter().flat_map(|scope| scope.attributes.clone()) {
            log.set(attribute.key, attribute.value.as_ref().map(as_text).unwrap_or_default());
        }
        log.place(&own, place);
        log.correlate(record);
        log.rate(record);
        let time = if record.time_unix_nano > 0 { record.time_unix_nano } else { record.observed_time_unix_nano };
        if time > 0 {
            log.timestamp = time / 1_000_000;
            log.set("otel.timestamp", time.to_string());
        }
        if !record.event_name.is_empty() {
            log.set("otel.event_name", record.event_name);
        }
        if log.message.is_empty() {
            log.message = record.body.as_ref().map(as_text).unwrap_or_default();
        }
        tags.push(MADE_BY.to_owned());
        log.tags = tags.join(",");
        log
    }

    /// Takes an attribute of the record, by whichever of its names Datadog knows it.
    fn take(&mut self, attribute: &KeyValue<'a>, tags: &mut Vec<String>) {
        let value = attribute.value.clone().unwrap_or(AnyValue::Empty);
        let text = as_text(&value);
        match attribute.key.to_ascii_lowercase().as_str() {
            "msg" | "message" | "log" => self.message = text,
            "status" | "severity" | "level" | "syslog.severity" => self.status = text,
            "traceid" | "trace_id" | "contextmap.traceid" | "oteltraceid" => {
                self.id("trace_id", unhex(&text).filter(|id| id.len() == 16));
            }
            "spanid" | "span_id" | "contextmap.spanid" | "otelspanid" => {
                self.id("span_id", unhex(&text).filter(|id| id.len() == 8));
            }
            "ddtags" => tags.push(text.into_owned()),
            "datadog.log.source" if !text.is_empty() => self.source = text,
            _ => self.flatten(Cow::Borrowed(attribute.key), value, 1),
        }
    }

    fn set(&mut self, key: impl Into<Cow<'a, str>>, text: impl Into<Cow<'a, str>>) {
        self.attributes.push((key.into(), Attribute::Text(text.into())));
    }

    /// Maps become an attribute for each of their values.
    fn flatten(&mut self, key: Cow<'a, str>, value: AnyValue<'a>, depth: usize) {
        match &value {
            AnyValue::Map(pairs) if depth < DEPTH => {
                for pair in pairs.clone() {
                    let inner = format!("{key}.{}", pair.key);
                    self.flatten(inner.into(), pair.value.unwrap_or(AnyValue::Empty), depth + 1);
                }
            }
            AnyValue::Map(_) | AnyValue::Empty | AnyValue::TextIndex(_) => {
                let text = as_text(&value);
                self.set(key, text);
            }
            _ => self.attributes.push((key, Attribute::Value(value))),
        }
    }

    /// Notes an id as Datadog has it, a number, and as it was.
    fn id(&mut self, name: &str, id: Option<Vec<u8>>) {
        let Some(id) = id.filter(|id| id.iter().any(|byte| *byte != 0)) else { return };
        let Some(low) = id.last_chunk().map(|low| u64::from_be_bytes(*low)) else { return };
        self.set(format!("dd.{name}"), low.to_string());
        self.set(format!("otel.{name}"), hex(&id));
    }

    /// The host and the service: the resource's, or else what the record says itself.
    fn place(&mut self, own: &[KeyValue<'a>], place: &Place<'_, 'a>) {
        let source = place.source.clone().or_else(|| source(own));
        self.host = match source {
            Some(Source::Host(host)) => host,
            Some(Source::Task(_)) => Cow::Borrowed(""),
            None => Cow::Owned(place.shape.hostname.clone()),
        };
        let named = |attributes: &[KeyValue<'a>]| {
            let service = attributes.iter().find(|attribute| attribute.key == "service.name")?;
            service.value.as_ref().map(as_text).filter(|name| !name.is_empty())
        };
        self.service = named(place.resource).or_else(|| named(own)).unwrap_or_default();
    }

    fn correlate(&mut self, record: &LogRecord<'a>) {
        self.id("trace_id", Some(record.trace_id.to_vec()));
        self.id("span_id", Some(record.span_id.to_vec()));
    }

    fn rate(&mut self, record: &LogRecord<'a>) {
        if !record.severity_text.is_empty() {
            if self.status.is_empty() {
                self.status = Cow::Borrowed(record.severity_text);
            }
            self.set("otel.severity_text", record.severity_text);
        }
        if record.severity_number != 0 {
            if self.status.is_empty() {
                self.status = Cow::Borrowed(status(record.severity_number));
            }
            self.set("otel.severity_number", record.severity_number.to_string());
        }
    }

    /// Writes the log, with as much of its message as fits.
    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let message = self.write_with(out, &self.message);
        let excess = (out.len() - start).saturating_sub(LOG_BYTES);
        if excess == 0 {
            return;
        }
        if let Some(room) = message.checked_sub(excess + CUT.len()) {
            out.truncate(start);
            let kept = within(&self.message, room);
            self.write_with(out, &format!("{kept}{CUT}"));
        }
    }

    /// Writes the log with this message; how long that is between its quotation marks.
    fn write_with(&self, out: &mut Vec<u8>, message: &str) -> usize {
        let mut entry = Object::open(out);
        let before = {
            let out = entry.key("message");
            let before = out.len();
            json::scalar(out, message);
            out.len() - before - 2
        };
        for (key, value) in
            [("status", &self.status), ("hostname", &self.host), ("service", &self.service), ("ddsource", &self.source)]
        {
            if !value.is_empty() {
                entry.member(key, value);
            }
        }
        entry.member("ddtags", &self.tags);
        if self.timestamp > 0 {
            entry.member("timestamp", self.timestamp);
        }
        for (i, (key, value)) in self.attributes.iter().enumerate() {
            // Of those of one name the last counts.
            let is_said_again = self.attributes.iter().skip(i + 1).any(|(later, _)| later == key);
            if is_said_again {
                continue;
            }
            let is_reserved = RESERVED.contains(&&**key);
            let key = if is_reserved { Cow::Owned(format!("otel.{key}")) } else { Cow::Borrowed(&**key) };
            match value {
                Attribute::Value(value) => json::value(entry.key(&key), value),
                Attribute::Text(text) => entry.member(&key, text),
            }
        }
        entry.close();
        before
    }
}

/// The beginning of a text that takes no more than this when it is written as JSON.
fn within(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let cost = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    };
    let fits = |c: char| {
        taken += cost(c);
        taken <= room
    };
    let mut fits = fits;
    let end = text.char_indices().find(|(_, c)| !fits(*c)).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// What a number of a severity is called.
fn status(number: i32) -> &'static str {
    match number {
        ..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "error",
    }
}

/// The bytes that a hexadecimal text spells.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}
