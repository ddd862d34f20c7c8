//! The attributes of resources, each of which can be switched on and off.

use host_config::{Refused, Wrong};
use host_periodic::attribute;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use schemars::JsonSchema;
use serde::Deserialize;

/// The switch of one attribute.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Toggle {
    /// Whether resources have it; where nothing is said, as the attribute's default has it.
    enabled: Option<bool>,
    metrics_include: Refused,
    metrics_exclude: Refused,
}

/// Declares attributes: `Variant, field: key = whether it is there where nothing is said;`.
macro_rules! attributes {
    ($($variant:ident, $field:ident: $key:literal = $default:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Attribute {
            $($variant,)*
        }

        /// Which attributes resources have.
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct ResourceAttributes {
            $(
                #[serde(rename = $key)]
                $field: Toggle,
            )*
        }

        impl Attribute {
            #[cfg(test)]
            pub(crate) const ALL: &[Attribute] = &[$(Attribute::$variant),*];

            pub(crate) fn key(self) -> &'static str {
                match self {
                    $(Attribute::$variant => $key,)*
                }
            }

            /// Whether it is there where nobody says so.
            pub(crate) fn is_default(self) -> bool {
                match self {
                    $(Attribute::$variant => $default,)*
                }
            }
        }

        impl ResourceAttributes {
            fn toggle(&self, attribute: Attribute) -> Toggle {
                match attribute {
                    $(Attribute::$variant => self.$field,)*
                }
            }

            pub(crate) fn wrongs(&self) -> Vec<Wrong> {
                [$(($key, self.$field)),*].into_iter().flat_map(|(key, toggle)| toggle.wrongs(key)).collect()
            }
        }
    };
}

attributes! {
    AwsVolumeId, aws_volume_id: "aws.volume.id" = false;
    ContainerId, container_id: "container.id" = true;
    FsType, fs_type: "fs.type" = false;
    GcePdName, gce_pd_name: "gce.pd.name" = false;
    GlusterfsEndpoints, glusterfs_endpoints: "glusterfs.endpoints.name" = false;
    GlusterfsPath, glusterfs_path: "glusterfs.path" = false;
    ContainerName, container_name: "k8s.container.name" = true;
    LastTerminatedReason, last_terminated_reason: "k8s.container.status.last_terminated_reason" = false;
    Namespace, namespace: "k8s.namespace.name" = true;
    NodeName, node_name: "k8s.node.name" = true;
    SystemContainerName, system_container_name: "k8s.node.system_container.name" = true;
    ClaimName, claim_name: "k8s.persistentvolumeclaim.name" = true;
    PodName, pod_name: "k8s.pod.name" = true;
    PodUid, pod_uid: "k8s.pod.uid" = true;
    VolumeName, volume_name: "k8s.volume.name" = true;
    VolumeType, volume_type: "k8s.volume.type" = true;
    Partition, partition: "partition" = false;
}

impl ResourceAttributes {
    pub(crate) fn is_on(&self, attribute: Attribute) -> bool {
        self.toggle(attribute).enabled.unwrap_or(attribute.is_default())
    }

    /// Those of `pairs` that are switched on and say something.
    pub(crate) fn of(&self, pairs: &[(Attribute, Option<&str>)]) -> Vec<KeyValue> {
        let said = pairs.iter().filter_map(|(key, value)| Some((*key, value.filter(|value| !value.is_empty())?)));
        said.filter(|(key, _)| self.is_on(*key)).map(|(key, value)| attribute(key.key(), value)).collect()
    }
}

impl Toggle {
    fn wrongs(self, key: &str) -> Vec<Wrong> {
        const FILTER: &str = "take it out, and leave out what is not wanted with a `filter` processor";
        let both = [("metrics_include", self.metrics_include.0), ("metrics_exclude", self.metrics_exclude.0)];
        let written = both.into_iter().filter(|(_, is_written)| *is_written);
        written.map(|(name, _)| Wrong::new(format!("resource_attributes.{key}.{name}"), FILTER)).collect()
    }
}
