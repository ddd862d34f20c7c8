//! What a user may write under `receivers: kafka:`. The keys and defaults are the Collector's where it has them.

use std::time::Duration;

use host_component::{ComponentId, Consumers, Signal};
use host_config::time::duration;
use host_config::{Check, Files, Refused, Wrong};
use host_receivers::Deps;
use schemars::JsonSchema;
use serde::Deserialize;

use super::receiver::Kafka;
use super::topics::Topics;
use crate::BuildError;
use crate::client::{Auth, BROKER, CLIENT, Encoding, Link, Metadata, millis};

/// The receiver's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the cluster is asked for first: `host:9092`.
    pub brokers: Vec<String>,
    /// Taken for the Collector's sake: the client asks the brokers which versions they speak.
    pub protocol_version: String,
    pub client_id: String,
    /// Those who read as one group share the partitions among them.
    pub group_id: String,
    /// A name by which a member of the group that comes again gets its partitions back.
    pub group_instance_id: String,
    pub group_rebalance_strategies: Vec<String>,
    pub rack_id: String,
    /// Taken for the Collector's sake: it is always used.
    pub use_leader_epoch: bool,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub conn_idle_timeout: Duration,
    /// Encryption; in the clear where it is not there.
    pub tls: Option<host_tls::ClientConfig>,
    pub auth: Auth,
    pub metadata: Metadata,
    pub logs: SignalConfig,
    pub traces: SignalConfig,
    pub metrics: SignalConfig,
    /// Where to begin in a partition of which the group has committed nothing.
    pub initial_offset: InitialOffset,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub session_timeout: Duration,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub heartbeat_interval: Duration,
    pub min_fetch_size: u32,
    pub max_fetch_size: u32,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_fetch_wait: Duration,
    pub max_partition_fetch_size: u32,
    pub autocommit: AutoCommit,
    pub message_marking: MessageMarking,
    pub partition_processing: PartitionProcessing,
    pub error_backoff: ErrorBackoff,
    pub header_extraction: HeaderExtraction,
    /// Headers of records that are taken for request metadata, whoever wrote them.
    pub trust_headers: Vec<String>,
    /// Records of one partition that are under way at a time.
    pub max_in_flight: usize,
    pub telemetry: Telemetry,
    profiles: Refused,
    group_rebalance_strategy: Refused,
    resolve_canonical_bootstrap_servers_only: Refused,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            brokers: vec![BROKER.to_owned()],
            protocol_version: String::new(),
            client_id: CLIENT.to_owned(),
            group_id: CLIENT.to_owned(),
            group_instance_id: String::new(),
            group_rebalance_strategies: vec!["cooperative-sticky".to_owned()],
            rack_id: String::new(),
            use_leader_epoch: true,
            conn_idle_timeout: Duration::from_secs(540),
            tls: None,
            auth: Auth::default(),
            metadata: Metadata::default(),
            logs: SignalConfig::default(),
            traces: SignalConfig::default(),
            metrics: SignalConfig::default(),
            initial_offset: InitialOffset::Latest,
            session_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(3),
            min_fetch_size: 1,
            max_fetch_size: 1 << 20,
            max_fetch_wait: Duration::from_millis(250),
            max_partition_fetch_size: 1 << 20,
            autocommit: AutoCommit::default(),
            message_marking: MessageMarking::default(),
            partition_processing: PartitionProcessing::default(),
            error_backoff: ErrorBackoff::default(),
            header_extraction: HeaderExtraction::default(),
            trust_headers: Vec::new(),
            max_in_flight: 16,
            telemetry: Telemetry::default(),
            profiles: Refused::default(),
            group_rebalance_strategy: Refused::default(),
            resolve_canonical_bootstrap_servers_only: Refused::default(),
        }
    }
}

/// Where one signal comes from, and in which form.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignalConfig {
    /// Names, or patterns that begin with `^`. Without any it is `otlp_logs`, `otlp_spans` or `otlp_metrics`.
    pub topics: Vec<String>,
    /// Patterns of topics that are left out where one of `topics` is a pattern.
    pub exclude_topics: Vec<String>,
    pub encoding: Encoding,
}

/// Where a group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitialOffset {
    Latest,
    Earliest,
}

/// `autocommit:`. What is committed is what was acknowledged, however it is set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AutoCommit {
    /// Taken for the Collector's sake.
    pub enable: bool,
    /// How often offsets are committed.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub interval: Duration,
}

