//! What objects of Kubernetes say of targets, as labels: Prometheus' names.

use k8s_openapi::api::core::v1::{Container, ContainerPort, Node, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::labels::Labels;

pub(super) const ADDRESS: &str = "__address__";
const META: &str = "__meta_kubernetes_";

/// Sets `__meta_kubernetes_NAME`.
pub(super) fn set(labels: &mut Labels, name: &str, value: impl Into<String>) {
    labels.set(format!("{META}{name}"), value);
}

pub(super) fn set_some(labels: &mut Labels, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        set(labels, name, value.as_str());
    }
}

/// The labels and annotations of an object, as `pod_label_app` and `pod_labelpresent_app`.
pub(super) fn add_meta(labels: &mut Labels, role: &str, meta: &ObjectMeta) {
    for (kind, pairs) in [("label", &meta.labels), ("annotation", &meta.annotations)] {
        for (name, value) in pairs.iter().flatten() {
            let name = sanitized(name);
            set(labels, &format!("{role}_{kind}_{name}"), value.as_str());
            set(labels, &format!("{role}_{kind}present_{name}"), "true");
        }
    }
}

/// What a label's name may hold.
pub(super) fn sanitized(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

pub(super) fn name(meta: &ObjectMeta) -> &str {
    meta.name.as_deref().unwrap_or_default()
}

pub(super) fn namespace(meta: &ObjectMeta) -> &str {
    meta.namespace.as_deref().unwrap_or_default()
}

/// `host:port`, with brackets around what needs them.
pub(super) fn joined(host: &str, port: impl std::fmt::Display) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What is said of a pod wherever it appears.
pub(super) fn of_pod(pod: &Pod) -> Labels {
    let mut labels = Labels::new();
    let spec = pod.spec.as_ref();
    let status = pod.status.as_ref();
    set(&mut labels, "pod_name", name(&pod.metadata));
    set_some(&mut labels, "pod_uid", pod.metadata.uid.as_ref());
    set_some(&mut labels, "pod_ip", status.and_then(|status| status.pod_ip.as_ref()));
    set_some(&mut labels, "pod_host_ip", status.and_then(|status| status.host_ip.as_ref()));
    set_some(&mut labels, "pod_phase", status.and_then(|status| status.phase.as_ref()));
    set_some(&mut labels, "pod_node_name", spec.and_then(|spec| spec.node_name.as_ref()));
    let mut conditions = status.into_iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.find(|condition| condition.type_ == "Ready");
    set(&mut labels, "pod_ready", ready.map_or("unknown".to_owned(), |ready| ready.status.to_lowercase()));
    let mut owners = pod.metadata.owner_references.iter().flatten();
    if let Some(owner) = owners.find(|owner| owner.controller == Some(true)) {
        set(&mut labels, "pod_controller_kind", owner.kind.as_str());
        set(&mut labels, "pod_controller_name", owner.name.as_str());
    }
    add_meta(&mut labels, "pod", &pod.metadata);
    labels
}

/// The containers of a pod, each with whether it is there to begin with, and its id.
pub(super) fn containers(pod: &Pod) -> impl Iterator<Item = (&Container, bool, Option<&String>)> {
    let spec = pod.spec.as_ref();
    let status = pod.status.as_ref();
    let usual = spec.into_iter().flat_map(|spec| &spec.containers).map(|container| (container, false));
    let first =
        spec.into_iter().flat_map(|spec| spec.init_containers.iter().flatten()).map(|container| (container, true));
    usual.chain(first).map(move |(container, is_init)| {
        let statuses = status.and_then(|status| match is_init {
            true => status.init_container_statuses.as_ref(),
            false => status.container_statuses.as_ref(),
        });
        let known = statuses.into_iter().flatten().find(|status| status.name == container.name);
        (container, is_init, known.and_then(|status| status.container_id.as_ref()))
    })
}

pub(super) fn add_container(labels: &mut Labels, container: &Container, is_init: bool, id: Option<&String>) {
    set(labels, "pod_container_name", container.name.as_str());
    set_some(labels, "pod_container_image", container.image.as_ref());
    set_some(labels, "pod_container_id", id);
    set(labels, "pod_container_init", is_init.to_string());
}

pub(super) fn add_port(labels: &mut Labels, port: &ContainerPort) {
    set_some(labels, "pod_container_port_name", port.name.as_ref());
    set(labels, "pod_container_port_number", port.container_port.to_string());
    set(labels, "pod_container_port_protocol", port.protocol.as_deref().unwrap_or("TCP"));
}

/// What is said of a service wherever it appears.
pub(super) fn add_service(labels: &mut Labels, service: &Service) {
    set(labels, "service_name", name(&service.metadata));
    add_meta(labels, "service", &service.metadata);
}

pub(super) fn add_node(labels: &mut Labels, node: &Node) {
    set(labels, "node_name", name(&node.metadata));
    add_meta(labels, "node", &node.metadata);
}
