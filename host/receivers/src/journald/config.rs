//! What a user may write under `receivers: journald:`. The keys and defaults are the Collector's.

use std::collections::BTreeMap;
use std::path::Path;

use host_config::{Check, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::entries::settings::{Operator, Retry, fixed_wrongs, operator_wrongs};
use crate::file_log::StartAt;

/// The receiver's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A folder of journal files; the machine's own where nothing is written.
    pub directory: Option<String>,
    pub files: Vec<String>,
    pub start_at: StartAt,
    pub units: Vec<String>,
    pub identifiers: Vec<String>,
    /// Fields and their values: all of one of these have to be an entry's.
    pub matches: Vec<BTreeMap<String, String>>,
    pub priority: String,
    pub grep: String,
    pub dmesg: bool,
    pub all: bool,
    pub merge: bool,
    pub namespace: String,
    pub convert_message_bytes: bool,
    pub include_log_record_original: bool,
    /// Where `journalctl` takes the machine's root to be.
    pub root_path: String,
    pub journalctl_path: String,
    /// The `file_storage` extension that keeps how far the journal was read.
    pub storage: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub resource: BTreeMap<String, String>,
    pub operators: Vec<Operator>,
    pub retry_on_failure: Retry,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            directory: None,
            files: Vec::new(),
            start_at: StartAt::End,
            units: Vec::new(),
            identifiers: Vec::new(),
            matches: Vec::new(),
            priority: "info".to_owned(),
            grep: String::new(),
            dmesg: false,
            all: false,
            merge: false,
            namespace: String::new(),
            convert_message_bytes: false,
            include_log_record_original: false,
            root_path: String::new(),
            journalctl_path: "journalctl".to_owned(),
            storage: None,
            attributes: BTreeMap::new(),
            resource: BTreeMap::new(),
            operators: Vec::new(),
            retry_on_failure: Retry::default(),
        }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let is_relative = |path: &str| !Path::new(path).is_absolute();
        let has_root = !self.root_path.is_empty();
        let is_field =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_uppercase());
        let mut wrongs = Wrong::among([
            ("journalctl_path", self.journalctl_path.trim().is_empty(), "write where `journalctl` is"),
            (
                "journalctl_path",
                has_root && is_relative(&self.journalctl_path),
                "with `root_path` it has to be absolute, such as `/usr/bin/journalctl`; it starts from that root",
            ),
            ("root_path", has_root && is_relative(&self.root_path), "it has to be absolute, such as `/host`"),
            ("files", self.directory.is_some() && !self.files.is_empty(), "write it or `directory`, not both"),
        ]);
        for (at, fields) in self.matches.iter().enumerate() {
            if fields.is_empty() {
                wrongs
                    .push(Wrong::new(format!("matches[{at}]"), "write a field and its value, such as `_UID: '1000'`"));
            }
            for name in fields.keys().filter(|name| !is_field(name)) {
                let told = format!("{name:?} is no field of a journal, which has capital letters and `_` only");
                wrongs.push(Wrong::new(format!("matches[{at}]"), told));
            }
        }
        wrongs.extend(fixed_wrongs("attributes", &self.attributes));
        wrongs.extend(fixed_wrongs("resource", &self.resource));
        wrongs.extend(operator_wrongs(&self.operators));
        wrongs
    }
}
