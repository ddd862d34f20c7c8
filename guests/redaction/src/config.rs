//! The configuration, under the Collector's keys.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Any, Error};

/// What the operator writes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) allow_all_keys: bool,
    pub(crate) allowed_keys: Vec<String>,
    pub(crate) ignored_keys: Vec<String>,
    pub(crate) ignored_key_patterns: Vec<String>,
    pub(crate) blocked_key_patterns: Vec<String>,
    pub(crate) blocked_values: Vec<String>,
    pub(crate) allowed_values: Vec<String>,
    pub(crate) redact_all_types: bool,
    pub(crate) hash_function: String,
    pub(crate) hmac_key: String,
    pub(crate) summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_sanitizer: Option<Any>,
    #[serde(skip_serializing_if = "Option::is_none")]
    db_sanitizer: Option<Any>,
}

/// How much is told of what was changed, in attributes beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Summary {
    Silent,
    Counts,
    Keys,
}

impl Config {
    pub(crate) fn summary(&self) -> Result<Summary, Error> {
        match self.summary.as_str() {
            "" | "silent" => Ok(Summary::Silent),
            "info" => Ok(Summary::Counts),
            "debug" => Ok(Summary::Keys),
            _ => Err(Error::at("summary", "has to be silent, info or debug")),
        }
    }

    /// Names what is not served.
    pub(crate) fn refuse_sanitizers(&self) -> Result<(), Error> {
        for (key, section) in [("url_sanitizer", &self.url_sanitizer), ("db_sanitizer", &self.db_sanitizer)] {
            if section.as_ref().is_some_and(is_enabled) {
                let problem = "is not served; mask by `blocked_values`, write it as a module \
                               (docs/tutorial-write-a-processor.md), or keep this processor in a Collector that sends \
                               OTLP here";
                return Err(Error::at(key, problem));
            }
        }
        Ok(())
    }
}

/// Whether anything in a sanitizer's section is switched on.
fn is_enabled(section: &Any) -> bool {
    match section {
        Any::Map(entries) => entries.iter().any(|(key, value)| match value {
            Any::Bool(truth) => key == "enabled" && *truth,
            value => is_enabled(value),
        }),
        _ => false,
    }
}
