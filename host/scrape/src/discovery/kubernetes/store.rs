//! The objects that are followed, without what nobody looks at, and the targets that they make.

use std::collections::{BTreeMap, HashMap, HashSet};

use k8s_openapi::api::core::v1::{Container, Endpoints, Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::labels::{
    ADDRESS, add_container, add_meta, add_node, add_port, add_service, containers, joined, name, namespace, of_pod,
    set, set_some,
};
use crate::config::KubernetesRole;
use crate::labels::Labels;
use crate::target::Group;

/// The namespace and the name of an object.
pub(super) type Key = (String, String);

/// Objects of one kind, and those that have come again since they are listed anew, by the namespace that is listed.
#[derive(Debug)]
pub(super) struct Objects<K> {
    pub(super) all: BTreeMap<Key, K>,
    again: HashMap<Option<String>, HashSet<Key>>,
}

impl<K> Default for Objects<K> {
    fn default() -> Self {
        Objects { all: BTreeMap::new(), again: HashMap::new() }
    }
}

/// What may be followed.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) pods: Objects<Pod>,
    pub(super) services: Objects<Service>,
    pub(super) endpoints: Objects<Endpoints>,
    pub(super) slices: Objects<EndpointSlice>,
    pub(super) nodes: Objects<Node>,
    pub(super) namespaces: Objects<Namespace>,
    pub(super) ingresses: Objects<Ingress>,
}

/// A kind of objects that is followed.
pub(super) trait Followed: Sized {
    fn meta(&mut self) -> &mut ObjectMeta;

    fn of(store: &mut Store) -> &mut Objects<Self>;

    /// Leaves out what nobody looks at.
    fn trim(&mut self) {}
}

macro_rules! followed {
    ($($kind:ty: $field:ident $(, $object:ident => $trim:expr)?;)*) => {
        $(impl Followed for $kind {
            fn meta(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }

            fn of(store: &mut Store) -> &mut Objects<Self> {
                &mut store.$field
            }

            $(fn trim(&mut self) {
                let $object = self;
                $trim
            })?
        })*
    };
}

followed! {
    Pod: pods, pod => if let Some(spec) = &mut pod.spec {
        spec.volumes = None;
        spec.affinity = None;
        spec.tolerations = None;
        for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
            let Container { name, image, ports, .. } = std::mem::take(container);
            *container = Container { name, image, ports, ..Container::default() };
        }
    };
    Service: services;
    Endpoints: endpoints;
    EndpointSlice: slices;
    Node: nodes, node => if let Some(status) = &mut node.status {
        status.images = None;
        status.conditions = None;
    };
    Namespace: namespaces;
    Ingress: ingresses;
}

impl<K: Followed> Objects<K> {
    /// Those that are there will come again.
    pub(super) fn begin(&mut self, of: Option<&str>) {
        self.again.insert(of.map(str::to_owned), HashSet::new());
    }

    pub(super) fn put(&mut self, of: Option<&str>, mut object: K) {
        object.trim();
        let key = key(object.meta());
        object.meta().managed_fields = None;
        if let Some(again) = self.again.get_mut(&of.map(str::to_owned)) {
            again.insert(key.clone());
        }
        self.all.insert(key, object);
    }

    pub(super) fn remove(&mut self, mut object: K) {
        self.all.remove(&key(object.meta()));
    }

    /// All that are there have come; others there are gone.
    pub(super) fn end(&mut self, of: Option<&str>) {
        let again = self.again.remove(&of.map(str::to_owned)).unwrap_or_default();
        self.all.retain(|key, _| of.is_some_and(|namespace| key.0 != namespace) || again.contains(key));
    }
}

fn key(meta: &ObjectMeta) -> Key {
    (namespace(meta).to_owned(), name(meta).to_owned())
}

impl Store {
    /// The targets of a role.
    pub(super) fn groups(&self, role: KubernetesRole) -> Vec<Group> {
        let mut groups: Vec<Group> = match role {
            KubernetesRole::Pod => self.pods.all.values().filter_map(|pod| self.pod(pod)).collect(),
            KubernetesRole::Service => self.services.all.values().map(service).collect(),
            KubernetesRole::Endpoints => {
                self.endpoints.all.values().map(|endpoints| self.endpoints(endpoints)).collect()
            }
            KubernetesRole::EndpointSlice => self.slices.all.values().map(|slice| self.slice(slice)).collect(),
            KubernetesRole::Node => self.nodes.all.values().filter_map(node).collect(),
            KubernetesRole::Ingress => self.ingresses.all.values().map(ingress).collect(),
        };
        groups.retain(|group| !group.targets.is_empty());
        groups
    }

