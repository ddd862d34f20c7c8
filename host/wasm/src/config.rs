//! What the user may write about modules: the top-level section `modules`, and one `wasm` processor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host_config::{Check, Wrong};
use host_projection::Grants;
use schemars::JsonSchema;
use serde::Deserialize;

const PUSHED_WITH: &str = "a module that is pushed to the cluster brings its configuration along: leave this out";
const NO_NAME: &str = "with `source: kubernetes` it is the name of a module: a-z, 0-9 and `-`, and 63 of them at most";
const MAY_COME_LATER: &str =
    "a module that is pushed may come later, so that `refuse` or `pass` is all that there is to choose from";
const NO_QUARANTINE: &str = "nothing could be kept there; leave out quarantine.path to have no quarantine";

/// The top-level section `modules`, as far as the sandbox is concerned.
#[derive(Clone, Debug, Default)]
pub struct ModulesConfig {
    /// The folder of `<name>.wasm` files, watched; none where it is not set.
    pub folder: Option<PathBuf>,
    /// Where native code is kept; the user's cache directory where it is not set.
    pub cache: Option<PathBuf>,
    /// What each module may read and write, by name.
    pub grants: BTreeMap<String, GrantsConfig>,
    /// Where items go that no module can process.
    pub quarantine: QuarantineConfig,
    /// What is fixed at start for all modules together.
    pub limits: ModulesLimits,
    /// Whether somebody brings modules besides.
    pub has_shelf: bool,
}

/// Where items go that a module fails on alone. What lies there is unscrubbed by nature.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuarantineConfig {
    /// A folder that is the collector's alone; made with mode 0700 where it is not there. Where it is not set, a batch with such
    /// an item is refused.
    pub path: Option<PathBuf>,
    /// The size of its file; what does not fit is refused.
    pub max_mib: u64,
    /// Records that were not sent again; more are refused.
    pub max_records: usize,
}

impl Default for QuarantineConfig {
    fn default() -> Self {
        QuarantineConfig { path: None, max_mib: 64, max_records: 10_000 }
    }
}

/// What one module may read and write: paths, the words `drop`, `route`, `log` and `counters` among the writes, or `*`.
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
        if processor.source == ModuleSource::Kubernetes {
            return Vec::new();
        }
        let module = match crate::source::is_path(&processor.module) {
            true => Some(base.join(&processor.module)),
            false => self.folder.as_ref().map(|folder| crate::source::in_folder(base, folder, &processor.module)),
        };
        module.into_iter().chain(processor.config_file.as_ref().map(|file| base.join(file))).collect()
    }
}

impl Check for ModulesConfig {
    fn wrongs(&self) -> Vec<Wrong> {
        Wrong::among([
            ("quarantine.max_mib", self.quarantine.max_mib == 0, NO_QUARANTINE),
            ("quarantine.max_records", self.quarantine.max_records == 0, NO_QUARANTINE),
        ])
    }
}

impl Check for ProcessorConfig {
    fn wrongs(&self) -> Vec<Wrong> {
        let RollbackConfig { error_percent, p99, .. } = &self.rollback;
        let is_pushed = self.source == ModuleSource::Kubernetes;
        let is_refused_without = self.if_missing == Some(IfMissing::Fail);
        Wrong::among([
            ("config", is_pushed && self.config.is_some(), PUSHED_WITH),
            ("config_file", is_pushed && self.config_file.is_some(), PUSHED_WITH),
            ("module", is_pushed && !host_manifest::is_name(&self.module), NO_NAME),
            ("if_missing", is_pushed && is_refused_without, MAY_COME_LATER),
            ("rollback.error_percent", *error_percent > 100, "a share of batches has 100 % at most"),
            ("rollback.p99", p99.is_some_and(|p99| p99.is_zero()), "every batch takes longer than that"),
        ])
    }
}

