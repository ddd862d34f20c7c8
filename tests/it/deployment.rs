//! What `deploy/` configures agents, scrapers and gateways with is valid as it is, and odd nowhere.

use std::fs;
use std::path::Path;

use crate::harness::Collector;
use crate::harness::certificates::{Authority, HUB};

/// What Kubernetes says in the environment of a pod, beside the settings of a base.
const POD: [(&str, &str); 3] =
    [("K8S_NODE_NAME", "node-1"), ("K8S_NODE_IP", "192.0.2.1"), ("OTEL_RESOURCE_ATTRIBUTES", "cluster.id=unnamed")];
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/";

#[test]
fn the_agent_of_the_deployment_is_valid() {
    is_valid("agent");
}

#[test]
fn the_scraper_of_the_deployment_is_valid() {
    is_valid("scraper");
}

#[test]
fn the_gateway_of_the_deployment_is_valid() {
    is_valid("gateway");
}

/// Validates the configuration of a base with its own settings; what its pod has mounted lies beside it here.
fn is_valid(base: &str) {
    let read = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(base).join(file);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let authority = Authority::new("telemetry");
    let identity = authority.issue(HUB);
    let yaml = read("tidegate.yaml").replace("../tls/", "tls/").replace(ACCOUNT, "tls/");
    let setup = Collector::from_yaml(&yaml)
        .file("tls/ca.crt", &authority.pem)
        .file("tls/tls.crt", identity.certificate)
        .file("tls/tls.key", identity.key)
        .file("tls/token", "token");
    let kustomization = read("kustomization.yaml");
    let settings = literals(&kustomization);
    assert!(!settings.is_empty(), "{base} has no settings");
    let setup = POD.into_iter().chain(settings).fold(setup, |setup, (name, value)| setup.env(name, &value));
    let (valid, said) = setup.validate();
    assert!(valid, "{said}");
    // Scrapers that find pods by their annotations have no token and no certificate, and each pod says so when it starts.
    let is_told = |line: &&str| line.contains("service.telemetry.metrics.address: anybody who reaches 0.0.0.0:8888");
    let others: Vec<&str> = said.lines().filter(|line| !is_told(line)).collect();
    assert_eq!(others, ["tidegate.yaml: valid"], "a warning would be told in each pod's log");
}

/// The settings that a kustomization generates: `- NAME=value`.
fn literals(kustomization: &str) -> Vec<(&str, &str)> {
    let items = kustomization.lines().filter_map(|line| line.trim().strip_prefix("- "));
    items.filter_map(|item| item.split_once('=')).collect()
}
