//! Where targets are: written down, in files, or told by a server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use host_config::Wrong;
use schemars::JsonSchema;
use serde::Deserialize;

use super::http::with_http;
use super::units::{duration, duration_schema};

/// Targets with the labels that all of them have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StaticConfig {
    /// `host:port`.
    pub targets: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

impl StaticConfig {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let told = |(at, target): (usize, &String)| {
            let is_address = !target.is_empty() && !target.contains('/');
            let message =
                format!("{target:?} is no target: write `host:port`, and the rest in `scheme` and `metrics_path`");
            (!is_address).then(|| Wrong::new(format!("targets[{at}]"), message))
        };
        self.targets.iter().enumerate().filter_map(told).collect()
    }
}

/// Files that hold lists of targets, as JSON or YAML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FileSdConfig {
    /// Paths that end in `.json`, `.yml` or `.yaml`; the last part may have `*`.
    pub files: Vec<String>,
    /// Files are looked at so often at the least.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "duration_schema")]
    pub refresh_interval: Option<Duration>,
}

impl FileSdConfig {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([("files", self.files.is_empty(), "there is none: name at least one")]);
        for (at, file) in self.files.iter().enumerate() {
            let path = PathBuf::from(file);
            let folder = path.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
            let ends = [".json", ".yml", ".yaml"].into_iter().any(|end| file.ends_with(end));
            let message = if !ends {
                format!("{file:?} does not end in `.json`, `.yml` or `.yaml`")
            } else if folder.contains('*') {
                format!("{file:?} has a `*` before its last part: name the folder")
            } else {
                continue;
            };
            wrongs.push(Wrong::new(format!("files[{at}]"), message));
        }
        wrongs
    }
}

with_http! {
    /// A server that tells targets as JSON.
    pub struct HttpSdConfig {
        pub url: String,
        #[serde(deserialize_with = "duration")]
        #[schemars(schema_with = "duration_schema")]
        pub refresh_interval: Option<Duration>,
    }
    private {
    }
}

impl HttpSdConfig {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.http().wrongs();
        if let Err(wrong) = host_config::without_userinfo("url", &self.url) {
            wrongs.push(wrong);
        } else if crate::http::address(&self.url).is_none() {
            let message = format!("{:?} is no address: write `http://host:port/path` or `https://host/path`", self.url);
            wrongs.push(Wrong::new("url", message));
        }
        wrongs
    }
}