impl From<GrantsConfig> for Grants {
    fn from(config: GrantsConfig) -> Self {
        Grants { reads: config.reads, writes: config.writes }
    }
}

/// Ceilings for modules, fixed at start.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModulesLimits {
    /// Threads that run guests; as many as there are cores where it is not set.
    pub threads: Option<usize>,
    /// Instances of all modules together; four for each thread, and 1,024 at least, where it is not set.
    pub instances: Option<u32>,
    /// The most memory that a processor's `limits.memory_mib` may give to an instance.
    pub memory_mib: u32,
    /// Linear memory of all instances together.
    pub total_memory_mib: u32,
    /// The most CPU time that a processor's `limits.timeout` may give to a batch.
    #[serde(deserialize_with = "host_config::time::duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// The most that a processor's `limits.output_mib` may give to a call.
    pub output_mib: u32,
    /// The size of a component.
    pub component_mib: u32,
    /// The size of a module's native code.
    pub native_mib: u32,
    /// Log lines that a module may write in a second; more are left out and counted.
    pub log_lines: u32,
    /// Patterns of a module's plan.
    pub patterns: usize,
    /// What the patterns of a plan may take when they are compiled.
    pub pattern_mib: u32,
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
            timeout: Duration::from_secs(60),
            output_mib: 64,
            component_mib: 32,
            native_mib: 256,
            log_lines: 100,
            patterns: 1024,
            pattern_mib: 16,
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
    /// Where the module comes from.
    pub source: ModuleSource,
    /// The module's own configuration.
    pub config: Option<serde_json::Value>,
    /// Or a file that holds it, as YAML or JSON; watched.
    pub config_file: Option<PathBuf>,
    /// What happens to a batch that the guest fails on.
    pub failure_policy: FailurePolicy,
    /// What happens where there is no such module when the collector starts: `fail` where it is not set, and `refuse` for one that
    /// is pushed.
    pub if_missing: Option<IfMissing>,
    /// When a new module has to make way for the one before it.
    pub rollback: RollbackConfig,
    pub limits: Limits,
    /// Keys of request metadata that its configuration looks at and that it may therefore see, in lower case.
    #[serde(skip)]
    pub metadata: Vec<String>,
}

/// Where a module comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModuleSource {
    /// A file, or the binary itself.
    #[default]
    Local,
    /// Whoever pushes it to the cluster: see `modules.kubernetes`.
    Kubernetes,
}

impl ProcessorConfig {
    /// What happens where there is no such module when the collector starts.
    pub fn if_missing(&self) -> IfMissing {
        self.if_missing.unwrap_or(match self.source {
            ModuleSource::Local => IfMissing::Fail,
            ModuleSource::Kubernetes => IfMissing::Refuse,
        })
    }
}

/// What happens to a batch that the guest fails on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailurePolicy {
    /// It is tried again, then in parts: what fails alone goes into the quarantine, or all of it is refused. Nothing passes
    /// unprocessed.
    #[default]
    Closed,
    /// It goes on as it was, and is counted.
    Open,
}

/// What happens where there is no file of a module when the collector starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfMissing {
    /// It does not start.
    #[default]
    Fail,
    /// It starts, is not ready, and refuses what the module is to process until there is one.
    Refuse,
    /// It starts, and what the module is to process goes on as it was, and is counted, until there is one.
    Pass,
}

/// When a new module or configuration has to make way for the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RollbackConfig {
    /// How long it is watched; 0s where it is not.
    #[serde(deserialize_with = "host_config::time::duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub window: Duration,
    /// The share of batches that may fail at first, in percent.
    pub error_percent: u8,
    /// CPU time that no more than one of a hundred batches may take; `limits.timeout` where it is not set.
    #[serde(deserialize_with = "host_config::time::optional_duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub p99: Option<Duration>,
}

impl Default for RollbackConfig {
    fn default() -> Self {
        RollbackConfig { window: Duration::from_secs(300), error_percent: 5, p99: None }
    }
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
