//! The configuration of pii-scrub, as the operator writes it.

mod detectors;

use serde::Deserialize;

use crate::field::Field;

pub(crate) use detectors::Detectors;

/// What the operator writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) detectors: Detectors,
    pub(crate) patterns: Vec<OwnPattern>,
    pub(crate) action: ActionName,
    pub(crate) mask: String,
    pub(crate) placeholder: String,
    pub(crate) hash: Option<HashConfig>,
    pub(crate) blocked_keys: Vec<String>,
    pub(crate) blocked_action: BlockedAction,
    pub(crate) allowed_keys: Vec<String>,
    pub(crate) fields: Option<Vec<Field>>,
    pub(crate) audit: Option<AuditConfig>,
}

/// What happens to a finding.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActionName {
    #[default]
    Mask,
    Replace,
    Hash,
    Drop,
    DropItem,
}

/// What happens to the value of a blocked key.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BlockedAction {
    #[default]
    Remove,
    Mask,
}

/// What a detector does otherwise than all others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DetectorOptions {
    pub(crate) action: Option<ActionName>,
    pub(crate) mask: Option<String>,
    pub(crate) placeholder: Option<String>,
    pub(crate) verify: bool,
}

/// A pattern of the operator's own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnPattern {
    pub(crate) name: String,
    pub(crate) regex: String,
    pub(crate) action: Option<ActionName>,
    pub(crate) mask: Option<String>,
    pub(crate) placeholder: Option<String>,
}

/// How `hash` hashes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HashConfig {
    pub(crate) key: String,
    #[serde(default = "default_length")]
    pub(crate) length: usize,
}

/// Where counts are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditConfig {
    pub(crate) attribute: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            detectors: Detectors::default(),
            patterns: Vec::new(),
            action: ActionName::default(),
            mask: "****".to_owned(),
            placeholder: "[{name}]".to_owned(),
            hash: None,
            blocked_keys: Vec::new(),
            blocked_action: BlockedAction::default(),
            allowed_keys: Vec::new(),
            fields: None,
            audit: None,
        }
    }
}

impl Default for DetectorOptions {
    fn default() -> Self {
        DetectorOptions { action: None, mask: None, placeholder: None, verify: true }
    }
}

fn default_length() -> usize {
    16
}
