//! What a user may write under `exporters: otlp_grpc:`. The keys and defaults are the Collector's where it has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter};
use host_compression::Coding;
use host_config::delivery::{Retry, SendingQueue};
use host_config::time::duration;
use host_config::{Auth, Check, Files, Secret, Wrong, without_userinfo};
use host_tls::{ClientConfig, Connector, Target};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use super::channel::{Balanced, Channel, Settings, Way};
use super::exporter::{Manner, Otlp};
use super::grpc::Caller;
use super::message::Packing;
use crate::Deps;
use crate::credentials::Credentials;
use crate::http::{headers, host};
use crate::resolve::{Lookup, System};

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `host:port`, with or without a scheme before it; `https://` wants encryption whatever `tls` says, and `dns:///` a
    /// connection to each of the addresses that the host stands for.
    pub endpoint: String,
    pub tls: ClientConfig,
    /// Who adds to requests what shows who sends them.
    pub auth: Option<Auth>,
    pub compression: Compression,
    /// Sent with each request.
    pub headers: BTreeMap<String, Secret>,
    pub user_agent: String,
    /// How long one attempt may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    pub retry_on_failure: Retry,
    pub sending_queue: SendingQueue,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    pub required: bool,
    pub keepalive: Option<Keepalive>,
    /// Which connection of several a request goes over; with `dns:///` alone there may be several.
    pub balancer_name: Balancer,
    /// The largest request in bytes, uncompressed; what is larger is sent in pieces.
    pub max_request_size: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            endpoint: String::new(),
            tls: ClientConfig::default(),
            auth: None,
            compression: Compression::Gzip,
            headers: BTreeMap::new(),
            user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(5),
            retry_on_failure: Retry::default(),
            sending_queue: SendingQueue::default(),
            required: true,
            keepalive: None,
            balancer_name: Balancer::RoundRobin,
            max_request_size: 4 << 20,
        }
    }
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    #[serde(alias = "")]
    None,
    Gzip,
    Zstd,
    Snappy,
}

impl Compression {
    /// The coding, and its name in gRPC.
    fn packing(self) -> Option<Packing> {
        let (coding, name) = match self {
            Compression::None => return None,
            Compression::Gzip => (Coding::Gzip, "gzip"),
            Compression::Zstd => (Coding::Zstd, "zstd"),
            Compression::Snappy => (Coding::SnappyFramed, "snappy"),
        };
        Some(Packing { coding, name, level: None })
    }
}

/// Which connection of several a request goes over, of those that are up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balancer {
    /// One after the other.
    RoundRobin,
    /// The first, as addresses are sorted.
    PickFirst,
}

/// HTTP/2 pings on a connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keepalive {
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub time: Duration,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Keepalive { time: Duration::from_secs(10), timeout: Duration::from_secs(10) }
    }
}

/// Why an exporter cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("{id}: {wrong}")]
pub struct BuildError {
    pub id: ComponentId,
    pub wrong: Wrong,
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.wrongs_but_endpoint();
        wrongs.extend(self.authority().err());
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        match self.is_plain() {
            true => Vec::new(),
            false => self.tls.wrongs_in("tls", &|path| files.read(path)),
        }
    }
}

