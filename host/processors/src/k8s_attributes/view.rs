//! A view is what one plan makes of an object: its attributes, encoded once as they stand in a resource.

use std::net::IpAddr;
use std::sync::Arc;

use host_kubernetes::Kind;
use host_kubernetes::image::{self, Image};
use host_kubernetes::objects::{Container, ContainerStatus, Meta, Pod};
use host_otlp::build::{Attributes, Value};

use super::association::{self, Association, Index, Source};
use super::attribute::Attribute;
use super::intern::Interner;
use super::plan::Plan;
use super::rule::Field;
use super::store::Key;
use super::workload;

/// Attributes as fields of a resource.
pub(super) type Encoded = Arc<[u8]>;

/// What a plan makes of a pod.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The arrival of the plan's member: who comes into the slot of another one is told nothing that was made for that.
    pub(super) arrival: u64,
    /// Whether it is to be left alone.
    pub(super) is_ignored: bool,
    pub(super) attributes: Encoded,
    pub(super) containers: Box<[ContainerView]>,
}

/// What a plan makes of a container.
#[derive(Debug)]
pub(super) struct ContainerView {
    pub(super) name: Arc<str>,
    /// What does not depend on the pod.
    pub(super) attributes: Encoded,
    /// The digest of its image, where that is asked for.
    pub(super) digest: Option<Encoded>,
    /// Empty as long as there is none.
    pub(super) id: Box<str>,
    pub(super) restarts: i64,
}

/// Attributes on their way to be encoded; of two with the same key the last one counts.
#[derive(Default)]
struct Gathered(Vec<(String, String)>);

impl Gathered {
    fn put(&mut self, key: &str, value: &str) {
        if key.is_empty() || value.is_empty() {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, there)) => value.clone_into(there),
            None => self.0.push((key.to_owned(), value.to_owned())),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn encoded(&self) -> Encoded {
        encoded(self.0.iter().map(|(key, value)| (key.as_str(), Value::Text(value))))
    }
}

fn encoded<'v>(pairs: impl IntoIterator<Item = (&'v str, Value<'v>)>) -> Encoded {
    Arc::from(Attributes::of(pairs).as_bytes())
}

/// Attributes by rules alone, of an object that is no pod.
pub(super) fn of_object(plan: &Plan, kind: Kind, meta: &Meta) -> Encoded {
    let mut gathered = Gathered::default();
    by_rules(plan, kind, meta, Field::Label, &mut gathered);
    by_rules(plan, kind, meta, Field::Annotation, &mut gathered);
    gathered.encoded()
}

fn by_rules(plan: &Plan, kind: Kind, meta: &Meta, field: Field, gathered: &mut Gathered) {
    let fields = match field {
        Field::Label => &meta.labels,
        Field::Annotation => &meta.annotations,
    };
    for (_, rule) in plan.rules(kind).filter(|(of, _)| *of == field) {
        rule.apply(fields, |key, value| gathered.put(key, value));
    }
}

impl Plan {
    /// What this makes of a pod, and the keys by which it is found besides its UID and addresses.
    pub(super) fn view(&self, arrival: u64, pod: &Pod, interner: &mut Interner) -> (View, Vec<Key>) {
        let gathered = self.gathered(pod);
        let keys = self.keys(arrival, pod, &gathered);
        if self.ignores(pod) {
            return (View { arrival, is_ignored: true, ..View::default() }, keys);
        }
        let containers = if self.wants_containers() { self.containers(pod, interner) } else { Box::default() };
        (View { arrival, is_ignored: false, attributes: gathered.encoded(), containers }, keys)
    }

    fn gathered(&self, pod: &Pod) -> Gathered {
        let Pod { metadata: meta, spec, status } = pod;
        let mut gathered = Gathered::default();
        let mut put = |attribute: Attribute, value: &str| {
            if self.wanted.has(attribute) {
                gathered.put(attribute.key(), value);
            }
        };
        put(Attribute::Namespace, &meta.namespace);
        put(Attribute::PodName, &meta.name);
        put(Attribute::PodUid, &meta.uid);
        put(Attribute::PodStartTime, meta.creation_timestamp.as_deref().unwrap_or_default());
        put(Attribute::PodHostname, &spec.hostname);
        put(Attribute::PodIp, &status.pod_ip);
        put(Attribute::Node, &spec.node_name);
        put(Attribute::ServiceNamespace, &meta.namespace);
        put(Attribute::ServiceName, &meta.name);
        let created = meta.created();
        for owner in &meta.owner_references {
            let (name, uid) = (owner.name.as_str(), owner.uid.as_str());
            match owner.kind.as_str() {
                "ReplicaSet" => {
                    let deployment = workload::deployment(pod, name);
                    put(Attribute::ReplicaSet, name);
                    put(Attribute::ReplicaSetUid, uid);
                    put(Attribute::Deployment, deployment.unwrap_or_default());
                    put(Attribute::ServiceName, deployment.unwrap_or(name));
                }
                "DaemonSet" => {
                    put(Attribute::DaemonSet, name);
                    put(Attribute::DaemonSetUid, uid);
                    put(Attribute::ServiceName, name);
                }
                "StatefulSet" => {
                    put(Attribute::StatefulSet, name);
                    put(Attribute::StatefulSetUid, uid);
                    put(Attribute::ServiceName, name);
                }
                "Job" => {
                    let cron_job = workload::cron_job(created, name);
                    put(Attribute::Job, name);
                    put(Attribute::JobUid, uid);
                    put(Attribute::CronJob, cron_job.unwrap_or_default());
                    put(Attribute::ServiceName, cron_job.unwrap_or(name));
                }
                _ => {}
            }
        }
        by_rules(self, Kind::Pods, meta, Field::Label, &mut gathered);
        let mut well_known = |attribute: Attribute, label: &str| {
            if let (true, Some(value)) = (self.wanted.has(attribute), meta.labels.get(label)) {
                gathered.put(attribute.key(), value);
            }
        };
        well_known(Attribute::ServiceName, "app.kubernetes.io/name");
        well_known(Attribute::ServiceName, "app.kubernetes.io/instance");
        well_known(Attribute::ServiceVersion, "app.kubernetes.io/version");
        by_rules(self, Kind::Pods, meta, Field::Annotation, &mut gathered);
        gathered
    }

