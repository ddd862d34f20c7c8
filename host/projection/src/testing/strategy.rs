//! Random log requests: few keys and short texts, so that things collide.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::{Logs, array, map, text, value};

pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("c"), Just("ключ"), Just("net.peer.address")].prop_map(str::to_owned)
}

pub(crate) fn short() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-c1-3@. -]{0,12}",
        "[a-zé☃]{0,6}",
        "[a-z ]{120,140}",
        Just("call 10.77.0.1 or a@b.example".to_owned()),
    ]
}

fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        4 => short().prop_map(|leaf| text(&leaf)),
        1 => vec(any::<u8>(), 0..6).prop_map(|bytes| value(Value::BytesValue(bytes))),
        1 => any::<i64>().prop_map(|number| value(Value::IntValue(number))),
        1 => any::<bool>().prop_map(|truth| value(Value::BoolValue(truth))),
        1 => (-1e9..1e9).prop_map(|number| value(Value::DoubleValue(number))),
        1 => Just(AnyValue { value: None }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(array),
            vec((key(), option::weighted(0.9, inner)), 0..3)
                .prop_map(|pairs| map(pairs.into_iter().map(|(key, value)| pair(key, value)).collect())),
        ]
    })
}

fn pair(key: String, value: Option<AnyValue>) -> KeyValue {
    KeyValue { key, value, ..KeyValue::default() }
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec((key(), option::weighted(0.9, any_value())).prop_map(|(key, value)| pair(key, value)), 0..4)
}

fn record() -> impl Strategy<Value = LogRecord> {
    (option::of(any_value()), attributes(), short(), 0..25i32, any::<u64>()).prop_map(
        |(body, attributes, severity_text, severity_number, time_unix_nano)| LogRecord {
            body,
            attributes,
            severity_text,
            severity_number,
            time_unix_nano,
            ..LogRecord::default()
        },
    )
}

fn scope_logs() -> impl Strategy<Value = ScopeLogs> {
    (option::of((short(), attributes())), vec(record(), 0..4)).prop_map(|(scope, log_records)| ScopeLogs {
        scope: scope.map(|(name, attributes)| InstrumentationScope {
            name,
            attributes,
            ..InstrumentationScope::default()
        }),
        log_records,
        ..ScopeLogs::default()
    })
}

pub(crate) fn logs() -> impl Strategy<Value = Logs> {
    let resource = option::of(attributes().prop_map(|attributes| Resource { attributes, ..Resource::default() }));
    let resource_logs = (resource, vec(scope_logs(), 0..3), short())
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url });
    vec(resource_logs, 0..3).prop_map(|resource_logs| Logs { resource_logs })
}
