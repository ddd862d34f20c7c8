//! What a user may write under `exporters: splunk_hec:`. The keys and defaults are the Collector's where it has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter};
use host_config::delivery::{Retry, SendingQueue};
use host_config::time::duration;
use host_config::{Auth, Check, Files, Refused, Secret, Wrong};
use host_tls::ClientConfig;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use schemars::JsonSchema;
use serde::Deserialize;

use super::acks::Acks;
use super::exporter::{Addresses, Hec, Wire, authorization};
use super::heartbeat::{Heart, beat};
use super::translate::{FieldNames, Names, Shape};
use crate::Deps;
use crate::http::{Client, Connections, endpoint, headers};
use crate::otlp::BuildError;
use crate::sending::Sending;

/// The most that a size may be set to, as in the Collector.
const MOST: usize = 838_860_800;
/// Where the event collector is, unless the endpoint says otherwise.
const COLLECTOR: &str = "/services/collector";

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `https://host:8088`; without a path it is `/services/collector`.
    pub endpoint: String,
    pub token: Secret,
    /// What events have for which the data says nothing else.
    pub source: String,
    pub sourcetype: String,
    pub index: String,
    pub disable_compression: bool,
    /// The most bytes of a request before it is compressed; 0 is no limit.
    pub max_content_length_logs: usize,
    pub max_content_length_metrics: usize,
    pub max_content_length_traces: usize,
    /// The most bytes of one event; what is longer is counted and left out.
    pub max_event_size: usize,
    pub splunk_app_name: String,
    pub splunk_app_version: String,
    /// Whether log records are sent that no profiler has made.
    pub log_data_enabled: bool,
    /// Whether those of a profiler are.
    pub profiling_data_enabled: bool,
    /// The attributes that hold what Splunk keeps beside an event.
    pub otel_attrs_to_hec_metadata: MetadataAttributes,
    /// The fields for what a log record says of itself.
    pub otel_to_hec_fields: LogFields,
    pub health_path: String,
    /// Whether the collector starts only where Splunk says that it is healthy.
    pub health_check_enabled: bool,
    /// Whether of a log record the body alone is sent, to the endpoint for raw data.
    pub export_raw: bool,
    /// Whether metrics that differ in name and value alone become one event.
    pub use_multi_metric_format: bool,
    pub heartbeat: Heartbeat,
    pub telemetry: Telemetry,
    /// Whether data is delivered when it is indexed, and not when it is received.
    pub indexer_acknowledgement: Acknowledgement,
    pub tls: ClientConfig,
    pub auth: Option<Auth>,
    /// Sent with each request.
    pub headers: BTreeMap<String, Secret>,
    /// How long one attempt may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    pub retry_on_failure: Retry,
    pub sending_queue: SendingQueue,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    pub required: bool,
    /// Connections that are kept while nothing is sent; 0 is no limit.
    pub max_idle_conns: usize,
    pub max_idle_conns_per_host: usize,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub idle_conn_timeout: Duration,
    pub disable_keep_alives: bool,
    /// Taken for the Collector's sake: buffers are as large as they need to be.
    pub read_buffer_size: usize,
    pub write_buffer_size: usize,
    compression: Refused,
    proxy_url: Refused,
    max_conns_per_host: Refused,
    http2_read_idle_timeout: Refused,
    http2_ping_timeout: Refused,
    insecure_skip_verify: Refused,
    ca_file: Refused,
    cert_file: Refused,
    key_file: Refused,
    cookies: Refused,
    middlewares: Refused,
}

/// `otel_attrs_to_hec_metadata`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetadataAttributes {
    pub source: String,
    pub sourcetype: String,
    pub index: String,
    pub host: String,
}

/// `otel_to_hec_fields`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogFields {
    pub severity_text: String,
    pub severity_number: String,
    pub name: String,
}

/// An event that says that the collector is there.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Heartbeat {
    /// 0 is never.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub interval: Duration,
    /// Whether the collector starts only where Splunk takes one.
    pub startup: bool,
}

