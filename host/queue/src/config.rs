//! What the user writes about a `file_storage` extension.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host_config::{Check, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

/// A segment that is longer is followed by another.
pub(crate) const SEGMENT_BYTES: u64 = 16 << 20;
/// What waits for an exporter that keeps up is not read back: so many bytes of payloads stay in memory for that.
pub(crate) const MEMORY_BYTES: usize = 4 << 20;

/// `file_storage: { directory: … }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of the queues; relative to the configuration's folder.
    pub directory: PathBuf,
    /// Whether to make it where it is not there.
    pub create_directory: bool,
    /// What it is made with, in octal.
    pub directory_permissions: String,
    /// Taken for the Collector's sake: what another process has is waited for, with a message.
    #[serde(deserialize_with = "host_config::time::duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// Whether an acknowledgement waits for the disk. Without that, a loss of power loses what was acknowledged.
    pub fsync: bool,
    /// Taken for the Collector's sake: what is damaged is left out here, and the rest is kept.
    pub recreate: bool,
    pub compaction: Compaction,
    /// What may wait in each queue, in MiB, whatever its `sizer` counts.
    pub max_queue_mib: u64,
    /// What may be kept, for each queue, of what no backend takes, in MiB.
    pub max_dead_letters_mib: u64,
}

/// Taken for the Collector's sake: files of which everything is delivered are removed, and nothing is ever written anew.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Compaction {
    pub on_start: bool,
    pub on_rebound: bool,
    pub directory: PathBuf,
    pub rebound_needed_threshold_mib: u64,
    pub rebound_trigger_threshold_mib: u64,
    pub max_transaction_size: u64,
    #[serde(deserialize_with = "host_config::time::duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub check_interval: Duration,
    pub cleanup_on_start: bool,
}

impl Default for Compaction {
    fn default() -> Self {
        Compaction {
            on_start: false,
            on_rebound: false,
            directory: PathBuf::new(),
            rebound_needed_threshold_mib: 100,
            rebound_trigger_threshold_mib: 10,
            max_transaction_size: 65_536,
            check_interval: Duration::from_secs(5),
            cleanup_on_start: false,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            directory: PathBuf::from("/var/lib/otelcol/file_storage"),
            create_directory: false,
            directory_permissions: "0750".to_owned(),
            timeout: Duration::from_secs(1),
            fsync: true,
            recreate: false,
            compaction: Compaction::default(),
            max_queue_mib: 10 << 10,
            max_dead_letters_mib: 16,
        }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            ("directory", self.directory.as_os_str().is_empty(), "it has to name a folder"),
            ("max_queue_mib", self.max_queue_mib == 0, "it has to be more than 0"),
            ("max_dead_letters_mib", self.max_dead_letters_mib == 0, "it has to be more than 0"),
        ]);
        if self.permissions().is_none() {
            let told = "it has to be the permissions of a folder in octal that let its owner in, such as `0750`";
            wrongs.push(Wrong::new("directory_permissions", told));
        }
        wrongs
    }
}

impl Config {
    /// The folder of the queues.
    pub fn folder(&self, base: &Path) -> PathBuf {
        base.join(&self.directory)
    }

    pub(crate) fn permissions(&self) -> Option<u32> {
        let mode = u32::from_str_radix(&self.directory_permissions, 8).ok()?;
        (mode & 0o700 == 0o700 && mode <= 0o7777).then_some(mode)
    }
}
