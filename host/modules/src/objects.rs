//! How the objects of a module look: their names, labels and keys.

use std::collections::BTreeMap;

use bytes::Bytes;
use host_manifest::{Digest, Manifest, Part};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::published::history::Revision;

/// The label of a head, whose value is the module's name.
pub(crate) const MODULE: &str = "tidegate.dev/module";
/// The label of a part, and of a former head, with the same value.
pub(crate) const PART_OF: &str = "tidegate.dev/part-of";
/// The label of a former head, with the head's name.
pub(crate) const FORMER: &str = "tidegate.dev/former";
/// The annotations of a head, for people; that with the revision is one of a former head, too.
const REVISION: &str = "tidegate.dev/revision";
const DIGEST: &str = "tidegate.dev/digest";
/// The annotation of a head, and of a former one, with the revision that its content was pushed as, for the tools of authors. Nobody signs
/// it: an undo says where it went, and what it publishes is signed by whoever does it.
const ORIGIN: &str = "tidegate.dev/origin";
/// The annotation of a host's own pod.
pub const MODULES: &str = "tidegate.dev/modules";

const MANIFEST: &str = "manifest.json";
const SIGNATURES: &str = "manifest.sig";
const COMPONENT: &str = "component";

/// A manifest with its signatures, as it lies in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) manifest: String,
    pub(crate) signatures: String,
}

impl Signed {
    pub(crate) fn of(object: &ConfigMap) -> Option<Signed> {
        let data = object.data.as_ref()?;
        let signatures = data.get(SIGNATURES).cloned().unwrap_or_default();
        Some(Signed { manifest: data.get(MANIFEST)?.clone(), signatures })
    }

    /// The digest of the manifest: what identifies that which was pushed.
    pub(crate) fn digest(&self) -> String {
        Digest::of(self.manifest.as_bytes()).to_string()
    }

    /// Both are always there: a signature that was left out would be that of what was there before.
    fn data(&self) -> BTreeMap<String, String> {
        let Signed { manifest, signatures } = self.clone();
        [(MANIFEST.to_owned(), manifest), (SIGNATURES.to_owned(), signatures)].into()
    }
}

/// The head; `version` is that of the one whose place it takes.
pub(crate) fn head(is: &Revision, signed: &Signed, version: Option<String>) -> ConfigMap {
    let Revision { name, manifest, origin } = is;
    let annotations = [
        (REVISION.to_owned(), manifest.revision.to_string()),
        (ORIGIN.to_owned(), origin.to_string()),
        (DIGEST.to_owned(), format!("sha256:{}", manifest.component.digest)),
    ];
    let metadata = ObjectMeta {
        name: Some(name.clone()),
        labels: Some([(MODULE.to_owned(), manifest.name.clone())].into()),
        annotations: Some(annotations.into()),
        resource_version: version,
        ..ObjectMeta::default()
    };
    ConfigMap { metadata, data: Some(signed.data()), ..ConfigMap::default() }
}

/// What a head has become when another took its place.
pub(crate) fn former(was: &Revision, signed: &Signed) -> ConfigMap {
    let Revision { name, manifest, origin } = was;
    let labels = [(PART_OF.to_owned(), manifest.name.clone()), (FORMER.to_owned(), name.clone())];
    let annotations = [(REVISION.to_owned(), manifest.revision.to_string()), (ORIGIN.to_owned(), origin.to_string())];
    let metadata = ObjectMeta {
        name: Some(former_name(name, manifest.revision)),
        labels: Some(labels.into()),
        annotations: Some(annotations.into()),
        ..ObjectMeta::default()
    };
    ConfigMap { metadata, data: Some(signed.data()), immutable: Some(true), ..ConfigMap::default() }
}

/// The revision that the content of a head, or of a former one, was pushed as: its own, where no undo has said another.
pub(crate) fn origin(object: &ConfigMap, manifest: &Manifest) -> u64 {
    let said = |key: &str| object.metadata.annotations.as_ref()?.get(key)?.parse::<u64>().ok();
    // Whoever writes a manifest by hand leaves what was said of the one before it.
    let is_of_it = said(REVISION) == Some(manifest.revision);
    said(ORIGIN).filter(|origin| is_of_it && (1..manifest.revision).contains(origin)).unwrap_or(manifest.revision)
}

pub(crate) fn former_name(head: &str, revision: u64) -> String {
    format!("{head}-r{revision}")
}

pub(crate) fn part(module: &str, part: &Part, bytes: &Bytes) -> ConfigMap {
    let metadata = ObjectMeta {
        name: Some(part.name.clone()),
        labels: Some([(PART_OF.to_owned(), module.to_owned())].into()),
        ..ObjectMeta::default()
    };
    let data = [(COMPONENT.to_owned(), ByteString(bytes.to_vec()))];
    ConfigMap { metadata, binary_data: Some(data.into()), immutable: Some(true), ..ConfigMap::default() }
}

/// What lies in a part, if it is one.
pub(crate) fn content(part: ConfigMap) -> Option<Bytes> {
    part.binary_data?.remove(COMPONENT).map(|content| content.0.into())
}
