//! What becomes of a payload on its way into records.

use std::collections::BTreeMap;

use host_component::{Origin, Payload, Signal};
use host_config::{Check as _, Value};
use host_otlp::wire::put_len;
use host_otlp::{Limits, check};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use super::config::{Config, is_topic};
use super::group::{By, Grouping, groups};
use super::record::{Record, fitting, headers, value};
use crate::client::Form;

fn resource(attributes: &[(&str, &str)]) -> Option<Resource> {
    let attribute = |(key, text): &(&str, &str)| KeyValue {
        key: (*key).to_owned(),
        value: Some(AnyValue { value: Some(Any::StringValue((*text).to_owned())) }),
        ..KeyValue::default()
    };
    Some(Resource { attributes: attributes.iter().map(attribute).collect(), ..Resource::default() })
}

fn span(trace: u8, name: &str) -> Span {
    Span { trace_id: vec![trace; 16], span_id: vec![7; 8], name: name.to_owned(), ..Span::default() }
}

/// Spans of these traces, by resource and scope.
fn traces(resources: &[(&str, &[&[u8]])]) -> Payload {
    let resource_spans = resources.iter().map(|(cluster, scopes)| ResourceSpans {
        resource: resource(&[("cluster.id", cluster)]),
        schema_url: "schema".to_owned(),
        scope_spans: scopes
            .iter()
            .enumerate()
            .map(|(at, traces)| ScopeSpans {
                scope: Some(InstrumentationScope { name: format!("scope-{at}"), ..InstrumentationScope::default() }),
                spans: traces.iter().map(|trace| span(*trace, cluster)).collect(),
                ..ScopeSpans::default()
            })
            .collect(),
    });
    let request = ExportTraceServiceRequest { resource_spans: resource_spans.collect() };
    check(Signal::Traces, request.encode_to_vec().into(), &Limits::default()).unwrap()
}

fn logs(resources: &[&[(&str, &str)]], bodies: usize, size: usize) -> Payload {
    let body = || Some(AnyValue { value: Some(Any::StringValue("x".repeat(size))) });
    let record = || LogRecord { body: body(), ..LogRecord::default() };
    let resource_logs = resources.iter().map(|attributes| ResourceLogs {
        resource: resource(attributes),
        scope_logs: vec![ScopeLogs { log_records: (0..bodies).map(|_| record()).collect(), ..ScopeLogs::default() }],
        ..ResourceLogs::default()
    });
    let request = ExportLogsServiceRequest { resource_logs: resource_logs.collect() };
    check(Signal::Logs, request.encode_to_vec().into(), &Limits::default()).unwrap()
}

fn decoded(payload: &Payload) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(payload.contiguous()).unwrap()
}

fn grouping(by: By) -> Grouping {
    Grouping { by, topic: None }
}

/// Each span with what stands around it.
fn flat(request: ExportTraceServiceRequest) -> Vec<String> {
    let mut lines = Vec::new();
    for of_resource in request.resource_spans {
        for of_scope in of_resource.scope_spans {
            for span in of_scope.spans {
                lines.push(format!(
                    "{:?} {} {:?} {span:?}",
                    of_resource.resource, of_resource.schema_url, of_scope.scope
                ));
            }
        }
    }
    lines.sort();
    lines
}

#[test]
fn each_trace_is_a_group_with_its_id_as_its_key_and_all_around_its_spans() {
    let payload = traces(&[("a", &[&[1, 2, 1], &[2]]), ("b", &[&[1], &[3, 1]])]);
    let found = groups(&payload, &grouping(By::Trace)).unwrap();
    let keys: Vec<String> =
        found.iter().map(|group| String::from_utf8(group.key.clone().unwrap().to_vec()).unwrap()).collect();
    assert_eq!(keys, ["01".repeat(16), "02".repeat(16), "03".repeat(16)]);
    assert_eq!(found.iter().map(|group| group.payload.items()).collect::<Vec<_>>(), [4, 2, 1]);
    let mut all: Vec<String> = found.iter().flat_map(|group| flat(decoded(&group.payload))).collect();
    all.sort();
    assert_eq!(all, flat(decoded(&payload)));
}