    /// The labels that all targets of an object have: its namespace, and what is said of that where it is followed.
    fn within(&self, meta: &ObjectMeta) -> Labels {
        let mut labels = Labels::new();
        set(&mut labels, "namespace", namespace(meta));
        if let Some(of) = self.namespaces.all.get(&(String::new(), namespace(meta).to_owned())) {
            add_meta(&mut labels, "namespace", &of.metadata);
        }
        labels
    }

    fn add_node(&self, labels: &mut Labels, node: Option<&String>) {
        if let Some(node) = node.and_then(|name| self.nodes.all.get(&(String::new(), name.clone()))) {
            add_node(labels, node);
        }
    }

    fn pod(&self, pod: &Pod) -> Option<Group> {
        let ip = pod.status.as_ref()?.pod_ip.as_ref().filter(|ip| !ip.is_empty())?;
        let mut labels = self.within(&pod.metadata);
        of_pod(pod).iter().for_each(|(name, value)| labels.set(name, value));
        self.add_node(&mut labels, pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()));
        let mut targets = Vec::new();
        for (container, is_init, id) in containers(pod) {
            let mut target = Labels::new();
            add_container(&mut target, container, is_init, id);
            match container.ports.as_deref().unwrap_or_default() {
                [] => {
                    // Relabeling is to say which port.
                    let host = if ip.contains(':') { format!("[{ip}]") } else { ip.clone() };
                    target.set(ADDRESS, host);
                    targets.push(target);
                }
                ports => targets.extend(ports.iter().map(|port| {
                    let mut target = target.clone();
                    target.set(ADDRESS, joined(ip, port.container_port));
                    add_port(&mut target, port);
                    target
                })),
            }
        }
        Some(Group { targets, labels })
    }

    fn endpoints(&self, endpoints: &Endpoints) -> Group {
        let mut labels = self.within(&endpoints.metadata);
        set(&mut labels, "endpoints_name", name(&endpoints.metadata));
        add_meta(&mut labels, "endpoints", &endpoints.metadata);
        if let Some(service) = self.services.all.get(&key(&endpoints.metadata)) {
            add_service(&mut labels, service);
        }
        let mut backed = Backed::default();
        for subset in endpoints.subsets.iter().flatten() {
            let ready = subset.addresses.iter().flatten().map(|address| (address, "true"));
            let others = subset.not_ready_addresses.iter().flatten().map(|address| (address, "false"));
            let addresses: Vec<_> = ready.chain(others).collect();
            for port in subset.ports.iter().flatten() {
                for (address, is_ready) in &addresses {
                    let mut target = Labels::new();
                    target.set(ADDRESS, joined(&address.ip, port.port));
                    set_some(&mut target, "endpoint_port_name", port.name.as_ref());
                    set(&mut target, "endpoint_port_protocol", port.protocol.as_deref().unwrap_or("TCP"));
                    set(&mut target, "endpoint_ready", *is_ready);
                    set_some(&mut target, "endpoint_hostname", address.hostname.as_ref());
                    set_some(&mut target, "endpoint_node_name", address.node_name.as_ref());
                    let reference = address.target_ref.as_ref();
                    set_some(&mut target, "endpoint_address_target_kind", reference.and_then(|r| r.kind.as_ref()));
                    set_some(&mut target, "endpoint_address_target_name", reference.and_then(|r| r.name.as_ref()));
                    self.add_node(&mut target, address.node_name.as_ref());
                    let pod = reference.filter(|r| r.kind.as_deref() == Some("Pod"));
                    let pod = pod.and_then(|r| self.pods.all.get(&(r.namespace.clone()?, r.name.clone()?)));
                    backed.add(target, pod, port.port);
                }
            }
        }
        Group { targets: backed.targets(self), labels }
    }

    fn slice(&self, slice: &EndpointSlice) -> Group {
        let mut labels = self.within(&slice.metadata);
        set(&mut labels, "endpointslice_name", name(&slice.metadata));
        set(&mut labels, "endpointslice_address_type", slice.address_type.as_str());
        add_meta(&mut labels, "endpointslice", &slice.metadata);
        let of = slice.metadata.labels.as_ref().and_then(|labels| labels.get("kubernetes.io/service-name"));
        let service = of.map(|name| (namespace(&slice.metadata).to_owned(), name.clone()));
        if let Some(service) = service.and_then(|key| self.services.all.get(&key)) {
            add_service(&mut labels, service);
        }
        let mut backed = Backed::default();
        for port in slice.ports.iter().flatten() {
            for endpoint in &slice.endpoints {
                for address in &endpoint.addresses {
                    let mut target = Labels::new();
                    let whole = port.port.map_or_else(|| address.clone(), |port| joined(address, port));
                    target.set(ADDRESS, whole);
                    set_some(&mut target, "endpointslice_port_name", port.name.as_ref());
                    set_some(&mut target, "endpointslice_port_protocol", port.protocol.as_ref());
                    set_some(&mut target, "endpointslice_port_app_protocol", port.app_protocol.as_ref());
                    if let Some(number) = port.port {
                        set(&mut target, "endpointslice_port", number.to_string());
                    }
                    let conditions = endpoint.conditions.as_ref();
                    for (condition, is) in [
                        ("ready", conditions.and_then(|conditions| conditions.ready)),
                        ("serving", conditions.and_then(|conditions| conditions.serving)),
                        ("terminating", conditions.and_then(|conditions| conditions.terminating)),
                    ] {
                        if let Some(is) = is {
                            set(&mut target, &format!("endpointslice_endpoint_conditions_{condition}"), is.to_string());
                        }
                    }
                    set_some(&mut target, "endpointslice_endpoint_hostname", endpoint.hostname.as_ref());
                    set_some(&mut target, "endpointslice_endpoint_node_name", endpoint.node_name.as_ref());
                    set_some(&mut target, "endpointslice_endpoint_zone", endpoint.zone.as_ref());
                    let reference = endpoint.target_ref.as_ref();
                    set_some(&mut target, "endpointslice_address_target_kind", reference.and_then(|r| r.kind.as_ref()));
                    set_some(&mut target, "endpointslice_address_target_name", reference.and_then(|r| r.name.as_ref()));
                    self.add_node(&mut target, endpoint.node_name.as_ref());
                    let pod = reference.filter(|r| r.kind.as_deref() == Some("Pod"));
                    let pod = pod.and_then(|r| self.pods.all.get(&(r.namespace.clone()?, r.name.clone()?)));
                    backed.add(target, pod, port.port.unwrap_or_default());
                }
            }
        }
        Group { targets: backed.targets(self), labels }
    }
}

