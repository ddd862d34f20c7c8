//! What may be written, and what is told of the rest.

use std::path::Path;

use host_config::{Files, Map, Value};
use http::Uri;

use super::{AuthType, Config};

fn config(section: &str) -> Config {
    Value::parse("test.yaml", section).unwrap().decode().unwrap()
}

/// Everything that is wrong with a section, with its places.
fn wrongs(section: &str) -> String {
    let source = Map::default();
    let files = Files::new(&source, Path::new("/"));
    let checked = Value::parse("test.yaml", section).unwrap().checked::<Config>(&files);
    checked.err().map(|errors| errors.to_string()).unwrap_or_default()
}

fn address(auth: AuthType, endpoint: &str) -> Result<String, String> {
    let config = Config { auth_type: auth, endpoint: endpoint.to_owned(), ..Config::default() };
    config.address("here").map(|uri: Uri| uri.to_string()).map_err(|wrong| wrong.to_string())
}

#[test]
fn has_the_collectors_defaults() {
    let config = config("{}");
    assert_eq!(config.collection_interval.as_secs(), 10);
    assert_eq!((config.initial_delay.as_secs(), config.timeout.as_secs()), (1, 0));
    assert_eq!(config.auth_type, AuthType::Tls);
    let settings = config.settings();
    let groups = settings.groups;
    assert_eq!((groups.container, groups.pod, groups.node, groups.volume), (true, true, true, false));
    assert!(!config.insecure_skip_verify && !settings.labels.container_id && !settings.all_interfaces.node);
    assert!(settings.needs_pods() && !settings.needs_capacity());
}

#[test]
fn an_endpoint_gets_the_scheme_and_port_that_it_lacks() {
    use AuthType::{None, ServiceAccount, Tls};
    for (auth, endpoint, expected) in [
        (ServiceAccount, "", "https://here:10250/"),
        (None, "", "http://here:10255/"),
        (Tls, "node-1", "https://node-1:10250/"),
        (ServiceAccount, "node-1:4194", "https://node-1:4194/"),
        (ServiceAccount, "https://192.0.2.7:10250", "https://192.0.2.7:10250/"),
        (None, "http://node-1:10255/", "http://node-1:10255/"),
        (None, "https://node-1:10250", "https://node-1:10250/"),
        (ServiceAccount, "[2001:db8::7]:10250", "https://[2001:db8::7]:10250/"),
        (ServiceAccount, "https://[2001:db8::7]", "https://[2001:db8::7]:10250/"),
        (ServiceAccount, "2001:db8::7", "https://[2001:db8::7]:10250/"),
        // As a variable with the address of the node makes it.
        (ServiceAccount, "2001:db8::7:10250", "https://[2001:db8::7]:10250/"),
        (ServiceAccount, "https://2001:db8:0:0:0:0:0:7:443", "https://[2001:db8:0:0:0:0:0:7]:443/"),
        (ServiceAccount, "https://proxy/kubelet", "https://proxy:10250/kubelet"),
    ] {
        assert_eq!(address(auth, endpoint).as_deref(), Ok(expected), "{endpoint}");
    }
}

#[test]
fn an_endpoint_that_is_none_is_told_with_the_way_out() {
    use AuthType::{KubeConfig, ServiceAccount, Tls};
    for (auth, endpoint, part) in [
        (ServiceAccount, ":10250", "is the variable set"),
        (ServiceAccount, "https://:10250", "is the variable set"),
        (ServiceAccount, "https://", "is the variable set"),
        (ServiceAccount, "node:99999", "\"99999\" is no port"),
        (ServiceAccount, "[::1", "brackets"),
        (ServiceAccount, "[node]:1", "brackets"),
        (ServiceAccount, "ftp://node", "write `https://`"),
        (ServiceAccount, "no de:1", "is no address"),
        (Tls, "http://node:10255", "auth_type: none"),
        (KubeConfig, "", "it is the name of the node"),
        (KubeConfig, "https://node:10250", "name alone"),
        (KubeConfig, "node:10250", "name alone"),
        (KubeConfig, "..", "name alone"),
    ] {
        let told = address(auth, endpoint).unwrap_err();
        assert!(told.starts_with("endpoint: ") && told.contains(part), "{endpoint}: {told}");
    }
    assert_eq!(address(KubeConfig, "node-1.example").as_deref(), Ok("https://node-1.example/"));
}