#[test]
fn a_payload_with_one_key_stays_as_it_is() {
    let payload = traces(&[("a", &[&[1, 1]]), ("a", &[&[1]])]);
    for by in [By::Trace, By::Attribute("cluster.id".to_owned()), By::Attributes, By::Nothing] {
        let found = groups(&payload, &grouping(by)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].payload.contiguous().as_ptr(), payload.contiguous().as_ptr());
    }
}

#[test]
fn spans_without_a_trace_share_a_group_without_a_key() {
    let payload = traces(&[("a", &[&[0, 1, 0]])]);
    let found = groups(&payload, &grouping(By::Trace)).unwrap();
    assert_eq!(found.iter().map(|g| (g.key.is_some(), g.payload.items())).collect::<Vec<_>>(), [(false, 2), (true, 1)]);
}

#[test]
fn resources_go_by_an_attribute_or_by_all_of_them_in_any_order() {
    let payload = logs(
        &[
            &[("cluster.id", "edge-1"), ("a", "b")],
            &[("cluster.id", "edge-2")],
            &[("a", "b"), ("cluster.id", "edge-1")],
        ],
        2,
        5,
    );
    for by in [By::Attribute("cluster.id".to_owned()), By::Attributes] {
        let found = groups(&payload, &grouping(by)).unwrap();
        assert_eq!(found.iter().map(|group| group.payload.items()).collect::<Vec<_>>(), [4, 2]);
        assert_ne!(found[0].key, found[1].key);
    }
    let found = groups(&payload, &grouping(By::Attribute("a".to_owned()))).unwrap();
    assert_eq!(found.iter().map(|g| g.key.as_deref()).collect::<Vec<_>>(), [Some(&b"b"[..]), None]);
}

#[test]
fn a_resource_names_its_topic() {
    let payload = logs(&[&[("topic", "one")], &[("topic", "")], &[]], 1, 5);
    let found = groups(&payload, &Grouping { by: By::Nothing, topic: Some("topic".to_owned()) }).unwrap();
    assert_eq!(
        found.iter().map(|g| (g.topic.as_deref(), g.payload.items())).collect::<Vec<_>>(),
        [(Some("one"), 1), (None, 2)]
    );
}

#[test]
fn what_goes_with_each_trace_is_bounded() {
    // A resource of a MiB around a thousand traces would be a GiB, and one of 80 KiB ten times what is free.
    for (resource, most) in [(1 << 20, 19 << 20), (80 << 10, 9 << 20)] {
        is_bounded(resource, most);
    }
}

/// Groups a thousand traces of one resource of this size, which come to no more than `most`.
fn is_bounded(resource_bytes: usize, most: usize) {
    let (mut scope, mut resource, mut of_resource, mut request) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for trace in 0..1000u32 {
        let mut item = Vec::new();
        put_len(&mut item, 1, &[&trace.to_be_bytes()[..], &[1; 12]].concat());
        put_len(&mut scope, 2, &item);
    }
    put_len(&mut resource, 1, &{
        let mut attribute = Vec::new();
        put_len(&mut attribute, 1, &vec![b'k'; resource_bytes]);
        attribute
    });
    put_len(&mut of_resource, 1, &resource);
    put_len(&mut of_resource, 2, &scope);
    put_len(&mut request, 1, &of_resource);
    let payload = check(Signal::Traces, request.into(), &Limits::default()).unwrap();
    let found = groups(&payload, &grouping(By::Trace)).unwrap();
    assert_eq!(found.iter().map(|group| group.payload.items()).sum::<u64>(), 1000);
    assert!(found.iter().map(|group| group.payload.len()).sum::<usize>() < most);
    assert!(found.last().is_some_and(|rest| rest.key.is_none() && rest.payload.items() > 800));
}

fn record(payload: Payload, form: Form) -> Record {
    Record { topic: "t".into(), key: None, value: value(&payload, form), headers: [].into(), payload, form }
}

