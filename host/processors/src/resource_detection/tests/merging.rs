//! What was detected, put into encoded requests: each result is compared with what a decoder and the Collector's rules make.

use bytes::Bytes;
use host_otlp::{Limits, Payload, Signal, check};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::resource_detection::detector::{Found, Value};
use crate::resource_detection::merge::Merge;

fn checked(bytes: Vec<u8>) -> Payload {
    let limits = Limits { depth: check::DEPTH, items: u32::MAX };
    check(Signal::Logs, Bytes::from(bytes), &limits).unwrap()
}

fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn said(key: &str, text: &str) -> KeyValue {
    attribute(key, Any::StringValue(text.to_owned()))
}

/// One resource with two records.
fn group(attributes: Option<Vec<KeyValue>>, schema_url: &str) -> ResourceLogs {
    let log_records = vec![LogRecord { severity_text: "x".repeat(200), ..LogRecord::default() }; 2];
    ResourceLogs {
        resource: attributes.map(|attributes| Resource {
            attributes,
            dropped_attributes_count: 3,
            ..Resource::default()
        }),
        scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
        schema_url: schema_url.to_owned(),
    }
}

fn found() -> Found {
    let attributes = vec![
        ("host.name".to_owned(), Value::Text("node-1".to_owned())),
        ("host.cpu.cache.l2.size".to_owned(), Value::Int(2048)),
        ("host.ip".to_owned(), Value::Texts(vec!["10.0.0.1".to_owned(), "fe80::1".to_owned()])),
    ];
    Found { attributes, schema_url: "https://schema/1" }
}

/// The same as attributes of OTLP, in the order in which they are put.
fn put() -> [KeyValue; 3] {
    let strings = ["10.0.0.1", "fe80::1"].map(|ip| AnyValue { value: Some(Any::StringValue(ip.to_owned())) });
    [
        attribute("host.cpu.cache.l2.size", Any::IntValue(2048)),
        attribute("host.ip", Any::ArrayValue(ArrayValue { values: strings.to_vec() })),
        said("host.name", "node-1"),
    ]
}

fn merged(groups: Vec<ResourceLogs>, overrides: bool) -> Vec<ResourceLogs> {
    let request = ExportLogsServiceRequest { resource_logs: groups };
    let payload = checked(request.encode_to_vec());
    let merged = Merge::new(&found(), overrides).apply(&payload).unwrap();
    assert_eq!(merged.items(), payload.items());
    let bytes = merged.contiguous();
    assert_eq!(checked(bytes.to_vec()).items(), payload.items(), "what is made is a request");
    ExportLogsServiceRequest::decode(bytes).unwrap().resource_logs
}

#[test]
fn what_was_detected_is_put_into_each_resource() {
    let [cache, ip, name] = put();
    let out = merged(vec![group(Some(vec![said("a", "b")]), ""), group(Some(Vec::new()), ""), group(None, "")], true);
    let all = vec![cache, ip, name];
    let after = |before: Vec<KeyValue>| [before, all.clone()].concat();
    assert_eq!(out[0], group(Some(after(vec![said("a", "b")])), "https://schema/1"));
    assert_eq!(out[1], group(Some(after(Vec::new())), "https://schema/1"));
    let without = Resource { attributes: all, ..Resource::default() };
    assert_eq!(out[2], ResourceLogs { resource: Some(without), ..group(None, "https://schema/1") });
}

#[test]
fn what_a_resource_says_of_itself_is_replaced_where_it_stands_or_kept() {
    let [cache, ip, name] = put();
    let mine = vec![said("host.name", "me"), said("a", "b"), said("host.name", "again"), cache.clone()];
    let replaced = vec![name, said("a", "b"), said("host.name", "again"), cache.clone(), ip.clone()];
    assert_eq!(merged(vec![group(Some(mine.clone()), "")], true), [group(Some(replaced), "https://schema/1")]);
    let kept = [mine.clone(), vec![ip]].concat();
    assert_eq!(merged(vec![group(Some(mine), "")], false), [group(Some(kept), "https://schema/1")]);
}

#[test]
fn a_schema_url_that_is_there_stays() {
    let out = merged(vec![group(None, "https://other")], true);
    assert_eq!(out[0].schema_url, "https://other");
}

#[test]
fn the_fields_of_a_resource_may_stand_in_any_order() {
    // An empty schema URL, the records, and the resource last.
    let records = ResourceLogs { resource: None, schema_url: String::new(), ..group(None, "") }.encode_to_vec();
    let resource = ResourceLogs { resource: group(Some(Vec::new()), "").resource, ..ResourceLogs::default() };
    let group = [vec![3 << 3 | 2, 0], records, resource.encode_to_vec()].concat();
    let mut request = Vec::new();
    host_otlp::wire::put_len(&mut request, 1, &group);
    let merged = Merge::new(&found(), true).apply(&checked(request)).unwrap().contiguous();
    checked(merged.to_vec());
    let out = ExportLogsServiceRequest::decode(merged).unwrap().resource_logs;
    assert_eq!(out[0].schema_url, "https://schema/1");
    assert_eq!(out[0].resource.as_ref().unwrap().attributes, put());
}

#[test]
fn bytes_in_which_nothing_changes_are_not_copied() {
    let request = ExportLogsServiceRequest { resource_logs: vec![group(Some(put().to_vec()), "https://other")] };
    let payload = checked(request.encode_to_vec());
    for merge in [Merge::new(&found(), true), Merge::new(&Found::default(), true)] {
        let merged = merge.apply(&payload).unwrap();
        assert_eq!(merged.contiguous().as_ptr(), payload.contiguous().as_ptr());
    }
}

#[test]
fn joined_requests_are_merged_each() {
    let one = |name: &str| ExportLogsServiceRequest { resource_logs: vec![group(Some(vec![said("a", name)]), "")] };
    let mut payload = checked(one("first").encode_to_vec());
    payload.join(checked(one("second").encode_to_vec()));
    let merged = Merge::new(&found(), true).apply(&payload).unwrap();
    assert_eq!((merged.items(), merged.segments().len()), (4, 2));
    let out = ExportLogsServiceRequest::decode(merged.contiguous()).unwrap().resource_logs;
    assert!(out.iter().all(|group| group.resource.as_ref().unwrap().attributes.len() == 4), "{out:?}");
}
