//! Typed records in and out: the host decodes and encodes with `opentelemetry-proto`.

use anyhow::Result;
use host_component::Payload;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use wasmtime::Store;
use wasmtime::component::{Component, Linker};

use crate::bytes::{engine, told};
use crate::guests::Guests;
use crate::{Way, Work};

mod bindings {
    wasmtime::component::bindgen!({ path: "../../tests/guests/abi-typed/wit", world: "typed" });
}

use bindings::Typed;
use bindings::abi::typed::types;

pub(crate) fn way(guests: &Guests) -> Result<Way> {
    let engine = engine()?;
    let component = Component::new(&engine, &guests.typed).map_err(|error| told(&error))?;
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let guest = Typed::instantiate(&mut store, &component, &Linker::new(&engine)).map_err(|error| told(&error))?;
    let mut call = move |request: &Payload| {
        let decoded = ExportLogsServiceRequest::decode(request.contiguous())?;
        let groups: Vec<_> = decoded.resource_logs.into_iter().map(to_guest).collect();
        let groups = guest.call_process(&mut store, &groups).map_err(|error| told(&error))?;
        let resource_logs = groups.into_iter().map(from_guest).collect();
        Ok(ExportLogsServiceRequest { resource_logs }.encode_to_vec())
    };
    let run = move |requests: &[Payload]| Work::of(requests, &mut call);
    Ok(Way { name: "typed records in and out, the host decodes and encodes", run: Box::new(run) })
}

fn to_guest(group: ResourceLogs) -> types::ResourceLogs {
    let scopes = group.scope_logs.into_iter().map(|group| {
        let InstrumentationScope { name, version, .. } = group.scope.unwrap_or_default();
        types::ScopeLogs { name, version, log_records: group.log_records.into_iter().map(record_to_guest).collect() }
    });
    types::ResourceLogs {
        attributes: attributes_to_guest(group.resource.unwrap_or_default().attributes),
        scopes: scopes.collect(),
    }
}

fn record_to_guest(record: LogRecord) -> types::LogRecord {
    types::LogRecord {
        time: record.time_unix_nano,
        observed_time: record.observed_time_unix_nano,
        severity: record.severity_number,
        severity_text: record.severity_text,
        body: value_to_guest(record.body),
        attributes: attributes_to_guest(record.attributes),
        trace_flags: record.flags,
        trace_id: record.trace_id,
        span_id: record.span_id,
    }
}

fn attributes_to_guest(attributes: Vec<KeyValue>) -> Vec<types::Attribute> {
    let attribute = |pair: KeyValue| types::Attribute { key: pair.key, value: value_to_guest(pair.value) };
    attributes.into_iter().map(attribute).collect()
}

/// Arrays and maps are left out: WIT has no recursive types, and this data has none of them.
fn value_to_guest(value: Option<AnyValue>) -> types::Value {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => types::Value::Text(text),
        Some(Value::BoolValue(truth)) => types::Value::Boolean(truth),
        Some(Value::IntValue(number)) => types::Value::Signed(number),
        Some(Value::DoubleValue(number)) => types::Value::Double(number),
        Some(Value::BytesValue(bytes)) => types::Value::Bytes(bytes),
        _ => types::Value::None,
    }
}

fn from_guest(group: types::ResourceLogs) -> ResourceLogs {
    let scope_logs = group.scopes.into_iter().map(|group| ScopeLogs {
        scope: Some(InstrumentationScope { name: group.name, version: group.version, ..Default::default() }),
        log_records: group.log_records.into_iter().map(record_from_guest).collect(),
        ..ScopeLogs::default()
    });
    let resource = Resource { attributes: attributes_from_guest(group.attributes), ..Resource::default() };
    ResourceLogs { resource: Some(resource), scope_logs: scope_logs.collect(), ..ResourceLogs::default() }
}

fn record_from_guest(record: types::LogRecord) -> LogRecord {
    LogRecord {
        time_unix_nano: record.time,
        observed_time_unix_nano: record.observed_time,
        severity_number: record.severity,
        severity_text: record.severity_text,
        body: value_from_guest(record.body),
        attributes: attributes_from_guest(record.attributes),
        flags: record.trace_flags,
        trace_id: record.trace_id,
        span_id: record.span_id,
        ..LogRecord::default()
    }
}

fn attributes_from_guest(attributes: Vec<types::Attribute>) -> Vec<KeyValue> {
    let pair = |attribute: types::Attribute| KeyValue {
        key: attribute.key,
        value: value_from_guest(attribute.value),
        ..KeyValue::default()
    };
    attributes.into_iter().map(pair).collect()
}

fn value_from_guest(value: types::Value) -> Option<AnyValue> {
    let value = match value {
        types::Value::None => return None,
        types::Value::Text(text) => Value::StringValue(text),
        types::Value::Boolean(truth) => Value::BoolValue(truth),
        types::Value::Signed(number) => Value::IntValue(number),
        types::Value::Double(number) => Value::DoubleValue(number),
        types::Value::Bytes(bytes) => Value::BytesValue(bytes),
    };
    Some(AnyValue { value: Some(value) })
}
