//! What is read of objects of which there are many: a pod has ten thousand bytes, and a few hundred of them are of use here.
//! What is not named is passed over where it lies.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// What an object says of itself, whatever its kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    #[serde(deserialize_with = "or_nothing")]
    pub name: String,
    #[serde(deserialize_with = "or_nothing")]
    pub namespace: String,
    #[serde(deserialize_with = "or_nothing")]
    pub uid: String,
    pub resource_version: Option<String>,
    /// As the server writes it, such as `2026-01-02T03:04:05Z`.
    pub creation_timestamp: Option<String>,
    #[serde(deserialize_with = "or_nothing")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_nothing")]
    pub annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_nothing")]
    pub owner_references: Vec<Owner>,
}

/// Whom an object belongs to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    #[serde(deserialize_with = "or_nothing")]
    pub kind: String,
    #[serde(deserialize_with = "or_nothing")]
    pub name: String,
    #[serde(deserialize_with = "or_nothing")]
    pub uid: String,
    pub controller: Option<bool>,
}

/// An object of which nothing else is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Object {
    pub metadata: Meta,
}

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    pub metadata: Meta,
    #[serde(deserialize_with = "or_nothing")]
    pub spec: PodSpec,
    #[serde(deserialize_with = "or_nothing")]
    pub status: PodStatus,
}

/// What was asked of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    #[serde(deserialize_with = "or_nothing")]
    pub node_name: String,
    #[serde(deserialize_with = "or_nothing")]
    pub hostname: String,
    #[serde(deserialize_with = "or_nothing")]
    pub host_network: bool,
    #[serde(deserialize_with = "or_nothing")]
    pub containers: Vec<Container>,
    #[serde(deserialize_with = "or_nothing")]
    pub init_containers: Vec<Container>,
}

/// What was asked of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    #[serde(deserialize_with = "or_nothing")]
    pub name: String,
    #[serde(deserialize_with = "or_nothing")]
    pub image: String,
}

/// What became of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    #[serde(deserialize_with = "or_nothing")]
    pub phase: String,
    #[serde(rename = "podIP", deserialize_with = "or_nothing")]
    pub pod_ip: String,
    #[serde(rename = "podIPs", deserialize_with = "or_nothing")]
    pub pod_ips: Vec<PodIp>,
    pub start_time: Option<String>,
    #[serde(deserialize_with = "or_nothing")]
    pub container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_nothing")]
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// One of the addresses of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodIp {
    #[serde(deserialize_with = "or_nothing")]
    pub ip: String,
}

/// What became of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    #[serde(deserialize_with = "or_nothing")]
    pub name: String,
    #[serde(deserialize_with = "or_nothing")]
    pub restart_count: i64,
    /// With the runtime before it: `containerd://…`.
    #[serde(rename = "containerID", deserialize_with = "or_nothing")]
    pub container_id: String,
    #[serde(rename = "imageID", deserialize_with = "or_nothing")]
    pub image_id: String,
}

impl Meta {
    /// When it was made, in seconds since the Unix epoch.
    pub fn created(&self) -> Option<i64> {
        seconds(self.creation_timestamp.as_deref())
    }
}

impl Pod {
    /// When it was begun, in seconds since the Unix epoch; none before it was.
    pub fn started(&self) -> Option<i64> {
        seconds(self.status.start_time.as_deref())
    }

    /// Whether it has run to its end, for good or ill: its address is free then.
    pub fn is_over(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }
}

fn seconds(time: Option<&str>) -> Option<i64> {
    time?.parse().ok().map(Timestamp::as_second)
}

/// `null` says as much as nothing at all.
fn or_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