impl Config {
    /// Makes the exporter. It connects when the first request is to be sent.
    ///
    /// # Errors
    /// When a value makes no sense, or a certificate cannot be used.
    pub fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        let first = self.wrongs().into_iter().next();
        let made = first.map_or_else(|| self.made(id, deps), Err);
        made.map_err(|wrong| BuildError { id: id.clone(), wrong })
    }

    /// Makes the exporter of a section that was checked.
    pub(crate) fn made(&self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, Wrong> {
        self.made_with(id, deps, Arc::new(System))
    }

    /// As [`Config::made`], with somebody else to ask for addresses.
    pub(super) fn made_with(
        &self,
        id: &ComponentId,
        deps: &Deps<'_>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Arc<dyn Exporter>, Wrong> {
        let authority = self.authority()?;
        let headers = self.header_map()?;
        let tls = self.connector(&id.to_string(), &authority, deps)?;
        // As with gRPC's own clients: a certificate's name that was set stands in requests, too.
        let name = tls.as_ref().and_then(|_| self.tls.server_name_override.parse().ok());
        let settings = Settings {
            name: name.unwrap_or_else(|| authority.clone()),
            authority,
            address: None,
            tls,
            connect_timeout: self.timeout,
            keepalive: self.keepalive.clone(),
        };
        let credentials = Credentials::find(self.auth.as_ref(), !self.is_plain(), deps)?;
        let way = match self.endpoint.starts_with("dns:///") {
            true => Way::Many(Box::new(Balanced::new(id, settings, self.balancer_name, lookup))),
            false => Way::One(Arc::new(Channel::new(id, settings))),
        };
        let caller = Caller::new(way, headers, credentials, self.compression.packing(), self.timeout);
        let manner = Manner {
            retry: self.retry_on_failure.clone(),
            queue: self.sending_queue.clone(),
            max_request_size: self.max_request_size,
        };
        Ok(Arc::new(Otlp::new(id, caller, manner, deps.metrics)))
    }

    /// What makes no sense, the endpoint left aside.
    pub(crate) fn wrongs_but_endpoint(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            ("timeout", self.timeout.is_zero(), "it has to be more than 0"),
            ("max_request_size", self.max_request_size == 0, "it has to be more than 0"),
        ]);
        wrongs.extend(self.retry_on_failure.wrongs());
        wrongs.extend(self.sending_queue.wrongs());
        wrongs.extend(self.tls.wrongs("tls"));
        wrongs.extend(self.auth.iter().flat_map(|auth| auth.wrongs("auth")));
        wrongs.extend(self.header_map().err());
        wrongs
    }

    /// What encrypts the connection; none where data goes in the clear.
    fn connector(&self, owner: &str, authority: &Authority, deps: &Deps<'_>) -> Result<Option<Connector>, Wrong> {
        let host = host(authority);
        let Deps { base, metrics, .. } = *deps;
        let target = Target { owner, key: "tls", host, https: self.is_https(), alpn: &[b"h2"], base };
        self.tls.clone().build(&target, metrics)
    }

    /// Whether requests go in the clear.
    pub fn is_plain(&self) -> bool {
        self.tls.is_plain(self.is_https())
    }

    fn is_https(&self) -> bool {
        self.endpoint.starts_with("https://")
    }

    /// The address in `endpoint`, without the scheme that it may have.
    pub(crate) fn authority(&self) -> Result<Authority, Wrong> {
        if self.endpoint.is_empty() {
            return Err(Wrong::new("endpoint", "the endpoint is missing; write the `host:port` of the next hop"));
        }
        without_userinfo("endpoint", &self.endpoint)?;
        let schemes = ["http://", "https://", "dns:///"];
        let plain = schemes.iter().find_map(|scheme| self.endpoint.strip_prefix(scheme)).unwrap_or(&self.endpoint);
        plain
            .trim_end_matches('/')
            .parse::<Authority>()
            .ok()
            .filter(|authority| authority.port_u16().is_some() && !authority.host().is_empty())
            .ok_or_else(|| Wrong::new("endpoint", format!("{:?} is no address; write `host:port`", self.endpoint)))
    }

    /// The headers of each request.
    fn header_map(&self) -> Result<HeaderMap, Wrong> {
        let mut map = HeaderMap::new();
        let agent = HeaderValue::try_from(&self.user_agent)
            .map_err(|_| Wrong::new("user_agent", "it is no header value: use printable ASCII"))?;
        map.insert(http::header::USER_AGENT, agent);
        map.extend(headers(&self.headers, "gRPC", |name| name.starts_with("grpc-") || name == "host")?);
        Ok(map)
    }
}