/// The targets of endpoints, with the pods behind them and the ports of these that are endpoints.
#[derive(Default)]
struct Backed<'s> {
    targets: Vec<Labels>,
    pods: HashMap<Key, (&'s Pod, HashSet<i32>)>,
}

impl<'s> Backed<'s> {
    fn add(&mut self, mut target: Labels, pod: Option<&'s Pod>, port: i32) {
        if let Some(pod) = pod {
            of_pod(pod).iter().for_each(|(name, value)| target.set(name, value));
            for (container, is_init, id) in containers(pod) {
                if let Some(known) = container.ports.iter().flatten().find(|known| known.container_port == port) {
                    add_container(&mut target, container, is_init, id);
                    add_port(&mut target, known);
                    break;
                }
            }
            self.pods.entry(key(&pod.metadata)).or_insert_with(|| (pod, HashSet::new())).1.insert(port);
        }
        self.targets.push(target);
    }

    /// Those, and the other ports of their pods.
    fn targets(self, store: &Store) -> Vec<Labels> {
        let Backed { mut targets, pods } = self;
        let mut pods: Vec<(Key, (&Pod, HashSet<i32>))> = pods.into_iter().collect();
        pods.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (_, (pod, served)) in pods {
            let Some(ip) = pod.status.as_ref().and_then(|status| status.pod_ip.as_ref()) else { continue };
            for (container, is_init, id) in containers(pod) {
                let others = container.ports.iter().flatten().filter(|port| !served.contains(&port.container_port));
                for port in others {
                    let mut target = of_pod(pod);
                    target.set(ADDRESS, joined(ip, port.container_port));
                    add_container(&mut target, container, is_init, id);
                    add_port(&mut target, port);
                    store.add_node(&mut target, pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()));
                    targets.push(target);
                }
            }
        }
        targets
    }
}

