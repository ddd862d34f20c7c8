//! Translation: from encoded log records to the push requests of Loki, in one pass.
//!
//! Entries are encoded into one buffer in the order in which they come, and are then gathered stream by stream. Within a
//! stream they stand in the order of their times, which are never changed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use host_otlp::Payload;
use host_otlp::view::{self, AnyValue, LogRecord};
use host_otlp::wire::{WireType, close_len, put_len, put_tag, put_varint, varint_len};

use super::hints::{Hints, is_hint};
use super::labels::{self, Label, MOST, Plan};
use super::line::{self, Around, Format, has_id};
use super::metadata::{MOST_BYTES, MOST_PAIRS, Room, Writer};
use super::resource::{Common, ScopePart};
use super::{names, severity, text};
use crate::growth::Growth;

/// `streams` of a request; `labels` and `entries` of a stream; `timestamp` and `line` of an entry.
pub(super) const STREAMS: u32 = 1;
pub(super) const LABELS: u32 = 1;
pub(super) const ENTRIES: u32 = 2;
const TIMESTAMP: u32 = 1;
const LINE: u32 = 2;

/// What the fields of a record become at most, besides its attributes.
const FIELDS: Room = Room { pairs: 10, bytes: 4 << 10 };
/// What an entry takes besides, about.
const OVERHEAD: usize = 256;

const NANOS: u64 = 1_000_000_000;

/// How records are translated.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) plan: Plan,
    pub(super) format: Format,
    pub(super) structured_metadata: bool,
}

/// What a payload became.
#[derive(Debug, Default)]
pub(super) struct Translation {
    /// One request a tenant.
    pub(super) pushes: Vec<Push>,
    /// Labels that became structured metadata, since they did not fit.
    pub(super) cut_labels: u64,
    /// Pairs of structured metadata that were left out.
    pub(super) cut_metadata: u64,
    /// Records that were left out, since what goes with each made the payload too large.
    pub(super) too_much: u64,
}

/// One push request, not compressed.
#[derive(Clone, Debug)]
pub(super) struct Push {
    /// The tenant that a hint names.
    pub(super) tenant: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) items: u64,
}

/// A set of labels, and what the entries that have it take.
struct Stream {
    /// The tenant's number, and behind it the labels.
    key: Arc<str>,
    prefix: usize,
    tenant: usize,
    entries: u64,
    bytes: usize,
}

/// Translates a payload of logs. `now`, in nanoseconds, is the time of records that have none.
pub(super) fn translate(manner: &Manner, payload: &Payload, now: u64) -> Translation {
    let mut translator = Translator {
        manner,
        now,
        arena: Vec::with_capacity(payload.len() + payload.len() / 2),
        entries: Vec::with_capacity(usize::try_from(payload.items()).unwrap_or_default()),
        streams: Vec::new(),
        index: HashMap::new(),
        tenants: vec![String::new()],
        tenant_index: HashMap::new(),
        key: String::new(),
        done: Translation::default(),
    };
    let mut growth = Growth::of(payload);
    let is_metadata = manner.structured_metadata;
    for resource_logs in view::logs(payload) {
        let resource = resource_logs.resource.as_ref();
        let mut common = Common::of(&manner.plan, resource, &[], is_metadata);
        translator.count_cut(common.cut_labels, common.cut_metadata);
        for scope_logs in resource_logs.scope_logs {
            let scope = ScopePart::of(scope_logs.scope, is_metadata);
            translator.count_cut(0, scope.cut_metadata);
            for record in scope_logs.log_records {
                if !growth.has(0) {
                    translator.done.too_much += 1;
                    continue;
                }
                let before = translator.arena.len();
                if translator.record(&mut common, &scope, &record, None).is_err() {
                    let hints = Hints::of(&record);
                    if hints.resource_labels.is_empty() {
                        let _ = translator.record(&mut common, &scope, &record, Some(&hints));
                    } else {
                        let mut own = Common::of(&manner.plan, resource, &hints.resource_labels, is_metadata);
                        let _ = translator.record(&mut own, &scope, &record, Some(&hints));
                    }
                }
                growth.take(translator.arena.len() - before);
            }
        }
    }
    translator.finish()
}

struct Translator<'p> {
    manner: &'p Manner,
    now: u64,
    /// The entries, encoded.
    arena: Vec<u8>,
    entries: Vec<Entry>,
    streams: Vec<Stream>,
    /// Streams by their keys.
    index: HashMap<Arc<str>, usize>,
    /// The first stands for the tenant that no hint names.
    tenants: Vec<String>,
    tenant_index: HashMap<String, usize>,
    /// Where keys are written.
    key: String,
    done: Translation,
}

/// Where an entry lies in the arena, and where it belongs.
#[derive(Clone, Copy)]
struct Entry {
    stream: usize,
    time: u64,
    start: usize,
    end: usize,
}

/// A record has hints, and they were not given.
struct HasHints;

