//! What a user may write under `exporters: otlp_http:`. The keys and defaults are the Collector's where it has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter, Signal};
use host_compression::Coding;
use host_config::time::duration;
use host_config::{Auth, Check, Secret, Wrong, without_userinfo};
use host_tls::{ClientConfig, Target};
use http::uri::Scheme;
use http::{HeaderMap, Uri};
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::connector::Encryption;
use super::{Caller, Pool};
use crate::Deps;
use crate::credentials::Credentials;
use crate::otlp::channel::host;
use crate::otlp::config::{BuildError, Retry, SendingQueue};
use crate::otlp::exporter::{Manner, Otlp};
use crate::otlp::headers::headers;
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

/// How requests are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HttpCompression {
    #[serde(alias = "")]
    None,
    Gzip,
    Zstd,
    Zlib,
    Deflate,
    Snappy,
    XSnappyFramed,
    Lz4,
}

/// How hard to compress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompressionParams {
    /// 0 and -1 are the usual level.
    pub level: i32,
}

/// A key of the Collector's that is not served, whatever stands behind it.
#[derive(Clone, Copy, Debug, Default)]
struct Refused(bool);

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Refused(true))
    }
}

impl JsonSchema for Refused {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Refused".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        false.into()
    }
}

impl HttpCompression {
    /// The coding, and its name in HTTP.
    fn coding(self) -> Option<(Coding, &'static str)> {
        match self {
            HttpCompression::None => None,
            HttpCompression::Gzip => Some((Coding::Gzip, "gzip")),
            HttpCompression::Zstd => Some((Coding::Zstd, "zstd")),
            HttpCompression::Zlib => Some((Coding::Zlib, "zlib")),
            HttpCompression::Deflate => Some((Coding::Zlib, "deflate")),
            HttpCompression::Snappy => Some((Coding::Snappy, "snappy")),
            HttpCompression::XSnappyFramed => Some((Coding::SnappyFramed, "x-snappy-framed")),
            HttpCompression::Lz4 => Some((Coding::Lz4, "lz4")),
        }
    }
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
        wrongs.extend(self.level().err());
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
        let level = self.level().map_err(wrong)?;
        let packing = self.compression.coding().map(|(coding, name)| Packing { coding, name, level });
        let framing = match self.encoding {
            Encoding::Proto => Framing::Bare,
            Encoding::Json => Framing::Json,
        };
        let mut uris = [const { None }; 3];
        for signal in Signal::ALL {
            uris[signal as usize] = self.uri(signal).map_err(wrong)?;
        }
        let encryption = self.encryption(id, &uris, deps).map_err(wrong)?;
        let headers = self.header_map().map_err(wrong)?;
        let is_encrypted = uris.iter().flatten().all(|uri| uri.scheme() == Some(&Scheme::HTTPS));
        let credentials = Credentials::find(self.auth.as_ref(), true, deps).map_err(wrong)?;
        if credentials.is_secret() && !is_encrypted {
            // As in the Collector: behind a proxy beside it, that is how it is done.
            tracing::warn!(exporter = %id, "what `auth` adds is sent in the clear, since the endpoint is `http://`");
        }
        let caller = Caller::new(uris, headers, credentials, framing, packing, self.pool(), encryption);
        let manner =
            Manner { retry: self.retry_on_failure, queue: self.sending_queue, max_request_size: self.max_request_size };
        Ok(Arc::new(Otlp::new(id, caller, manner, deps.metrics)))
    }

    /// What encrypts the connections to the hosts of the endpoints that ask for it.
    fn encryption(&self, id: &ComponentId, uris: &[Option<Uri>], deps: &Deps<'_>) -> Result<Encryption, Wrong> {
        let mut encryption = Encryption::new();
        let encrypted = uris.iter().flatten().filter(|uri| uri.scheme() == Some(&Scheme::HTTPS));
        for host in encrypted.filter_map(Uri::authority).map(host) {
            let Deps { base, metrics, .. } = *deps;
            let owner = id.to_string();
            let target = Target { owner: &owner, key: "tls", host, https: true, alpn: &[b"http/1.1"], base };
            if let Some(connector) = self.tls.clone().build(&target, metrics)? {
                encryption.insert(host.to_owned(), connector);
            }
        }
        Ok(encryption)
    }

    fn pool(&self) -> Pool {
        let bound = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        let max_idle = bound(self.max_idle_conns).min(bound(self.max_idle_conns_per_host));
        Pool {
            timeout: self.timeout,
            max_idle: if self.disable_keep_alives { 0 } else { max_idle },
            idle_timeout: (!self.idle_conn_timeout.is_zero()).then_some(self.idle_conn_timeout),
        }
    }

    /// The level that is asked for, if one is.
    fn level(&self) -> Result<Option<i32>, Wrong> {
        let level = self.compression_params.level;
        let told = |message: String| Wrong::new("compression_params.level", message);
        let Some((coding, name)) = self.compression.coding().filter(|_| !matches!(level, -1 | 0)) else {
            return Ok(None);
        };
        match coding.levels() {
            None => Err(told(format!("{name} has no levels: take it out"))),
            // The Collector takes any level for zstd, and the nearest that there is.
            Some(levels) if coding == Coding::Zstd => Ok(Some(level.clamp(*levels.start(), *levels.end()))),
            Some(levels) if levels.contains(&level) => Ok(Some(level)),
            Some(levels) => Err(told(format!("{name} has levels from {} to {}", levels.start(), levels.end()))),
        }
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
        let (key, written, whole) = match (own.is_empty(), self.endpoint.is_empty()) {
            (false, _) => (key, own, own.clone()),
            (true, false) => {
                ("endpoint", &self.endpoint, format!("{}/v1/{signal}", self.endpoint.trim_end_matches('/')))
            }
            (true, true) => return Ok(None),
        };
        without_userinfo(key, written)?;
        let bad = || Wrong::new(key, format!("{written:?} is no address; write `http://host:port` or `https://host`"));
        let uri: Uri = whole.parse().map_err(|_| bad())?;
        let is_whole =
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
        if is_whole { Ok(Some(uri)) } else { Err(bad()) }
    }
}
