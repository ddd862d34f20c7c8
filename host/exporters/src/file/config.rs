//! What the user writes about a `file` exporter.

use std::fmt;
use std::io;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter};
use host_telemetry::Metrics;
use schemars::JsonSchema;
use serde::Deserialize;

use super::exporter::FileExporter;
use crate::sent::Sent;

/// `file: { path: … }`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The file; relative to the configuration's folder.
    pub path: PathBuf,
    #[serde(default)]
    pub format: Format,
    /// Whether to keep what the file holds at the start.
    #[serde(default)]
    pub append: bool,
    /// Whether to make the file's folder.
    #[serde(default)]
    pub create_directory: bool,
    #[serde(default)]
    pub rotation: Option<Rotation>,
    /// Whether an acknowledgement waits for the disk.
    #[serde(default)]
    pub fsync: bool,
    /// Taken for the Collector's sake: here each request is flushed before it is acknowledged, which is never later.
    #[serde(default = "one_second", deserialize_with = "host_config::time::duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub flush_interval: Duration,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    #[serde(default = "yes")]
    pub required: bool,
}

fn yes() -> bool {
    true
}

fn one_second() -> Duration {
    Duration::from_secs(1)
}

/// How a request is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OTLP/JSON, one request a line.
    #[default]
    Json,
    /// OTLP protobuf, each request behind its length as four bytes, the highest first.
    Proto,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Json => "json",
            Format::Proto => "proto",
        })
    }
}

/// When a file is full, and which full ones are kept: `audit.jsonl.1` is the youngest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    pub max_megabytes: NonZeroU64,
    /// So many are kept; 0 is all.
    pub max_backups: u32,
    /// They are kept for so long; 0 is for ever.
    pub max_days: u32,
    /// Taken for the Collector's sake, which puts the time into the names of full files.
    pub localtime: bool,
}

impl Default for Rotation {
    fn default() -> Self {
        Rotation {
            max_megabytes: NonZeroU64::new(100).expect("100 is not 0"),
            max_backups: 100,
            max_days: 0,
            localtime: false,
        }
    }
}

/// Why a `file` exporter cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the folder {0} does not exist: make it, or set `create_directory: true`")]
    NoFolder(PathBuf),
    #[error("cannot make the folder {0}: {1}")]
    MakeFolder(PathBuf, #[source] io::Error),
    #[error("cannot open {0}: {1}")]
    Open(PathBuf, #[source] io::Error),
    #[error("{0} is being written to by another exporter or process: give each its own file")]
    Taken(PathBuf),
    #[error(
        "{path} holds `format: {there}` while the configuration in force writes to it: give `format: {wanted}` another path, \
         or restart"
    )]
    Format { path: PathBuf, there: Format, wanted: Format },
    #[error("cannot start the thread that writes {0}: {1}")]
    Thread(PathBuf, #[source] io::Error),
}

impl Config {
    /// Opens the file and starts the thread that writes to it; a file that the configuration before writes to is gone on
    /// with as it is, whatever `append` says.
    ///
    /// # Errors
    /// Where the file cannot be opened, or is another's.
    pub fn build(self, id: ComponentId, base: &Path, metrics: &Metrics) -> Result<Arc<dyn Exporter>, Error> {
        let sent = Sent::new(metrics, &id);
        Ok(Arc::new(FileExporter::open(id, &base.join(&self.path), &self, sent)?))
    }
}