impl Default for AutoCommit {
    fn default() -> Self {
        AutoCommit { enable: true, interval: Duration::from_secs(1) }
    }
}

/// `message_marking:`, when a record counts as read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MessageMarking {
    /// Taken for the Collector's sake: it is always after the pipeline has answered.
    pub after: bool,
    pub on_error: bool,
    /// Whether what will never be taken is counted and passed; otherwise its partition stands still at it.
    pub on_permanent_error: bool,
}

impl Default for MessageMarking {
    fn default() -> Self {
        MessageMarking { after: true, on_error: false, on_permanent_error: true }
    }
}

/// Taken for the Collector's sake: no partition waits for another one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PartitionProcessing {
    pub independent: bool,
    pub max_buffered_batches: u32,
}

impl Default for PartitionProcessing {
    fn default() -> Self {
        PartitionProcessing { independent: false, max_buffered_batches: 1 }
    }
}

/// The pauses before a record is tried again that could not be taken; it is tried until it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorBackoff {
    /// Taken for the Collector's sake, as `max_elapsed_time` is.
    pub enabled: bool,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_interval: Duration,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_interval: Duration,
    pub multiplier: f64,
    pub randomization_factor: f64,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_elapsed_time: Duration,
}

impl Default for ErrorBackoff {
    fn default() -> Self {
        ErrorBackoff {
            enabled: true,
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            multiplier: 1.5,
            randomization_factor: 0.5,
            max_elapsed_time: Duration::ZERO,
        }
    }
}

/// `header_extraction:`, headers that become attributes `kafka.header.<name>` of resources.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderExtraction {
    pub extract_headers: bool,
    pub headers: Vec<String>,
}

/// Which metrics are shown that cost something.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    metrics: Refused,
}

const STRATEGIES: [&str; 3] = ["range", "roundrobin", "cooperative-sticky"];

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.link().wrongs();
        let backoff = &self.error_backoff;
        let unknown = self.group_rebalance_strategies.iter().find(|name| !STRATEGIES.contains(&name.as_str()));
        wrongs.extend(unknown.map(|name| {
            let message = match name.as_str() {
                "sticky" => "sticky is not served: write cooperative-sticky, which is as sticky".to_owned(),
                other => format!("{other:?} is no strategy: write range, roundrobin or cooperative-sticky"),
            };
            Wrong::new("group_rebalance_strategies", message)
        }));
        let is_mixed = self.group_rebalance_strategies.len() > 1
            && self.group_rebalance_strategies.iter().any(|name| name == "cooperative-sticky");
        wrongs.extend(Wrong::among([
            ("group_id", self.group_id.is_empty(), "it is empty: take it out, or write the name of a group"),
            ("group_rebalance_strategies", self.group_rebalance_strategies.is_empty(), "there is none: take it out"),
            (
                "group_rebalance_strategies",
                is_mixed,
                "cooperative-sticky cannot stand beside another: write it alone, or others",
            ),
            (
                "group_rebalance_strategy",
                self.group_rebalance_strategy.0,
                "it is `group_rebalance_strategies` today, a list, in the Collector too",
            ),
            (
                "heartbeat_interval",
                self.heartbeat_interval.is_zero() || self.heartbeat_interval >= self.session_timeout,
                "it has to be more than 0 and less than `session_timeout`",
            ),
            ("max_fetch_size", self.max_fetch_size < self.min_fetch_size, "it is less than `min_fetch_size`"),
            ("max_fetch_size", self.max_fetch_size > MOST_FETCHED, "it is more than 1 GiB"),
            ("max_partition_fetch_size", self.max_partition_fetch_size == 0, "it has to be more than 0"),
            ("max_partition_fetch_size", self.max_partition_fetch_size > MOST_FETCHED, "it is more than 1 GiB"),
            ("max_fetch_wait", self.max_fetch_wait > Duration::from_secs(60), "it is more than a minute"),
            ("autocommit.interval", self.autocommit.interval.is_zero(), "it has to be more than 0"),
            ("max_in_flight", !(1..=10_000).contains(&self.max_in_flight), "it has to lie between 1 and 10000"),
            (
                "message_marking.on_error",
                self.message_marking.on_error,
                "what may pass is tried again until it has, and nothing is left out: take it out",
            ),
            ("error_backoff.multiplier", !backoff.multiplier.is_finite() || backoff.multiplier < 1.0, "it has to be at least 1"),
            (
                "error_backoff.randomization_factor",
                !(0.0..=1.0).contains(&backoff.randomization_factor),
                "it has to lie between 0 and 1",
            ),
            (
                "trust_headers",
                self.trust_headers.iter().any(|name| name.to_ascii_lowercase().starts_with(OWN)),
                "names with `kafka.` before them are what the receiver says itself: take it out",
            ),
            (
                "telemetry.metrics",
                self.telemetry.metrics.0,
                "`kafka_receiver_records_delay` is not served; `otelcol_kafka_receiver_offset_lag` says how far behind this is: \
                 take it out",
            ),
            ("profiles", self.profiles.0, "profiles are not served: take it out"),
            (
                "resolve_canonical_bootstrap_servers_only",
                self.resolve_canonical_bootstrap_servers_only.0,
                "names are taken as they are written, and Kerberos, which wants others, is not served: take it out",
            ),
        ]));
        wrongs.extend(Topics::new(self).err());
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        self.link().wrongs_in(files)
    }
}

