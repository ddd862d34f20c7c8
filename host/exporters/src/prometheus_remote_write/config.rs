//! What a user may write under `exporters: prometheus_remote_write:`. The keys and defaults are the Collector's where it has
//! them.

mod http;
mod queue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter};
use host_config::delivery::SendingQueue;
use host_config::time::duration;
use host_config::{Auth, Check, Files, Refused, Secret, Wrong};
use host_tls::ClientConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use self::http::Http;
use self::queue::{RemoteWriteQueue, Retry};
use super::delta::Deltas;
use super::exporter::{Build, PrometheusRemoteWrite};
use super::labels::{Conversion, Rules};
use super::name::{self, Strategy};
use super::translate::{Settings, Translator};
use super::wire::Protocol;
use crate::Deps;
use crate::http::Client;
use crate::otlp::BuildError;

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The whole address of the receiver, such as `http://prometheus:9090/api/v1/write`.
    pub endpoint: String,
    /// How the receiver is reached; where it is there, the keys of the same names beside it count for nothing.
    pub http: Option<Http>,
    pub tls: ClientConfig,
    pub auth: Option<Auth>,
    /// Sent with each request.
    pub headers: BTreeMap<String, Secret>,
    /// Empty or `snappy`, which is what the protocol has.
    pub compression: String,
    /// How long one attempt may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    pub max_idle_conns: usize,
    pub max_idle_conns_per_host: usize,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub idle_conn_timeout: Duration,
    pub disable_keep_alives: bool,
    /// Taken for the Collector's sake: buffers are as large as they need to be.
    pub read_buffer_size: usize,
    pub write_buffer_size: usize,
    /// Taken for the Collector's sake: without TLS it speaks HTTP/1.1, too.
    pub force_attempt_http2: bool,
    proxy_url: Refused,
    max_conns_per_host: Refused,
    http2_read_idle_timeout: Refused,
    http2_ping_timeout: Refused,
    cookies: Refused,
    middlewares: Refused,

    /// In front of the name of each metric.
    pub namespace: String,
    /// Added to each series that has no label of the name.
    pub external_labels: BTreeMap<String, String>,
    pub translation_strategy: Option<TranslationStrategy>,
    /// Counts where `translation_strategy` is not written.
    pub add_metric_suffixes: bool,
    /// Under version 1, whether types, helps and units are sent; version 2 has them always.
    pub send_metadata: bool,
    pub target_info: TargetInfo,
    pub resource_to_telemetry_conversion: ResourceToTelemetry,
    pub resource_constant_labels: ResourceConstantLabels,
    /// Attributes of resources that are taken for absent: those whose values differ from batch to batch would make a
    /// `target_info` for each.
    pub exclude_resource_attributes: Vec<String>,
    pub disable_scope_info: bool,
    pub convert_explicit_histograms_to_nhcb: bool,
    /// Whether these are sent as they were, too, where they are converted.
    pub keep_classic_histograms: bool,
    pub delta_to_cumulative: DeltaToCumulative,

    pub protobuf_message: ProtobufMessage,
    /// The largest request, before it is packed.
    pub max_batch_size_bytes: usize,
    /// How many requests of one batch may be under way at a time.
    pub max_batch_request_parallelism: Option<usize>,
    pub remote_write_queue: Option<RemoteWriteQueue>,
    pub sending_queue: Option<SendingQueue>,
    pub retry_on_failure: Retry,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    pub required: bool,
    /// What a sender said of itself, under these keys, goes with its data as headers.
    pub include_metadata_keys: Vec<String>,
    wal: Refused,
}

impl Default for Config {
    fn default() -> Self {
        let Http { tls, auth, headers, compression, timeout, .. } = Http::default();
        Config {
            endpoint: String::new(),
            http: None,
            tls,
            auth,
            headers,
            compression,
            timeout,
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            read_buffer_size: 0,
            write_buffer_size: 512 << 10,
            force_attempt_http2: true,
            proxy_url: Refused::default(),
            max_conns_per_host: Refused::default(),
            http2_read_idle_timeout: Refused::default(),
            http2_ping_timeout: Refused::default(),
            cookies: Refused::default(),
            middlewares: Refused::default(),
            namespace: String::new(),
            external_labels: BTreeMap::new(),
            translation_strategy: None,
            add_metric_suffixes: true,
            send_metadata: false,
            target_info: TargetInfo::default(),
            resource_to_telemetry_conversion: ResourceToTelemetry::default(),
            resource_constant_labels: ResourceConstantLabels::default(),
            exclude_resource_attributes: vec!["hub.received_at".to_owned()],
            disable_scope_info: false,
            convert_explicit_histograms_to_nhcb: false,
            keep_classic_histograms: false,
            delta_to_cumulative: DeltaToCumulative::default(),
            protobuf_message: ProtobufMessage::V1,
            max_batch_size_bytes: 3_000_000,
            max_batch_request_parallelism: None,
            remote_write_queue: None,
            sending_queue: None,
            retry_on_failure: Retry::default(),
            required: true,
            include_metadata_keys: Vec::new(),
            wal: Refused::default(),
        }
    }
}

