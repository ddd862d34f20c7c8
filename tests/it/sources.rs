//! A configuration of several parts, as `validate` and `print-config` see it.

use crate::harness::{Collector, tidegate};

const BASE: &str = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:HOST}:4317' } } } }
processors: { batch: { timeout: 1s } }
exporters: { otlp_grpc: { endpoint: 'hub:4317', tls: { insecure: true }, headers: { x-key: '${env:KEY}' } } }
service: { pipelines: { logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] } } }
";

const MORE: &str = "
processors: { batch: { send_batch_size: 100 } }
exporters: { debug: }
service: { pipelines: { logs: { exporters: [debug, otlp_grpc] } } }
";

#[test]
fn parts_are_merged_and_a_setting_wins() {
    let args = ["--config", "more.yaml", "--config", "yaml:exporters::debug::verbosity: detailed"];
    let sets = ["--set=processors.batch.timeout=2s", "--set", "exporters.otlp_grpc.compression=none"];
    let setup = Collector::from_yaml(BASE).file("more.yaml", MORE).env("KEY", &"s3cret").args(&args).args(&sets);
    let (valid, text) = setup.run("print-config");
    let expected = "
processors:
  batch:
    timeout: 2s
    send_batch_size: 100
exporters:
  otlp_grpc:
    endpoint: \"hub:4317\"
    tls:
      insecure: true
    headers:
      x-key: \"[REDACTED]\"
    compression: none
  debug:
    verbosity: detailed
service:
  pipelines:
    logs:
      receivers:
        - otlp
      processors:
        - batch
      exporters:
        - debug
        - otlp_grpc
";
    assert!(valid && text.contains(expected) && text.contains(":4317\"\n"), "{text}");
}

#[test]
fn secrets_are_shown_to_who_asks_for_them() {
    let setup = Collector::from_yaml(BASE).env("KEY", &"s3cret").args(&["--mode=unredacted"]);
    let (valid, text) = setup.run("print-config");
    assert!(valid && text.contains("x-key: s3cret\n"), "{text}");
}

#[test]
fn what_is_printed_is_valid_itself() {
    let (_, printed) = Collector::from_yaml(BASE).env("KEY", &"$x").args(&["--mode", "unredacted"]).run("print-config");
    let (valid, text) = Collector::from_yaml(&printed).validate();
    assert!(valid, "{text}");
}

#[test]
fn each_problem_is_told_with_the_part_that_has_it() {
    let more = "processors:\n  batch: { timout: 1s }\n";
    let args = ["--config", "file:more.yaml", "--set", "exporters.otlp_grpc.timeout=soon"];
    let (valid, text) = Collector::from_yaml(BASE).file("more.yaml", more).args(&args).validate();
    assert!(!valid);
    let told = |start: &str| text.lines().any(|line| line.contains(start));
    assert!(told("more.yaml:2:12: processors.batch.timout: unknown key"), "{text}");
    assert!(told("--set exporters.otlp_grpc.timeout:1:1: exporters.otlp_grpc.timeout:"), "{text}");
}

#[test]
fn a_place_that_is_not_served_is_refused_by_name() {
    let output = tidegate().args(["validate", "--config", "https://hub/config.yaml"]).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && text.contains("https: is not served"), "{text}");
}

#[tokio::test]
async fn runs_on_parts_too() {
    let args = ["--config", "env:MORE", "--set", "service.telemetry.metrics.address=${env:HOST}:8888"];
    let collector = Collector::from_yaml(BASE).env("KEY", &"x").env("MORE", &MORE).args(&args).start().await;
    let pipelines: serde_json::Value = serde_json::from_str(&collector.page("/debug/pipelines").await).unwrap();
    assert_eq!(pipelines[0]["exporters"], serde_json::json!(["debug", "otlp_grpc"]));
}