/// Taken for the Collector's sake: heartbeats are counted in any case.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    pub enabled: bool,
    override_metrics_names: Refused,
    extra_attributes: Refused,
}

/// Waiting until data is indexed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Acknowledgement {
    pub enabled: bool,
    /// How often Splunk is asked what it has indexed.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub query_interval: Duration,
    /// After how long data is sent again that is not indexed.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: String::new(),
            token: Secret::default(),
            source: String::new(),
            sourcetype: String::new(),
            index: String::new(),
            disable_compression: false,
            max_content_length_logs: 2 << 20,
            max_content_length_metrics: 2 << 20,
            max_content_length_traces: 2 << 20,
            max_event_size: 5 << 20,
            splunk_app_name: "tidegate".to_owned(),
            splunk_app_version: env!("CARGO_PKG_VERSION").to_owned(),
            log_data_enabled: true,
            profiling_data_enabled: true,
            otel_attrs_to_hec_metadata: MetadataAttributes::default(),
            otel_to_hec_fields: LogFields::default(),
            health_path: format!("{COLLECTOR}/health"),
            health_check_enabled: false,
            export_raw: false,
            use_multi_metric_format: false,
            heartbeat: Heartbeat::default(),
            telemetry: Telemetry::default(),
            indexer_acknowledgement: Acknowledgement::default(),
            tls: ClientConfig::default(),
            auth: None,
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            retry_on_failure: Retry::default(),
            sending_queue: SendingQueue::default(),
            required: true,
            max_idle_conns: 100,
            max_idle_conns_per_host: 100,
            idle_conn_timeout: Duration::from_secs(10),
            disable_keep_alives: false,
            read_buffer_size: 0,
            write_buffer_size: 512 << 10,
            compression: Refused::default(),
            proxy_url: Refused::default(),
            max_conns_per_host: Refused::default(),
            http2_read_idle_timeout: Refused::default(),
            http2_ping_timeout: Refused::default(),
            insecure_skip_verify: Refused::default(),
            ca_file: Refused::default(),
            cert_file: Refused::default(),
            key_file: Refused::default(),
            cookies: Refused::default(),
            middlewares: Refused::default(),
        }
    }
}

impl Default for MetadataAttributes {
    fn default() -> Self {
        MetadataAttributes {
            source: "com.splunk.source".to_owned(),
            sourcetype: "com.splunk.sourcetype".to_owned(),
            index: "com.splunk.index".to_owned(),
            host: "host.name".to_owned(),
        }
    }
}

impl Default for LogFields {
    fn default() -> Self {
        LogFields {
            severity_text: "otel.log.severity.text".to_owned(),
            severity_number: "otel.log.severity.number".to_owned(),
            name: "otel.log.name".to_owned(),
        }
    }
}

impl Default for Acknowledgement {
    fn default() -> Self {
        Acknowledgement { enabled: false, query_interval: Duration::from_secs(1), timeout: Duration::from_secs(120) }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        const POSITIVE: &str = "it has to be more than 0";
        const LARGE: &str = "it may be 838860800 at most";
        let acks = &self.indexer_acknowledgement;
        let is_silent = !self.log_data_enabled && !self.profiling_data_enabled;
        let mut wrongs = Wrong::among([
            ("token", self.token.is_empty(), "the token is missing; write the one of the HTTP event collector"),
            ("timeout", self.timeout.is_zero(), POSITIVE),
            ("max_event_size", self.max_event_size == 0, POSITIVE),
            ("max_event_size", self.max_event_size > MOST, LARGE),
            ("max_content_length_logs", self.max_content_length_logs > MOST, LARGE),
            ("max_content_length_metrics", self.max_content_length_metrics > MOST, LARGE),
            ("max_content_length_traces", self.max_content_length_traces > MOST, LARGE),
            ("indexer_acknowledgement.query_interval", acks.query_interval.is_zero(), POSITIVE),
            (
                "indexer_acknowledgement.timeout",
                acks.timeout <= acks.query_interval,
                "nothing would be indexed in time: make it longer than `query_interval`",
            ),
            (
                "log_data_enabled",
                is_silent,
                "neither logs nor profiles would be sent: take the exporter out of the pipelines of logs",
            ),
            ("health_path", !self.health_path.starts_with('/'), "it is a path, which begins with `/`"),
        ]);
        wrongs.extend(self.refused());
        wrongs.extend(self.tls.wrongs("tls"));
        wrongs.extend(self.auth.iter().flat_map(|auth| auth.wrongs("auth")));
        wrongs.extend(self.retry_on_failure.wrongs());
        wrongs.extend(self.sending_queue.wrongs());
        wrongs.extend(self.header_map().err());
        wrongs.extend(self.addresses().err());
        wrongs.extend(self.authorization().err());
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        self.tls.wrongs_in("tls", &|path| files.read(path))
    }
}