/// How names are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TranslationStrategy {
    UnderscoreEscapingWithSuffixes,
    UnderscoreEscapingWithoutSuffixes,
    NoUTF8EscapingWithSuffixes,
    NoTranslation,
}

/// The version of the protocol, by its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ProtobufMessage {
    #[serde(rename = "prometheus.WriteRequest")]
    V1,
    #[serde(rename = "io.prometheus.write.v2.Request")]
    V2,
}

/// `target_info`: the series that tells of a resource.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetInfo {
    pub enabled: bool,
}

impl Default for TargetInfo {
    fn default() -> Self {
        TargetInfo { enabled: true }
    }
}

/// `resource_to_telemetry_conversion`: which attributes of resources become labels of each point.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceToTelemetry {
    pub enabled: bool,
    /// Whether those that are `job` and `instance` anyway are left out.
    pub exclude_service_attributes: bool,
    pub included: Vec<String>,
    pub excluded: Vec<String>,
}

/// `resource_constant_labels`: the same by patterns with `*` and `?`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceConstantLabels {
    pub included: Vec<String>,
    pub excluded: Vec<String>,
}

/// `delta_to_cumulative`: what becomes of deltas, which Prometheus has not.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeltaToCumulative {
    /// Whether they are summed up; where they are not, they are left out and counted.
    pub enabled: bool,
    /// How many series are summed up at a time.
    pub max_streams: usize,
    /// After how long without a point a series is forgotten; 0 is never.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_stale: Duration,
}

impl Default for DeltaToCumulative {
    fn default() -> Self {
        DeltaToCumulative { enabled: true, max_streams: 100_000, max_stale: Duration::from_secs(300) }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let conversion = &self.resource_to_telemetry_conversion;
        let has_patterns = |included: &[String], excluded: &[String]| !included.is_empty() || !excluded.is_empty();
        let own = has_patterns(&conversion.included, &conversion.excluded);
        let is_converting = conversion.enabled || conversion.exclude_service_attributes;
        let constant = &self.resource_constant_labels;
        let is_utf8 = !self.strategy().is_escaping;
        let mut wrongs = Wrong::among([
            ("max_batch_size_bytes", self.max_batch_size_bytes == 0, "it has to be more than 0"),
            ("max_batch_request_parallelism", self.max_batch_request_parallelism == Some(0), "it has to be at least 1"),
            (
                "translation_strategy",
                is_utf8 && self.protobuf_message == ProtobufMessage::V1,
                "names in UTF-8 need version 2: set `protobuf_message: io.prometheus.write.v2.Request`, or take an escaping \
                 strategy",
            ),
            (
                "resource_to_telemetry_conversion",
                is_converting && own,
                "`enabled` and `exclude_service_attributes` are older names for what `included` and `excluded` say: take one \
                 of the two pairs out",
            ),
            (
                "resource_constant_labels",
                (is_converting || own) && has_patterns(&constant.included, &constant.excluded),
                "`resource_to_telemetry_conversion` is an older name for this: take one of the two out",
            ),
            (
                "delta_to_cumulative.max_streams",
                self.delta_to_cumulative.max_streams == 0,
                "it has to be at least 1; to leave deltas out set `enabled: false`",
            ),
            (
                "sending_queue",
                self.sending_queue.is_some() && self.remote_write_queue.is_some(),
                "`remote_write_queue` is another name for a part of this: take one of the two out",
            ),
            (
                "wal",
                self.wal.0,
                "what waits is kept by an extension: name it in `sending_queue.storage`, and take this out",
            ),
        ]);
        match &self.http {
            Some(http) => wrongs.extend(http.wrongs("http.")),
            None => wrongs.extend(self.flat().wrongs("")),
        }
        wrongs.extend(self.remote_write_queue.iter().flat_map(RemoteWriteQueue::wrongs));
        wrongs.extend(self.sending_queue.iter().flat_map(SendingQueue::wrongs));
        wrongs.extend(self.retry_on_failure.settings().wrongs());
        wrongs.extend(self.labels().err());
        wrongs.extend(self.metadata_headers().err());
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let (key, tls) = self.http.as_ref().map_or(("tls", &self.tls), |http| ("http.tls", &http.tls));
        let is_plain = self.address().starts_with("http://");
        if is_plain { Vec::new() } else { tls.wrongs_in(key, &|path| files.read(path)) }
    }
}

