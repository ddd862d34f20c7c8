//! Publishing a module: parts, the former head, and then the head, whose one update is the commit.

pub(crate) mod history;

use std::collections::BTreeSet;

use bytes::Bytes;
use host_kubernetes::{Api, ApiError};
use host_manifest::{Component, Fields, Manifest, ManifestError, PublicKeys, SigningKey};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use self::history::Revision;
use crate::objects::{self, FORMER, MODULE, PART_OF, Signed};
use crate::report::DIGITS;

/// A part that is younger than that stays, in seconds.
const YOUNG: i64 = 600;

/// Why nothing was published. The head is as it was.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("the manifest makes no sense: {0}")]
    Manifest(#[from] ManifestError),
    #[error("somebody else has pushed {0:?} at the same time: look at what is there now, and push again")]
    Raced(String),
    #[error("the ConfigMap {0:?} is there and is no module: choose another name with --head, or delete it")]
    Foreign(String),
    #[error("the part {0:?} is there with another content: delete it, and push again")]
    Part(String),
    #[error("the head {head:?} is of the module {there:?}, and not of {module:?}: choose another name with --head")]
    OtherModule { head: String, there: String, module: String },
    #[error("there is no module {0:?} to undo: nothing of that name was pushed")]
    Nothing(String),
    #[error(
        "there is nothing before revision {revision} to go back to, or nothing that was signed with this key; kept are: {kept}"
    )]
    First { revision: u64, kept: String },
    #[error("revision {asked} is not kept, or was not signed with this key; kept are: {kept}")]
    NotKept { asked: u64, kept: String },
    #[error("what revision {0} was is in force already")]
    InForce(u64),
    #[error("revision {asked} is not above {there}, which is in force")]
    Revision { asked: u64, there: u64 },
}

/// What is to be published.
pub struct Publication {
    pub component: Component,
    pub pieces: Vec<Bytes>,
    pub config: Value,
    pub requests: Fields,
    pub grants: Fields,
    pub clusters: Vec<String>,
    /// The next one where it is not said.
    pub revision: Option<u64>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    pub head: String,
    pub module: String,
    pub revision: u64,
    /// The revision that its content was pushed as: another one where that was undone.
    pub origin: u64,
    pub digest: String,
    /// The first digits of the digest of its manifest, by which a host says what it speaks of.
    pub manifest: String,
}

/// What is done at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Part {
        name: String,
        bytes: usize,
    },
    Head {
        name: String,
        revision: u64,
    },
    /// The head is written, and what nobody needs could not be removed.
    NotRemoved {
        why: String,
    },
    Removed {
        name: String,
    },
}

/// Publishes to one namespace.
pub struct Publisher<'p> {
    pub api: &'p Api,
    pub namespace: &'p str,
    /// Whom hosts trust, where they trust somebody.
    pub key: Option<&'p SigningKey>,
    /// Whether the server only says what it would do.
    pub is_trial: bool,
}