impl Translator<'_> {
    fn count_cut(&mut self, labels: u64, metadata: u64) {
        self.done.cut_labels += labels;
        self.done.cut_metadata += metadata;
    }

    /// Translates a record. Where it has hints and `hints` are not given, nothing is done.
    fn record<'a>(
        &mut self,
        common: &mut Common<'a>,
        scope: &ScopePart<'a>,
        record: &LogRecord<'a>,
        hints: Option<&Hints<'a>>,
    ) -> Result<(), HasHints> {
        let manner = self.manner;
        let plan = &manner.plan;
        let start = self.arena.len();
        let body = if let Some(AnyValue::Text(text)) = &record.body { text.len() } else { 0 };
        put_tag(&mut self.arena, ENTRIES, WireType::Len);
        let (at, room) = (self.arena.len(), varint_len((body + common.metadata.len() + OVERHEAD) as u64));
        self.arena.resize(at + room, 0);
        let time = [record.time_unix_nano, record.observed_time_unix_nano, self.now];
        let time = time.into_iter().find(|time| *time != 0).unwrap_or_default();
        put_time(time, &mut self.arena);

        let mut own: Vec<Label<'_>> = Vec::new();
        let free = MOST.saturating_sub(common.labels.counted());
        let is_metadata = manner.structured_metadata;
        let mut writer = Writer::new(&mut self.arena, left(common, scope));
        let mut cut_labels = 0;
        for pair in record.attributes.clone() {
            if is_hint(pair.key) {
                if hints.is_none() {
                    self.arena.truncate(start);
                    return Err(HasHints);
                }
                continue;
            }
            if let Some(name) = label_name(plan, hints, pair.key) {
                let label = Label::new(name, labels::value(pair.value.as_ref()));
                if label.value.is_empty() {
                    continue;
                }
                if label.fits() && own.len() < free && own.iter().all(|there| there.name != label.name) {
                    own.push(label);
                    continue;
                }
                cut_labels += 1;
            }
            if let Some(value) = pair.value.as_ref().filter(|_| is_metadata) {
                writer.attribute(pair.key, value);
            }
        }
        let severity = severity::index(record.severity_number);
        if is_metadata {
            fields(record, severity, &mut writer);
        }
        let cut_metadata = writer.cut;
        self.arena.extend_from_slice(&common.metadata);
        self.arena.extend_from_slice(&scope.metadata);

        let format = common.hints.format.or(hints.and_then(|hints| hints.format)).unwrap_or(manner.format);
        put_tag(&mut self.arena, LINE, WireType::Len);
        let (line_at, line_room) = (self.arena.len(), varint_len(body as u64));
        self.arena.resize(line_at + line_room, 0);
        let is_label =
            |key: &str| label_name(plan, hints, key).is_some_and(|name| own.iter().any(|label| label.name == name));
        let is_left_out = |key: &str| is_hint(key) || is_label(key);
        let around = Around { resource: &common.attributes, scope: scope.scope.as_ref(), is_left_out: &is_left_out };
        line::write(format, record, &around, &mut self.arena);
        close_len(&mut self.arena, line_at, line_room);
        close_len(&mut self.arena, at, room);
        self.count_cut(cut_labels, cut_metadata);

        let stream = self.stream_of(common, record, hints, own, severity);
        let end = self.arena.len();
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.entries += 1;
            stream.bytes += end - start;
        }
        self.entries.push(Entry { stream, time, start, end });
        Ok(())
    }

    /// The stream of a record that has `own` labels beside those of its resource.
    fn stream_of<'a>(
        &mut self,
        common: &mut Common<'a>,
        record: &LogRecord<'a>,
        hints: Option<&Hints<'a>>,
        mut own: Vec<Label<'_>>,
        severity: usize,
    ) -> usize {
        let tenant = common.hints.tenant.as_deref().or(hints.and_then(|hints| hints.tenant.as_deref()));
        let is_plain = own.is_empty() && tenant.is_none();
        if let Some(known) = common.streams.get(severity).copied().flatten().filter(|_| is_plain) {
            return known;
        }
        let level = severity::label(severity);
        if self.manner.plan.level && !level.is_empty() && own.iter().all(|label| label.name != "level") {
            own.push(Label::new("level", level));
        }
        own.sort_unstable();
        let tenant = tenant.map_or(0, |key| {
            let of_resource = common.text(key);
            let value = if of_resource.is_empty() { of_record(record, key) } else { of_resource };
            self.tenant(&value)
        });
        let stream = self.stream(tenant, common, &own);
        if let Some(known) = common.streams.get_mut(severity).filter(|_| is_plain) {
            *known = Some(stream);
        }
        stream
    }

    fn tenant(&mut self, name: &str) -> usize {
        if name.is_empty() {
            return 0;
        }
        if let Some(known) = self.tenant_index.get(name) {
            return *known;
        }
        self.tenants.push(name.to_owned());
        self.tenant_index.insert(name.to_owned(), self.tenants.len() - 1);
        self.tenants.len() - 1
    }

    fn stream(&mut self, tenant: usize, common: &Common<'_>, own: &[Label<'_>]) -> usize {
        self.key.clear();
        self.key.push_str(&tenant.to_string());
        let prefix = self.key.len();
        common.labels.write(own, &mut self.key);
        if let Some(known) = self.index.get(self.key.as_str()) {
            return *known;
        }
        let key: Arc<str> = Arc::from(self.key.as_str());
        self.streams.push(Stream { key: Arc::clone(&key), prefix, tenant, entries: 0, bytes: 0 });
        self.index.insert(key, self.streams.len() - 1);
        self.streams.len() - 1
    }

    /// Gathers the entries of each stream, and the streams of each tenant.
    fn finish(mut self) -> Translation {
        // Stable, so that entries of one time stay in the order in which they came.
        self.entries.sort_by_key(|entry| (entry.stream, entry.time));
        let mut of_stream: Vec<&[Entry]> = self.entries.chunk_by(|a, b| a.stream == b.stream).collect();
        of_stream.sort_by_key(|entries| entries.first().map(|first| self.streams.get(first.stream).map(|s| s.tenant)));
        let mut pushes: Vec<Push> = Vec::new();
        let mut current = None;
        for entries in of_stream {
            let Some(stream) = entries.first().and_then(|first| self.streams.get(first.stream)) else { continue };
            if current != Some(stream.tenant) {
                current = Some(stream.tenant);
                let tenant = self.tenants.get(stream.tenant).filter(|name| !name.is_empty()).cloned();
                let room = if self.tenants.len() == 1 { self.arena.len() + self.arena.len() / 8 } else { 0 };
                pushes.push(Push { tenant, body: Vec::with_capacity(room), items: 0 });
            }
            let Some(push) = pushes.last_mut() else { continue };
            push.items += stream.entries;
            let labels = stream.key.get(stream.prefix..).unwrap_or_default();
            let out = &mut push.body;
            let head = 1 + varint_len(labels.len() as u64) + labels.len();
            put_tag(out, STREAMS, WireType::Len);
            put_varint(out, (head + stream.bytes) as u64);
            put_len(out, LABELS, labels.as_bytes());
            for entry in entries {
                out.extend_from_slice(self.arena.get(entry.start..entry.end).unwrap_or_default());
            }
        }
        Translation { pushes, ..self.done }
    }
}