impl Config {
    /// Makes the exporter. It connects when the first request is to be sent.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        let wrong = |wrong| BuildError { id: id.clone(), wrong };
        if let Some(first) = self.wrongs().into_iter().next() {
            return Err(wrong(first));
        }
        let http = self.http.clone().unwrap_or_else(|| self.flat());
        let uri = http.uri().map_err(wrong)?;
        let client = Client::new(id, &[&uri], http.connections().map_err(wrong)?, deps).map_err(wrong)?;
        let mut queue = self.queue();
        // One after the other, so that the points of a series arrive in their order.
        queue.num_consumers = 1;
        let build = Build {
            uri,
            client,
            metadata: self.metadata_headers().map_err(wrong)?,
            translator: Translator::new(self.settings().map_err(wrong)?, self.deltas(id, deps)),
            protocol: self.protocol(),
            max_bytes: self.max_batch_size_bytes,
            parallelism: self.parallelism(),
            sends_metadata: self.send_metadata,
            retry: self.retry_on_failure.settings(),
            queue,
        };
        Ok(Arc::new(PrometheusRemoteWrite::new(id, build, deps.metrics)))
    }

    /// How what waits for its turn is kept.
    pub fn queue(&self) -> SendingQueue {
        let older = || self.remote_write_queue.clone().unwrap_or_default().settings();
        self.sending_queue.clone().unwrap_or_else(older)
    }

    fn parallelism(&self) -> usize {
        let older = || self.remote_write_queue.clone().unwrap_or_default().num_consumers.max(1);
        self.max_batch_request_parallelism.unwrap_or_else(older)
    }

    fn address(&self) -> &str {
        self.http.as_ref().map_or(&self.endpoint, |http| &http.endpoint)
    }

    fn protocol(&self) -> Protocol {
        match self.protobuf_message {
            ProtobufMessage::V1 => Protocol::V1,
            ProtobufMessage::V2 => Protocol::V2,
        }
    }

    fn strategy(&self) -> Strategy {
        use TranslationStrategy as T;
        let (is_escaping, has_suffixes) = match self.translation_strategy {
            None => (true, self.add_metric_suffixes),
            Some(T::UnderscoreEscapingWithSuffixes) => (true, true),
            Some(T::UnderscoreEscapingWithoutSuffixes) => (true, false),
            Some(T::NoUTF8EscapingWithSuffixes) => (false, true),
            Some(T::NoTranslation) => (false, false),
        };
        Strategy { is_escaping, has_suffixes }
    }

    /// The labels that each series has, by their names in Prometheus.
    fn labels(&self) -> Result<Vec<(String, String)>, Wrong> {
        let mut labels = BTreeMap::new();
        for (key, value) in &self.external_labels {
            let name = name::label(key, self.strategy()).filter(|_| !value.is_empty());
            let told = || Wrong::new("external_labels", format!("{key:?} makes no label: it needs a name and a value"));
            labels.insert(name.ok_or_else(told)?.into_owned(), value.clone());
        }
        Ok(labels.into_iter().collect())
    }

    pub(super) fn settings(&self) -> Result<Settings, Wrong> {
        let rules = Rules {
            strategy: self.strategy(),
            external: self.labels()?,
            has_scope: !self.disable_scope_info,
            conversion: self.conversion(),
            excluded: self.exclude_resource_attributes.clone(),
        };
        Ok(Settings {
            rules,
            namespace: self.namespace.clone(),
            has_target_info: self.target_info.enabled,
            has_metadata: self.send_metadata || self.protobuf_message == ProtobufMessage::V2,
            is_native: self.convert_explicit_histograms_to_nhcb,
            is_classic_kept: self.keep_classic_histograms,
        })
    }

    fn conversion(&self) -> Conversion {
        let older = &self.resource_to_telemetry_conversion;
        let (mut included, mut excluded) = (older.included.clone(), older.excluded.clone());
        if older.enabled {
            included.push("*".to_owned());
            if older.exclude_service_attributes {
                excluded.extend(["service.name", "service.namespace", "service.instance.id"].map(str::to_owned));
            }
        }
        included.extend(self.resource_constant_labels.included.iter().cloned());
        excluded.extend(self.resource_constant_labels.excluded.iter().cloned());
        Conversion { included, excluded }
    }

    fn deltas(&self, id: &ComponentId, deps: &Deps<'_>) -> Option<Deltas> {
        let DeltaToCumulative { enabled, max_streams, max_stale } = self.delta_to_cumulative;
        let id = id.to_string();
        let help = "Series whose deltas are summed up.";
        let labels = [("exporter", id.as_str())];
        enabled.then(|| {
            let shown = deps.metrics.own_gauge("tidegate_exporter_delta_streams", help, &labels, 0);
            Deltas::new(max_streams, max_stale, shown)
        })
    }
}