/// What a broker may be asked for at a time.
const MOST_FETCHED: u32 = 1 << 30;
/// What begins the names of metadata that is the receiver's own.
pub(crate) const OWN: &str = "kafka.";
/// What the client may hold of records that nobody has asked for yet, in KiB.
const QUEUED_KIB: u32 = 8 << 10;

impl Config {
    /// Makes the receiver. It joins its group when it runs.
    ///
    /// # Errors
    /// When a value makes no sense, or the client does not take it.
    pub fn build(self, id: ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<Kafka, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id, wrong });
        }
        if self.link().shows_password() {
            tracing::warn!(receiver = %id, "`auth.sasl` with PLAIN and without `tls` shows the password to the network");
        }
        let settings = self.settings(deps);
        Kafka::new(&id, &self, settings, consumers, deps)
    }

    fn settings(&self, deps: &Deps<'_>) -> rdkafka::ClientConfig {
        let offset = match self.initial_offset {
            InitialOffset::Latest => "latest",
            InitialOffset::Earliest => "earliest",
        };
        let most = self.max_fetch_size.max(self.max_partition_fetch_size);
        let mut settings = self.link().settings(deps.base);
        settings
            .set("group.id", &self.group_id)
            .set("partition.assignment.strategy", self.group_rebalance_strategies.join(","))
            .set("auto.offset.reset", offset)
            .set("session.timeout.ms", millis(self.session_timeout))
            .set("heartbeat.interval.ms", millis(self.heartbeat_interval))
            .set("fetch.min.bytes", self.min_fetch_size.max(1).to_string())
            .set("fetch.max.bytes", most.max(1000).to_string())
            .set("message.max.bytes", most.clamp(1000, 1_000_000_000).to_string())
            .set("receive.message.max.bytes", (most.max(1000) + RECEIVED).to_string())
            .set("fetch.wait.max.ms", millis(self.max_fetch_wait))
            .set("max.partition.fetch.bytes", self.max_partition_fetch_size.to_string())
            .set("queued.max.messages.kbytes", QUEUED_KIB.to_string())
            // What was stored is what was acknowledged; that is what is committed.
            .set("enable.auto.offset.store", "false")
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", millis(self.autocommit.interval))
            .set("statistics.interval.ms", STATISTICS);
        if !self.group_instance_id.is_empty() {
            settings.set("group.instance.id", &self.group_instance_id);
        }
        let excluded = self.topics_excluded();
        if !excluded.is_empty() {
            settings.set("topic.blacklist", excluded.join(","));
        }
        settings
    }

    fn topics_excluded(&self) -> Vec<String> {
        Signal::ALL.into_iter().flat_map(|signal| self.of(signal).exclude_topics.iter().cloned()).collect()
    }

    pub(crate) fn of(&self, signal: Signal) -> &SignalConfig {
        match signal {
            Signal::Logs => &self.logs,
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
        }
    }

    fn link(&self) -> Link<'_> {
        Link {
            brokers: &self.brokers,
            client_id: &self.client_id,
            rack_id: &self.rack_id,
            conn_idle_timeout: self.conn_idle_timeout,
            tls: self.tls.as_ref(),
            auth: &self.auth,
            metadata: &self.metadata,
        }
    }
}

/// What an answer of a broker takes besides records.
const RECEIVED: u32 = 1 << 20;
/// How often the client tells how far behind it is, in milliseconds.
const STATISTICS: &str = "5000";