/// The label that an attribute of a record is, if it is one.
fn label_name<'h>(plan: &'h Plan, hints: Option<&Hints<'_>>, key: &str) -> Option<Cow<'h, str>> {
    if let Some(name) = plan.of_record(key) {
        return Some(Cow::Borrowed(name));
    }
    let is_hinted = hints.is_some_and(|hints| hints.attribute_labels.iter().any(|hint| hint == key));
    is_hinted.then(|| Cow::Owned(names::valid(key)))
}

/// What a resource and a scope leave to a record.
fn left(common: &Common<'_>, scope: &ScopePart<'_>) -> Room {
    Room {
        pairs: MOST_PAIRS - FIELDS.pairs - common.pairs - scope.pairs,
        bytes: MOST_BYTES - FIELDS.bytes - common.metadata.len() - scope.metadata.len(),
    }
}

/// The fields of a record that are pairs of metadata, under the names that Loki gives them.
fn fields(record: &LogRecord<'_>, severity: usize, writer: &mut Writer<'_>) {
    writer.widen(FIELDS);
    if record.time_unix_nano != 0 && record.observed_time_unix_nano != 0 {
        writer.integer("observed_timestamp", record.observed_time_unix_nano);
    }
    writer.text("detected_level", severity::detected(severity));
    if record.severity_number != 0 {
        writer.integer("severity_number", record.severity_number);
    }
    writer.text("severity_text", record.severity_text);
    if record.dropped_attributes_count != 0 {
        writer.integer("dropped_attributes_count", record.dropped_attributes_count);
    }
    if record.flags != 0 {
        writer.integer("flags", record.flags);
    }
    for (name, id) in [("trace_id", record.trace_id), ("span_id", record.span_id)] {
        if has_id(id) {
            writer.pair(name, 2 * id.len(), |out| text::hex(id, out));
        }
    }
    writer.text("event_name", record.event_name);
}

/// The text of an attribute of a record.
fn of_record<'a>(record: &LogRecord<'a>, key: &str) -> Cow<'a, str> {
    let found = record.attributes.clone().find(|pair| pair.key == key);
    found.map(|pair| labels::value(pair.value.as_ref())).unwrap_or_default()
}

/// A time as seconds and nanoseconds of a second.
fn put_time(time: u64, out: &mut Vec<u8>) {
    const SECONDS: u8 = 0x08;
    const REST: u8 = 0x10;
    put_tag(out, TIMESTAMP, WireType::Len);
    let at = out.len();
    out.push(0);
    out.push(SECONDS);
    put_varint(out, time / NANOS);
    out.push(REST);
    put_varint(out, time % NANOS);
    close_len(out, at, 1);
}
