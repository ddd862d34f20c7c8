//! What `pii-scrub` scrubs of whole requests, and what it leaves: its README says the same.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValueList};
use serde_json::Value;

use crate::harness::telemetry::{attribute, logs, metrics, record, text, traces};
use crate::harness::{Client, Collector};

const SCRUBBED: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  wasm/scrub: { module: pii-scrub, config: '${env:RULES}', limits: { timeout: 5s } }
exporters:
  file/logs: { path: logs.jsonl }
  file/traces: { path: traces.jsonl }
  file/metrics: { path: metrics.jsonl }
modules: { cache: '${env:CACHE}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs: { receivers: [otlp], processors: [wasm/scrub], exporters: [file/logs] }
    traces: { receivers: [otlp], processors: [wasm/scrub], exporters: [file/traces] }
    metrics: { receivers: [otlp], processors: [wasm/scrub], exporters: [file/metrics] }
";

/// What OTLP/JSON calls the fields that hold text which somebody wrote.
const TEXTS: [&str; 11] = [
    "stringValue",
    "key",
    "name",
    "version",
    "schemaUrl",
    "severityText",
    "eventName",
    "message",
    "traceState",
    "description",
    "unit",
];
const NAME: &str = "ada@example.com";
/// The same as bytes are written.
const BYTES: &str = "YWRhQGV4YW1wbGUuY29t";

/// Puts the name into each text and byte string.
fn seed(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(seed),
        Value::Object(fields) => {
            for (field, value) in fields {
                match value {
                    Value::String(text) if TEXTS.contains(&field.as_str()) => *text = format!("{text} {NAME}"),
                    Value::String(bytes) if field == "bytesValue" => BYTES.clone_into(bytes),
                    value => seed(value),
                }
            }
        }
        _ => {}
    }
}

/// Collects the fields, as they lie in one another, in which the name is left.
fn left(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| left(item, path, found)),
        Value::Object(fields) => {
            fields.iter().for_each(|(field, value)| left(value, &format!("{path}.{field}"), found));
        }
        Value::String(text) if text.contains(NAME) || text.contains(BYTES) => {
            found.insert(path.trim_start_matches('.').to_owned());
        }
        _ => {}
    }
}

fn seeded<T: serde::Serialize + serde::de::DeserializeOwned>(request: &T) -> T {
    let mut json = serde_json::to_value(request).unwrap();
    seed(&mut json);
    serde_json::from_value(json).unwrap()
}

fn left_in(collector: &Collector, path: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    left(&serde_json::from_str(collector.read(path).trim()).unwrap(), "", &mut found);
    found.into_iter().collect()
}

#[tokio::test]
async fn every_text_of_a_request_is_scrubbed_but_for_what_the_readme_names() {
    let collector = Collector::from_yaml(SCRUBBED).env("RULES", &"{ detectors: [email] }").start().await;
    let client = Client::connect(collector.grpc()).await;
    client.logs(seeded(&logs(vec![record("id", 9, "body")]))).await.unwrap();
    client.traces(seeded(&traces("span"))).await.unwrap();
    client.metrics(seeded(&metrics())).await.unwrap();
    assert_eq!(
        left_in(&collector, "logs.jsonl"),
        [
            "resourceLogs.schemaUrl",
            "resourceLogs.scopeLogs.logRecords.severityText",
            "resourceLogs.scopeLogs.schemaUrl",
            "resourceLogs.scopeLogs.scope.name",
            "resourceLogs.scopeLogs.scope.version",
        ]
    );
    assert_eq!(
        left_in(&collector, "traces.jsonl"),
        [
            "resourceSpans.schemaUrl",
            "resourceSpans.scopeSpans.schemaUrl",
            "resourceSpans.scopeSpans.scope.name",
            "resourceSpans.scopeSpans.scope.version",
            "resourceSpans.scopeSpans.spans.links.traceState",
            "resourceSpans.scopeSpans.spans.traceState",
        ]
    );
    assert_eq!(
        left_in(&collector, "metrics.jsonl"),
        [
            "resourceMetrics.schemaUrl",
            "resourceMetrics.scopeMetrics.metrics.description",
            "resourceMetrics.scopeMetrics.metrics.name",
            "resourceMetrics.scopeMetrics.metrics.unit",
            "resourceMetrics.scopeMetrics.schemaUrl",
            "resourceMetrics.scopeMetrics.scope.name",
            "resourceMetrics.scopeMetrics.scope.version",
        ]
    );
}

fn map(entries: &[(&str, AnyValue)]) -> AnyValue {
    let values = entries.iter().map(|(key, value)| attribute(key, value.clone())).collect();
    AnyValue { value: Some(Any::KvlistValue(KeyValueList { values })) }
}

#[tokio::test]
async fn a_blocked_key_goes_with_the_blocked_keys_and_the_findings_in_it() {
    let rules = "{ detectors: { email: {}, us_ssn: { action: drop } }, blocked_keys: ['secret*'], audit: { attribute: audit } }";
    let collector = Collector::from_yaml(SCRUBBED).env("RULES", &rules).start().await;
    let client = Client::connect(collector.grpc()).await;
    let inner =
        map(&[("secret.b", map(&[("secret.c", text(NAME))])), ("mail", text(NAME)), ("ssn", text("123-45-6789"))]);
    let mut record = record("id", 9, "");
    record.body =
        Some(map(&[("secret", inner.clone()), ("rest", map(&[("secrets", inner.clone()), ("mail", text(NAME))]))]));
    record.attributes = vec![attribute("secret.a", inner), attribute("mail", text(NAME))];
    client.logs(logs(vec![record])).await.unwrap();

    let out: Value = serde_json::from_str(collector.read("logs.jsonl").trim()).unwrap();
    let record = &out["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    let rest = serde_json::json!({ "key": "mail", "value": { "stringValue": "****" } });
    let rest = serde_json::json!([{ "key": "rest", "value": { "kvlistValue": { "values": [rest] } } }]);
    assert_eq!(record["body"]["kvlistValue"]["values"], rest);
    let audit = serde_json::json!([
        { "key": "mail", "value": { "stringValue": "****" } },
        { "key": "audit", "value": { "stringValue": "email=2,blocked_key=3" } },
    ]);
    assert_eq!(record["attributes"], audit);
}

#[tokio::test]
async fn a_wrong_pattern_is_named_by_the_key_that_it_has_in_the_configuration() {
    let rules = "{ patterns: [{ name: ok, regex: a }, { name: wrong, regex: 'a(b' }] }";
    let (status, log) = Collector::from_yaml(SCRUBBED).env("RULES", &rules).fails().await;
    assert!(!status.success());
    assert!(log.contains("patterns[1].regex: unclosed group, at byte 1 of the pattern"), "{log}");
}
