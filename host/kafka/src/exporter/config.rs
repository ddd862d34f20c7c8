//! What a user may write under `exporters: kafka:`. The keys and defaults are the Collector's where it has them.

mod producer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter, Signal};
use host_config::delivery::{Retry, SendingQueue};
use host_config::time::duration;
use host_config::{Check, Files, Refused, Wrong};
use host_exporters::Deps;
use host_exporters::sending::Sending;
use schemars::JsonSchema;
use serde::Deserialize;

pub use self::producer::{Acks, AcksWord, Compression, CompressionParams, Producer};
use super::exporter::Kafka;
use super::producer::Client;
use crate::BuildError;
use crate::client::{Auth, BROKER, CLIENT, Encoding, Link, Metadata, TOPICS};

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the cluster is asked for first: `host:9092`.
    pub brokers: Vec<String>,
    /// Taken for the Collector's sake: the client asks the brokers which versions they speak.
    pub protocol_version: String,
    pub client_id: String,
    pub rack_id: String,
    /// Taken for the Collector's sake: it is about reading.
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
    /// The resource attribute whose value is the topic, where it is there.
    pub topic_from_attribute: String,
    /// Request metadata that goes along as headers of records.
    pub include_metadata_keys: Vec<String>,
    /// Headers of each record.
    pub record_headers: BTreeMap<String, String>,
    /// Whether the header `otelcol.signal` says what a record holds.
    pub signal_header: bool,
    /// Whether a trace's spans have its id as their key, each trace in records of its own.
    pub partition_traces_by_id: bool,
    pub partition_logs_by_trace_id: bool,
    pub partition_logs_by_resource_attributes: bool,
    pub partition_metrics_by_resource_attributes: bool,
    /// The resource attribute whose value is the key of records of any signal that no other key says how to partition, such
    /// as `cluster.id`.
    pub partition_by_resource_attribute: String,
    pub record_partitioner: RecordPartitioner,
    pub producer: Producer,
    /// How long one attempt may take until the brokers have acknowledged.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    pub retry_on_failure: Retry,
    pub sending_queue: SendingQueue,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    pub required: bool,
    profiles: Refused,
    resolve_canonical_bootstrap_servers_only: Refused,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            brokers: vec![BROKER.to_owned()],
            protocol_version: String::new(),
            client_id: CLIENT.to_owned(),
            rack_id: String::new(),
            use_leader_epoch: true,
            conn_idle_timeout: Duration::from_secs(540),
            tls: None,
            auth: Auth::default(),
            metadata: Metadata::default(),
            logs: SignalConfig::default(),
            traces: SignalConfig::default(),
            metrics: SignalConfig::default(),
            topic_from_attribute: String::new(),
            include_metadata_keys: Vec::new(),
            record_headers: BTreeMap::new(),
            signal_header: false,
            partition_traces_by_id: false,
            partition_logs_by_trace_id: false,
            partition_logs_by_resource_attributes: false,
            partition_metrics_by_resource_attributes: false,
            partition_by_resource_attribute: String::new(),
            record_partitioner: RecordPartitioner::default(),
            producer: Producer::default(),
            timeout: Duration::from_secs(5),
            retry_on_failure: Retry::default(),
            sending_queue: SendingQueue::default(),
            required: true,
            profiles: Refused::default(),
            resolve_canonical_bootstrap_servers_only: Refused::default(),
        }
    }
}

/// Where one signal goes, and in which form.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignalConfig {
    /// Without one it is `otlp_logs`, `otlp_spans` or `otlp_metrics`.
    pub topic: String,
    /// The request metadata whose value is the topic, where it is there.
    pub topic_from_metadata_key: String,
    /// The request metadata whose value is the key of records, where it is there.
    pub message_key_from_metadata_key: String,
    pub encoding: Encoding,
}

/// How the partition of a record is found; one of them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordPartitioner {
    /// By its key.
    pub sticky_key: Option<StickyKey>,
    /// Each record anywhere.
    pub round_robin: Option<Nothing>,
    least_backup: Refused,
    extension: Refused,
}

/// A section without keys.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How the key of a record becomes a partition.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StickyKey {
    pub hasher: Hasher,
}

