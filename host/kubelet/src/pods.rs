//! What the kubelet answers at `/pods`, as far as it is of use: who the containers are, how often they were restarted, what
//! they may use, and what their volumes are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use host_kubernetes::quantity;
use serde::Deserialize;

use crate::lenient;

/// The pods of a node, by their UIDs.
#[derive(Debug, Default)]
pub(crate) struct Pods<'a>(BTreeMap<Cow<'a, str>, Pod<'a>>);

#[derive(Debug)]
pub(crate) struct Pod<'a> {
    pub(crate) namespace: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// What all containers of it may use together, where each of them says so.
    pub(crate) resources: Resources,
    pub(crate) statuses: Vec<Status<'a>>,
    /// What each container may use.
    containers: Vec<(Cow<'a, str>, Resources)>,
    volumes: Vec<(Cow<'a, str>, Source<'a>)>,
}

/// What the kubelet says of a container that there is, or was.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Status<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, rename = "containerID")]
    container_id: Cow<'a, str>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) restart_count: Option<i64>,
    #[serde(borrow)]
    last_state: LastState<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LastState<'a> {
    #[serde(borrow)]
    terminated: Option<Terminated<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Terminated<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
}

/// What may be used, in cores and bytes; nothing where that is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Resources {
    pub(crate) cpu_limit: Option<f64>,
    pub(crate) cpu_request: Option<f64>,
    pub(crate) memory_limit: Option<f64>,
    pub(crate) memory_request: Option<f64>,
}

/// What a volume is made of, of the kinds that are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source<'a> {
    /// One of which no more is known than its kind.
    Of(&'static str),
    AwsElasticBlockStore {
        id: Cow<'a, str>,
        fs_type: Cow<'a, str>,
        partition: i64,
    },
    GcePersistentDisk {
        name: Cow<'a, str>,
        fs_type: Cow<'a, str>,
        partition: i64,
    },
    Glusterfs {
        endpoints: Cow<'a, str>,
        path: Cow<'a, str>,
    },
}

pub(crate) const CLAIM: Source<'static> = Source::Of("persistentVolumeClaim");

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, deserialize_with = "lenient::list")]
    items: Vec<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    metadata: Metadata<'a>,
    #[serde(borrow, default)]
    spec: Spec<'a>,
    #[serde(borrow, default)]
    status: PodStatus<'a>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    uid: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec<'a> {
    #[serde(borrow, deserialize_with = "lenient::list")]
    containers: Vec<Container<'a>>,
    #[serde(borrow, deserialize_with = "lenient::list")]
    init_containers: Vec<Container<'a>>,
    #[serde(borrow, deserialize_with = "lenient::list")]
    volumes: Vec<Volume<'a>>,
}

#[derive(Deserialize)]
struct Container<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    resources: Requirements<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Requirements<'a> {
    #[serde(borrow)]
    limits: Amounts<'a>,
    #[serde(borrow)]
    requests: Amounts<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Amounts<'a> {
    #[serde(borrow)]
    cpu: Cow<'a, str>,
    #[serde(borrow)]
    memory: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus<'a> {
    #[serde(borrow, deserialize_with = "lenient::list")]
    container_statuses: Vec<Status<'a>>,
    #[serde(borrow, deserialize_with = "lenient::list")]
    init_container_statuses: Vec<Status<'a>>,
    #[serde(borrow, deserialize_with = "lenient::list")]
    ephemeral_container_statuses: Vec<Status<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Volume<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    config_map: Option<Anything>,
    #[serde(rename = "downwardAPI")]
    downward_api: Option<Anything>,
    empty_dir: Option<Anything>,
    secret: Option<Anything>,
    persistent_volume_claim: Option<Anything>,
    host_path: Option<Anything>,
    #[serde(borrow)]
    aws_elastic_block_store: Option<Disk<'a>>,
    #[serde(borrow)]
    gce_persistent_disk: Option<Disk<'a>>,
    #[serde(borrow)]
    glusterfs: Option<Glusterfs<'a>>,
}

/// Something of which only counts that it is there.
#[derive(Deserialize)]
struct Anything {}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Disk<'a> {
    #[serde(borrow, alias = "pdName", rename = "volumeID")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    fs_type: Cow<'a, str>,
    #[serde(deserialize_with = "lenient::number")]
    partition: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Glusterfs<'a> {
    #[serde(borrow)]
    endpoints: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
}

impl<'a> Pods<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is none of the kubelet's.
    pub(crate) fn read(document: &'a [u8]) -> Result<Self, serde_json::Error> {
        let document: Document<'a> = serde_json::from_slice(document)?;
        Ok(Pods(document.items.into_iter().map(Item::pod).collect()))
    }

    pub(crate) fn get(&self, uid: &str) -> Option<&Pod<'a>> {
        self.0.get(uid)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Pod<'a>)> {
        self.0.iter().map(|(uid, pod)| (&**uid, pod))
    }
}