#[test]
fn records_fit_and_hold_everything_in_order() {
    for form in [Form::Proto, Form::Json] {
        let pieces = fitting(record(logs(&[&[("a", "b")]], 100, 500), form), 10_000);
        assert!(pieces.len() > 4 && pieces.iter().all(|piece| piece.value.len() <= 10_000), "{form:?}");
        assert_eq!(pieces.iter().map(|piece| piece.payload.items()).sum::<u64>(), 100);
    }
    let alone = fitting(record(logs(&[&[]], 1, 50_000), Form::Proto), 10_000);
    assert_eq!(alone.len(), 1);
}

fn config(text: &str) -> Config {
    Value::parse("test.yaml", text).unwrap().decode().unwrap()
}

fn told(text: &str) -> BTreeMap<String, String> {
    config(text).wrongs().into_iter().map(|wrong| (wrong.key, wrong.message)).collect()
}

#[test]
fn metadata_and_what_is_fixed_become_headers() {
    let config =
        config("{include_metadata_keys: [X-Tenant, absent], record_headers: {from: edge}, signal_header: true}");
    let metadata = [("x-tenant", "a"), ("x-tenant", "b"), ("other", "c")];
    let origin = Origin { metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec() };
    let found = headers(&config, Signal::Traces, &origin);
    let found: Vec<(&str, &str)> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(found, [("from", "edge"), ("X-Tenant", "a"), ("X-Tenant", "b"), ("otelcol.signal", "traces")]);
    assert_eq!(config.metadata_keys().collect::<Vec<_>>(), ["X-Tenant", "absent"]);
}

#[test]
fn the_defaults_make_sense_and_so_do_the_collectors_values() {
    assert_eq!(told("{}"), BTreeMap::new());
    let collectors = "{brokers: [a:1], producer: {required_acks: 1, compression: zstd, compression_params: {level: 6}, \
                      linger: 5ms}, record_partitioner: {sticky_key: {hasher: murmur2}}, protocol_version: 2.1.0, timeout: 10s}";
    assert_eq!(told(collectors), BTreeMap::new());
    assert_eq!(told("{producer: {required_acks: all}}"), BTreeMap::new());
    assert_eq!(told("{producer: {required_acks: -1}}"), BTreeMap::new());
}

#[test]
fn what_makes_no_sense_is_told_with_the_way_out() {
    for (text, key, way_out) in [
        ("{producer: {required_acks: 0}}", "producer.required_acks", "write 1 or all"),
        ("{producer: {required_acks: 2}}", "producer.required_acks", "-1, or 1"),
        (
            "{producer: {required_acks: 1, enable_idempotence: true}}",
            "producer.enable_idempotence",
            "required_acks: all",
        ),
        (
            "{producer: {compression: snappy, compression_params: {level: 3}}}",
            "producer.compression_params.level",
            "no levels",
        ),
        ("{producer: {max_message_bytes: 10}}", "producer.max_message_bytes", "1000"),
        (
            "{partition_logs_by_trace_id: true, partition_logs_by_resource_attributes: true}",
            "partition_logs_by_trace_id",
            "one of the two",
        ),
        (
            "{partition_traces_by_id: true, traces: {message_key_from_metadata_key: k}}",
            "traces.message_key_from_metadata_key",
            "one key",
        ),
        ("{logs: {encoding: raw}}", "logs.encoding", "otlp_proto"),
        ("{logs: {topic: a/b}}", "logs.topic", "249"),
        ("{profiles: {topic: x}}", "profiles", "take it out"),
        ("{record_partitioner: {extension: x}}", "record_partitioner.extension", "partition_by_resource_attribute"),
        ("{signal_header: true, record_headers: {otelcol.signal: logs}}", "record_headers", "signal_header"),
        ("{timeout: 1ms}", "timeout", "linger"),
    ] {
        let told = told(text);
        assert!(told.get(key).is_some_and(|message| message.contains(way_out)), "{text}: {told:?}");
    }
}

#[test]
fn knows_what_brokers_take_for_a_topic() {
    for (name, is_one) in
        [("otlp_logs", true), ("a.b-c_D9", true), ("", false), ("..", false), ("a b", false), ("ü", false)]
    {
        assert_eq!(is_topic(name), is_one, "{name}");
    }
    assert!(is_topic(&"x".repeat(249)) && !is_topic(&"x".repeat(250)));
}