impl Publisher<'_> {
    /// Publishes a module under a head.
    ///
    /// # Errors
    /// When the head stays as it was, and why.
    pub async fn push(
        &self,
        head: &str,
        module: &str,
        publication: Publication,
        mut tell: impl FnMut(Told),
    ) -> Result<Published, PublishError> {
        let Publication { component, pieces, config, requests, grants, clusters, revision } = publication;
        let before = self.head(head).await?;
        let there = before.as_ref().map_or(0, |before| before.is.manifest.revision);
        if let Some(before) = before.as_ref().filter(|before| before.is.manifest.name != module) {
            let (head, there, module) = (head.to_owned(), before.is.manifest.name.clone(), module.to_owned());
            return Err(PublishError::OtherModule { head, there, module });
        }
        let revision = match revision {
            Some(asked) if asked <= there => return Err(PublishError::Revision { asked, there }),
            asked => asked.unwrap_or(there + 1),
        };
        let mut manifest = Manifest::new(head.to_owned(), module.to_owned(), revision, component, config);
        (manifest.requests, manifest.grants, manifest.clusters) = (requests, grants, clusters);
        // What no host would take is not begun.
        manifest.to_bytes()?;
        for (part, bytes) in manifest.component.parts.iter().zip(&pieces) {
            if self.put_part(module, part, bytes).await? {
                tell(Told::Part { name: part.name.clone(), bytes: bytes.len() });
            }
        }
        let is = Revision::pushed(head.to_owned(), manifest, before.as_ref().map(|before| &before.is));
        self.commit(is, before, tell).await
    }

    /// Publishes again what was in force before what is in force now was pushed, or what a revision was, under a higher revision.
    ///
    /// # Errors
    /// As [`Publisher::push`], and where that is not kept.
    pub async fn undo(&self, head: &str, to: Option<u64>, tell: impl FnMut(Told)) -> Result<Published, PublishError> {
        let before = self.head(head).await?.ok_or_else(|| PublishError::Nothing(head.to_owned()))?;
        let trusted = self.key.map(SigningKey::public_keys);
        let formers = self.formers(head, &before.is.manifest.name, trusted.as_ref()).await?;
        let kept = || match formers.is_empty() {
            true => "none".to_owned(),
            false => formers.iter().map(|former| former.manifest.revision.to_string()).collect::<Vec<_>>().join(", "),
        };
        let former = match to {
            None => before.is.before(&formers).ok_or_else(|| {
                let (revision, kept) = (before.is.origin, kept());
                PublishError::First { revision, kept }
            })?,
            Some(asked) if [before.is.manifest.revision, before.is.origin].contains(&asked) => {
                return Err(PublishError::InForce(asked));
            }
            Some(asked) => {
                let named = history::named(asked, &formers);
                let former = named.ok_or_else(|| PublishError::NotKept { asked, kept: kept() })?;
                if former.is_like(&before.is) {
                    return Err(PublishError::InForce(asked));
                }
                former
            }
        };
        let mut is = Revision { name: head.to_owned(), ..former.clone() };
        is.manifest.revision = before.is.manifest.revision + 1;
        self.commit(is, Some(before), tell).await
    }

    async fn commit(
        &self,
        is: Revision,
        before: Option<Head>,
        mut tell: impl FnMut(Told),
    ) -> Result<Published, PublishError> {
        let Revision { name: head, manifest, origin } = &is;
        let text = String::from_utf8(manifest.to_bytes()?).unwrap_or_default();
        let signatures = self.key.map(|key| format!("{}\n", key.sign(text.as_bytes()))).unwrap_or_default();
        let signed = Signed { manifest: text, signatures };
        if let Some(before) = &before {
            self.put_former(before).await?;
        }
        let version = before.and_then(|before| before.version);
        let object = objects::head(&is, &signed, version.clone());
        let is_written = match version {
            None => self.api.create(self.namespace, &object, self.is_trial).await?,
            Some(_) => self.api.apply(self.namespace, &object, self.is_trial).await?,
        };
        if !is_written {
            return Err(PublishError::Raced(head.clone()));
        }
        tell(Told::Head { name: head.clone(), revision: manifest.revision });
        if !self.is_trial
            && let Err(error) = self.prune(&is, &mut tell).await
        {
            tell(Told::NotRemoved { why: error.to_string() });
        }
        Ok(Published {
            head: head.clone(),
            module: manifest.name.clone(),
            revision: manifest.revision,
            origin: *origin,
            digest: manifest.component.digest.to_string(),
            manifest: signed.digest().chars().take(DIGITS).collect(),
        })
    }

    /// Keeps a head for whoever goes back to it.
    async fn put_former(&self, before: &Head) -> Result<(), PublishError> {
        let former = objects::former(&before.is, &before.signed);
        if self.api.create(self.namespace, &former, self.is_trial).await? {
            return Ok(());
        }
        // One of that revision may be there from a head that was deleted since.
        let name = objects::former_name(&before.is.name, before.is.manifest.revision);
        let there = self.api.find::<ConfigMap>(self.namespace, &name).await?;
        if !self.is_trial && there.as_ref().and_then(Signed::of).as_ref() != Some(&before.signed) {
            self.api.delete::<ConfigMap>(self.namespace, &name).await?;
            self.api.create(self.namespace, &former, false).await?;
        }
        Ok(())
    }

    /// Writes a part, unless it is there; whether it was written.
    async fn put_part(&self, module: &str, part: &host_manifest::Part, bytes: &Bytes) -> Result<bool, PublishError> {
        if self.api.create(self.namespace, &objects::part(module, part, bytes), self.is_trial).await? {
            return Ok(true);
        }
        let there = self.api.find::<ConfigMap>(self.namespace, &part.name).await?;
        match there.and_then(objects::content) {
            Some(there) if there == *bytes => Ok(false),
            _ => Err(PublishError::Part(part.name.clone())),
        }
    }

    async fn head(&self, name: &str) -> Result<Option<Head>, PublishError> {
        let Some(object) = self.api.find::<ConfigMap>(self.namespace, name).await? else { return Ok(None) };
        let foreign = || PublishError::Foreign(name.to_owned());
        let is_head = object.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(MODULE));
        let signed = Signed::of(&object).filter(|_| is_head).ok_or_else(foreign)?;
        let manifest = Manifest::read(signed.manifest.as_bytes()).map_err(|_| foreign())?;
        let origin = objects::origin(&object, &manifest);
        let is = Revision { name: name.to_owned(), manifest, origin };
        Ok(Some(Head { is, signed, version: object.metadata.resource_version }))
    }

    /// What was in force before, newest first; where somebody signs, nothing that he has not signed before.
    async fn formers(
        &self,
        head: &str,
        module: &str,
        trusted: Option<&PublicKeys>,
    ) -> Result<Vec<Revision>, PublishError> {
        let labels = format!("{PART_OF}={module},{FORMER}={head}");
        let listed = self.api.list::<ConfigMap>(self.namespace, &labels).await?;
        let read = listed.into_iter().filter_map(|object| {
            let signed = Signed::of(&object)?;
            let is_trusted = |keys: &PublicKeys| keys.verify(signed.manifest.as_bytes(), &signed.signatures).is_ok();
            let manifest = Manifest::read(signed.manifest.as_bytes()).ok()?;
            let is_one = manifest.name == module && trusted.is_none_or(is_trusted);
            let origin = objects::origin(&object, &manifest);
            Some(Revision { name: object.metadata.name?, manifest, origin }).filter(|_| is_one)
        });
        let mut formers: Vec<_> = read.collect();
        formers.sort_by_key(|former| std::cmp::Reverse(former.manifest.revision));
        Ok(formers)
    }

    /// Removes what no revision that stays is made of.
    async fn prune(&self, is: &Revision, tell: &mut impl FnMut(Told)) -> Result<(), PublishError> {
        let Revision { name: head, manifest, .. } = is;
        let module = &manifest.name;
        let formers = self.formers(head, module, None).await?;
        let kept = history::kept(is, &formers);
        let mut named: BTreeSet<String> = manifest.component.parts.iter().map(|part| part.name.clone()).collect();
        for former in formers.iter().filter(|former| kept.contains(former.name.as_str())) {
            named.insert(former.name.clone());
            named.extend(former.manifest.component.parts.iter().map(|part| part.name.clone()));
        }
        // Other heads of the module have parts of theirs.
        let others = self.api.list::<ConfigMap>(self.namespace, &format!("{MODULE}={module}")).await?;
        for other in others.iter().filter(|other| other.metadata.name.as_ref() != Some(head)) {
            // What another one is made of has to be known.
            let Some(parts) = parts_of(other) else { return Ok(()) };
            named.extend(parts);
        }
        let listed = self.api.list::<ConfigMap>(self.namespace, &format!("{PART_OF}={module}")).await?;
        for name in surplus(head, named, &listed, jiff::Timestamp::now().as_second()) {
            self.api.delete::<ConfigMap>(self.namespace, &name).await?;
            tell(Told::Removed { name });
        }
        Ok(())
    }
}