#[test]
fn each_mistake_is_told_at_its_place_with_the_way_out() {
    for (section, at, part) in [
        ("{}", "cert_file: it is missing", "auth_type: serviceAccount"),
        ("{auth_type: serviceAccount, cert_file: a.pem}", "cert_file: no certificate is shown", "write `tls`"),
        ("{auth_type: serviceAccount, context: a}", "context: ", "auth_type: kubeConfig"),
        ("{auth_type: none, collection_interval: 0s}", "collection_interval: ", "more than 0"),
        ("{auth_type: none, metric_groups: []}", "metric_groups: it names nothing", "`container`"),
        ("{auth_type: none, metric_groups: [pods]}", "metric_groups[0]: ", "did you mean `pod`"),
        ("{auth_type: none, extra_metadata_labels: [container.id, container.id]}", "extra_metadata_labels: ", "twice"),
        ("{auth_type: none, extra_metadata_labels: [k8s.pod.ip]}", "extra_metadata_labels[0]: ", "k8s.volume.type"),
        (
            "{auth_type: none, metrics: {k8s.pod.cpu.tim: {enabled: false}}}",
            "metrics",
            "did you mean `k8s.pod.cpu.time`?",
        ),
        ("{auth_type: none, metrics: {k8s.pod.cpu.time: {enable: false}}}", "enable", "enabled"),
        (
            "{auth_type: none, resource_attributes: {k8s.pod.ui: {enabled: false}}}",
            "resource_attributes",
            "k8s.pod.uid",
        ),
        (
            "{auth_type: none, resource_attributes: {k8s.pod.uid: {metrics_include: [{strict: a}]}}}",
            "resource_attributes.k8s.pod.uid.metrics_include: ",
            "`filter` processor",
        ),
        ("{auth_type: none, dialer: {timeout: 5s}}", "dialer: ", "`timeout`"),
        ("{auth_type: magic}", "auth_type: ", "serviceAccount"),
        ("{auth_type: none, k8s_api_config: {auth_type: tls}}", "k8s_api_config.auth_type: ", "serviceAccount"),
        ("{auth_type: serviceAccount, ca_file: ca.pem}", "ca_file: ", "ca.pem"),
        ("{auth_type: serviceAccount, min_version: '1.0'}", "min_version: ", "TLS 1.0"),
        ("{auth_type: none, endpoint: ':10255'}", "endpoint: ", "variable"),
        ("{auth_type: none, kubelet: x}", "kubelet: ", "unknown key"),
    ] {
        let told = wrongs(section);
        assert!(told.contains(at) && told.contains(part), "{section}\n{told}");
        assert!(told.starts_with("test.yaml:1:"), "{told}");
    }
}

#[test]
fn a_share_of_the_node_needs_its_name_and_somebody_to_ask() {
    let section = |keys: &str| {
        format!("{{auth_type: none, metrics: {{k8s.pod.memory.node.utilization: {{enabled: true}}}}, {keys}}}")
    };
    let told = wrongs(&section(""));
    assert!(told.contains("node: it is missing") && told.contains("k8s_api_config: it is missing"), "{told}");
    assert_eq!(wrongs(&section("node: n, k8s_api_config: {auth_type: serviceAccount}")), "");
}

#[test]
fn what_helm_charts_write_is_taken() {
    for section in [
        "{auth_type: serviceAccount, collection_interval: 20s, endpoint: '192.0.2.1:10250', insecure_skip_verify: true}",
        "{auth_type: serviceAccount, endpoint: 'https://node:10250', metric_groups: [node, pod, container, volume],
          extra_metadata_labels: [container.id, k8s.volume.type], k8s_api_config: {auth_type: serviceAccount},
          collect_all_network_interfaces: {node: true, pod: true}, kube_api_qps: 5, kube_api_burst: 10,
          metrics: {k8s.node.uptime: {enabled: true}, k8s.container.cpu_limit_utilization: {enabled: true}},
          resource_attributes: {k8s.pod.uid: {enabled: false}}}",
        "{auth_type: kubeConfig, context: c, endpoint: node-1, insecure_skip_verify: true}",
        "{auth_type: none, endpoint: 'http://node:10255', timeout: 5s, initial_delay: 0s}",
    ] {
        assert_eq!(wrongs(section), "", "{section}");
    }
}
