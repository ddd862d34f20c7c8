//! Lines of the log as records of OTLP.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::Context as Trace;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use prost::Message as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::is_sending;
use super::queue::{Queue, offer};
use super::resource::{Resource, attribute};

/// What the sending itself has to tell, which is told on standard error.
const OWN: &str = "host_telemetry::own";
/// Lines that show what passes, and may be made of these very records: they are for whoever looks at standard error.
const SHOWN: &str = "host_exporters::debug";
/// Longer texts are cut.
const TEXT_BYTES: usize = 16 << 10;

/// Hears the log and puts what is told into queues. Cloning shares them.
#[derive(Clone)]
pub struct Records(Arc<[Queue<Record>]>);

/// One line, and the part of the program that it is from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    target: &'static str,
    record: LogRecord,
}

impl Records {
    pub(super) fn to(queues: Vec<Queue<Record>>) -> Self {
        Records(queues.into())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Records {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut owner = Owner::default();
        attributes.record(&mut owner);
        if let (Some(span), false) = (ctx.span(id), owner.0.is_empty()) {
            span.extensions_mut().insert(owner);
        }
    }

    /// While something is sent, only what became of it is told, or each attempt would be.
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        !is_sending() || event.metadata().target().starts_with(OWN)
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let target = event.metadata().target();
        if self.0.is_empty() || is_sending() || target.starts_with(SHOWN) {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        if fields.component.is_none() {
            let spans = ctx.event_scope(event).into_iter().flatten();
            fields.component =
                spans.filter_map(|span| Some((None, span.extensions().get::<Owner>()?.0.clone()))).next();
        }
        offer(&self.0, Record { target, record: fields.record(*event.metadata().level()) });
    }
}

/// The component that a task belongs to.
#[derive(Default)]
struct Owner(String);

impl Visit for Owner {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "owner" {
            value.clone_into(&mut self.0);
        }
    }
}

/// The fields of a line.
#[derive(Default)]
struct Fields {
    body: String,
    others: Vec<(&'static str, Value)>,
    /// Its kind, where that is known, and its id.
    component: Option<(Option<&'static str>, String)>,
    pipeline: Option<String>,
}

impl Fields {
    fn text(&mut self, field: &Field, text: String) {
        match field.name() {
            "message" => self.body = text,
            "pipeline" => self.pipeline = Some(text),
            kind @ ("receiver" | "processor" | "exporter" | "connector" | "extension") => {
                self.component = Some((Some(kind), text));
            }
            "component" => self.component = Some((None, text)),
            name => self.others.push((name, Value::StringValue(text))),
        }
    }

    fn record(self, level: Level) -> LogRecord {
        let (severity, severity_text) = match level {
            Level::TRACE => (SeverityNumber::Trace, "trace"),
            Level::DEBUG => (SeverityNumber::Debug, "debug"),
            Level::INFO => (SeverityNumber::Info, "info"),
            Level::WARN => (SeverityNumber::Warn, "warn"),
            Level::ERROR => (SeverityNumber::Error, "error"),
        };
        let text = |key, text| attribute(key, Value::StringValue(text));
        let mut attributes = Vec::new();
        if let Some((kind, id)) = self.component {
            attributes.extend(kind.map(|kind| text("otelcol.component.kind", kind.to_owned())));
            attributes.push(text("otelcol.component.id", id));
        }
        attributes.extend(self.pipeline.map(|id| text("otelcol.pipeline.id", id)));
        attributes.extend(self.others.into_iter().map(|(key, value)| attribute(key, value)));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let mut record = LogRecord {
            time_unix_nano: now,
            observed_time_unix_nano: now,
            severity_number: severity.into(),
            severity_text: severity_text.to_owned(),
            body: Some(AnyValue { value: Some(Value::StringValue(self.body)) }),
            attributes,
            ..LogRecord::default()
        };
        Trace::map_current(|trace| {
            let span = trace.span();
            let span = span.span_context();
            if span.is_valid() {
                record.trace_id = span.trace_id().to_bytes().to_vec();
                record.span_id = span.span_id().to_bytes().to_vec();
                record.flags = span.trace_flags().to_u8().into();
            }
        });
        record
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = Short(String::new());
        // It fails when there is no more room, and then there is enough.
        let _ = write!(text, "{value:?}");
        self.text(field, text.0);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = Short(String::new());
        let _ = text.write_str(value);
        self.text(field, text.0);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name(), Value::BoolValue(value)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name(), Value::IntValue(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.others.push((field.name(), Value::IntValue(value))),
            Err(_) => self.text(field, value.to_string()),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.others.push((field.name(), Value::DoubleValue(value)));
    }
}

/// Text that is cut where it becomes too long.
struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = TEXT_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

/// One request of these records.
pub(super) fn encode(resource: &Resource, records: Vec<Record>) -> Vec<u8> {
    let mut by_target: BTreeMap<&'static str, Vec<LogRecord>> = BTreeMap::new();
    for Record { target, record } in records {
        by_target.entry(target).or_default().push(record);
    }
    let scope_logs = by_target.into_iter().map(|(target, log_records)| {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let scope = InstrumentationScope { name: target.to_owned(), version, ..InstrumentationScope::default() };
        ScopeLogs { scope: Some(scope), log_records, schema_url: String::new() }
    });
    let schema_url = resource.schema_url.clone();
    let logs = ResourceLogs { resource: Some(resource.message()), scope_logs: scope_logs.collect(), schema_url };
    ExportLogsServiceRequest { resource_logs: vec![logs] }.encode_to_vec()
}
