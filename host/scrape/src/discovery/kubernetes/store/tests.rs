//! The labels that objects make are those of Prometheus.

use super::*;

fn object<K: serde::de::DeserializeOwned>(json: &str) -> K {
    serde_json::from_str(json).unwrap()
}

fn told(store: &Store, role: KubernetesRole) -> Vec<Vec<(String, String)>> {
    let of = |labels: Labels| {
        let short =
            |(name, value): (&str, &str)| (name.trim_start_matches("__meta_kubernetes_").to_owned(), value.to_owned());
        labels.iter().map(short).collect()
    };
    store.groups(role).iter().flat_map(|group| group.discovered().collect::<Vec<_>>()).map(of).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    pairs.sort_by_key(
        |(name, _)| if name.starts_with("__") { name.clone() } else { format!("__meta_kubernetes_{name}") },
    );
    pairs
}

const POD: &str = r#"{"metadata": {"name": "web-0", "namespace": "shop", "uid": "u", "labels": {"app.io/name": "web"},
    "annotations": {"prometheus.io/scrape": "true"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "o", "controller": true}]},
    "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "i", "ports": [
        {"name": "http", "containerPort": 80, "protocol": "TCP"}, {"name": "metrics", "containerPort": 9090}]}],
        "initContainers": [{"name": "first", "image": "f"}]},
    "status": {"podIP": "10.0.0.1", "hostIP": "10.1.0.1", "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "app", "image": "i", "imageID": "", "ready": true, "restartCount": 0, "containerID": "c://1"}]}}"#;

const OF_POD: [(&str, &str); 13] = [
    ("pod_name", "web-0"),
    ("pod_uid", "u"),
    ("pod_ip", "10.0.0.1"),
    ("pod_host_ip", "10.1.0.1"),
    ("pod_phase", "Running"),
    ("pod_ready", "true"),
    ("pod_node_name", "node-1"),
    ("pod_controller_kind", "StatefulSet"),
    ("pod_controller_name", "web"),
    ("pod_label_app_io_name", "web"),
    ("pod_labelpresent_app_io_name", "true"),
    ("pod_annotation_prometheus_io_scrape", "true"),
    ("pod_annotationpresent_prometheus_io_scrape", "true"),
];

const OF_PORT: [(&str, &str); 7] = [
    ("pod_container_name", "app"),
    ("pod_container_image", "i"),
    ("pod_container_id", "c://1"),
    ("pod_container_init", "false"),
    ("pod_container_port_name", "http"),
    ("pod_container_port_number", "80"),
    ("pod_container_port_protocol", "TCP"),
];

#[test]
fn each_port_of_a_pod_is_a_target() {
    let mut store = Store::default();
    store.pods.put(None, object(POD));
    let told = told(&store, KubernetesRole::Pod);
    assert_eq!(told.len(), 3);
    let all = [&OF_POD[..], &OF_PORT, &[("namespace", "shop"), ("__address__", "10.0.0.1:80")]].concat();
    assert_eq!(told[0], pairs(&all));
    assert_eq!(told[1][0], ("__address__".to_owned(), "10.0.0.1:9090".to_owned()));
    assert_eq!(told[2][0], ("__address__".to_owned(), "10.0.0.1".to_owned()), "a container without ports is one, too");
    assert!(told[2].contains(&("pod_container_init".to_owned(), "true".to_owned())));
}

#[test]
fn nodes_and_namespaces_are_told_with_pods_where_they_are_followed() {
    let mut store = Store::default();
    store.pods.put(None, object(POD));
    store.nodes.put(None, object(r#"{"metadata": {"name": "node-1", "labels": {"zone": "a"}}}"#));
    store.namespaces.put(None, object(r#"{"metadata": {"name": "shop", "labels": {"team": "x"}}}"#));
    let told = told(&store, KubernetesRole::Pod);
    for (name, value) in [("node_name", "node-1"), ("node_label_zone", "a"), ("namespace_label_team", "x")] {
        assert!(told[0].contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
}

#[test]
fn endpoints_are_told_with_their_service_and_pods_and_the_other_ports_of_these() {
    let mut store = Store::default();
    store.pods.put(None, object(POD));
    store.services.put(None, object(r#"{"metadata": {"name": "web", "namespace": "shop", "labels": {"s": "1"}}}"#));
    let reference = r#""targetRef": {"kind": "Pod", "name": "web-0", "namespace": "shop"}, "nodeName": "node-1""#;
    store.endpoints.put(None, object(&format!(
        r#"{{"metadata": {{"name": "web", "namespace": "shop"}}, "subsets": [{{"addresses": [{{"ip": "10.0.0.1", {reference}}}],
            "notReadyAddresses": [{{"ip": "10.0.0.2"}}], "ports": [{{"name": "http", "port": 80, "protocol": "TCP"}}]}}]}}"#
    )));
    store.slices.put(None, object(&format!(
        r#"{{"metadata": {{"name": "web-x", "namespace": "shop", "labels": {{"kubernetes.io/service-name": "web"}}}},
            "addressType": "IPv4", "endpoints": [{{"addresses": ["10.0.0.1"], "conditions": {{"ready": true}}, {reference}}}],
            "ports": [{{"name": "http", "port": 80, "protocol": "TCP"}}]}}"#
    )));
    let service = [("service_name", "web"), ("service_label_s", "1"), ("service_labelpresent_s", "true")];
    let common = [&OF_POD[..], &OF_PORT, &service, &[("namespace", "shop"), ("__address__", "10.0.0.1:80")]].concat();
    let told_endpoints = told(&store, KubernetesRole::Endpoints);
    let own = [
        ("endpoints_name", "web"),
        ("endpoint_port_name", "http"),
        ("endpoint_port_protocol", "TCP"),
        ("endpoint_ready", "true"),
        ("endpoint_node_name", "node-1"),
        ("endpoint_address_target_kind", "Pod"),
        ("endpoint_address_target_name", "web-0"),
    ];
    assert_eq!(told_endpoints[0], pairs(&[&common[..], &own].concat()));
    assert!(told_endpoints[1].contains(&("endpoint_ready".to_owned(), "false".to_owned())));
    assert_eq!(told_endpoints[2][0].1, "10.0.0.1:9090", "a port of the pod that is no endpoint");
    assert_eq!(told_endpoints.len(), 3);
    let told_slices = told(&store, KubernetesRole::EndpointSlice);
    let own = [
        ("endpointslice_name", "web-x"),
        ("endpointslice_address_type", "IPv4"),
        ("endpointslice_label_kubernetes_io_service_name", "web"),
        ("endpointslice_labelpresent_kubernetes_io_service_name", "true"),
        ("endpointslice_port", "80"),
        ("endpointslice_port_name", "http"),
        ("endpointslice_port_protocol", "TCP"),
        ("endpointslice_endpoint_conditions_ready", "true"),
        ("endpointslice_endpoint_node_name", "node-1"),
        ("endpointslice_address_target_kind", "Pod"),
        ("endpointslice_address_target_name", "web-0"),
    ];
    assert_eq!(told_slices[0], pairs(&[&common[..], &own].concat()));
    assert_eq!(told_slices.len(), 2);
}

#[test]
fn services_nodes_and_ingresses_are_targets() {
    let mut store = Store::default();
    store.services.put(
        None,
        object(
            r#"{"metadata": {"name": "web", "namespace": "shop"},
            "spec": {"type": "ClusterIP", "clusterIP": "10.2.0.1", "ports": [{"name": "http", "port": 80}]}}"#,
        ),
    );
    assert_eq!(
        told(&store, KubernetesRole::Service)[0],
        pairs(&[
            ("__address__", "web.shop.svc:80"),
            ("namespace", "shop"),
            ("service_name", "web"),
            ("service_type", "ClusterIP"),
            ("service_cluster_ip", "10.2.0.1"),
            ("service_port_name", "http"),
            ("service_port_number", "80"),
            ("service_port_protocol", "TCP"),
        ])
    );
    store.nodes.put(
        None,
        object(
            r#"{"metadata": {"name": "node-1"}, "spec": {"providerID": "p"}, "status": {"addresses": [
            {"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.1.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}}"#,
        ),
    );
    let node = &told(&store, KubernetesRole::Node)[0];
    for (name, value) in [
        ("__address__", "10.1.0.1:10250"),
        ("instance", "node-1"),
        ("node_name", "node-1"),
        ("node_provider_id", "p"),
        ("node_address_Hostname", "h"),
    ] {
        assert!(node.contains(&(name.to_owned(), value.to_owned())), "{name}: {node:?}");
    }
    store.ingresses.put(None, object(
        r#"{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"ingressClassName": "n", "tls": [{"hosts": ["*.example.com"]}],
            "rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/x", "pathType": "Prefix", "backend": {}}]}}, {"host": "b.org"}]}}"#,
    ));
    let ingresses = told(&store, KubernetesRole::Ingress);
    assert_eq!(
        ingresses[0],
        pairs(&[
            ("__address__", "a.example.com"),
            ("namespace", "shop"),
            ("ingress_name", "web"),
            ("ingress_class_name", "n"),
            ("ingress_scheme", "https"),
            ("ingress_host", "a.example.com"),
            ("ingress_path", "/x"),
        ])
    );
    assert!(ingresses[1].contains(&("ingress_scheme".to_owned(), "http".to_owned())));
}

#[test]
fn what_does_not_come_again_is_gone_from_the_namespace_that_was_listed() {
    let mut store = Store::default();
    let pod = |namespace: &str, name: &str| {
        object::<Pod>(&format!(r#"{{"metadata": {{"name": "{name}", "namespace": "{namespace}"}}}}"#))
    };
    for (namespace, name) in [("a", "1"), ("a", "2"), ("b", "1")] {
        store.pods.put(Some(namespace), pod(namespace, name));
    }
    store.pods.begin(Some("a"));
    store.pods.begin(Some("b"));
    store.pods.put(Some("a"), pod("a", "2"));
    store.pods.end(Some("a"));
    let left: Vec<&str> = store.pods.all.keys().map(|(namespace, _)| namespace.as_str()).collect();
    assert_eq!(left, ["a", "b"]);
    store.pods.remove(pod("a", "2"));
    store.pods.end(Some("b"));
    assert!(store.pods.all.is_empty());
}
