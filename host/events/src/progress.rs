//! How far events were told, in memory and, where there is a storage, on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use host_receivers::storage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Up to where all is with the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Nothing where nothing was told yet.
    pub(crate) version: Option<u64>,
    /// What a list has from before this time is not told.
    pub(crate) since: Timestamp,
}

impl Default for Progress {
    fn default() -> Self {
        Progress { version: None, since: Timestamp::UNIX_EPOCH }
    }
}

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_version: Option<u64>,
    /// Where nothing was told yet: when the receiver was started first, in seconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
}

/// The file of one namespace, or of all.
#[derive(Clone, Debug)]
pub(crate) struct Store(PathBuf);

impl Store {
    /// In this folder; `namespace` is empty where events of all are told.
    pub(crate) fn new(folder: &Path, namespace: &str) -> Self {
        let name = if namespace.is_empty() { "all".to_owned() } else { format!("namespace_{namespace}") };
        Store(folder.join(name).with_extension("json"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What was written last; nothing where nothing was.
    ///
    /// # Errors
    /// Where it cannot be read, or is damaged.
    pub(crate) fn read(&self) -> io::Result<Option<Progress>> {
        let content = match fs::read(&self.0) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&content)? {
            Written { resource_version: None, since: None } => Err(io::Error::other("it says nothing")),
            Written { resource_version: Some(version), .. } => {
                Ok(Some(Progress { version: Some(version), ..Progress::default() }))
            }
            Written { since: Some(since), .. } => {
                let since = Timestamp::from_second(since).map_err(io::Error::other)?;
                Ok(Some(Progress { version: None, since }))
            }
        }
    }

    /// Writes it, and returns when the disk has it.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub(crate) fn write(&self, progress: Progress) -> io::Result<()> {
        let since = progress.version.is_none().then(|| progress.since.as_second());
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        storage::replace(&self.0, &serde_json::to_vec(&Written { resource_version: progress.version, since })?)
            .map(drop)
    }
}
