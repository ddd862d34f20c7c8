//! What the user may write about modules: the top-level section `modules`, and one `wasm` processor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host_projection::Grants;
use schemars::JsonSchema;
use serde::Deserialize;

/// The top-level section `modules`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModulesConfig {
    /// The folder of `<name>.wasm` files, watched; none where it is not set.
    pub folder: Option<PathBuf>,
    /// Where native code is kept; the user's cache directory where it is not set.
    pub cache: Option<PathBuf>,
    /// What each module may read and write, by name.
    pub grants: BTreeMap<String, GrantsConfig>,
    /// What is fixed at start for all modules together.
    pub limits: ModulesLimits,
}

/// What one module may read and write: paths, `drop` and `route`, or `*`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrantsConfig {
    pub reads: Vec<String>,
    pub writes: Vec<String>,
    /// Keys of request metadata that it may see.
    pub metadata: Vec<String>,
}

impl ModulesConfig {
    /// The keys of request metadata that the module of a processor may see, in lower case.
    pub fn metadata_of(&self, processor: &ProcessorConfig) -> Vec<String> {
        let granted = self.grants.get(&crate::source::name_of(&processor.module));
        let granted = granted.iter().flat_map(|grants| &grants.metadata).map(|key| key.to_ascii_lowercase());
        granted.chain(processor.metadata.iter().cloned()).collect()
    }

    /// Where the module of a processor and its configuration would lie; relative paths start from `base`.
    pub fn files_of(&self, processor: &ProcessorConfig, base: &Path) -> Vec<PathBuf> {
        let module = match crate::source::is_path(&processor.module) {
            true => Some(base.join(&processor.module)),
            false => self.folder.as_ref().map(|folder| crate::source::in_folder(base, folder, &processor.module)),
        };
        module.into_iter().chain(processor.config_file.as_ref().map(|file| base.join(file))).collect()
    }
}

impl From<GrantsConfig> for Grants {
    fn from(config: GrantsConfig) -> Self {
        Grants { reads: config.reads, writes: config.writes }
    }
}

/// Ceilings for all modules together, fixed at start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModulesLimits {
    /// Threads that run guests; as many as there are cores where it is not set.
    pub threads: Option<usize>,
    /// Instances of all modules together; four for each thread, and 128 at least, where it is not set.
    pub instances: Option<u32>,
    /// The most memory that a processor's `limits.memory_mib` may give to an instance.
    pub memory_mib: u32,
    /// Linear memory of all instances together.
    pub total_memory_mib: u32,
    /// The size of a component.
    pub component_mib: u32,
    /// The size of the cache of native code.
    pub cache_mib: u64,
    /// Batches that wait for one processor; more are refused.
    pub queue: usize,
    /// How long a module may take to compile.
    #[serde(deserialize_with = "host_config::time::duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub compile_timeout: Duration,
}

impl Default for ModulesLimits {
    fn default() -> Self {
        ModulesLimits {
            threads: None,
            instances: None,
            memory_mib: 256,
            total_memory_mib: 1024,
            component_mib: 32,
            cache_mib: 512,
            queue: 512,
            compile_timeout: Duration::from_secs(300),
        }
    }
}

/// One `wasm` processor of a pipeline.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessorConfig {
    /// A name (`pii-scrub`: the folder's file of that name, else the bundled one) or a path (it has a slash, or ends in
    /// `.wasm`).
    pub module: String,
    /// The module's own configuration.
    pub config: Option<serde_json::Value>,
    /// Or a file that holds it, as YAML or JSON; watched.
    pub config_file: Option<PathBuf>,
    /// What happens to a batch that the guest fails on.
    pub failure_policy: FailurePolicy,
    pub limits: Limits,
    /// Keys of request metadata that its configuration looks at and that it may therefore see, in lower case.
    #[serde(skip)]
    pub metadata: Vec<String>,
}

/// What happens to a batch that the guest fails on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// It is tried again, then refused: nothing passes unprocessed.
    #[default]
    Closed,
    /// It goes on as it was, and is counted.
    Open,
}

/// What one instance may take.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Linear memory.
    pub memory_mib: u32,
    /// CPU time for one batch, projection and edits included.
    #[serde(deserialize_with = "host_config::time::duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// What one call may give back: edits and their text.
    pub output_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { memory_mib: 64, timeout: Duration::from_millis(100), output_mib: 4 }
    }
}
