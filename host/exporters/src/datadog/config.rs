//! What a user may write under `exporters: datadog:`. The keys and defaults are the Collector's where it has them.

mod metrics;
mod traces;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use host_component::{ComponentId, Exporter};
use host_config::delivery::{Retry, SendingQueue};
use host_config::time::duration;
use host_config::{Check, Files, Refused, Secret, Wrong};
use host_tls::ClientConfig;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use schemars::JsonSchema;
use serde::Deserialize;

use super::exporter::{Addresses, Datadog, Maker};
use super::state::State;
use crate::Deps;
use crate::http::{Client, Connections, endpoint, headers};
use crate::otlp::BuildError;
use crate::sending::Sending;

pub use self::metrics::{Histograms, InitialValue, Metrics, Mode, MonotonicMode, Summaries, SummaryMode, Sums};
pub use self::traces::Traces;

/// When this process began; what was counted before may have been sent by another.
static BEGAN: std::sync::LazyLock<u64> = std::sync::LazyLock::new(|| {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.ok().and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
});

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub api: Api,
    /// The host of data whose resource names none; without a value that of the machine.
    pub hostname: String,
    pub metrics: Metrics,
    pub traces: Traces,
    pub logs: Logs,
    pub host_metadata: HostMetadata,
    pub tls: ClientConfig,
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
    only_metadata: bool,
    endpoint: Refused,
    auth: Refused,
    compression: Refused,
    proxy_url: Refused,
    max_conns_per_host: Refused,
    hostname_detection_timeout: Refused,
    orchestrator_explorer: Refused,
    cookies: Refused,
    middlewares: Refused,
}

/// Who we are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    pub key: Secret,
    /// The site of the organization, such as `datadoghq.eu`.
    pub site: String,
    /// Whether the collector starts only where Datadog knows the key.
    pub fail_on_invalid_key: bool,
}

/// What is said of logs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Logs {
    /// Without a value `https://http-intake.logs.` and the site.
    pub endpoint: String,
    pub use_compression: bool,
    /// From 0, which is none, to 9.
    pub compression_level: i32,
    batch_wait: Refused,
}

/// Refused unless it is off: what a host is, Datadog's agent tells.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HostMetadata {
    pub enabled: Option<bool>,
    hostname_source: Refused,
    tags: Refused,
    reporter_period: Refused,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            api: Api::default(),
            hostname: String::new(),
            metrics: Metrics::default(),
            traces: Traces::default(),
            logs: Logs::default(),
            host_metadata: HostMetadata::default(),
            tls: ClientConfig::default(),
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(15),
            retry_on_failure: Retry::default(),
            sending_queue: SendingQueue::default(),
            required: true,
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            read_buffer_size: 0,
            write_buffer_size: 512 << 10,
            only_metadata: false,
            endpoint: Refused::default(),
            auth: Refused::default(),
            compression: Refused::default(),
            proxy_url: Refused::default(),
            max_conns_per_host: Refused::default(),
            hostname_detection_timeout: Refused::default(),
            orchestrator_explorer: Refused::default(),
            cookies: Refused::default(),
            middlewares: Refused::default(),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Api { key: Secret::default(), site: "datadoghq.com".to_owned(), fail_on_invalid_key: false }
    }
}

impl Default for Logs {
    fn default() -> Self {
        Logs { endpoint: String::new(), use_compression: true, compression_level: 6, batch_wait: Refused::default() }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            (
                "api.key",
                self.api.key.as_str().trim().is_empty(),
                "the key is missing; write the API key of the organization",
            ),
            ("timeout", self.timeout.is_zero(), "it has to be more than 0"),
            (
                "logs.compression_level",
                !(0..=9).contains(&self.logs.compression_level),
                "there are levels from 0, which is none, to 9",
            ),
        ]);
        wrongs.extend(self.metrics.wrongs());
        wrongs.extend(self.traces.wrongs());
        wrongs.extend(self.refused());
        wrongs.extend(self.tls.wrongs("tls"));
        wrongs.extend(self.retry_on_failure.wrongs());
        wrongs.extend(self.sending_queue.wrongs());
        wrongs.extend(self.header_map().err());
        wrongs.extend(self.addresses().err());
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        self.tls.wrongs_in("tls", &|path| files.read(path))
    }
}