    fn containers(&self, pod: &Pod, interner: &mut Interner) -> Box<[ContainerView]> {
        let Pod { spec, status, .. } = pod;
        let specs: Vec<&Container> = spec.containers.iter().chain(&spec.init_containers).collect();
        let statuses = || status.container_statuses.iter().chain(&status.init_container_statuses);
        let view = |name: &str, image: &str, status: Option<&ContainerStatus>, interner: &mut Interner| {
            let id = status.map_or("", |status| status.container_id.as_str());
            let id = id.split_once("://").map_or(id, |(_, id)| id);
            let digest = status.filter(|_| self.wanted.has(Attribute::ImageDigests));
            ContainerView {
                name: interner.text(name),
                attributes: interner.bytes(&self.of_container(name, image)),
                digest: digest.and_then(|status| image::repo_digest(&status.image_id)).map(|digest| {
                    let digests = [Value::Text(&digest)];
                    interner.bytes(&encoded([(Attribute::ImageDigests.key(), Value::Array(&digests))]))
                }),
                id: id.into(),
                restarts: status.map_or(0, |status| status.restart_count),
            }
        };
        let mut views: Vec<ContainerView> = specs
            .iter()
            .map(|spec| view(&spec.name, &spec.image, statuses().find(|status| status.name == spec.name), interner))
            .collect();
        // What runs and was not asked for, such as what was put in later.
        let others = statuses().filter(|status| specs.iter().all(|spec| spec.name != status.name));
        views.extend(others.map(|status| view(&status.name, "", Some(status), interner)));
        views.into_boxed_slice()
    }

    /// What is told of a container, whatever pod it is in.
    fn of_container(&self, name: &str, image: &str) -> Encoded {
        let image = Image::parse(image);
        let version = image.as_ref().and_then(Image::version);
        let tags: Vec<Value<'_>> = image.iter().filter_map(|image| image.tag).map(Value::Text).collect();
        let pairs = [
            (Attribute::Container, Some(Value::Text(name))),
            (Attribute::ImageName, image.as_ref().map(|image| Value::Text(image.repository))),
            (Attribute::ImageTag, image.as_ref().and_then(|image| image.tag).map(Value::Text)),
            (Attribute::ImageTags, (!tags.is_empty()).then_some(Value::Array(&tags))),
            (Attribute::ServiceVersion, version.as_deref().map(Value::Text)),
        ];
        let pairs = pairs.into_iter().filter(|(attribute, _)| self.wanted.has(*attribute));
        encoded(pairs.filter_map(|(attribute, value)| Some((attribute.key(), value?))))
    }

    /// The keys of the associations that have no index of their own.
    fn keys(&self, arrival: u64, pod: &Pod, gathered: &Gathered) -> Vec<Key> {
        let mut keys = Vec::new();
        let by_key = |(_, association): &(usize, &Association)| association.index() == Index::Key;
        for (at, association) in self.associations.iter().enumerate().filter(by_key) {
            // Of a container there may be several: each makes a key.
            let mut combinations = vec![Vec::new()];
            for source in &association.sources {
                let values = values(source, pod, gathered);
                let with =
                    |so_far: &Vec<_>| values.iter().map(|value| [so_far, &[*value][..]].concat()).collect::<Vec<_>>();
                combinations = combinations.iter().flat_map(with).collect();
            }
            let has_address = association.sources.iter().any(Source::is_address);
            let key = |values: &Vec<_>| Key { bytes: association::key(arrival, at, values), has_address };
            keys.extend(combinations.iter().map(key));
        }
        keys
    }
}

/// What a pod is known by at one source.
fn values<'a>(source: &'a Source, pod: &'a Pod, gathered: &'a Gathered) -> Vec<association::Value<'a>> {
    let text = |text: &'a str| if text.is_empty() { Vec::new() } else { vec![association::Value::Text(text)] };
    match source {
        Source::Connection | Source::Ip(_) => addresses(pod).into_iter().map(association::Value::Ip).collect(),
        Source::Uid => text(&pod.metadata.uid),
        Source::Name => text(&pod.metadata.name),
        Source::Namespace => text(&pod.metadata.namespace),
        Source::ContainerId => {
            let status = &pod.status;
            let ids = status.container_statuses.iter().chain(&status.init_container_statuses);
            let ids = ids.map(|status| status.container_id.as_str());
            ids.map(|id| id.split_once("://").map_or(id, |(_, id)| id)).flat_map(text).collect()
        }
        Source::Attribute(name) => text(gathered.get(name).unwrap_or_default()),
    }
}

/// The addresses that a pod has to itself.
pub(super) fn addresses(pod: &Pod) -> Vec<IpAddr> {
    if pod.spec.host_network || pod.is_over() {
        return Vec::new();
    }
    let status = &pod.status;
    let texts = std::iter::once(&status.pod_ip).chain(status.pod_ips.iter().map(|ip| &ip.ip));
    let mut addresses: Vec<IpAddr> = texts.filter_map(|text| text.parse().ok()).collect();
    addresses.dedup();
    addresses
}
