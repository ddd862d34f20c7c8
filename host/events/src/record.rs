//! The log record that an event becomes, with the object that it is about as its resource.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// The event as OTLP; `observed` is now, in nanoseconds.
pub(crate) fn of(event: &Event, observed: u64) -> ResourceLogs {
    let about = &event.involved_object;
    let source = event.source.as_ref().and_then(|source| source.host.as_ref());
    // Those that have no value are there, too: rules for them would be missed.
    let resource = [
        ("k8s.node.name", source),
        ("k8s.object.kind", about.kind.as_ref()),
        ("k8s.object.name", about.name.as_ref()),
        ("k8s.object.uid", about.uid.as_ref()),
        ("k8s.object.fieldpath", about.field_path.as_ref()),
        ("k8s.object.api_version", about.api_version.as_ref()),
        ("k8s.object.resource_version", about.resource_version.as_ref()),
    ];
    let attributes = resource.into_iter().map(|(key, value)| text(key, value.map(String::as_str))).collect();
    let scope_logs = vec![ScopeLogs { log_records: vec![record(event, observed)], ..ScopeLogs::default() }];
    ResourceLogs {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_logs,
        ..ResourceLogs::default()
    }
}

fn record(event: &Event, observed: u64) -> LogRecord {
    let created = event.metadata.creation_timestamp.as_ref().map(|time| go(time.0)).unwrap_or_default();
    let mut attributes = vec![
        text("k8s.event.reason", event.reason.as_deref()),
        text("k8s.event.action", event.action.as_deref()),
        text("k8s.event.start_time", Some(&created)),
        text("k8s.event.name", event.metadata.name.as_deref()),
        text("k8s.event.uid", event.metadata.uid.as_deref()),
        text("k8s.namespace.name", event.involved_object.namespace.as_deref()),
    ];
    let series = event.series.as_ref().and_then(|series| series.count);
    if let Some(count) = series.or(event.count).filter(|count| *count != 0) {
        attributes.push(KeyValue {
            key: "k8s.event.count".to_owned(),
            value: Some(AnyValue { value: Some(Value::IntValue(count.into())) }),
            ..KeyValue::default()
        });
    }
    let severity = match event.type_.as_deref() {
        Some(kind) if kind.eq_ignore_ascii_case("normal") => SeverityNumber::Info,
        Some(kind) if kind.eq_ignore_ascii_case("warning") => SeverityNumber::Warn,
        _ => SeverityNumber::Unspecified,
    };
    LogRecord {
        time_unix_nano: time(event).and_then(|time| u64::try_from(time.as_nanosecond()).ok()).unwrap_or_default(),
        observed_time_unix_nano: observed,
        severity_number: severity.into(),
        severity_text: event.type_.clone().unwrap_or_default(),
        body: Some(AnyValue { value: Some(Value::StringValue(event.message.clone().unwrap_or_default())) }),
        attributes,
        ..LogRecord::default()
    }
}

/// When it happened, and where it happens again and again, when it did so last.
pub(crate) fn time(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let once = event.event_time.as_ref().map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    let created = event.metadata.creation_timestamp.as_ref().map(|time| time.0);
    series.or(once).or(last).or(first).or(created)
}

/// A time as Go writes it.
fn go(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC").to_string()
}

fn text(key: &str, value: Option<&str>) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.unwrap_or_default().to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}
