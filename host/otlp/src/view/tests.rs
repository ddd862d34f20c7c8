//! Views by example; `tests/it/agree.rs` holds the property.

use bytes::Bytes;

use super::{AnyValue, View, logs, metrics, traces};
use crate::build::{Logs, Value};
use crate::check::{Limits, check};
use crate::signal::Signal;

#[test]
fn absent_fields_have_their_defaults() {
    // A request, a resource logs, a scope logs and an empty record.
    let bytes = Bytes::from_static(&[0x0a, 0x04, 0x12, 0x02, 0x12, 0x00]);
    let payload = check(Signal::Logs, bytes, &Limits::default()).unwrap();
    let resource_logs = logs(&payload).next().unwrap();
    assert!(resource_logs.resource.is_none());
    let record = resource_logs.scope_logs.clone().next().unwrap().log_records.next().unwrap();
    assert_eq!((record.time_unix_nano, record.severity_text, record.trace_id), (0, "", &[][..]));
    assert!(record.body.is_none() && record.attributes.count() == 0);
}

#[test]
fn a_payload_of_another_signal_has_nothing_to_show() {
    let payload = Logs::new().finish();
    assert_eq!((traces(&payload).count(), metrics(&payload).count()), (0, 0));
}

#[test]
fn nested_values_are_walked_when_they_are_iterated() {
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        resource_logs.scope_logs(|scope_logs| {
            scope_logs.log_record(|record| record.body(Value::Map(&[("k", Value::Array(&[1.into(), 2.into()]))])));
        });
    });
    let payload = request.finish();
    let record = logs(&payload).next().unwrap().scope_logs.next().unwrap().log_records.next().unwrap();
    let Some(AnyValue::Map(mut map)) = record.body else { panic!("the body is a map") };
    let Some(AnyValue::Array(array)) = map.next().unwrap().value else { panic!("the value is an array") };
    let numbers: Vec<_> = array.map(|value| matches!(value, AnyValue::Int(1 | 2))).collect();
    assert_eq!(numbers, [true, true]);
}

#[test]
fn the_generic_view_enters_messages_and_nothing_else() {
    let bytes = [0x0a, 0x03, 0x1a, 0x01, b'u'];
    let request = View::request(Signal::Logs, &bytes);
    let field = request.fields().next().unwrap();
    let resource_logs = request.enter(&field).unwrap();
    assert_eq!((resource_logs.message.name, resource_logs.bytes()), ("ResourceLogs", &bytes[2..]));
    let schema_url = resource_logs.fields().next().unwrap();
    assert_eq!(resource_logs.schema(&schema_url).unwrap().name, "schema_url");
    assert!(resource_logs.enter(&schema_url).is_none());
}
