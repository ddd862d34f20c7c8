//! The bundled guests, each with a configuration as its users write it.

use std::path::Path;

use anyhow::Result;
use host_component::Signal;

use crate::native::{Native, link};

/// A bundled guest under measurement.
pub(crate) struct Guest {
    pub(crate) name: &'static str,
    pub(crate) signal: Signal,
    pub(crate) config: &'static str,
    /// Whether all that it reads is behind patterns, so that it is not called where none matches.
    pub(crate) has_patterns: bool,
    pub(crate) native: fn(Signal, &str) -> Result<Box<dyn Native>>,
}

impl Guest {
    /// Where `cargo xtask guests` puts it.
    pub(crate) fn component(&self) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests/components");
        folder.join(format!("{}.wasm", self.name)).display().to_string()
    }
}

macro_rules! guest {
    ($name:literal, $signal:ident, $type:path, $patterns:literal, $config:expr) => {
        Guest { name: $name, signal: Signal::$signal, config: $config, has_patterns: $patterns, native: link::<$type> }
    };
}

pub(crate) fn all() -> Vec<Guest> {
    vec![
        guest!("attributes", Logs, guest_attributes::Attributes, false, ATTRIBUTES),
        guest!("cardinality-guard", Metrics, guest_cardinality_guard::CardinalityGuard, false, "{}"),
        guest!("cluster-labels", Logs, guest_cluster_labels::ClusterLabels, false, LABELS),
        guest!("filter", Logs, guest_filter::Filter, false, FILTER),
        guest!("pii-scrub", Logs, guest_pii_scrub::PiiScrub, true, SCRUB),
        guest!("pii-scrub", Traces, guest_pii_scrub::PiiScrub, true, SCRUB),
        guest!("probabilistic-sampler", Traces, guest_probabilistic_sampler::ProbabilisticSampler, false, SAMPLER),
        guest!("redaction", Logs, guest_redaction::Redaction, false, REDACTION),
        guest!("redaction", Traces, guest_redaction::Redaction, false, REDACTION),
        guest!("resource", Logs, guest_resource::Resource, false, RESOURCE),
        guest!("routing", Logs, guest_routing::Routing, false, ROUTING),
        guest!("routing-connector", Logs, guest_routing_connector::RoutingConnector, false, CONNECTOR),
        guest!("transform", Logs, guest_transform::Transform, false, TRANSFORM),
    ]
}

const ATTRIBUTES: &str = r#"{"actions": [
    {"key": "cluster.id", "value": "eu-1", "action": "insert"},
    {"key": "client.address", "action": "hash"},
    {"key": "thread.name", "action": "delete"}]}"#;
const LABELS: &str =
    r#"{"attributes": {"cluster.id": "eu-1", "cluster.role": "edge"}, "received_at": "hub.received_at"}"#;
const FILTER: &str =
    r#"{"log_conditions": ["log.severity_number < SEVERITY_NUMBER_INFO", "IsMatch(log.body, \"health\")"]}"#;
const SCRUB: &str = r#"{"detectors": {"email": {}, "payment_card": {}, "ipv4": {}}}"#;
const SAMPLER: &str = r#"{"sampling_percentage": 15}"#;
const REDACTION: &str = r#"{"allow_all_keys": true, "summary": "silent", "blocked_values": [
    "[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}",
    "\\b(?:\\d{4}[- ]?){3}\\d{4}\\b",
    "\\b\\d{3}-\\d{2}-\\d{4}\\b",
    "\\b(?:\\d{1,3}\\.){3}\\d{1,3}\\b"]}"#;
const RESOURCE: &str = r#"{"attributes": [
    {"key": "cluster.id", "value": "eu-1", "action": "insert"},
    {"key": "telemetry.sdk.language", "action": "delete"}]}"#;
const ROUTING: &str = r#"{"rules": [{"match": {"log": {"severity_number": {"gte": 17}}}, "route": "errors"}]}"#;
const CONNECTOR: &str = r#"{"default_pipelines": ["logs/rest"], "table": [
    {"context": "log", "condition": "severity_number >= SEVERITY_NUMBER_ERROR", "pipelines": ["logs/errors"]},
    {"condition": "attributes[\"k8s.namespace.name\"] == \"checkout\"", "pipelines": ["logs/checkout"]}]}"#;
const TRANSFORM: &str = r#"{"log_statements": [
    "set(log.attributes[\"env\"], \"prod\") where log.severity_number >= 9",
    "delete_key(log.attributes, \"thread.name\")",
    "truncate_all(log.attributes, 64)"]}"#;
