//! `http`: how the receiver is reached; the same keys beside it are an older way to write them.

use std::collections::BTreeMap;
use std::time::Duration;

use host_config::time::duration;
use host_config::{Auth, Refused, Secret, Wrong};
use host_tls::ClientConfig;
use http::{HeaderName, Uri};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Config;
use crate::http::{Connections, endpoint, headers};

/// What the protocol sets itself.
const RESERVED: [&str; 5] =
    ["content-encoding", "content-length", "content-type", "user-agent", "x-prometheus-remote-write-version"];

/// Keys of the Collector's client for HTTP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// The whole address of the receiver, such as `http://prometheus:9090/api/v1/write`.
    pub endpoint: String,
    /// For `https://` endpoints.
    pub tls: ClientConfig,
    /// Who adds to requests what shows who sends them.
    pub auth: Option<Auth>,
    /// Sent with each request.
    pub headers: BTreeMap<String, Secret>,
    /// Empty or `snappy`, which is what the protocol has.
    pub compression: String,
    /// How long one attempt may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
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
    pub(super) proxy_url: Refused,
    pub(super) max_conns_per_host: Refused,
    pub(super) http2_read_idle_timeout: Refused,
    pub(super) http2_ping_timeout: Refused,
    pub(super) cookies: Refused,
    pub(super) middlewares: Refused,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            endpoint: String::new(),
            tls: ClientConfig::default(),
            auth: None,
            headers: BTreeMap::new(),
            compression: String::new(),
            timeout: Duration::from_secs(5),
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
        }
    }
}

impl Http {
    /// What is wrong with it; `under` stands before each key.
    pub(super) fn wrongs(&self, under: &str) -> Vec<Wrong> {
        const HTTP1: &str = "it is HTTP/1.1 that is spoken: take it out";
        let mut wrongs = Wrong::among([
            ("timeout", self.timeout.is_zero(), "it has to be more than 0"),
            (
                "compression",
                !matches!(self.compression.as_str(), "" | "snappy"),
                "the protocol has `snappy` and nothing else: take it out",
            ),
            ("proxy_url", self.proxy_url.0, "proxies are not served: name the receiver itself"),
            (
                "max_conns_per_host",
                self.max_conns_per_host.0,
                "each request under way has a connection: set `max_batch_request_parallelism` instead",
            ),
            ("http2_read_idle_timeout", self.http2_read_idle_timeout.0, HTTP1),
            ("http2_ping_timeout", self.http2_ping_timeout.0, HTTP1),
            ("cookies", self.cookies.0, "cookies are not kept: take it out, or put what they say into `headers`"),
            ("middlewares", self.middlewares.0, "there are none here: take it out"),
        ]);
        wrongs.extend(self.auth.iter().flat_map(|auth| auth.wrongs("auth")));
        wrongs.extend(self.tls.wrongs("tls"));
        wrongs.extend(self.uri().err());
        wrongs.extend(self.header_map().err());
        wrongs.into_iter().map(|wrong| Wrong::new(format!("{under}{}", wrong.key), wrong.message)).collect()
    }

    pub(super) fn uri(&self) -> Result<Uri, Wrong> {
        if self.endpoint.is_empty() {
            let told =
                "the endpoint is missing; write the whole address, such as `http://prometheus:9090/api/v1/write`";
            return Err(Wrong::new("endpoint", told));
        }
        endpoint("endpoint", &self.endpoint, "")
    }

    fn header_map(&self) -> Result<http::HeaderMap, Wrong> {
        headers(&self.headers, "the protocol", |name| RESERVED.contains(&name))
    }

    pub(super) fn connections(&self) -> Result<Connections<'_>, Wrong> {
        Ok(Connections {
            max_idle_conns: self.max_idle_conns,
            max_idle_conns_per_host: self.max_idle_conns_per_host,
            idle_conn_timeout: self.idle_conn_timeout,
            disable_keep_alives: self.disable_keep_alives,
            ..Connections::new(&self.tls, self.auth.as_ref(), self.header_map()?, self.timeout)
        })
    }
}

impl Config {
    /// The older way to write it.
    pub(super) fn flat(&self) -> Http {
        Http {
            endpoint: self.endpoint.clone(),
            tls: self.tls.clone(),
            auth: self.auth.clone(),
            headers: self.headers.clone(),
            compression: self.compression.clone(),
            timeout: self.timeout,
            max_idle_conns: self.max_idle_conns,
            max_idle_conns_per_host: self.max_idle_conns_per_host,
            idle_conn_timeout: self.idle_conn_timeout,
            disable_keep_alives: self.disable_keep_alives,
            read_buffer_size: self.read_buffer_size,
            write_buffer_size: self.write_buffer_size,
            force_attempt_http2: self.force_attempt_http2,
            proxy_url: self.proxy_url,
            max_conns_per_host: self.max_conns_per_host,
            http2_read_idle_timeout: self.http2_read_idle_timeout,
            http2_ping_timeout: self.http2_ping_timeout,
            cookies: self.cookies,
            middlewares: self.middlewares,
        }
    }

    /// Which of a sender's metadata goes with its data, as headers.
    pub(super) fn metadata_headers(&self) -> Result<Vec<HeaderName>, Wrong> {
        let header = |key: &String| {
            let told = |message: String| Wrong::new("include_metadata_keys", message);
            let name = HeaderName::try_from(key.to_ascii_lowercase())
                .map_err(|_| told(format!("{key:?} is no name of a header")))?;
            if RESERVED.contains(&name.as_str()) {
                return Err(told(format!("{key:?} is set by the protocol: take it out")));
            }
            Ok(name)
        };
        self.include_metadata_keys.iter().map(header).collect()
    }
}
