//! A configuration that is wrong is told so as a whole, and nothing runs.

use std::process::Output;

use crate::harness::{Collector, tidegate};

const BROKEN: &str = "
receivers:
  otlp:
    protocols:
      grpc: { endpiont: '${env:HOST}:4317' }
processors:
  memory_limiter: {}
exporters:
  debug: { verbosity: loud }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [debug] }
";

#[test]
fn validate_names_every_problem_with_its_place_and_the_nearest_key() {
    let (valid, text) = Collector::from_yaml(BROKEN).validate();
    assert!(!valid);
    let problem = |path: &str| {
        let mut lines = text.lines().filter(|line| line.contains(path));
        lines.next().unwrap_or_else(|| panic!("nothing about {path} in:\n{text}"))
    };
    let key = problem("receivers.otlp.protocols.grpc.endpiont");
    assert!(key.starts_with("tidegate.yaml:5:"), "{key}");
    assert!(key.contains("did you mean `endpoint`?"), "{key}");
    assert!(problem("processors.memory_limiter.check_interval").contains("it has to be set"));
    assert!(problem("exporters.debug.verbosity").contains("loud"));
    assert!(problem("service.pipelines.logs.processors").contains("`batch`"));
}

#[test]
fn validate_names_values_that_make_no_sense_before_anything_is_built() {
    let yaml = "
receivers: { otlp: { protocols: { grpc: { max_connections: 0 } } } }
processors: { batch: { send_batch_size: 10, send_batch_max_size: 5 } }
exporters:
  otlp_grpc:
    endpoint: hub
    retry_on_failure: { multiplier: 0.5 }
    tls: { min_version: '1.1' }
service: { pipelines: { logs: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] } } }
";
    let (valid, text) = Collector::from_yaml(yaml).validate();
    assert!(!valid);
    for (line, path) in [
        (2, "receivers.otlp.protocols.grpc.max_connections: it has to be at least 1"),
        (3, "processors.batch.send_batch_max_size: 5 is less than send_batch_size, 10"),
        (6, "exporters.otlp_grpc.endpoint: \"hub\" is no address"),
        (7, "exporters.otlp_grpc.retry_on_failure.multiplier: it has to be at least 1"),
        (8, "exporters.otlp_grpc.tls.min_version: TLS 1.1 is broken and is not served"),
    ] {
        let told = text.lines().any(|told| told.starts_with(&format!("tidegate.yaml:{line}:")) && told.contains(path));
        assert!(told, "{path} in:\n{text}");
    }
}

#[test]
fn the_help_of_validate_says_what_it_leaves_to_the_start() {
    let output = tidegate().args(["validate", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Left to the start are") && help.contains("exit code"), "{help}");
}

#[test]
fn validate_passes_what_is_valid_and_tells_what_is_odd() {
    let yaml = "
receivers: { otlp: { protocols: { grpc: } } }
exporters: { debug: , otlp: { endpoint: 'next:4317', tls: { insecure: true } } }
service: { pipelines: { logs: { receivers: [otlp], exporters: [debug] } } }
";
    let (valid, text) = Collector::from_yaml(yaml).validate();
    assert!(valid, "{text}");
    assert!(text.contains("older name") && text.contains("no pipeline uses it"), "{text}");
}

#[tokio::test]
async fn a_configuration_that_is_wrong_does_not_start() {
    let (status, log) = Collector::from_yaml(BROKEN).fails().await;
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("endpiont"), "{log}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let yaml = "
receivers: { otlp: { protocols: { grpc: { endpoint: '${env:TAKEN}' } } } }
exporters: { debug: }
service:
  telemetry: { metrics: { address: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [debug] } }
";
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, log) = Collector::from_yaml(yaml).env("TAKEN", &address).fails().await;
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("receiver otlp") && log.contains(&address), "{log}");
}

fn output(args: &[&str]) -> (bool, String) {
    let Output { status, stdout, .. } = tidegate().args(args).output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap())
}

#[test]
fn components_are_listed_for_people_and_for_programs() {
    let (listed, text) = output(&["components"]);
    assert!(listed && text.lines().any(|line| line.starts_with("exporter") && line.contains("otlp_grpc")), "{text}");
    let (listed, text) = output(&["components", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let has = |kind: &str, name: &str| {
        list["components"].as_array().unwrap().iter().any(|c| c["kind"] == kind && c["type"] == name)
    };
    assert!(listed && has("receiver", "otlp") && has("processor", "wasm") && has("exporter", "file"), "{text}");
}
