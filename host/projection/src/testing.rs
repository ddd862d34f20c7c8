//! What the tests share: payloads as structs, in odd encodings, and the cells that a naive reading of them finds.

pub(crate) mod naive;
pub(crate) mod odd;
pub(crate) mod strategy;

use host_otlp::{Payload, Signal};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::{Grants, Limits, Meter, Plan, PlanError, Projection, Projector, Read, Unmetered};

pub(crate) use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as Logs;
pub(crate) use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest as Metrics;
pub(crate) use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Traces;

pub(crate) fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.to_owned())) }
}

pub(crate) fn value(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(crate) fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
}

pub(crate) fn map(pairs: Vec<KeyValue>) -> AnyValue {
    let list = opentelemetry_proto::tonic::common::v1::KeyValueList { values: pairs };
    value(Value::KvlistValue(list))
}

pub(crate) fn array(values: Vec<AnyValue>) -> AnyValue {
    value(Value::ArrayValue(opentelemetry_proto::tonic::common::v1::ArrayValue { values }))
}

/// One resource with one scope and these records.
pub(crate) fn logs(resource: Vec<KeyValue>, records: Vec<LogRecord>) -> Logs {
    Logs { resource_logs: vec![resource_logs(resource, records)] }
}

pub(crate) fn resource_logs(resource: Vec<KeyValue>, records: Vec<LogRecord>) -> ResourceLogs {
    ResourceLogs {
        resource: Some(Resource { attributes: resource, ..Resource::default() }),
        scope_logs: vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }],
        ..ResourceLogs::default()
    }
}

pub(crate) fn record(body: AnyValue, attributes: Vec<KeyValue>) -> LogRecord {
    LogRecord { body: Some(body), attributes, ..LogRecord::default() }
}

pub(crate) fn payload(signal: Signal, request: &impl Message) -> Payload {
    checked(signal, request.encode_to_vec())
}

pub(crate) fn checked(signal: Signal, bytes: Vec<u8>) -> Payload {
    host_otlp::check(signal, bytes.into(), &host_otlp::Limits::default()).unwrap()
}

pub(crate) fn decoded<M: Message + Default>(payload: &Payload) -> M {
    M::decode(payload.contiguous()).unwrap()
}

pub(crate) fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A plan without patterns.
pub(crate) fn plan(reads: &[&str], writes: &[&str]) -> Plan {
    let reads = reads.iter().map(|path| read(path, &[])).collect();
    Plan { reads, writes: strings(writes), ..Plan::default() }
}

pub(crate) fn read(path: &str, patterns: &[&str]) -> Read {
    Read { path: path.to_owned(), patterns: strings(patterns), ..Read::default() }
}

pub(crate) fn everything() -> Grants {
    Grants { reads: strings(&["*"]), writes: strings(&["*"]) }
}

pub(crate) fn compile(signal: Signal, plan: &Plan) -> Result<Projector, PlanError> {
    Projector::compile(signal, plan, &everything(), &Limits::default())
}

pub(crate) fn project(plan: &Plan, payload: &Payload) -> Projection {
    compile(payload.signal(), plan).unwrap().project(payload.clone(), &mut Unmetered).unwrap()
}

/// Says that the budget is spent from the start.
pub(crate) struct Spent;

impl Meter for Spent {
    fn spent(&mut self) -> bool {
        true
    }
}
