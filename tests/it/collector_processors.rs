//! The Collector's processors under its own types and keys, each run as a bundled module.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Value, json};

use crate::harness::telemetry::{attribute, logs, metrics, record, text, traces};
use crate::harness::{Client, Collector};

/// A collector with these processors, in this order in each pipeline; each signal goes to a file.
fn yaml(processors: &str, order: &str) -> String {
    format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: '${{env:HOST}}:4317' }} }} }} }}
processors:
{processors}
exporters:
  file/logs: {{ path: logs.jsonl }}
  file/traces: {{ path: traces.jsonl }}
  file/metrics: {{ path: metrics.jsonl }}
modules: {{ cache: '${{env:CACHE}}' }}
service:
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines:
    logs: {{ receivers: [otlp], processors: [{order}], exporters: [file/logs] }}
    traces: {{ receivers: [otlp], processors: [{order}], exporters: [file/traces] }}
    metrics: {{ receivers: [otlp], processors: [{order}], exporters: [file/metrics] }}
"
    )
}

/// The same without a pipeline of metrics.
fn without_metrics(yaml: &str) -> String {
    let is_left = |line: &&str| !line.contains("metrics: { receivers") && !line.contains("file/metrics");
    yaml.lines().filter(is_left).collect::<Vec<_>>().join("\n")
}

async fn started(processors: &str, order: &str) -> (Collector, Client) {
    run(&yaml(processors, order)).await
}

async fn run(yaml: &str) -> (Collector, Client) {
    let collector = Collector::from_yaml(yaml).start().await;
    let client = Client::connect(collector.grpc()).await;
    (collector, client)
}

fn read(collector: &Collector, path: &str) -> Value {
    serde_json::from_str(collector.read(path).trim()).unwrap()
}

/// What became of these attributes of a log record.
async fn attributes(collector: &Collector, client: &Client, attributes: Vec<KeyValue>) -> Value {
    let record = LogRecord { attributes, ..record("", 9, "body") };
    client.logs(logs(vec![record])).await.unwrap();
    let out = collector.read("logs.jsonl");
    let out: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    shown(&out["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"])
}

