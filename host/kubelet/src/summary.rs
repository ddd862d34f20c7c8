//! What the kubelet answers at `/stats/summary`, as far as it is of use.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;

use crate::details::Claim;
use crate::lenient;

#[derive(Debug, Deserialize)]
pub(crate) struct Summary<'a> {
    #[serde(borrow)]
    pub(crate) node: Node<'a>,
    #[serde(borrow, deserialize_with = "lenient::list")]
    pub(crate) pods: Vec<Pod<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Node<'a> {
    #[serde(borrow)]
    pub(crate) node_name: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "lenient::list")]
    pub(crate) system_containers: Vec<Container<'a>>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(crate) start_time: Option<u64>,
    pub(crate) cpu: Option<Cpu>,
    pub(crate) memory: Option<Memory>,
    #[serde(borrow)]
    pub(crate) network: Option<Network<'a>>,
    pub(crate) fs: Option<Filesystem>,
    pub(crate) rlimit: Option<Rlimit>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pod<'a> {
    #[serde(borrow)]
    pub(crate) pod_ref: PodRef<'a>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(crate) start_time: Option<u64>,
    #[serde(borrow, default, deserialize_with = "lenient::list")]
    pub(crate) containers: Vec<Container<'a>>,
    pub(crate) cpu: Option<Cpu>,
    pub(crate) memory: Option<Memory>,
    #[serde(borrow)]
    pub(crate) network: Option<Network<'a>>,
    #[serde(borrow, default, rename = "volume", deserialize_with = "lenient::list")]
    pub(crate) volumes: Vec<Volume<'a>>,
    #[serde(rename = "ephemeral-storage")]
    pub(crate) ephemeral_storage: Option<Filesystem>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PodRef<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) namespace: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) uid: Cow<'a, str>,
}

/// A container of a pod, or one that the system's own processes run in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(default, deserialize_with = "lenient::time")]
    pub(crate) start_time: Option<u64>,
    pub(crate) cpu: Option<Cpu>,
    pub(crate) memory: Option<Memory>,
    pub(crate) rootfs: Option<Filesystem>,
    pub(crate) logs: Option<Filesystem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Cpu {
    #[serde(deserialize_with = "lenient::time")]
    pub(crate) time: Option<u64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) usage_core_nano_seconds: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Memory {
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) available_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) usage_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) working_set_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) rss_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) page_faults: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) major_page_faults: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Filesystem {
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) available_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) capacity_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) used_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) inodes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) inodes_free: Option<i64>,
}

/// The default interface, and all that there are.
#[derive(Debug, Deserialize)]
pub(crate) struct Network<'a> {
    #[serde(borrow, flatten)]
    default: Interface<'a>,
    #[serde(borrow, default, deserialize_with = "lenient::list")]
    interfaces: Vec<Interface<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Interface<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) rx_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) rx_errors: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) tx_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) tx_errors: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Volume<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) pvc_ref: Option<PvcRef<'a>>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) available_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) capacity_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) used_bytes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) inodes: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) inodes_free: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) inodes_used: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PvcRef<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) namespace: Cow<'a, str>,
}

/// What the operating system allows, and what there is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rlimit {
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) maxpid: Option<i64>,
    #[serde(deserialize_with = "lenient::number")]
    pub(crate) curproc: Option<i64>,
}

impl<'a> Summary<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// Where it is none of the kubelet's.
    pub(crate) fn read(document: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(document)
    }
}

impl Network<'_> {
    /// The interfaces that are told of: the default one, or all.
    pub(crate) fn interfaces(&self, all: bool) -> &[Interface<'_>] {
        if all { &self.interfaces } else { std::slice::from_ref(&self.default) }
    }
}

/// The claims that volumes of a document are of; none where it is no summary.
pub(crate) fn claims(document: &[u8]) -> BTreeSet<Claim> {
    #[derive(Deserialize)]
    struct Document<'a> {
        #[serde(borrow, deserialize_with = "lenient::list")]
        pods: Vec<Pod<'a>>,
    }
    #[derive(Deserialize)]
    struct Pod<'a> {
        #[serde(borrow, default, deserialize_with = "lenient::list")]
        volume: Vec<Volume<'a>>,
    }
    #[derive(Deserialize)]
    struct Volume<'a> {
        #[serde(borrow, rename = "pvcRef")]
        pvc_ref: Option<PvcRef<'a>>,
    }
    let read: Result<Document<'_>, _> = serde_json::from_slice(document);
    let volumes = read.into_iter().flat_map(|document| document.pods).flat_map(|pod| pod.volume);
    let claims = volumes.filter_map(|volume| volume.pvc_ref);
    claims.map(|claim| (claim.namespace.into_owned(), claim.name.into_owned())).collect()
}
