//! Makes metrics of what the kubelet answers: a resource for the node, each of its system containers, each pod, container and
//! volume. What an answer does not say is not told.

mod object;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;

use self::object::{Object, Stats};
use crate::attribute::Attribute;
use crate::details::Details;
use crate::metric;
use crate::pods::{self, Pod, Pods, Source, Status};
use crate::settings::Settings;
use crate::summary::{self, Summary};
use crate::usage::{Usage, Whose};

/// What one scrape has brought.
#[derive(Clone, Copy)]
pub(crate) struct Scrape<'a> {
    /// Nanoseconds since the Unix epoch.
    pub(crate) now: u64,
    pub(crate) summary: &'a Summary<'a>,
    /// None where they were not asked for, or could not be had.
    pub(crate) pods: Option<&'a Pods<'a>>,
    pub(crate) details: &'a Details,
}

/// The metrics of a scrape. `usage` is what is remembered from one to the next.
pub(crate) fn collect(settings: &Settings, usage: &mut Usage, scrape: Scrape<'_>) -> Vec<ResourceMetrics> {
    let mut collection = Collection { settings, usage, scrape, told: Vec::new() };
    if settings.groups.node {
        collection.node();
    }
    for pod in &scrape.summary.pods {
        let known = scrape.pods.and_then(|pods| pods.get(&pod.pod_ref.uid));
        if settings.groups.pod {
            collection.pod(pod, known);
        }
        if settings.groups.container {
            pod.containers.iter().for_each(|container| collection.container(pod, container, known));
        }
        if settings.groups.volume {
            pod.volumes.iter().for_each(|volume| collection.volume(pod, volume, known));
        }
    }
    if settings.groups.container {
        collection.restarts_of_others();
    }
    collection.told
}

struct Collection<'a> {
    settings: &'a Settings,
    usage: &'a mut Usage,
    scrape: Scrape<'a>,
    told: Vec<ResourceMetrics>,
}

/// Whose pod, container or volume it is.
#[derive(Clone, Copy)]
struct Owner<'a> {
    namespace: &'a str,
    name: &'a str,
    uid: &'a str,
}

