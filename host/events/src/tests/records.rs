//! The record of an event, and the resource that it is about.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use serde_json::{Value, json};

use super::harness::event;
use crate::record;

fn map(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let said = |one: &KeyValue| match one.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(Any::IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|one| (one.key.clone(), said(one))).collect()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn time(change: &Value) -> u64 {
    record::of(&event(7, change), 1).scope_logs[0].log_records[0].time_unix_nano
}

#[test]
fn an_event_is_a_record_of_the_object_that_it_is_about() {
    let told = record::of(&event(7, &json!({ "count": 3 })), 42);
    assert_eq!(
        map(&told.resource.unwrap().attributes),
        expected(&[
            ("k8s.node.name", "worker-1"),
            ("k8s.object.kind", "Pod"),
            ("k8s.object.name", "web-1"),
            ("k8s.object.uid", "uid-of-web-1"),
            ("k8s.object.fieldpath", "spec.containers{app}"),
            ("k8s.object.api_version", "v1"),
            ("k8s.object.resource_version", "500"),
        ])
    );
    let record = &told.scope_logs[0].log_records[0];
    assert_eq!(
        map(&record.attributes),
        expected(&[
            ("k8s.event.reason", "BackOff"),
            ("k8s.event.action", ""),
            ("k8s.event.start_time", "2026-03-01 10:00:00 +0000 UTC"),
            ("k8s.event.name", "web-1.17"),
            ("k8s.event.uid", "uid-7"),
            ("k8s.namespace.name", "shop"),
            ("k8s.event.count", "3"),
        ])
    );
    let body = record.body.as_ref().and_then(|body| body.value.clone());
    assert_eq!(body, Some(Any::StringValue("Back-off restarting failed container".to_owned())));
    assert_eq!((record.severity_number, record.severity_text.as_str()), (13, "Warning"));
    assert_eq!(record.observed_time_unix_nano, 42);
}

#[test]
fn a_kind_that_nobody_knows_has_its_name_and_no_severity() {
    let told = record::of(&event(7, &json!({ "type": "Odd", "count": 0 })), 1);
    let record = &told.scope_logs[0].log_records[0];
    assert_eq!((record.severity_number, record.severity_text.as_str()), (0, "Odd"));
    assert!(record.attributes.iter().all(|one| one.key != "k8s.event.count"), "there is nothing to count");
}

#[test]
fn an_event_has_the_time_when_it_was_seen_last() {
    const SECOND: u64 = 1_000_000_000;
    let base = time(&json!({ "lastTimestamp": null, "firstTimestamp": null }));
    assert_eq!(base, 1_772_359_200 * SECOND, "when it was created, where there is nothing else");
    assert_eq!(time(&json!({ "lastTimestamp": null, "firstTimestamp": "2026-03-01T10:00:01Z" })), base + SECOND);
    assert_eq!(time(&json!({ "lastTimestamp": "2026-03-01T10:00:02Z" })), base + 2 * SECOND);
    assert_eq!(time(&json!({ "eventTime": "2026-03-01T10:00:03.500000Z" })), base + 7 * SECOND / 2);
    let series = json!({ "count": 9, "lastObservedTime": "2026-03-01T10:00:04.000000Z" });
    let change = json!({ "eventTime": "2026-03-01T10:00:03.500000Z", "series": series });
    assert_eq!(time(&change), base + 4 * SECOND, "one that happens again and again did so last then");
    let told = record::of(&event(7, &change), 1);
    let count = map(&told.scope_logs[0].log_records[0].attributes)["k8s.event.count"].clone();
    assert_eq!(count, "9");
}
