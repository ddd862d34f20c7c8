//! The manifest of one revision of a module: what it is made of, how it is configured, what it asks for and what it is
//! granted, and for which clusters it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::canonical;
use crate::clusters::ClusterPattern;
use crate::digest::Digest;

/// The form that is described here.
const SCHEMA: u32 = 1;
/// A larger manifest is none: a ConfigMap has a mebibyte for it and its signatures.
const BYTES: usize = 768 << 10;
/// Names of modules and of heads are values of labels, and names of other objects are made of them.
const NAME: usize = 63;
/// Parts of a component of the largest size that anybody compiles.
const PARTS: usize = 256;

/// One revision of a module. Of two revisions under one head the one with the higher number holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    /// The ConfigMap that it is published as: under another one it is none, whoever has signed it.
    pub head: String,
    pub name: String,
    pub revision: u64,
    pub component: Component,
    pub config: Value,
    /// Of the canonical text of `config`.
    pub config_digest: Digest,
    /// What it asks for, for those who are asked whether they want it.
    pub requests: Fields,
    /// What it may do, as far as the host's own configuration lets it.
    pub grants: Fields,
    /// Patterns of the `cluster.id` that it is for; `*` for all, and for data of none.
    pub clusters: Vec<String>,
}

/// The component, and how it is put together again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    pub digest: Digest,
    pub bytes: u64,
    pub coding: Coding,
    pub parts: Vec<Part>,
}

/// How the bytes of the parts, end to end, are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    Plain,
    Gzip,
    Zstd,
}

/// A part of a component, as it lies somewhere under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub name: String,
    pub digest: Digest,
    pub bytes: u64,
}

/// Fields of telemetry, as the configuration of a host names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    pub reads: Vec<String>,
    pub writes: Vec<String>,
    pub metadata: Vec<String>,
}

/// Why something is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    #[error("it has {0} bytes, more than {BYTES}")]
    Size(usize),
    #[error("it cannot be read: {0}")]
    Form(String),
    #[error(
        "its schema is {0}, and this host knows {SCHEMA}: update the host, or push with a `tidegate` of its version"
    )]
    Schema(u32),
    #[error("{key}: {problem}")]
    Value { key: &'static str, problem: String },
}

impl Manifest {
    /// Reads one and looks whether it makes sense by itself.
    ///
    /// # Errors
    /// When it does not: the key, and what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > BYTES {
            return Err(ManifestError::Size(bytes.len()));
        }
        // One of another schema may have other keys: that is told first.
        #[derive(Deserialize)]
        struct Any {
            schema: u32,
        }
        let form = |error: serde_json::Error| ManifestError::Form(error.to_string());
        let Any { schema } = serde_json::from_slice(bytes).map_err(form)?;
        if schema != SCHEMA {
            return Err(ManifestError::Schema(schema));
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(form)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// One for this component, with the digests that belong to it.
    pub fn new(head: String, name: String, revision: u64, component: Component, config: Value) -> Self {
        let config_digest = Digest::of(canonical(&config).as_bytes());
        let (requests, grants) = (Fields::default(), Fields::default());
        let clusters = vec!["*".to_owned()];
        Manifest { schema: SCHEMA, head, name, revision, component, config, config_digest, requests, grants, clusters }
    }

    /// The bytes that are signed.
    ///
    /// # Errors
    /// As [`Manifest::read`]: what no host would take is not written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| ManifestError::Form(error.to_string()))?;
        bytes.push(b'\n');
        Manifest::read(&bytes)?;
        Ok(bytes)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let wrong = |key, problem: &str| Err(ManifestError::Value { key, problem: problem.to_owned() });
        if !is_name(&self.name) {
            return wrong("name", "a name has up to 63 of a-z, 0-9 and `-`, with a letter or digit at its ends");
        }
        if !is_head(&self.head) {
            return wrong(
                "head",
                "a head has a name of up to 63 of a-z, 0-9, `-` and `.`, with a letter or digit at its ends and beside each `.`",
            );
        }
        if self.revision == 0 {
            return wrong("revision", "revisions begin with 1");
        }
        if self.config_digest != Digest::of(canonical(&self.config).as_bytes()) {
            return wrong("config_digest", "it is not that of `config`");
        }
        if self.clusters.is_empty() {
            return wrong("clusters", "it is for no cluster: `*` is all of them");
        }
        ClusterPattern::read_all(&self.clusters)?;
        self.check_component()
    }

    fn check_component(&self) -> Result<(), ManifestError> {
        let wrong = |problem: &str| Err(ManifestError::Value { key: "component", problem: problem.to_owned() });
        let Component { bytes, coding, parts, .. } = &self.component;
        if parts.is_empty() || parts.len() > PARTS {
            return wrong("it has 1 to 256 parts");
        }
        if parts.iter().any(|part| !is_object_name(&part.name)) {
            return wrong("the name of a part is none that an object may have");
        }
        let packed = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(part.bytes));
        match (coding, packed) {
            (_, None) => wrong("its parts are larger than anything"),
            (Coding::Plain, Some(packed)) if packed != *bytes => wrong("`bytes` is not what its parts come to"),
            _ => Ok(()),
        }
    }
}

/// Whether this may be the name of a module that is pushed: a label's value and the beginning of names of objects.
pub fn is_name(name: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let bytes = name.as_bytes();
    bytes.len() <= NAME && is_end(bytes.first()) && is_end(bytes.last()) && bytes.iter().all(is_inner)
}

/// Whether this may be the name of a head: that of a ConfigMap, and a label's value.
pub fn is_head(name: &str) -> bool {
    name.len() <= NAME && is_object_name(name)
}

fn is_object_name(name: &str) -> bool {
    name.len() <= 253 && !name.is_empty() && name.split('.').all(|label| label.len() <= 253 && is_label(label))
}

fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(is_inner)
}
