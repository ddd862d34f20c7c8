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
    assert!(problem("processors.memory_limiter").contains("byte budget"));
    assert!(problem("exporters.debug.verbosity").contains("loud"));
    assert!(problem("service.pipelines.logs.processors").contains("`batch`"));
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
