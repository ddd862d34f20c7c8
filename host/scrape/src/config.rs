//! What a user may write under `receivers: prometheus:`. The keys are the Collector's, and below `config` Prometheus' own.

mod allocator;
mod discovery;
mod http;
mod job;
mod relabel;
mod units;

use std::time::Duration;

use host_config::time::optional_duration;
use host_config::{Check, Files, Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::allocator::TargetAllocator;
pub use self::discovery::{
    AttachMetadata, FileSdConfig, HttpSdConfig, KubernetesNamespaces, KubernetesRole, KubernetesSdConfig,
    KubernetesSelector, StaticConfig,
};
pub(crate) use self::http::is_set;
pub use self::http::{Authorization, BasicAuth, HeaderValues, Http, TlsConfig};
pub use self::job::{Global, Job, Limits, Protocol, ScrapeConfig};
pub use self::relabel::{Action, RelabelConfig};
pub(crate) use self::units::{parse_duration, write_duration};

/// The receiver's configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What Prometheus has in its file.
    pub config: Prometheus,
    trim_metric_suffixes: Refused,
    /// Whether `scrape_timeout_seconds` and its like are told of each target.
    pub report_extra_scrape_metrics: bool,
    /// Targets that several replicas share among them.
    pub sharding: Sharding,
    /// Who tells jobs, and which of their targets are this replica's.
    pub target_allocator: Option<TargetAllocator>,
    scrape_on_shutdown: Refused,
    /// Taken for the Collector's sake: targets are scraped as soon as they are found.
    pub discovery_reload_on_startup: bool,
    /// How long the first scrapes wait; without it, until the place of each target in the interval.
    #[serde(deserialize_with = "optional_duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_scrape_offset: Option<Duration>,
    api_server: Refused,
    use_start_time_metric: Refused,
    start_time_metric_regex: Refused,
}

/// `sharding:`, which the Collector has not.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sharding {
    /// How many replicas share the targets.
    pub shards: u32,
    /// Which of them this one is, from 0; without it the number behind the last `-` of the host's name, as a StatefulSet
    /// gives it.
    pub index: Option<u32>,
}

impl Default for Sharding {
    fn default() -> Self {
        Sharding { shards: 1, index: None }
    }
}

/// `config:`, the file of Prometheus.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prometheus {
    pub global: Global,
    pub scrape_configs: Vec<ScrapeConfig>,
    scrape_config_files: Refused,
    remote_write: Refused,
    remote_read: Refused,
    rule_files: Refused,
    alerting: Refused,
    storage: Refused,
    tracing: Refused,
    otlp: Refused,
    runtime: Refused,
}

impl Config {
    /// The jobs, each with what stands under `global` where it says nothing itself.
    pub fn jobs(&self) -> Vec<Job> {
        let global = &self.config.global;
        let mut jobs: Vec<Job> = self.config.scrape_configs.iter().map(|config| config.job(global)).collect();
        for job in &mut jobs {
            job.extra_metrics |= self.report_extra_scrape_metrics;
        }
        jobs
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        const START: &str = "the Collector has it no more: take it out, and let a `metric_start_time` processor behind \
                             this set starts of counters where they are needed";
        const ELSEWHERE: &str = "it is not a receiver's work: take it out, and name exporters in the pipeline";
        let mut wrongs = Wrong::among([
            (
                "trim_metric_suffixes",
                self.trim_metric_suffixes.0,
                "names stay as they were exposed: take it out, and rename with a `transform` processor",
            ),
            ("scrape_on_shutdown", self.scrape_on_shutdown.0, "what ends does not scrape once more: take it out"),
            ("api_server", self.api_server.0, "there is no such server: the targets are in the metrics and the log"),
            ("use_start_time_metric", self.use_start_time_metric.0, START),
            ("start_time_metric_regex", self.start_time_metric_regex.0, START),
            ("sharding.shards", self.sharding.shards == 0, "it is 1 or more"),
            (
                "sharding.index",
                self.sharding.index.is_some_and(|index| index >= self.sharding.shards.max(1)),
                "it is less than `shards`: the first is 0",
            ),
            (
                "config.scrape_config_files",
                self.config.scrape_config_files.0,
                "no other files are read: write their jobs in `scrape_configs`, or that list as `${file:PATH}`",
            ),
            ("config.remote_write", self.config.remote_write.0, ELSEWHERE),
            ("config.remote_read", self.config.remote_read.0, "nothing is queried here: take it out"),
            ("config.rule_files", self.config.rule_files.0, "no rules are evaluated here: keep them in Prometheus"),
            ("config.alerting", self.config.alerting.0, "no alerts are sent from here: keep them in Prometheus"),
            ("config.storage", self.config.storage.0, "nothing is stored here: take it out"),
            ("config.tracing", self.config.tracing.0, "own traces are set up in `service.telemetry`: take it out"),
            ("config.otlp", self.config.otlp.0, "it is what Prometheus receives: take it out"),
            ("config.runtime", self.config.runtime.0, "there is no collector of garbage here: take it out"),
        ]);
        wrongs.extend(self.target_allocator.iter().flat_map(|config| below("target_allocator", config.wrongs())));
        if self.target_allocator.is_some() && self.sharding.shards > 1 {
            let message = "the allocator gives each replica its targets already: keep one of the two";
            wrongs.push(Wrong::new("sharding.shards", message));
        }
        if self.config.scrape_configs.is_empty() && self.target_allocator.is_none() {
            let message = "there is no job: write at least one, with a `job_name` and where its targets are";
            wrongs.push(Wrong::new("config.scrape_configs", message));
        }
        wrongs.extend(below("config.global", self.config.global.wrongs()));
        let mut names = std::collections::BTreeSet::new();
        for (at, config) in self.config.scrape_configs.iter().enumerate() {
            let key = format!("config.scrape_configs[{at}]");
            if !config.job_name.is_empty() && !names.insert(&config.job_name) {
                let message = format!("another job is named {:?}, too: each has a name of its own", config.job_name);
                wrongs.push(Wrong::new(format!("{key}.job_name"), message));
            }
            wrongs.extend(below(&key, config.wrongs(&self.config.global)));
        }
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let allocator =
            self.target_allocator.iter().map(|config| below("target_allocator", config.http().wrongs_in(files)));
        let configs = self.config.scrape_configs.iter().enumerate();
        configs
            .map(|(at, config)| below(&format!("config.scrape_configs[{at}]"), config.wrongs_in(files)))
            .chain(allocator)
            .flatten()
            .collect()
    }
}

/// The same, with keys that start at `at`.
pub(crate) fn below(at: &str, wrongs: Vec<Wrong>) -> Vec<Wrong> {
    wrongs.into_iter().map(|Wrong { key, message }| Wrong::new(format!("{at}.{key}"), message)).collect()
}

#[cfg(test)]
mod tests;