/// Which parts and former heads of a module nobody needs: those that are not `named`, and nothing that another head has been or was made
/// of. None where it is not known what one of these is made of.
pub(crate) fn surplus(head: &str, mut named: BTreeSet<String>, listed: &[ConfigMap], now: i64) -> Vec<String> {
    let former_of = |object: &ConfigMap| object.metadata.labels.as_ref().and_then(|labels| labels.get(FORMER)).cloned();
    let is_of_another = |object: &ConfigMap| former_of(object).is_some_and(|former| former != head);
    for former in listed.iter().filter(|object| is_of_another(object)) {
        let Some(parts) = parts_of(former) else { return Vec::new() };
        named.extend(parts);
        named.extend(former.metadata.name.clone());
    }
    // The parts of somebody who pushes at this time are in no head yet.
    let is_young = |object: &ConfigMap| {
        let made = object.metadata.creation_timestamp.as_ref().map_or(i64::MAX, |made| made.0.as_second());
        former_of(object).is_none() && now.saturating_sub(made) < YOUNG
    };
    let old = listed.iter().filter(|object| !is_young(object));
    old.filter_map(|object| object.metadata.name.clone()).filter(|name| !named.contains(name)).collect()
}

/// The names of what a head, or a former one, is made of.
fn parts_of(object: &ConfigMap) -> Option<impl Iterator<Item = String> + use<>> {
    let manifest = Manifest::read(Signed::of(object)?.manifest.as_bytes()).ok()?;
    Some(manifest.component.parts.into_iter().map(|part| part.name))
}

/// A head that is there.
struct Head {
    is: Revision,
    signed: Signed,
    version: Option<String>,
}