/// Attributes of OTLP/JSON as plain ones.
fn shown(attributes: &Value) -> Value {
    let pairs = attributes.as_array().cloned().unwrap_or_default();
    let plain = |value: &Value| value.as_object().and_then(|value| value.values().next()).cloned();
    pairs
        .iter()
        .map(|pair| (pair["key"].as_str().unwrap().to_owned(), plain(&pair["value"]).unwrap_or_default()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn number(value: i64) -> AnyValue {
    AnyValue { value: Some(Any::IntValue(value)) }
}

const RESOURCE: &str = "
  resource:
    attributes:
      - { key: cluster.id, value: spoke-eu-1, action: insert }
      - { key: service.name, value: ignored, action: insert }
      - { key: shop, from_attribute: service.name, action: upsert }
      - { key: list, action: delete }
      - { pattern: ^(integer|double)$, action: delete }
      - { key: tags, value: [a, 1], action: upsert }
";

#[tokio::test]
async fn resource_changes_the_resources_of_every_signal() {
    let (collector, client) = started(RESOURCE, "resource").await;
    client.logs(logs(vec![record("id", 9, "body")])).await.unwrap();
    client.traces(traces("span")).await.unwrap();
    client.metrics(metrics()).await.unwrap();
    for (file, groups) in
        [("logs.jsonl", "resourceLogs"), ("traces.jsonl", "resourceSpans"), ("metrics.jsonl", "resourceMetrics")]
    {
        let out = read(&collector, file);
        let attributes = shown(&out[groups][0]["resource"]["attributes"]);
        let keys: Vec<&str> = attributes.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            ["cluster.id", "map", "nothing", "service.name", "shop", "tags", "text", "truth"],
            "{file}: {attributes}"
        );
        assert_eq!(attributes["service.name"], "shop");
        assert_eq!(attributes["shop"], "shop");
        assert_eq!(attributes["tags"], json!({ "values": [{ "stringValue": "a" }, { "intValue": "1" }] }));
    }
}

const ATTRIBUTES: &str = "
  attributes/hash:
    actions:
      - { key: user, action: hash }
      - { key: url, pattern: '^(?P<scheme>\\w+)://(?P<host>[^/]+)', action: extract }
      - { key: n, action: convert, converted_type: string }
  attributes/clean:
    exclude: { match_type: strict, attributes: [{ key: keep, value: true }] }
    actions:
      - { key: scheme, action: delete }
      - { key: by, value: attributes/clean, action: insert }
";

#[tokio::test]
async fn attributes_act_in_the_order_in_which_they_stand() {
    let (collector, client) = run(&without_metrics(&yaml(ATTRIBUTES, "attributes/hash, attributes/clean"))).await;
    let given = |keep: bool| {
        let keep = AnyValue { value: Some(Any::BoolValue(keep)) };
        vec![
            attribute("user", text("john.doe@example.com")),
            attribute("url", text("https://b.io/x")),
            attribute("n", number(7)),
            attribute("keep", keep),
        ]
    };
    let hash = "836f82db99121b3481011f16b49dfa5fbc714a0d1b1b9f784a1ebbbf5b39577f";
    assert_eq!(
        attributes(&collector, &client, given(false)).await,
        json!({
            "user": hash, "url": "https://b.io/x", "n": "7", "keep": false, "host": "b.io", "by": "attributes/clean"
        })
    );
    assert_eq!(
        attributes(&collector, &client, given(true)).await,
        json!({ "user": hash, "url": "https://b.io/x", "n": "7", "keep": true, "scheme": "https", "host": "b.io" })
    );
}

#[tokio::test]
async fn the_order_in_a_pipeline_is_the_order_of_the_work() {
    let processors = "
  attributes/rename:
    actions: [{ key: b, from_attribute: a, action: upsert }, { key: a, action: delete }]
  attributes/count:
    actions: [{ key: a, value: 1, action: insert }]
";
    for (order, expected) in [
        ("attributes/rename, attributes/count", json!({ "b": "x", "a": "1" })),
        ("attributes/count, attributes/rename", json!({ "b": "x" })),
    ] {
        let (collector, client) = started(processors, order).await;
        assert_eq!(attributes(&collector, &client, vec![attribute("a", text("x"))]).await, expected, "{order}");
    }
}

/// What `validate` says of the one processor in the file, which starts in line 4.
fn problems(processors: &str, order: &str) -> String {
    let (valid, told) = Collector::from_yaml(&yaml(processors.trim_start_matches('\n'), order)).validate();
    assert!(!valid, "{told}");
    told
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_with_its_place() {
    for (processors, order, line, part) in [
        (
            "  resource:\n    attributes:\n      - { key: a, value: 1, action: insert }\n      - { key: a, acton: insert }",
            "resource",
            7,
            "processors.resource.attributes[1].acton: unknown key `acton`, did you mean `action`?",
        ),
        (
            "  resource: { attributes: [{ key: a, action: insert }] }",
            "resource",
            4,
            "processors.resource.attributes[0]: give one of `value`, `from_attribute`",
        ),
        (
            "  attributes:\n    actions:\n      - key: a\n        pattern: 'x(y'\n        action: delete",
            "attributes",
            7,
            "processors.attributes.actions[0].pattern: cannot be run by the module: ",
        ),
        ("  attributes: {}", "attributes", 4, "processors.attributes.actions: there is none"),
        (
            "  attributes:\n    include: { match_type: strict, services: [a] }\n    actions: [{ key: a, action: delete }]",
            "attributes",
            5,
            "processors.attributes.include.services: logs cannot be matched by it",
        ),
    ] {
        let told = problems(processors, order);
        let found = told.lines().any(|told| told.starts_with(&format!("tidegate.yaml:{line}:")) && told.contains(part));
        assert!(found, "{part} in:\n{told}");
    }
}

#[test]
fn what_only_one_signal_can_be_matched_by_is_refused_in_pipelines_of_others_alone() {
    let yaml = "
receivers: { otlp: { protocols: { grpc: } } }
processors:
  attributes:
    include: { match_type: strict, services: [a] }
    actions: [{ key: a, action: delete }]
exporters: { debug: }
service: { pipelines: { traces: { receivers: [otlp], processors: [attributes], exporters: [debug] } } }
";
    let (valid, told) = Collector::from_yaml(yaml).validate();
    assert!(valid, "{told}");
}

const REDACTION: &str = "
  redaction:
    allow_all_keys: true
    blocked_key_patterns: [token]
    blocked_values: ['[a-z.]+@[a-z.]+', '\\b\\d{4}\\b']
    allowed_values: ['@ours.io']
    summary: debug
";

#[tokio::test]
async fn redaction_masks_attributes_and_bodies_and_tells_of_it() {
    let (collector, client) = started(REDACTION, "redaction").await;
    let body = AnyValue {
        value: Some(Any::KvlistValue(opentelemetry_proto::tonic::common::v1::KeyValueList {
            values: vec![attribute("mail", text("a@b.io")), attribute("pin", number(1234)), attribute("ok", text("x"))],
        })),
    };
    let given = vec![
        attribute("mail", text("from a@b.io 1234")),
        attribute("ours", text("b@ours.io 1234")),
        attribute("token", number(5)),
        attribute("n", number(1234)),
        attribute("digits", text("١٢٣٤ 5678")),
    ];
    let record = LogRecord { attributes: given, body: Some(body), ..record("", 9, "") };
    client.logs(logs(vec![record])).await.unwrap();
    let out = read(&collector, "logs.jsonl");
    let record = &out["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(
        shown(&record["attributes"]),
        json!({
            "mail": "from **** ****", "ours": "b@ours.io 1234", "token": "****", "n": "1234", "digits": "١٢٣٤ ****",
            "redaction.masked.keys": "digits,mail,token", "redaction.masked.count": "3",
            "redaction.allowed.keys": "ours", "redaction.allowed.count": "1",
            "redaction.body.masked.keys": "mail,pin", "redaction.body.masked.count": "2",
        })
    );
    assert_eq!(shown(&record["body"]["kvlistValue"]["values"]), json!({ "mail": "****", "pin": "****", "ok": "x" }));
}

#[tokio::test]
async fn values_alone_are_redacted_in_every_signal() {
    let processors = "  redaction: { allow_all_keys: true, blocked_values: ['gr.ße', 'a'] }";
    let (collector, client) = started(processors, "redaction").await;
    client.logs(logs(vec![record("id", 9, "grüße, ada")])).await.unwrap();
    client.traces(traces("span")).await.unwrap();
    client.metrics(metrics()).await.unwrap();
    let logs = read(&collector, "logs.jsonl");
    assert_eq!(logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"]["stringValue"], "****, ****d****");
    for (file, path) in [
        ("logs.jsonl", "/resourceLogs/0/resource/attributes"),
        ("logs.jsonl", "/resourceLogs/0/scopeLogs/0/scope/attributes"),
        ("logs.jsonl", "/resourceLogs/0/scopeLogs/0/logRecords/0/attributes"),
        ("traces.jsonl", "/resourceSpans/0/scopeSpans/0/spans/0/attributes"),
        ("traces.jsonl", "/resourceSpans/0/scopeSpans/0/spans/0/events/0/attributes"),
        ("metrics.jsonl", "/resourceMetrics/0/scopeMetrics/0/metrics/0/gauge/dataPoints/0/attributes"),
        ("metrics.jsonl", "/resourceMetrics/0/scopeMetrics/0/metrics/2/histogram/dataPoints/0/attributes"),
    ] {
        let out = read(&collector, file);
        assert_eq!(shown(out.pointer(path).unwrap())["text"], "****", "{file} {path}");
    }
    let spans = read(&collector, "traces.jsonl");
    let link = spans.pointer("/resourceSpans/0/scopeSpans/0/spans/0/links/0/attributes").unwrap();
    assert_eq!(shown(link)["text"], "grüße", "the Collector leaves links alone");
}

#[tokio::test]
async fn probabilistic_sampler_keeps_what_it_keeps_of_each_signal() {
    let processors = "  probabilistic_sampler: { sampling_percentage: 50, mode: equalizing }";
    let (collector, client) = run(&without_metrics(&yaml(processors, "probabilistic_sampler"))).await;
    let of = |byte: u8| LogRecord { trace_id: vec![byte; 16], ..record("id", 9, "body") };
    client.logs(logs(vec![of(0x7f), of(0x80), of(0xff)])).await.unwrap();
    let out = read(&collector, "logs.jsonl");
    let records = out["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(shown(&record["attributes"])["sampling.threshold"], "8");
    }
    // The one span is of a trace of ones, which is not among the half.
    client.traces(traces("span")).await.unwrap();
    assert_eq!(collector.read("traces.jsonl"), "");
}

#[test]
fn files_of_the_collector_are_valid_as_they_are() {
    for yaml in [
        include_str!("../bench/peers/otelcol/resource.yaml"),
        include_str!("../bench/peers/otelcol/redaction.yaml"),
        include_str!("../bench/peers/otelcol/transform.yaml"),
        include_str!("../bench/peers/otelcol/passthrough.yaml"),
        include_str!("../bench/peers/otelcol/gzip.yaml"),
        include_str!("../bench/peers/otelcol/nobatch.yaml"),
        include_str!("../bench/peers/otelcol/fanout.yaml"),
    ] {
        let (valid, told) = Collector::from_yaml(yaml).validate();
        assert!(valid, "{told}");
    }
}

#[test]
fn what_of_the_collector_is_not_served_is_refused_with_the_way_out() {
    for (processors, order, line, part) in [
        (
            "  redaction:\n    url_sanitizer: { enabled: true }",
            "redaction",
            5,
            "processors.redaction.url_sanitizer: is not served; mask by `blocked_values`",
        ),
        (
            "  redaction:\n    blocked_values: ['a(']",
            "redaction",
            5,
            "processors.redaction.blocked_values[0]: the pattern: unclosed group",
        ),
        (
            "  redaction:\n    blocked_values: [ok, 'a(']",
            "redaction",
            5,
            "processors.redaction.blocked_values[1]: cannot be run by the module",
        ),
        ("  probabilistic_sampler: { sampling_percentage: 10 }", "probabilistic_sampler", 15, "does not do metrics"),
    ] {
        let told = problems(processors, order);
        let found = told.lines().any(|told| told.starts_with(&format!("tidegate.yaml:{line}:")) && told.contains(part));
        assert!(found, "{part} in:\n{told}");
    }
}

const TRANSFORM: &str = r#"
  transform:
    trace_statements:
      - context: resource
        statements:
          - keep_keys(attributes, ["service.name", "process.command_line", "map"])
          - set(attributes["process.command_line"], "run --password=hunter2 now") where attributes["service.name"] == "shop"
          - replace_pattern(attributes["process.command_line"], "password\\=[^\\s]*(\\s?)", "password=***$$1")
          - limit(attributes, 2, ["process.command_line"])
      - context: span
        statements:
          - set(status.code, STATUS_CODE_ERROR)
          - set(status.message, Concat(["of", name], " "))
          - set(name, "renamed")
          - set(attributes["trace"], trace_id.string)
          - set(start_time, Unix(1))
    metric_statements:
      - set(metric.unit, "MiBy")
      - set(datapoint.attributes["metric"], metric.name)
    log_statements:
      - set(log.severity_number, SEVERITY_NUMBER_ERROR) where IsMatch(log.body, "(?i)failed")
      - 'set(log.attributes["list"], [1, "a", {"k": true}])'
      - replace_pattern(log.body, "(\\d{3})-\\d{2}", "$$1-**")
      - set(log.time_unix_nano, 5)
      - delete_key(resource.attributes, "list")
"#;

#[tokio::test]
async fn transform_changes_fields_of_each_context() {
    let (collector, client) = started(TRANSFORM, "transform").await;
    client.logs(logs(vec![record("id", 9, "it FAILED at 123-45"), record("id", 9, "fine")])).await.unwrap();
    client.traces(traces("span")).await.unwrap();
    client.metrics(metrics()).await.unwrap();

    let out = read(&collector, "logs.jsonl");
    let records = &out["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!(records[0]["body"], json!({ "stringValue": "it FAILED at 123-**" }));
    assert_eq!((&records[0]["severityNumber"], &records[1]["severityNumber"]), (&json!(17), &json!(9)));
    assert_eq!(records[1]["timeUnixNano"], "5");
    let list = json!({ "values": [
        { "intValue": "1" },
        { "stringValue": "a" },
        { "kvlistValue": { "values": [{ "key": "k", "value": { "boolValue": true } }] } },
    ] });
    assert_eq!(shown(&records[1]["attributes"])["list"], list);
    assert_eq!(shown(&out["resourceLogs"][0]["resource"]["attributes"])["list"], Value::Null);

    let out = read(&collector, "traces.jsonl");
    let resource = shown(&out["resourceSpans"][0]["resource"]["attributes"]);
    assert_eq!(resource["process.command_line"], "run --password=*** now");
    assert_eq!(resource.as_object().unwrap().len(), 2, "{resource}");
    let span = &out["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(span["status"], json!({ "code": 2, "message": "of span" }));
    assert_eq!((&span["name"], &span["startTimeUnixNano"]), (&json!("renamed"), &json!("1000000000")));
    assert_eq!(shown(&span["attributes"])["trace"], span["traceId"]);

    let out = read(&collector, "metrics.jsonl");
    let metrics = out["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    assert!(!metrics.is_empty());
    for metric in metrics {
        assert_eq!(metric["unit"], "MiBy");
        let data = metric.as_object().unwrap().values().find_map(|data| data["dataPoints"].as_array());
        for point in data.into_iter().flatten() {
            assert_eq!(shown(&point["attributes"])["metric"], metric["name"], "{metric}");
        }
    }
}

const FILTER: &str = r#"
  filter:
    log_conditions:
      - log.severity_number < SEVERITY_NUMBER_WARN
      - IsMatch(log.body, "health")
    trace_conditions: ['span.name == "ping" or IsMatch(resource.attributes["service.name"], "^nobody$$")']
    metric_conditions: [metric.type == METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM]
    metrics: { include: { match_type: regexp, metric_names: ["[123]$$"] } }
"#;

#[tokio::test]
async fn filter_drops_what_its_conditions_say() {
    let (collector, client) = started(FILTER, "filter").await;
    let records = [("a", 9, "an info"), ("b", 17, "GET /health"), ("c", 17, "an error")];
    client.logs(logs(records.map(|(id, severity, body)| record(id, severity, body)).to_vec())).await.unwrap();
    client.traces(traces("ping")).await.unwrap();
    client.traces(traces("pong")).await.unwrap();
    client.metrics(metrics()).await.unwrap();
    let logs = read(&collector, "logs.jsonl");
    let records = logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    let bodies: Vec<&Value> = records.iter().map(|record| &record["body"]["stringValue"]).collect();
    assert_eq!(bodies, ["an error"]);
    let traces = read(&collector, "traces.jsonl");
    assert_eq!(traces["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"], "pong");
    let metrics = read(&collector, "metrics.jsonl");
    let metrics = metrics["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let names: Vec<&Value> = metrics.iter().map(|metric| &metric["name"]).collect();
    assert_eq!(names, ["metric.1", "metric.2"]);
}

#[tokio::test]
async fn a_statement_that_fails_on_some_data_keeps_nobody_from_starting() {
    let processors = "
  transform:
    error_mode: propagate
    log_statements:
      - { context: log, statements: ['set(attributes[\"n\"], ParseJSON(body)[\"n\"])'] }
";
    let (collector, client) = run(&without_metrics(&yaml(processors, "transform"))).await;
    collector.log.wait_for(0, &["answered its self-test with an error", "ParseJSON"]).await;
    client.logs(logs(vec![record("id", 9, "{\"n\": 7}")])).await.unwrap();
    let out = read(&collector, "logs.jsonl");
    let attributes = shown(&out["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"]);
    assert_eq!(attributes["n"].as_f64(), Some(7.0), "{attributes}");
    let refused = client.logs(logs(vec![record("id", 9, "no JSON")])).await.unwrap_err();
    assert!(refused.message().contains("ParseJSON"), "{refused}");
}
