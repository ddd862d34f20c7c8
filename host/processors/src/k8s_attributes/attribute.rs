//! The attributes that can be asked for, under the names of the semantic conventions.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// Declares the attributes: `Variant: key = whether it is given where nothing is said;`.
macro_rules! attributes {
    ($($name:ident: $key:literal = $default:literal;)*) => {
        /// An attribute that can be asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(try_from = "String")]
        pub enum Attribute {
            $($name,)*
        }

        impl Attribute {
            pub(super) const ALL: &'static [Attribute] = &[$(Attribute::$name,)*];

            /// The name that it has in telemetry.
            pub fn key(self) -> &'static str {
                match self {
                    $(Attribute::$name => $key,)*
                }
            }

            fn is_default(self) -> bool {
                match self {
                    $(Attribute::$name => $default,)*
                }
            }
        }
    };
}

attributes! {
    PodName: "k8s.pod.name" = true;
    PodUid: "k8s.pod.uid" = true;
    PodStartTime: "k8s.pod.start_time" = true;
    PodHostname: "k8s.pod.hostname" = false;
    PodIp: "k8s.pod.ip" = false;
    Namespace: "k8s.namespace.name" = true;
    Node: "k8s.node.name" = true;
    NodeUid: "k8s.node.uid" = false;
    ClusterUid: "k8s.cluster.uid" = false;
    Deployment: "k8s.deployment.name" = true;
    DeploymentUid: "k8s.deployment.uid" = false;
    ReplicaSet: "k8s.replicaset.name" = false;
    ReplicaSetUid: "k8s.replicaset.uid" = false;
    StatefulSet: "k8s.statefulset.name" = false;
    StatefulSetUid: "k8s.statefulset.uid" = false;
    DaemonSet: "k8s.daemonset.name" = false;
    DaemonSetUid: "k8s.daemonset.uid" = false;
    Job: "k8s.job.name" = false;
    JobUid: "k8s.job.uid" = false;
    CronJob: "k8s.cronjob.name" = false;
    CronJobUid: "k8s.cronjob.uid" = false;
    Container: "k8s.container.name" = false;
    ContainerId: "container.id" = false;
    ImageName: "container.image.name" = true;
    ImageTag: "container.image.tag" = true;
    ImageTags: "container.image.tags" = false;
    ImageDigests: "container.image.repo_digests" = false;
    ServiceName: "service.name" = false;
    ServiceNamespace: "service.namespace" = false;
    ServiceVersion: "service.version" = false;
    ServiceInstance: "service.instance.id" = false;
}

/// An attribute that nobody knows here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no attribute {name:?} to ask for: {instead}")]
pub struct UnknownAttribute {
    pub name: String,
    instead: String,
}

impl TryFrom<String> for Attribute {
    type Error = UnknownAttribute;

    fn try_from(name: String) -> Result<Self, UnknownAttribute> {
        let keys = || Attribute::ALL.iter().map(|attribute| attribute.key());
        if let Some(known) = Attribute::ALL.iter().find(|known| known.key() == name) {
            return Ok(*known);
        }
        let instead = match host_config::nearest(&name, keys()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("write one of {}", keys().collect::<Vec<_>>().join(", ")),
        };
        Err(UnknownAttribute { name, instead })
    }
}

impl Attribute {
    /// Those that are given where nothing is said.
    pub(super) fn defaults() -> Vec<Attribute> {
        Attribute::ALL.iter().copied().filter(|attribute| attribute.is_default()).collect()
    }
}

pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let keys: Vec<&str> = Attribute::ALL.iter().map(|attribute| attribute.key()).collect();
    json_schema!({ "type": "array", "items": { "type": "string", "enum": keys } })
}

/// Those that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted(u64);

impl Wanted {
    pub(super) fn of(attributes: &[Attribute]) -> Self {
        Wanted(attributes.iter().fold(0, |all, attribute| all | 1 << *attribute as u64))
    }

    pub(super) fn has(self, attribute: Attribute) -> bool {
        self.0 & 1 << attribute as u64 != 0
    }

    pub(super) fn has_any(self, attributes: &[Attribute]) -> bool {
        attributes.iter().any(|attribute| self.has(*attribute))
    }
}