fn service(service: &Service) -> Group {
    let mut labels = Labels::new();
    set(&mut labels, "namespace", namespace(&service.metadata));
    add_service(&mut labels, service);
    let spec = service.spec.as_ref();
    let host = format!("{}.{}.svc", name(&service.metadata), namespace(&service.metadata));
    let kind = spec.and_then(|spec| spec.type_.as_deref()).unwrap_or("ClusterIP");
    let target = |port: &k8s_openapi::api::core::v1::ServicePort| {
        let mut target = Labels::new();
        target.set(ADDRESS, joined(&host, port.port));
        set_some(&mut target, "service_port_name", port.name.as_ref());
        set(&mut target, "service_port_number", port.port.to_string());
        set(&mut target, "service_port_protocol", port.protocol.as_deref().unwrap_or("TCP"));
        set(&mut target, "service_type", kind);
        match kind {
            "ExternalName" => {
                set_some(&mut target, "service_external_name", spec.and_then(|spec| spec.external_name.as_ref()));
            }
            _ => set_some(&mut target, "service_cluster_ip", spec.and_then(|spec| spec.cluster_ip.as_ref())),
        }
        if kind == "LoadBalancer" {
            set_some(&mut target, "service_loadbalancer_ip", spec.and_then(|spec| spec.load_balancer_ip.as_ref()));
        }
        target
    };
    Group { targets: spec.into_iter().flat_map(|spec| spec.ports.iter().flatten()).map(target).collect(), labels }
}

fn node(node: &Node) -> Option<Group> {
    const BEST: [&str; 6] = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"];
    let status = node.status.as_ref()?;
    let addresses = || status.addresses.iter().flatten();
    let best = BEST.iter().find_map(|kind| addresses().find(|address| address.type_ == **kind))?;
    let port = status.daemon_endpoints.as_ref().and_then(|endpoints| endpoints.kubelet_endpoint.as_ref());
    let mut labels = Labels::new();
    add_node(&mut labels, node);
    set_some(&mut labels, "node_provider_id", node.spec.as_ref().and_then(|spec| spec.provider_id.as_ref()));
    let mut target = Labels::new();
    target.set(ADDRESS, joined(&best.address, port.map_or(0, |port| port.port)));
    target.set("instance", name(&node.metadata));
    for address in addresses() {
        let name = format!("node_address_{}", address.type_);
        if !target.has(&format!("__meta_kubernetes_{name}")) {
            set(&mut target, &name, address.address.as_str());
        }
    }
    Some(Group { targets: vec![target], labels })
}

fn ingress(ingress: &Ingress) -> Group {
    let mut labels = Labels::new();
    set(&mut labels, "namespace", namespace(&ingress.metadata));
    set(&mut labels, "ingress_name", name(&ingress.metadata));
    add_meta(&mut labels, "ingress", &ingress.metadata);
    let spec = ingress.spec.as_ref();
    set_some(&mut labels, "ingress_class_name", spec.and_then(|spec| spec.ingress_class_name.as_ref()));
    let encrypted: Vec<&String> =
        spec.into_iter().flat_map(|s| s.tls.iter().flatten()).flat_map(|tls| tls.hosts.iter().flatten()).collect();
    let mut targets = Vec::new();
    for rule in spec.into_iter().flat_map(|spec| spec.rules.iter().flatten()) {
        let host = rule.host.as_deref().unwrap_or_default();
        let covers = |pattern: &&String| match pattern.strip_prefix("*.") {
            Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest == domain),
            None => pattern.as_str() == host,
        };
        let scheme = if encrypted.iter().any(covers) { "https" } else { "http" };
        let paths: Vec<&str> = match &rule.http {
            Some(http) => http.paths.iter().map(|path| path.path.as_deref().unwrap_or("/")).collect(),
            None => vec!["/"],
        };
        for path in paths {
            let mut target = Labels::new();
            target.set(ADDRESS, host);
            set(&mut target, "ingress_scheme", scheme);
            set(&mut target, "ingress_host", host);
            set(&mut target, "ingress_path", path);
            targets.push(target);
        }
    }
    Group { targets, labels }
}

#[cfg(test)]
mod tests;