impl<'a> Pod<'a> {
    pub(crate) fn status(&self, container: &str) -> Option<&Status<'a>> {
        self.statuses.iter().find(|status| status.name == container)
    }

    pub(crate) fn resources_of(&self, container: &str) -> Option<Resources> {
        self.containers.iter().find(|(name, _)| name == container).map(|(_, resources)| *resources)
    }

    pub(crate) fn volume(&self, name: &str) -> Option<&Source<'a>> {
        self.volumes.iter().find(|(known, _)| known == name).map(|(_, source)| source)
    }
}

impl Status<'_> {
    /// The id, without the runtime that it is of; none for a container that is not made yet.
    pub(crate) fn container_id(&self) -> Option<&str> {
        let id = self.container_id.split_once("://").map_or(&*self.container_id, |(_, id)| id).trim();
        Some(id).filter(|id| !id.is_empty())
    }

    /// Why it ended when it ended last.
    pub(crate) fn last_terminated_reason(&self) -> Option<&str> {
        let terminated = self.last_state.terminated.as_ref()?;
        Some(&*terminated.reason).filter(|reason| !reason.is_empty())
    }
}

impl Resources {
    /// What both may use together: nothing where one of them does not say.
    fn with(self, other: Resources) -> Resources {
        let both = |one: Option<f64>, other: Option<f64>| Some(one? + other?);
        Resources {
            cpu_limit: both(self.cpu_limit, other.cpu_limit),
            cpu_request: both(self.cpu_request, other.cpu_request),
            memory_limit: both(self.memory_limit, other.memory_limit),
            memory_request: both(self.memory_request, other.memory_request),
        }
    }
}

impl<'a> Item<'a> {
    fn pod(self) -> (Cow<'a, str>, Pod<'a>) {
        let Item { metadata, spec, status } = self;
        let resources = spec.containers.iter().map(Container::resources).reduce(Resources::with).unwrap_or_default();
        let containers = spec.containers.into_iter().chain(spec.init_containers);
        let mut statuses = status.container_statuses;
        statuses.extend(status.init_container_statuses);
        statuses.extend(status.ephemeral_container_statuses);
        let pod = Pod {
            namespace: metadata.namespace,
            name: metadata.name,
            resources,
            statuses,
            containers: containers.map(|container| (container.name.clone(), container.resources())).collect(),
            volumes: spec.volumes.into_iter().filter_map(Volume::source).collect(),
        };
        (metadata.uid, pod)
    }
}

impl Container<'_> {
    fn resources(&self) -> Resources {
        let Requirements { limits, requests } = &self.resources;
        Resources {
            cpu_limit: more_than_nothing(&limits.cpu),
            cpu_request: more_than_nothing(&requests.cpu),
            memory_limit: more_than_nothing(&limits.memory),
            memory_request: more_than_nothing(&requests.memory),
        }
    }
}

impl<'a> Volume<'a> {
    fn source(self) -> Option<(Cow<'a, str>, Source<'a>)> {
        let simple = [
            (self.config_map.is_some(), Source::Of("configMap")),
            (self.downward_api.is_some(), Source::Of("downwardAPI")),
            (self.empty_dir.is_some(), Source::Of("emptyDir")),
            (self.secret.is_some(), Source::Of("secret")),
            (self.persistent_volume_claim.is_some(), CLAIM),
            (self.host_path.is_some(), Source::Of("hostPath")),
        ];
        let simple = simple.into_iter().find(|(is, _)| *is).map(|(_, source)| source);
        let aws = |disk: Disk<'a>| Source::AwsElasticBlockStore {
            id: disk.id,
            fs_type: disk.fs_type,
            partition: disk.partition.unwrap_or_default(),
        };
        let gce = |disk: Disk<'a>| Source::GcePersistentDisk {
            name: disk.id,
            fs_type: disk.fs_type,
            partition: disk.partition.unwrap_or_default(),
        };
        let source = simple
            .or_else(|| self.aws_elastic_block_store.map(aws))
            .or_else(|| self.gce_persistent_disk.map(gce))
            .or_else(|| self.glusterfs.map(|of| Source::Glusterfs { endpoints: of.endpoints, path: of.path }));
        Some((self.name, source?))
    }
}

impl Source<'_> {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Source::Of(kind) => kind,
            Source::AwsElasticBlockStore { .. } => "awsElasticBlockStore",
            Source::GcePersistentDisk { .. } => "gcePersistentDisk",
            Source::Glusterfs { .. } => "glusterfs",
        }
    }
}

/// An amount, where it is one that is more than nothing.
fn more_than_nothing(text: &str) -> Option<f64> {
    quantity::parse(text).filter(|amount| *amount > 0.0)
}
