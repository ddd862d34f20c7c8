//! The bundled modules at work, and modules that change while data flows.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};

use test_adversaries::Guest;

use crate::harness::telemetry::{attribute, body_of, logs, record, text, text_of};
use crate::harness::{Client, Collector, Setup, modules};

/// All three modules, as the quickstart has them.
const GUESTS: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors:
  wasm/labels:
    module: cluster-labels
    config: { attributes: { cluster.id: eu-1 }, received_at: hub.received_at }
    limits: { timeout: 5s }
  wasm/scrub:
    module: pii-scrub
    config_file: rules/scrub.yaml
    limits: { timeout: 5s }
  wasm/routes:
    module: routing
    config: { rules: [{ match: { log: { severity_number: { gte: 17 } } }, route: errors }] }
    limits: { timeout: 5s }
exporters:
  file/default: { path: default.jsonl }
  file/errors: { path: errors.jsonl }
modules: { folder: modules, cache: '${env:CACHE}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines:
    logs:
      receivers: [otlp]
      processors: [wasm/labels, wasm/scrub, wasm/routes]
      exporters: [file/default]
      routes: { errors: [file/errors] }
";

const RULES: &str = "detectors: { email: {} }\nmask: '****'\n";

fn guests() -> Setup {
    Collector::from_yaml(GUESTS).file("rules/scrub.yaml", RULES).file("modules/.keep", "")
}

/// The requests in a file of OTLP/JSON lines.
fn requests(collector: &Collector, path: &str) -> Vec<ExportLogsServiceRequest> {
    collector.read(path).lines().map(|line| serde_json::from_str(line).expect("each line is a request")).collect()
}

fn records(collector: &Collector, path: &str) -> Vec<LogRecord> {
    let resources = requests(collector, path).into_iter().flat_map(|request| request.resource_logs);
    resources.flat_map(|resource| resource.scope_logs).flat_map(|scope| scope.log_records).collect()
}

/// The attribute that `cluster-labels` writes, on each resource.
fn clusters(collector: &Collector, path: &str) -> Vec<Option<String>> {
    let resources = requests(collector, path).into_iter().flat_map(|request| request.resource_logs);
    resources.map(|resource| text_of(&resource.resource?.attributes, "cluster.id").map(str::to_owned)).collect()
}

/// Sends one record and returns the body with which it came out.
async fn body_out(collector: &Collector, client: &Client, id: &str, body: &str) -> String {
    client.logs(logs(vec![record(id, 9, body)])).await.unwrap();
    let out = records(collector, "default.jsonl");
    let of_id: Vec<&LogRecord> = out.iter().filter(|record| text_of(&record.attributes, "id") == Some(id)).collect();
    assert_eq!(of_id.len(), 1, "{id} was acknowledged and is there once");
    body_of(of_id[0]).unwrap().to_owned()
}

#[tokio::test]
async fn labels_are_added_addresses_masked_and_errors_sent_elsewhere() {
    let collector = guests().start().await;
    let client = Client::connect(collector.grpc()).await;
    let sent = logs(vec![record("a", 9, "mail ada@example.com now"), record("b", 17, "no route to bob@example.com")]);
    client.logs(sent).await.unwrap();
    let bodies = |path| records(&collector, path).iter().map(|r| body_of(r).unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(bodies("default.jsonl"), ["mail **** now"]);
    assert_eq!(bodies("errors.jsonl"), ["no route to ****"]);
    for path in ["default.jsonl", "errors.jsonl"] {
        assert_eq!(clusters(&collector, path), [Some("eu-1".to_owned())], "{path}");
        assert!(collector.read(path).contains("hub.received_at"), "{path}");
    }
    let metrics = collector.metrics().await;
    let went = |way: &str, processor: &str| metrics.sum(way, &[&format!("processor=\"{processor}\"")]);
    assert_eq!(went("otelcol_processor_incoming_items", "wasm/scrub"), 2.0);
    assert_eq!(went("otelcol_processor_outgoing_items", "wasm/routes"), 2.0);
}

#[tokio::test]
async fn a_rule_that_is_edited_is_in_force_soon_and_a_broken_one_is_not() {
    let collector = guests().start().await;
    let client = Client::connect(collector.grpc()).await;
    let body = "mail ada@example.com";
    assert_eq!(body_out(&collector, &client, "before", body).await, "mail ****");

    let seen = collector.log.len();
    collector.overwrite("rules/scrub.yaml", "mask: 7\n");
    let refused = collector.log.wait_for(seen, &["module refused", "wasm/scrub"]).await;
    assert!(refused.contains("mask"), "{refused}");
    assert_eq!(body_out(&collector, &client, "broken", body).await, "mail ****");

    let seen = collector.log.len();
    collector.replace("rules/scrub.yaml", RULES.replace("****", "[gone]"));
    collector.log.wait_for(seen, &["module loaded", "wasm/scrub"]).await;
    assert_eq!(body_out(&collector, &client, "after", body).await, "mail [gone]");
}

#[tokio::test]
async fn a_module_that_is_replaced_is_swapped_in() {
    let setup = guests().file("rules/scrub.yaml", "audit: { attribute: audit }\n");
    let collector = setup.file("modules/pii-scrub.wasm", modules::scrubber(0)).start().await;
    let client = Client::connect(collector.grpc()).await;
    let audit = async |id: &str| {
        let body = body_out(&collector, &client, id, "ssn 123-45-6789").await;
        assert_eq!(body, "ssn ****");
        let out = records(&collector, "default.jsonl");
        let record = out.iter().find(|record| text_of(&record.attributes, "id") == Some(id)).unwrap();
        text_of(&record.attributes, "audit").unwrap().to_owned()
    };
    assert_eq!(audit("old").await, "us_s00=1");
    let seen = collector.log.len();
    collector.replace("modules/pii-scrub.wasm", modules::scrubber(1));
    collector.log.wait_for(seen, &["module loaded", "wasm/scrub"]).await;
    assert_eq!(audit("new").await, "us_s01=1");
}

#[tokio::test]
async fn a_module_that_is_truncated_is_refused_and_the_old_one_serves_on() {
    let labels = modules::bundled("cluster-labels");
    let collector = guests().start().await;
    let client = Client::connect(collector.grpc()).await;
    let refusals = [
        (modules::truncated(&labels), "damaged or cut off"),
        (modules::of_another_version(&labels), "0.9.0"),
        (modules::trapping(), "unreachable"),
        (b"#!/bin/sh\n".to_vec(), "no WebAssembly"),
        (Vec::new(), "empty"),
    ];
    for (i, (module, reason)) in refusals.into_iter().enumerate() {
        let seen = collector.log.len();
        collector.replace("modules/cluster-labels.wasm", module);
        let refused = collector.log.wait_for(seen, &["module refused", "wasm/labels"]).await;
        assert!(refused.contains(reason), "{reason}: {refused}");
        client.logs(logs(vec![record(&format!("r{i}"), 9, "served")])).await.unwrap();
    }
    assert_eq!(clusters(&collector, "default.jsonl"), vec![Some("eu-1".to_owned()); 5]);
    let metrics = collector.metrics().await;
    let refused = metrics.sum("tidegate_module_loads_total", &["processor=\"wasm/labels\"", "result=\"refused\""]);
    assert!(refused >= 5.0, "{refused}");
}

#[tokio::test]
async fn a_module_that_asks_for_more_than_its_name_is_granted_is_refused() {
    // What calls itself cluster-labels may write resource attributes, and no more than that.
    let collector = guests().start().await;
    let seen = collector.log.len();
    collector.replace("modules/cluster-labels.wasm", modules::bundled("pii-scrub"));
    // The scrubber first has to take the labels' configuration, which it does not.
    collector.log.wait_for(seen, &["module refused", "wasm/labels"]).await;

    let yaml =
        GUESTS.replace("config: { attributes: { cluster.id: eu-1 }, received_at: hub.received_at }", "config: {}");
    let (status, log) = Collector::from_yaml(&yaml)
        .file("rules/scrub.yaml", RULES)
        .file("modules/cluster-labels.wasm", modules::bundled("pii-scrub"))
        .fails()
        .await;
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("not granted") && log.contains("log.body"), "{log}");
}

#[tokio::test]
async fn a_metric_whose_labels_went_wild_fills_its_budget_and_one_series_of_overflow() {
    let yaml = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors: { wasm/guard: { module: cardinality-guard, config: { limit: 10 }, limits: { timeout: 5s } } }
exporters: { file: { path: out.jsonl } }
modules: { cache: '${env:CACHE}' }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { metrics: { receivers: [otlp], processors: [wasm/guard], exporters: [file] } }
";
    let collector = Collector::from_yaml(yaml).start().await;
    let client = Client::connect(collector.grpc()).await;
    // Requests come at once: the budget is one for all threads.
    let sends = (0..20).map(|user| {
        let client = client.clone();
        async move { client.metrics(counted(&[&format!("user-{user}"), &format!("other-{user}")])).await.unwrap() }
    });
    futures_util::future::join_all(sends).await;
    let out = collector.read("out.jsonl");
    let series: std::collections::BTreeSet<String> = out
        .lines()
        .map(|line| serde_json::from_str::<ExportMetricsServiceRequest>(line).expect("each line is a request"))
        .flat_map(|request| request.resource_metrics)
        .flat_map(|resource| resource.scope_metrics)
        .flat_map(|scope| scope.metrics)
        .flat_map(|metric| match metric.data {
            Some(metric::Data::Sum(sum)) => sum.data_points,
            other => panic!("{other:?}"),
        })
        .map(|point| format!("{:?}", point.attributes))
        .collect();
    assert_eq!(series.len(), 10, "{series:#?}");
    assert_eq!(series.iter().filter(|series| series.contains("otel.metric.overflow")).count(), 1);
    let aggregated = collector.metrics().await.sum("tidegate_module_counter_total", &["name=\"aggregated\""]);
    assert_eq!(aggregated, 31.0, "40 points, 9 of which have a place");
}

/// A sum with a point for each user.
fn counted(users: &[&str]) -> ExportMetricsServiceRequest {
    let point = |user: &&str| NumberDataPoint {
        attributes: vec![attribute("user", text(user))],
        time_unix_nano: 1,
        value: Some(number_data_point::Value::AsInt(1)),
        ..NumberDataPoint::default()
    };
    let sum = Sum { data_points: users.iter().map(point).collect(), aggregation_temporality: 2, is_monotonic: true };
    let metric = Metric { name: "requests".to_owned(), data: Some(metric::Data::Sum(sum)), ..Metric::default() };
    let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

#[tokio::test]
async fn a_trap_is_told_with_digest_export_cause_and_the_functions_that_were_under_way_once_a_second() {
    let yaml = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors: { wasm/mine: { module: mine, failure_policy: open } }
exporters: { file: { path: out.jsonl } }
modules: { folder: modules, cache: '${env:CACHE}', grants: { mine: { reads: ['*'], writes: [log, counters] } } }
service:
  telemetry: { metrics: { address: '${env:HOST}:8888' } }
  pipelines: { logs: { receivers: [otlp], processors: [wasm/mine], exporters: [file] } }
";
    let module = Guest::idle().in_live_process("(call $deep)").build();
    let collector = Collector::from_yaml(yaml).file("modules/mine.wasm", module).start().await;
    let client = Client::connect(collector.grpc()).await;
    let started = std::time::Instant::now();
    for n in 0..20 {
        client.logs(logs(vec![record(&format!("r{n}"), 9, "one")])).await.unwrap();
    }
    let lines = collector.log.having(0, &["module failed on a batch", "wasm/mine"]);
    assert!(!lines.is_empty() && lines.len() as u64 <= started.elapsed().as_secs() + 1, "{lines:#?}");
    for part in ["digest=", "process", "call stack exhausted", "deep", "left_out=0"] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    assert_eq!(lines[0].matches("deep").count(), 8, "{}", lines[0]);
    let metrics = collector.metrics().await;
    assert_eq!(metrics.sum("tidegate_processor_unprocessed_items_total", &["processor=\"wasm/mine\""]), 20.0);
}

#[test]
fn validate_loads_modules_on_request_and_shows_what_they_ask_for_beside_what_they_may() {
    let yaml = |grants: &str| {
        format!(
            "receivers: {{ otlp: {{ protocols: {{ grpc: }} }} }}
processors: {{ wasm/mine: {{ module: mine, config: {{ attributes: {{ cluster.id: eu-1 }} }} }} }}
exporters: {{ debug: }}
modules: {{ folder: modules, cache: '${{env:CACHE}}', grants: {{ mine: {grants} }} }}
service: {{ pipelines: {{ logs: {{ receivers: [otlp], processors: [wasm/mine], exporters: [debug] }} }} }}
"
        )
    };
    let validate = |grants: &str, args: &[&str]| {
        let setup = Collector::from_yaml(&yaml(grants)).file("modules/mine.wasm", modules::bundled("cluster-labels"));
        setup.args(args).validate()
    };
    let (passed, told) = validate("{ writes: ['resource.attributes[*]', log, drop] }", &["--modules"]);
    assert!(passed, "{told}");
    for line in [
        "wasm/mine in logs: the module mine\n",
        "  reads     nothing\n",
        "  writes    resource.attributes[\"cluster.id\"], log\n",
        "  may write resource.attributes[*], log, drop\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    let (passed, told) = validate("{ writes: ['resource.attributes[*]'] }", &["--modules"]);
    assert!(!passed && told.contains("the plan uses `log`, which is not granted"), "{told}");
    let (passed, told) = validate("{}", &[]);
    assert!(passed, "without the flag no module is loaded: {told}");
}