impl Config {
    /// Makes the exporter, and asks Splunk whether it is there where that is wanted.
    ///
    /// # Errors
    /// When a value makes no sense, or Splunk is not there.
    pub async fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        let wrong = |wrong| BuildError { id: id.clone(), wrong };
        if let Some(first) = self.wrongs().into_iter().next() {
            return Err(wrong(first));
        }
        let wire = Arc::new(self.wire(id, deps).map_err(wrong)?);
        let shape = self.shape();
        let away = |key: &str, why| wrong(Wrong::new(key, format!("Splunk cannot take data: {why}")));
        if self.health_check_enabled {
            wire.check_health().await.map_err(|why| away("health_check_enabled", why))?;
        }
        if self.heartbeat.startup {
            beat(&wire, &shape).await.map_err(|why| away("heartbeat.startup", why))?;
        }
        let (every, name) = (self.heartbeat.interval, id.to_string());
        let start = || Heart::start(Arc::clone(&wire), shape.clone(), every, &name, deps.metrics);
        let heart = (!every.is_zero()).then(start);
        let hec = Hec::new(wire, shape, name, deps.metrics, heart);
        Ok(Arc::new(Sending::new(id, hec, self.retry_on_failure, &self.sending_queue, deps.metrics)))
    }

    fn wire(&self, id: &ComponentId, deps: &Deps<'_>) -> Result<Wire, Wrong> {
        let addresses = self.addresses()?;
        let connections = Connections {
            max_idle_conns: self.max_idle_conns,
            max_idle_conns_per_host: self.max_idle_conns_per_host,
            idle_conn_timeout: self.idle_conn_timeout,
            disable_keep_alives: self.disable_keep_alives,
            ..Connections::new(&self.tls, self.auth.as_ref(), self.header_map()?, self.timeout)
        };
        let client = Client::new(id, &[&addresses.event], connections, deps)?;
        let acks = &self.indexer_acknowledgement;
        let waited = || Acks::new(addresses.ack.clone(), acks.query_interval, acks.timeout);
        let acks = acks.enabled.then(waited);
        Ok(Wire::new(client, addresses, self.authorization()?, !self.disable_compression, acks))
    }

    fn shape(&self) -> Shape {
        let (attributes, fields) = (&self.otel_attrs_to_hec_metadata, &self.otel_to_hec_fields);
        let limit = |bytes: usize| if bytes == 0 { usize::MAX } else { bytes };
        Shape {
            source: self.source.clone(),
            sourcetype: self.sourcetype.clone(),
            index: self.index.clone(),
            names: Names {
                source: attributes.source.clone(),
                sourcetype: attributes.sourcetype.clone(),
                index: attributes.index.clone(),
                host: attributes.host.clone(),
            },
            fields: FieldNames {
                severity_text: fields.severity_text.clone(),
                severity_number: fields.severity_number.clone(),
                name: fields.name.clone(),
            },
            is_raw: self.export_raw,
            is_multi_metric: self.use_multi_metric_format,
            with_logs: self.log_data_enabled,
            with_profiling: self.profiling_data_enabled,
            max_bytes: [self.max_content_length_logs, self.max_content_length_traces, self.max_content_length_metrics]
                .map(limit),
            max_event_bytes: self.max_event_size,
        }
    }

    fn authorization(&self) -> Result<HeaderValue, Wrong> {
        authorization(self.token.as_str())
            .ok_or_else(|| Wrong::new("token", "it cannot stand in a header: use printable ASCII"))
    }

    fn header_map(&self) -> Result<HeaderMap, Wrong> {
        let own = ["authorization", "content-length", "content-encoding", "x-splunk-request-channel"];
        let mut map = headers(&self.headers, "Splunk's protocol", |name| own.contains(&name))?;
        let (name, version) = (&self.splunk_app_name, &self.splunk_app_version);
        let value = |key: &str, text: &str| {
            HeaderValue::try_from(text).map_err(|_| Wrong::new(key, "it is no header value: use printable ASCII"))
        };
        map.entry(USER_AGENT).or_insert(value("splunk_app_name", &format!("{name}/{version}"))?);
        map.insert(HeaderName::from_static("__splunk_app_name"), value("splunk_app_name", name)?);
        map.insert(HeaderName::from_static("__splunk_app_version"), value("splunk_app_version", version)?);
        Ok(map)
    }

    /// Where requests go: the endpoint's path is that of events, of raw data or of neither.
    pub(super) fn addresses(&self) -> Result<Addresses, Wrong> {
        if self.endpoint.is_empty() {
            let message = "the endpoint is missing; write the `https://host:8088` of the HTTP event collector";
            return Err(Wrong::new("endpoint", message));
        }
        let written = endpoint("endpoint", &self.endpoint, "")?;
        let path = written.path().trim_end_matches('/');
        let path = if path.is_empty() { COLLECTOR } else { path };
        let ends = ["/raw", "/raw/1.0", "/event", "/event/1.0"];
        let root = ends.iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
        // A path of somebody's own, before whom Splunk stands, serves for both.
        let is_own = !root.ends_with("/collector");
        let is_raw = path != root && path.contains("/raw");
        let at = |path: &str| -> Result<Uri, Wrong> {
            let authority = written.authority().map_or("", |authority| authority.as_str());
            endpoint("endpoint", &format!("{}://{authority}", written.scheme_str().unwrap_or_default()), path)
        };
        Ok(Addresses {
            event: at(if is_raw { root } else { path })?,
            raw: if is_raw || is_own { at(path)? } else { at(&format!("{root}/raw"))? },
            ack: at(&format!("{root}/ack"))?,
            health: at(&self.health_path)?,
        })
    }

    /// Keys of the Collector's that are not served, with what to do instead.
    fn refused(&self) -> Vec<Wrong> {
        const HTTP1: &str = "it is HTTP/1.1 that is spoken: take it out";
        const TLS: &str = "it stands under `tls`";
        Wrong::among([
            ("compression", self.compression.0, "requests are gzip: take it out, or set `disable_compression`"),
            (
                "proxy_url",
                self.proxy_url.0,
                "proxies are not served: name Splunk itself, or send with `otlp_grpc` to a Collector that has it",
            ),
            (
                "max_conns_per_host",
                self.max_conns_per_host.0,
                "each request under way has a connection: set `sending_queue.num_consumers` instead",
            ),
            ("http2_read_idle_timeout", self.http2_read_idle_timeout.0, HTTP1),
            ("http2_ping_timeout", self.http2_ping_timeout.0, HTTP1),
            ("insecure_skip_verify", self.insecure_skip_verify.0, TLS),
            ("ca_file", self.ca_file.0, TLS),
            ("cert_file", self.cert_file.0, TLS),
            ("key_file", self.key_file.0, TLS),
            ("cookies", self.cookies.0, "cookies are not kept: take it out, or put what they say into `headers`"),
            ("middlewares", self.middlewares.0, "there are none here: take it out"),
            (
                "telemetry.override_metrics_names",
                self.telemetry.override_metrics_names.0,
                "metrics keep their names: rename them where they are read",
            ),
            (
                "telemetry.extra_attributes",
                self.telemetry.extra_attributes.0,
                "metrics keep their labels: add to them where they are read",
            ),
        ])
    }
}
