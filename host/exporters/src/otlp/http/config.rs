//! What a user may write under `exporters: otlp_http:`. The keys and defaults are the Collector's where it has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter, Signal};
use host_config::delivery::{Retry, SendingQueue};
use host_config::time::duration;
use host_config::{Auth, Check, Refused, Secret, Wrong};
use host_tls::ClientConfig;
use http::{HeaderMap, Uri};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Caller;
use crate::Deps;
use crate::http::{Client, CompressionParams, Connections, HttpCompression, endpoint, headers};
use crate::otlp::config::BuildError;
use crate::otlp::exporter::{Manner, Otlp};
use crate::otlp::message::{Framing, Packing};

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// `http://host:port`, with or without a path, behind which stand `/v1/logs` and its like.
    pub endpoint: String,
    /// The whole address for one signal.
    pub logs_endpoint: String,
    pub traces_endpoint: String,
    pub metrics_endpoint: String,
    pub encoding: Encoding,
    pub compression: HttpCompression,
    pub compression_params: CompressionParams,
    /// For `https://` endpoints.
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
    /// The largest request in bytes, uncompressed; what is larger is sent in pieces.
    pub max_request_size: usize,
    /// Connections that are kept while nothing is sent; 0 is no limit.
    pub max_idle_conns: usize,
    /// Those of them to one host; 0 is as many as there may be in all.
    pub max_idle_conns_per_host: usize,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub idle_conn_timeout: Duration,
    /// Whether each request has a connection of its own.
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
    profiles_endpoint: Refused,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            endpoint: String::new(),
            logs_endpoint: String::new(),
            traces_endpoint: String::new(),
            metrics_endpoint: String::new(),
            encoding: Encoding::Proto,
            compression: HttpCompression::Gzip,
            compression_params: CompressionParams::default(),
            tls: ClientConfig::default(),
            auth: None,
            headers: BTreeMap::new(),
            timeout: Duration::from_secs(30),
            retry_on_failure: Retry::default(),
            sending_queue: SendingQueue::default(),
            required: true,
            max_request_size: 4 << 20,
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
            profiles_endpoint: Refused::default(),
        }
    }
}

/// The form of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    Proto,
    Json,
}

impl Check for HttpConfig {
    fn wrongs(&self) -> Vec<Wrong> {
        const HTTP1: &str = "it is HTTP/1.1 that is spoken: take it out";
        let mut wrongs = Wrong::among([
            ("timeout", self.timeout.is_zero(), "it has to be more than 0"),
            ("max_request_size", self.max_request_size == 0, "it has to be more than 0"),
            (
                "proxy_url",
                self.proxy_url.0,
                "proxies are not served: name the next hop itself, or `otlp_grpc` to a Collector that has it",
            ),
            (
                "max_conns_per_host",
                self.max_conns_per_host.0,
                "each request under way has a connection: set `sending_queue.num_consumers` instead",
            ),
            ("http2_read_idle_timeout", self.http2_read_idle_timeout.0, HTTP1),
            ("http2_ping_timeout", self.http2_ping_timeout.0, HTTP1),
            ("cookies", self.cookies.0, "cookies are not kept: take it out, or put what they say into `headers`"),
            ("middlewares", self.middlewares.0, "there are none here: take it out"),
            ("profiles_endpoint", self.profiles_endpoint.0, "profiles are not served: take it out"),
        ]);
        wrongs.extend(self.tls.wrongs("tls"));
        wrongs.extend(self.auth.iter().flat_map(|auth| auth.wrongs("auth")));
        wrongs.extend(self.compression.level(&self.compression_params).err());
        wrongs.extend(self.retry_on_failure.wrongs());
        wrongs.extend(self.sending_queue.wrongs());
        wrongs.extend(self.header_map().err());
        wrongs.extend(Signal::ALL.iter().find_map(|signal| self.uri(*signal).err()));
        if [&self.endpoint, &self.logs_endpoint, &self.traces_endpoint, &self.metrics_endpoint]
            .iter()
            .all(|e| e.is_empty())
        {
            wrongs.push(Wrong::new(
                "endpoint",
                "the endpoint is missing; write the `http://host:port` or `https://host` of the next hop",
            ));
        }
        wrongs
    }
}

impl HttpConfig {
    /// Makes the exporter. It connects when the first request is to be sent.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        let wrong = |wrong| BuildError { id: id.clone(), wrong };
        if let Some(first) = self.wrongs().into_iter().next() {
            return Err(wrong(first));
        }
        let level = self.compression.level(&self.compression_params).map_err(wrong)?;
        let packing = self.compression.coding().map(|(coding, name)| Packing { coding, name, level });
        let framing = match self.encoding {
            Encoding::Proto => Framing::Bare,
            Encoding::Json => Framing::Json,
        };
        let mut uris = [const { None }; 3];
        for signal in Signal::ALL {
            uris[signal as usize] = self.uri(signal).map_err(wrong)?;
        }
        let headers = self.header_map().map_err(wrong)?;
        let connections = Connections {
            max_idle_conns: self.max_idle_conns,
            max_idle_conns_per_host: self.max_idle_conns_per_host,
            idle_conn_timeout: self.idle_conn_timeout,
            disable_keep_alives: self.disable_keep_alives,
            ..Connections::new(&self.tls, self.auth.as_ref(), headers, self.timeout)
        };
        let client = Client::new(id, &uris.iter().flatten().collect::<Vec<_>>(), connections, deps).map_err(wrong)?;
        let caller = Caller::new(client, uris, framing, packing);
        let manner =
            Manner { retry: self.retry_on_failure, queue: self.sending_queue, max_request_size: self.max_request_size };
        Ok(Arc::new(Otlp::new(id, caller, manner, deps.metrics)))
    }

    fn header_map(&self) -> Result<HeaderMap, Wrong> {
        headers(&self.headers, "HTTP", |name| matches!(name, "content-length" | "content-encoding"))
    }

    /// Where requests of this signal go; none where neither `endpoint` nor the signal's own says that.
    fn uri(&self, signal: Signal) -> Result<Option<Uri>, Wrong> {
        let (key, own) = match signal {
            Signal::Logs => ("logs_endpoint", &self.logs_endpoint),
            Signal::Traces => ("traces_endpoint", &self.traces_endpoint),
            Signal::Metrics => ("metrics_endpoint", &self.metrics_endpoint),
        };
        match (own.is_empty(), self.endpoint.is_empty()) {
            (false, _) => endpoint(key, own, "").map(Some),
            (true, false) => endpoint("endpoint", &self.endpoint, &format!("/v1/{signal}")).map(Some),
            (true, true) => Ok(None),
        }
    }
}