impl<'a> Collection<'a> {
    fn object(&self, start: Option<u64>) -> Object<'a> {
        Object::new(&self.settings.metrics, start, self.scrape.now)
    }

    fn tell(&mut self, object: Object<'_>, attributes: Vec<KeyValue>) {
        self.told.extend(object.finish(attributes));
    }

    fn node(&mut self) {
        let node = &self.scrape.summary.node;
        let mut object = self.object(node.start_time);
        let stats = Stats {
            cpu: node.cpu.as_ref(),
            memory: node.memory.as_ref(),
            filesystem: node.fs.as_ref(),
            interfaces: interfaces(node.network.as_ref(), self.settings.all_interfaces.node),
            ..Stats::default()
        };
        object.family(&metric::NODE, &stats, Whose::Node, self.usage);
        if let Some(rlimit) = &node.rlimit {
            object.number(&metric::NODE_PID_LIMIT, rlimit.maxpid);
            object.number(&metric::NODE_PID_USAGE, rlimit.curproc);
        }
        let attributes = self.settings.attributes.of(&[(Attribute::NodeName, Some(&node.node_name))]);
        self.tell(object, attributes);
        for container in &node.system_containers {
            let mut object = self.object(container.start_time);
            let stats = Stats { cpu: container.cpu.as_ref(), memory: container.memory.as_ref(), ..Stats::default() };
            let whose = Whose::SystemContainer(container.name.clone().into_owned());
            object.family(&metric::SYSTEM_CONTAINER, &stats, whose, self.usage);
            let attributes = self.settings.attributes.of(&[
                (Attribute::NodeName, Some(&node.node_name)),
                (Attribute::SystemContainerName, Some(&container.name)),
            ]);
            self.tell(object, attributes);
        }
    }

    fn pod(&mut self, pod: &summary::Pod<'_>, known: Option<&Pod<'_>>) {
        let mut object = self.object(pod.start_time);
        let stats = Stats {
            cpu: pod.cpu.as_ref(),
            memory: pod.memory.as_ref(),
            filesystem: pod.ephemeral_storage.as_ref(),
            interfaces: interfaces(pod.network.as_ref(), self.settings.all_interfaces.pod),
            resources: known.map(|known| known.resources).unwrap_or_default(),
            capacity: self.scrape.details.capacity,
        };
        let whose = Whose::Pod(pod.pod_ref.uid.clone().into_owned());
        object.family(&metric::POD, &stats, whose, self.usage);
        let attributes = self.attributes(Owner::of(pod), &[]);
        self.tell(object, attributes);
    }

    fn container(&mut self, pod: &summary::Pod<'_>, container: &summary::Container<'_>, known: Option<&Pod<'_>>) {
        let mut object = self.object(container.start_time);
        let resources = known.and_then(|known| known.resources_of(&container.name));
        let stats = Stats {
            cpu: container.cpu.as_ref(),
            memory: container.memory.as_ref(),
            filesystem: container.rootfs.as_ref(),
            resources: resources.unwrap_or_default(),
            capacity: self.scrape.details.capacity,
            ..Stats::default()
        };
        let whose =
            Whose::Container { pod: pod.pod_ref.uid.clone().into_owned(), name: container.name.clone().into_owned() };
        object.family(&metric::CONTAINER, &stats, whose, self.usage);
        for (of, filesystem) in [("rootfs", &container.rootfs), ("logs", &container.logs)] {
            let used = filesystem.as_ref().and_then(|filesystem| filesystem.used_bytes);
            object.number_with(&metric::CONTAINER_EPHEMERAL_STORAGE_USAGE, used, &[("fs.type", of)]);
        }
        let status = known.and_then(|known| known.status(&container.name));
        self.end_container(object, Owner::of(pod), &container.name, status);
    }

    /// Containers that do not run at present are in no summary; how often they were restarted is of interest all the more.
    fn restarts_of_others(&mut self) {
        let Some(pods) = self.scrape.pods else { return };
        let summary = self.scrape.summary;
        let running: std::collections::HashSet<(&str, &str)> = summary
            .pods
            .iter()
            .flat_map(|pod| pod.containers.iter().map(|container| (&*pod.pod_ref.uid, &*container.name)))
            .collect();
        for (uid, pod) in pods.iter() {
            let owner = Owner { namespace: &pod.namespace, name: &pod.name, uid };
            for status in pod.statuses.iter().filter(|status| !running.contains(&(uid, &*status.name))) {
                self.end_container(self.object(None), owner, &status.name, Some(status));
            }
        }
    }

    fn end_container(&mut self, mut object: Object<'_>, owner: Owner<'_>, name: &str, status: Option<&Status<'_>>) {
        object.number(&metric::CONTAINER_RESTARTS, status.and_then(|status| status.restart_count));
        let id = status.filter(|_| self.settings.labels.container_id).and_then(Status::container_id);
        let attributes = self.attributes(
            owner,
            &[
                (Attribute::ContainerName, Some(name)),
                (Attribute::ContainerId, id),
                (Attribute::LastTerminatedReason, status.and_then(Status::last_terminated_reason)),
            ],
        );
        self.tell(object, attributes);
    }

    fn volume(&mut self, pod: &summary::Pod<'_>, volume: &summary::Volume<'_>, known: Option<&Pod<'_>>) {
        let mut object = self.object(pod.start_time);
        object.number(&metric::VOLUME_AVAILABLE, volume.available_bytes);
        object.number(&metric::VOLUME_CAPACITY, volume.capacity_bytes);
        object.number(&metric::POD_VOLUME_USAGE, volume.used_bytes);
        object.number(&metric::VOLUME_INODES, volume.inodes);
        object.number(&metric::VOLUME_INODES_FREE, volume.inodes_free);
        object.number(&metric::VOLUME_INODES_USED, volume.inodes_used);
        let claim = volume.pvc_ref.as_ref();
        let mut own =
            vec![(Attribute::VolumeName, Some(&*volume.name)), (Attribute::ClaimName, claim.map(|claim| &*claim.name))];
        let detail = claim.and_then(|claim| self.scrape.details.volume(&claim.namespace, &claim.name));
        let declared = known.and_then(|known| known.volume(&volume.name));
        let source = detail.or(declared).or(claim.map(|_| &pods::CLAIM)).filter(|_| self.settings.labels.volume_type);
        let partition = source.and_then(partition).unwrap_or_default();
        if let Some(source) = source {
            own.push((Attribute::VolumeType, Some(source.kind())));
            own.extend(disk(source));
            own.push((Attribute::Partition, Some(&partition)));
        }
        let attributes = self.attributes(Owner::of(pod), &own);
        self.tell(object, attributes);
    }

    /// Those of a pod on this node, and more.
    fn attributes(&self, owner: Owner<'_>, own: &[(Attribute, Option<&str>)]) -> Vec<KeyValue> {
        let mut pairs = vec![
            (Attribute::NodeName, Some(&*self.scrape.summary.node.node_name)),
            (Attribute::Namespace, Some(owner.namespace)),
            (Attribute::PodName, Some(owner.name)),
            (Attribute::PodUid, Some(owner.uid)),
        ];
        pairs.extend_from_slice(own);
        self.settings.attributes.of(&pairs)
    }
}

impl<'a> Owner<'a> {
    fn of(pod: &'a summary::Pod<'_>) -> Self {
        let summary::PodRef { namespace, name, uid } = &pod.pod_ref;
        Owner { namespace, name, uid }
    }
}

fn interfaces<'a>(network: Option<&'a summary::Network<'_>>, all: bool) -> &'a [summary::Interface<'a>] {
    network.map(|network| network.interfaces(all)).unwrap_or_default()
}

/// What is known of a disk beyond its kind.
fn disk<'a>(source: &'a Source<'_>) -> Vec<(Attribute, Option<&'a str>)> {
    match source {
        Source::Of(_) => Vec::new(),
        Source::AwsElasticBlockStore { id, fs_type, .. } => {
            vec![(Attribute::AwsVolumeId, Some(id)), (Attribute::FsType, Some(fs_type))]
        }
        Source::GcePersistentDisk { name, fs_type, .. } => {
            vec![(Attribute::GcePdName, Some(name)), (Attribute::FsType, Some(fs_type))]
        }
        Source::Glusterfs { endpoints, path } => {
            vec![(Attribute::GlusterfsEndpoints, Some(endpoints)), (Attribute::GlusterfsPath, Some(path))]
        }
    }
}

fn partition(source: &Source<'_>) -> Option<String> {
    match source {
        Source::AwsElasticBlockStore { partition, .. } | Source::GcePersistentDisk { partition, .. } => {
            Some(partition.to_string())
        }
        Source::Of(_) | Source::Glusterfs { .. } => None,
    }
}
