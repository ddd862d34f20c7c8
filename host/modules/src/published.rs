//! Publishing a module: parts, the former head, and then the head, whose one update is the commit.

use std::collections::BTreeSet;

use bytes::Bytes;
use host_kubernetes::{Api, ApiError};
use host_manifest::{Component, Fields, Manifest, ManifestError, PublicKeys, SigningKey};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use crate::objects::{self, FORMER, MODULE, PART_OF, Signed};

/// Revisions whose parts stay, the one in force among them.
const REVISIONS: usize = 3;

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
    #[error("there is nothing before revision {0} to go back to, or nothing that was signed with this key")]
    First(u64),
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
    pub digest: String,
    /// The digest of its manifest: what a host has looked at says which one that was.
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
        let there = before.as_ref().map_or(0, |before| before.manifest.revision);
        if let Some(before) = before.as_ref().filter(|before| before.manifest.name != module) {
            let (head, there, module) = (head.to_owned(), before.manifest.name.clone(), module.to_owned());
            return Err(PublishError::OtherModule { head, there, module });
        }
        let revision = match revision {
            Some(asked) if asked <= there => return Err(PublishError::Revision { asked, there }),
            asked => asked.unwrap_or(there + 1),
        };
        let mut manifest = Manifest::new(head.to_owned(), module.to_owned(), revision, component, config);
        (manifest.requests, manifest.grants, manifest.clusters) = (requests, grants, clusters);
        for (part, bytes) in manifest.component.parts.iter().zip(&pieces) {
            if self.put_part(module, part, bytes).await? {
                tell(Told::Part { name: part.name.clone(), bytes: bytes.len() });
            }
        }
        self.commit(head, manifest, before, tell).await
    }

    /// Publishes again what was in force before, under a higher revision.
    ///
    /// # Errors
    /// As [`Publisher::push`].
    pub async fn undo(&self, head: &str, tell: impl FnMut(Told)) -> Result<Published, PublishError> {
        let before = self.head(head).await?.ok_or_else(|| PublishError::Nothing(head.to_owned()))?;
        let (revision, is_other) = (before.manifest.revision, |manifest: &Manifest| {
            (&manifest.component.digest, &manifest.config_digest, &manifest.grants, &manifest.clusters)
                != (
                    &before.manifest.component.digest,
                    &before.manifest.config_digest,
                    &before.manifest.grants,
                    &before.manifest.clusters,
                )
        });
        let trusted = self.key.map(SigningKey::public_keys);
        let formers = self.formers(head, &before.manifest.name, trusted.as_ref()).await?;
        // What was undone is not what was before.
        let former = formers.into_iter().map(|(_, manifest)| manifest).find(|m| m.revision < revision && is_other(m));
        let mut manifest = former.ok_or(PublishError::First(revision))?;
        manifest.revision = revision + 1;
        self.commit(head, manifest, Some(before), tell).await
    }

    async fn commit(
        &self,
        head: &str,
        manifest: Manifest,
        before: Option<Head>,
        mut tell: impl FnMut(Told),
    ) -> Result<Published, PublishError> {
        let text = String::from_utf8(manifest.to_bytes()?).unwrap_or_default();
        let signatures = self.key.map(|key| format!("{}\n", key.sign(text.as_bytes()))).unwrap_or_default();
        let signed = Signed { manifest: text, signatures };
        if let Some(before) = &before {
            self.put_former(head, before).await?;
        }
        let version = before.and_then(|before| before.version);
        let object = objects::head(head, &manifest, &signed, version.clone());
        let is_written = match version {
            None => self.api.create(self.namespace, &object, self.is_trial).await?,
            Some(_) => self.api.apply(self.namespace, &object, self.is_trial).await?,
        };
        if !is_written {
            return Err(PublishError::Raced(head.to_owned()));
        }
        tell(Told::Head { name: head.to_owned(), revision: manifest.revision });
        if !self.is_trial
            && let Err(error) = self.prune(head, &manifest, &mut tell).await
        {
            tell(Told::NotRemoved { why: error.to_string() });
        }
        Ok(Published {
            head: head.to_owned(),
            module: manifest.name.clone(),
            revision: manifest.revision,
            digest: manifest.component.digest.to_string(),
            manifest: signed.digest(),
        })
    }

    /// Keeps a head for whoever goes back to it.
    async fn put_former(&self, head: &str, before: &Head) -> Result<(), PublishError> {
        let former = objects::former(head, &before.manifest, &before.signed);
        if self.api.create(self.namespace, &former, self.is_trial).await? {
            return Ok(());
        }
        // One of that revision may be there from a head that was deleted since.
        let name = objects::former_name(head, before.manifest.revision);
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
        Ok(Some(Head { manifest, signed, version: object.metadata.resource_version }))
    }

    /// What was in force before, newest first, with the names of the objects; where somebody signs, nothing that he has not signed before.
    async fn formers(
        &self,
        head: &str,
        module: &str,
        trusted: Option<&PublicKeys>,
    ) -> Result<Vec<(String, Manifest)>, PublishError> {
        let labels = format!("{PART_OF}={module},{FORMER}={head}");
        let listed = self.api.list::<ConfigMap>(self.namespace, &labels).await?;
        let read = listed.into_iter().filter_map(|object| {
            let signed = Signed::of(&object)?;
            let is_trusted = |keys: &PublicKeys| keys.verify(signed.manifest.as_bytes(), &signed.signatures).is_ok();
            let manifest = Manifest::read(signed.manifest.as_bytes()).ok()?;
            let is_one = manifest.name == module && trusted.is_none_or(is_trusted);
            Some((object.metadata.name?, manifest)).filter(|_| is_one)
        });
        let mut formers: Vec<_> = read.collect();
        formers.sort_by_key(|(_, manifest)| std::cmp::Reverse(manifest.revision));
        Ok(formers)
    }

    /// Removes what no revision that stays is made of.
    async fn prune(&self, head: &str, manifest: &Manifest, tell: &mut impl FnMut(Told)) -> Result<(), PublishError> {
        let module = &manifest.name;
        let formers = self.formers(head, module, None).await?;
        let mut named: BTreeSet<String> = manifest.component.parts.iter().map(|part| part.name.clone()).collect();
        for (name, manifest) in formers.into_iter().take(REVISIONS - 1) {
            named.insert(name);
            named.extend(manifest.component.parts.into_iter().map(|part| part.name));
        }
        // Other heads of the module have parts of theirs.
        let others = self.api.list::<ConfigMap>(self.namespace, &format!("{MODULE}={module}")).await?;
        for other in others.iter().filter(|other| other.metadata.name.as_deref() != Some(head)) {
            // What another one is made of has to be known.
            let Some(signed) = Signed::of(other) else { return Ok(()) };
            let Ok(other) = Manifest::read(signed.manifest.as_bytes()) else { return Ok(()) };
            named.extend(other.component.parts.into_iter().map(|part| part.name));
        }
        let listed = self.api.list::<ConfigMap>(self.namespace, &format!("{PART_OF}={module}")).await?;
        for object in listed {
            let is_of_another = object
                .metadata
                .labels
                .as_ref()
                .and_then(|labels| labels.get(FORMER))
                .is_some_and(|former| former != head);
            // The parts of somebody who pushes at this time are in no head yet.
            let is_part = object.metadata.labels.as_ref().is_none_or(|labels| !labels.contains_key(FORMER));
            let made = object.metadata.creation_timestamp.as_ref().map_or(i64::MAX, |made| made.0.as_second());
            let is_young = is_part && jiff::Timestamp::now().as_second().saturating_sub(made) < YOUNG;
            let is_needed = |name: &String| named.contains(name) || is_of_another || is_young;
            let Some(name) = object.metadata.name.filter(|name| !is_needed(name)) else { continue };
            self.api.delete::<ConfigMap>(self.namespace, &name).await?;
            tell(Told::Removed { name });
        }
        Ok(())
    }
}

/// A head that is there.
struct Head {
    manifest: Manifest,
    signed: Signed,
    version: Option<String>,
}