/// A hash of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hasher {
    /// FNV-1a, as the Collector's older client had it.
    #[default]
    SaramaCompat,
    /// As Kafka's own client for Java has it.
    Murmur2,
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.link().wrongs();
        wrongs.extend(self.producer.wrongs());
        wrongs.extend(self.retry_on_failure.wrongs());
        wrongs.extend(self.sending_queue.wrongs());
        wrongs.extend(self.keys());
        wrongs.extend(Signal::ALL.into_iter().flat_map(|signal| self.signal_wrongs(signal)));
        wrongs.extend(Wrong::among([
            ("timeout", self.timeout <= self.producer.linger, "it has to be more than `producer.linger`"),
            ("profiles", self.profiles.0, "profiles are not served: take it out"),
            (
                "resolve_canonical_bootstrap_servers_only",
                self.resolve_canonical_bootstrap_servers_only.0,
                "names are taken as they are written, and Kerberos, which wants others, is not served: take it out",
            ),
            (
                "record_partitioner.least_backup",
                self.record_partitioner.least_backup.0,
                "it is not served: take it out, since without a key the partition changes from batch to batch",
            ),
            (
                "record_partitioner.extension",
                self.record_partitioner.extension.0,
                "there are no such extensions: use `partition_by_resource_attribute`",
            ),
            (
                "record_partitioner",
                self.record_partitioner.sticky_key.is_some() && self.record_partitioner.round_robin.is_some(),
                "one of them may be there: take the other out",
            ),
            (
                "record_headers",
                self.signal_header && self.record_headers.contains_key(SIGNAL_HEADER),
                "`otelcol.signal` is what `signal_header` writes: take one of the two out",
            ),
            (
                "include_metadata_keys",
                self.signal_header && self.include_metadata_keys.iter().any(|key| key == SIGNAL_HEADER),
                "`otelcol.signal` is what `signal_header` writes: take one of the two out",
            ),
        ]));
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        self.link().wrongs_in(files)
    }
}

/// The header that says what a record holds.
pub(crate) const SIGNAL_HEADER: &str = "otelcol.signal";

impl Config {
    /// Makes the exporter. It connects in the background, and looks for brokers until they are there.
    ///
    /// # Errors
    /// When a value makes no sense, or the client does not take it.
    pub fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id: id.clone(), wrong });
        }
        if self.link().shows_password() {
            tracing::warn!(exporter = %id, "`auth.sasl` with PLAIN and without `tls` shows the password to the network");
        }
        let mut settings = self.link().settings(deps.base);
        self.producer.apply(&mut settings, self.timeout);
        settings.set("partitioner", self.record_partitioner.name());
        if self.record_partitioner.round_robin.is_some() {
            settings.set("sticky.partitioning.linger.ms", "0");
        }
        let client = Client::new(id, settings, deps.metrics)
            .map_err(|error| BuildError::Client { id: id.clone(), reason: error.to_string() })?;
        let (retry, queue) = (self.retry_on_failure.clone(), self.sending_queue.clone());
        let backend = Kafka::new(id, client, self).map_err(|wrong| BuildError::Value { id: id.clone(), wrong })?;
        Ok(Arc::new(Sending::new(id, backend, retry, &queue, deps.metrics)))
    }

    /// The keys of request metadata that it reads.
    pub fn metadata_keys(&self) -> impl Iterator<Item = &String> {
        let of_signals = Signal::ALL.into_iter().flat_map(|signal| {
            let of = self.of(signal);
            [&of.topic_from_metadata_key, &of.message_key_from_metadata_key]
        });
        self.include_metadata_keys.iter().chain(of_signals.filter(|key| !key.is_empty()))
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

    /// What says that records of one signal have two keys.
    fn keys(&self) -> Vec<Wrong> {
        const ONE: &str = "records have one key: take one of the two out";
        let logs = self.partition_logs_by_trace_id || self.partition_logs_by_resource_attributes;
        Wrong::among([
            (
                "partition_logs_by_trace_id",
                self.partition_logs_by_trace_id && self.partition_logs_by_resource_attributes,
                "`partition_logs_by_resource_attributes` says another key: take one of the two out",
            ),
            (
                "traces.message_key_from_metadata_key",
                !self.traces.message_key_from_metadata_key.is_empty() && self.partition_traces_by_id,
                ONE,
            ),
            ("logs.message_key_from_metadata_key", !self.logs.message_key_from_metadata_key.is_empty() && logs, ONE),
            (
                "metrics.message_key_from_metadata_key",
                !self.metrics.message_key_from_metadata_key.is_empty() && self.partition_metrics_by_resource_attributes,
                ONE,
            ),
        ])
    }

    fn signal_wrongs(&self, signal: Signal) -> Vec<Wrong> {
        let of = self.of(signal);
        let topic = (!of.topic.is_empty() && !is_topic(&of.topic)).then(|| {
            let message = "it is no name for a topic: letters, digits, `.`, `_` and `-`, 249 at most";
            Wrong::new(format!("{signal}.topic"), message)
        });
        topic.into_iter().chain(of.encoding.form(&format!("{signal}.encoding")).err()).collect()
    }
}

impl SignalConfig {
    pub(crate) fn topic(&self, signal: Signal) -> &str {
        if self.topic.is_empty() { TOPICS[signal as usize] } else { &self.topic }
    }
}

impl RecordPartitioner {
    /// As the client calls it.
    fn name(&self) -> &'static str {
        match (self.round_robin, self.sticky_key.unwrap_or_default().hasher) {
            (Some(_), _) => "random",
            (None, Hasher::SaramaCompat) => "fnv1a_random",
            (None, Hasher::Murmur2) => "murmur2_random",
        }
    }
}

/// Whether brokers take this for the name of a topic.
pub(crate) fn is_topic(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !matches!(name, "" | "." | "..") && name.len() <= 249 && name.bytes().all(is_known)
}
