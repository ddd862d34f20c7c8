//! Taking what a head says: asked for, looked at, fetched, kept, and put on the shelf.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_kubernetes::Api;
use host_manifest::{ClusterPattern, Manifest, PartsError, join};
use k8s_openapi::api::core::v1::ConfigMap;
use tokio::time::{sleep, timeout};

use super::{Follower, Head, Key};
use crate::head::{NotTaken, Rejected};
use crate::objects::{self, Signed};
use crate::store::Kept;

/// All hosts hear of a head at once, and are not to fetch its parts at once.
const JITTER: Duration = Duration::from_millis(400);
/// How long the server may take for one answer.
const ANSWER: Duration = Duration::from_secs(30);

/// What was not taken, by its digest as far as there is one.
type Untaken = (String, NotTaken);

impl Follower {
    pub(super) async fn take(&mut self, key: &Key) -> Result<(), Untaken> {
        let (name, module) = key;
        let nameless = |error: NotTaken| (String::new(), error);
        let api = self.server().await.map_err(nameless)?;
        let namespace = self.namespace_of(&api);
        let Some(object) = asked::<ConfigMap>(&api, &namespace, name).await.map_err(nameless)? else {
            // It is gone, which the watch tells, too.
            return Ok(());
        };
        let Some(head) = self.heads.get_mut(key) else { return Ok(()) };
        head.uid.clone_from(&object.metadata.uid);
        let signed = Signed::of(&object);
        let of_manifest = signed.as_ref().map(Signed::digest).unwrap_or_default();
        if head.looked_at != of_manifest {
            head.looked_at.clone_from(&of_manifest);
            head.refusal = None;
        }
        let signed = signed.ok_or_else(|| nameless(Rejected::Empty.into()))?;
        let manifest = self.trust.read(name, module, &signed);
        let manifest = manifest.map_err(|rejected| (of_manifest, rejected.into()))?;
        let digest = manifest.component.digest;
        let told = |error: NotTaken| (digest.to_string(), error);
        if !self.is_new(key, &manifest, &signed).map_err(|rejected| told(rejected.into()))? {
            return Ok(());
        }
        let storage = |error| NotTaken::Storage { path: self.store.component(digest), error };
        if !self.store.has(digest) {
            let component = fetch(&api, &namespace, &manifest, self.component_limit).await.map_err(told)?;
            self.store.keep(digest, &component).map_err(|error| told(storage(error)))?;
        }
        let edition = self.edition(&manifest, false, None).map_err(|rejected| told(rejected.into()))?;
        let Some(head) = self.heads.get_mut(key) else { return Ok(()) };
        (head.record.seen, head.record.seen_manifest) = (manifest.revision, signed.digest());
        head.record.newest = Some(Follower::kept(&signed));
        self.store.write(&head.record).map_err(|error| told(storage(error)))?;
        head.edition = Some(Arc::clone(&edition));
        head.standing = None;
        head.taken.clone_from(&head.record.newest);
        tracing::info!(head = name, module = manifest.name, revision = manifest.revision, %digest, "a pushed module was fetched");
        self.sandbox.shelf().put(edition);
        Ok(())
    }

    /// Whether a manifest is another than the one that is on the shelf, where it may take its place.
    fn is_new(&self, key: &Key, manifest: &Manifest, signed: &Signed) -> Result<bool, Rejected> {
        let Some(head) = self.heads.get(key) else { return Ok(false) };
        if let Some(other) = self.tying(key, &clusters(manifest)?).find(|other| other.is_there || !self.has_listed) {
            return Err(Rejected::Tie(other.record.head.clone()));
        }
        let record = &head.record;
        let kept = [&record.newest, &record.good].into_iter().flatten();
        let digest = signed.digest();
        let is_known = record.seen_manifest == digest || kept.into_iter().any(|kept| kept.digest() == digest);
        let seen = record.seen;
        match manifest.revision {
            revision if revision < seen => Err(Rejected::Older { revision, seen }),
            revision if revision == seen && !is_known => Err(Rejected::Changed(revision)),
            _ if record.rolled_back == digest => {
                Err(Rejected::RolledBack("it failed on live data when it ran here".to_owned()))
            }
            revision => Ok(head.edition.as_ref().is_none_or(|edition| {
                edition.revision != revision || edition.withheld.is_some() || !self.store.has(edition.digest)
            })),
        }
    }

    /// Other heads of a module that are for some of these clusters, too, while neither is closer.
    pub(super) fn tying<'f>(&'f self, key: &'f Key, clusters: &'f [ClusterPattern]) -> impl Iterator<Item = &'f Head> {
        let others = self.heads.iter().filter(move |(other, _)| *other != key).map(|(_, head)| head);
        others.filter(move |head| {
            let ties = |theirs: &ClusterPattern| clusters.iter().any(|ours| ours.ties_with(theirs));
            // What was good last may run while what was taken after it does not.
            let good =
                || head.record.good.as_ref().and_then(Kept::manifest).and_then(|good| self::clusters(&good).ok());
            head.edition.as_ref().is_some_and(|edition| {
                edition.module == key.1
                    && (edition.clusters.iter().any(ties) || good().is_some_and(|theirs| theirs.iter().any(ties)))
            })
        })
    }

    async fn server(&mut self) -> Result<Api, NotTaken> {
        if self.api.is_none() {
            self.api = Some(self.server.api().await?);
        }
        let api = self.api.clone();
        api.ok_or_else(|| unanswered("API server"))
    }
}

/// For which clusters a manifest is, which was looked at when it was read.
pub(super) fn clusters(manifest: &Manifest) -> Result<Vec<ClusterPattern>, Rejected> {
    Ok(ClusterPattern::read_all(&manifest.clusters)?)
}

/// The component that a manifest names, from its parts.
async fn fetch(api: &Api, namespace: &str, manifest: &Manifest, limit: u64) -> Result<Bytes, NotTaken> {
    let packed = manifest.component.parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.bytes));
    let bytes = packed.unwrap_or(u64::MAX).max(manifest.component.bytes);
    if bytes > limit {
        return Err(Rejected::from(PartsError::Size { bytes, limit }).into());
    }
    sleep(JITTER.mul_f64(fastrand::f64())).await;
    let mut pieces = Vec::new();
    for part in &manifest.component.parts {
        let object = asked::<ConfigMap>(api, namespace, &part.name).await?;
        let content = object.and_then(objects::content);
        pieces.push(content.ok_or_else(|| Rejected::MissingPart(part.name.clone()))?);
    }
    Ok(join(&manifest.component, &pieces, limit).await.map_err(Rejected::from)?.into())
}

async fn asked<K: host_kubernetes::Written>(api: &Api, namespace: &str, name: &str) -> Result<Option<K>, NotTaken> {
    match timeout(ANSWER, api.find::<K>(namespace, name)).await {
        Ok(found) => Ok(found?),
        Err(_) => Err(unanswered(name)),
    }
}

fn unanswered(name: &str) -> NotTaken {
    let (kind, name) = ("configmap".to_owned(), name.to_owned());
    NotTaken::Api(host_kubernetes::ApiError::Unreachable { kind, name, why: "there was no answer in time".to_owned() })
}
