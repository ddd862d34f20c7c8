//! What the API server says beside the kubelet: what the node has, and what is behind claims of volumes.
//!
//! What a claim is bound to does not change, so it is asked for once. What could not be had is asked for again after a while; all
//! questions of one scrape together have a time.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use host_kubernetes::{Api, ApiError, quantity};
use host_periodic::Missed;
use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec};
use tokio::time::{Instant, timeout};

use crate::pods::Source;

/// How often is looked at what a node has.
const LOOK: Duration = Duration::from_secs(300);
/// After which time what failed is asked for again.
const AGAIN: Duration = Duration::from_secs(60);
/// What one question may take, and all of a scrape.
const PATIENCE: Duration = Duration::from_secs(3);
const TOGETHER: Duration = Duration::from_secs(5);

/// What the node has, in cores and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Capacity {
    pub(crate) cpu: Option<f64>,
    pub(crate) memory: Option<f64>,
}

/// A claim, by its namespace and name.
pub(crate) type Claim = (String, String);

/// What is known by now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    pub(crate) capacity: Capacity,
    claims: BTreeMap<Claim, Found>,
}

#[derive(Clone, Debug)]
enum Found {
    Source(Source<'static>),
    /// Nothing that is told apart.
    Nothing,
    Failed {
        missed: Missed,
        again: Instant,
    },
}

/// Who asks.
pub(crate) struct Asker {
    api: Api,
    /// Of which is asked what it has.
    node: Option<String>,
    looked: Option<Result<Instant, (Missed, Instant)>>,
}

impl Details {
    pub(crate) fn volume(&self, namespace: &str, name: &str) -> Option<&Source<'static>> {
        if self.claims.is_empty() {
            return None;
        }
        match self.claims.get(&(namespace.to_owned(), name.to_owned()))? {
            Found::Source(source) => Some(source),
            Found::Nothing | Found::Failed { .. } => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn know(&mut self, namespace: &str, name: &str, source: Source<'static>) {
        self.claims.insert((namespace.to_owned(), name.to_owned()), Found::Source(source));
    }
}

impl Asker {
    pub(crate) fn new(api: Api, node: Option<String>) -> Self {
        Asker { api, node, looked: None }
    }

    /// Asks for what is to be known and is not. Gives what could not be had.
    pub(crate) async fn ask(&mut self, details: &mut Details, claims: BTreeSet<Claim>) -> Vec<Missed> {
        // Dropping it is all right: what is known by then is kept.
        let _ = timeout(TOGETHER, self.ask_all(details, claims)).await;
        let of_node = self.looked.iter().filter_map(|looked| looked.as_ref().err()).map(|(missed, _)| missed.clone());
        let of_claims = details.claims.values().filter_map(|found| match found {
            Found::Failed { missed, .. } => Some(missed.clone()),
            Found::Source(_) | Found::Nothing => None,
        });
        of_node.chain(of_claims).collect()
    }

    async fn ask_all(&mut self, details: &mut Details, claims: BTreeSet<Claim>) {
        details.claims.retain(|claim, _| claims.contains(claim));
        self.ask_node(details).await;
        for claim in claims {
            let is_known = match details.claims.get(&claim) {
                Some(Found::Failed { again, .. }) => Instant::now() < *again,
                Some(Found::Source(_) | Found::Nothing) => true,
                None => false,
            };
            if !is_known {
                let found = self.behind(&claim).await;
                details.claims.insert(claim, found);
            }
        }
    }

    async fn ask_node(&mut self, details: &mut Details) {
        let Some(name) = &self.node else { return };
        let due = match &self.looked {
            None => true,
            Some(Ok(at)) => at.elapsed() >= LOOK,
            Some(Err((_, again))) => Instant::now() >= *again,
        };
        if !due {
            return;
        }
        let place = format!("the capacity of the node {name}");
        let looked = match within(self.api.object_of_cluster::<Node>(name)).await {
            Ok(node) => {
                let capacity = node.status.and_then(|status| status.capacity).unwrap_or_default();
                let amount = |of: &str| {
                    capacity.get(of).and_then(|quantity| quantity::parse(&quantity.0)).filter(|amount| *amount > 0.0)
                };
                details.capacity = Capacity { cpu: amount("cpu"), memory: amount("memory") };
                Ok(Instant::now())
            }
            Err(why) => {
                let way_out =
                    "allow the account `get` of the resource `nodes` in a ClusterRole, and name the node in `node`";
                Err((Missed::new(place, why, way_out), Instant::now() + AGAIN))
            }
        };
        self.looked = Some(looked);
    }

    async fn behind(&self, claim: &Claim) -> Found {
        let (namespace, name) = claim;
        let failed = |why: String| {
            let place = format!("the volume behind the claim {namespace}/{name}");
            let way_out = "allow the account `get` of the resources `persistentvolumeclaims` and `persistentvolumes` in a \
                           ClusterRole, or take `k8s_api_config` out";
            Found::Failed { missed: Missed::new(place, why, way_out), again: Instant::now() + AGAIN }
        };
        let asked = within(self.api.object::<PersistentVolumeClaim>(namespace, name)).await;
        let volume = match asked.map(|claim| claim.spec.and_then(|spec| spec.volume_name)) {
            Err(why) => return failed(why),
            Ok(None) => return failed("the claim is not bound to a volume".to_owned()),
            Ok(Some(volume)) => volume,
        };
        match within(self.api.object_of_cluster::<PersistentVolume>(&volume)).await {
            Err(why) => failed(why),
            Ok(volume) => volume.spec.and_then(source).map_or(Found::Nothing, Found::Source),
        }
    }
}

async fn within<T>(asking: impl Future<Output = Result<T, ApiError>>) -> Result<T, String> {
    match timeout(PATIENCE, asking).await {
        Ok(asked) => asked.map_err(|error| error.to_string()),
        Err(_) => Err(format!("the API server has not answered within {PATIENCE:?}")),
    }
}

/// What a volume is made of.
fn source(spec: PersistentVolumeSpec) -> Option<Source<'static>> {
    let text = |text: Option<String>| Cow::Owned(text.unwrap_or_default());
    let number = |number: Option<i32>| i64::from(number.unwrap_or_default());
    if spec.local.is_some() {
        return Some(Source::Of("local"));
    }
    if let Some(disk) = spec.aws_elastic_block_store {
        let (id, fs_type, partition) = (disk.volume_id.into(), text(disk.fs_type), number(disk.partition));
        return Some(Source::AwsElasticBlockStore { id, fs_type, partition });
    }
    if let Some(disk) = spec.gce_persistent_disk {
        let (name, fs_type, partition) = (disk.pd_name.into(), text(disk.fs_type), number(disk.partition));
        return Some(Source::GcePersistentDisk { name, fs_type, partition });
    }
    let of = spec.glusterfs?;
    Some(Source::Glusterfs { endpoints: of.endpoints.into(), path: of.path.into() })
}