impl Config {
    /// Makes the exporter, and asks Datadog whether it knows the key where that is wanted.
    ///
    /// # Errors
    /// When a value makes no sense, or the key is not known.
    pub async fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        let wrong = |wrong| BuildError { id: id.clone(), wrong };
        if let Some(first) = self.wrongs().into_iter().next() {
            return Err(wrong(first));
        }
        let datadog = self.datadog(id, deps).map_err(wrong)?;
        if self.api.fail_on_invalid_key {
            let away =
                |why| wrong(Wrong::new("api.fail_on_invalid_key", format!("the key is not known to be good: {why}")));
            datadog.check_key().await.map_err(away)?;
        }
        Ok(Arc::new(Sending::new(id, datadog, self.retry_on_failure, &self.sending_queue, deps.metrics)))
    }

    fn datadog(&self, id: &ComponentId, deps: &Deps<'_>) -> Result<Datadog, Wrong> {
        let addresses = self.addresses()?;
        let connections = Connections {
            max_idle_conns: self.max_idle_conns,
            max_idle_conns_per_host: self.max_idle_conns_per_host,
            idle_conn_timeout: self.idle_conn_timeout,
            disable_keep_alives: self.disable_keep_alives,
            ..Connections::new(&self.tls, None, self.header_map()?, self.timeout)
        };
        let uris = [&addresses.logs, &addresses.series, &addresses.sketches, &addresses.traces, &addresses.validate];
        let client = Client::new(id, &uris, connections, deps)?;
        let (name, sums) = (id.to_string(), &self.metrics.sums);
        let ttl = Duration::from_secs(self.metrics.delta_ttl);
        let state = State::new(ttl, self.metrics.delta_limit, sums.first(), *BEGAN, &name, deps.metrics);
        let maker = Maker {
            shape: self.metrics.shape(self.host()),
            state: Arc::new(state),
            logs: Some(self.logs.compression_level).filter(|level| self.logs.use_compression && *level > 0),
        };
        Ok(Datadog::new(client, addresses, maker, self.traces.compute_stats, name, deps.metrics))
    }

    /// The host of data whose resource names none.
    fn host(&self) -> String {
        match self.hostname.trim() {
            "" => rustix::system::uname().nodename().to_string_lossy().into_owned(),
            name => name.to_owned(),
        }
    }

    fn header_map(&self) -> Result<HeaderMap, Wrong> {
        let own = ["dd-api-key", "content-length", "content-encoding"];
        let mut map = headers(&self.headers, "Datadog's protocol", |name| own.contains(&name))?;
        let mut key = HeaderValue::try_from(self.api.key.as_str().trim())
            .map_err(|_| Wrong::new("api.key", "it cannot stand in a header: use printable ASCII"))?;
        key.set_sensitive(true);
        map.insert(HeaderName::from_static("dd-api-key"), key);
        Ok(map)
    }

    pub(super) fn addresses(&self) -> Result<Addresses, Wrong> {
        let of = |key: &str, written: &str, host: &str, path: &str| -> Result<Uri, Wrong> {
            match written {
                "" => endpoint("api.site", &format!("https://{host}.{}", self.api.site), path),
                written => endpoint(key, written, path),
            }
        };
        let metrics = |path| of("metrics.endpoint", &self.metrics.endpoint, "api", path);
        Ok(Addresses {
            logs: of("logs.endpoint", &self.logs.endpoint, "http-intake.logs", "/api/v2/logs")?,
            series: metrics("/api/v2/series")?,
            sketches: metrics("/api/beta/sketches")?,
            validate: metrics("/api/v1/validate")?,
            traces: of("traces.endpoint", &self.traces.endpoint, "otlp", "/v1/traces")?,
        })
    }

    /// Keys of the Collector's that are not served, with what to do instead.
    fn refused(&self) -> Vec<Wrong> {
        let metadata = &self.host_metadata;
        let is_metadata_wanted = metadata.enabled == Some(true)
            || metadata.hostname_source.0
            || metadata.tags.0
            || metadata.reporter_period.0;
        Wrong::among([
            (
                "host_metadata",
                is_metadata_wanted,
                "the metadata of hosts is not sent: take it out, and run Datadog's agent on the hosts that are to have it",
            ),
            (
                "only_metadata",
                self.only_metadata,
                "the metadata of hosts is not sent: take the exporter out, and run Datadog's agent on the hosts",
            ),
            ("endpoint", self.endpoint.0, "each signal has its own: set `logs.endpoint` and its like, or `api.site`"),
            ("auth", self.auth.0, "it is `api.key` that is shown: take it out"),
            ("compression", self.compression.0, "requests are gzip: take it out, or set `logs.use_compression`"),
            (
                "proxy_url",
                self.proxy_url.0,
                "proxies are not served: set the endpoints, or send with `otlp_grpc` to a Collector that has it",
            ),
            (
                "max_conns_per_host",
                self.max_conns_per_host.0,
                "each request under way has a connection: set `sending_queue.num_consumers` instead",
            ),
            (
                "hostname_detection_timeout",
                self.hostname_detection_timeout.0,
                "the machine's name is known at once: take it out",
            ),
            (
                "orchestrator_explorer",
                self.orchestrator_explorer.0,
                "resources of Kubernetes are not sent: take it out, and run Datadog's cluster agent",
            ),
            ("logs.batch_wait", self.logs.batch_wait.0, "put the `batch` processor into the pipeline instead"),
            ("cookies", self.cookies.0, "cookies are not kept: take it out, or put what they say into `headers`"),
            ("middlewares", self.middlewares.0, "there are none here: take it out"),
        ])
    }
}
