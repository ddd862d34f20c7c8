//! What a user may write under `exporters: load_balancing:`. The keys are the Collector's, and so are the defaults.

use std::sync::Arc;
use std::time::Duration;

use host_component::{ComponentId, Exporter, Signal};
use host_config::delivery::{Retry, SendingQueue};
use host_config::time::duration;
use host_config::{Check, Files, Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use super::exporter::LoadBalancing;
use crate::Deps;
use crate::otlp::{self, BuildError};
use crate::resolve::{Lookup, System};

/// Where OTLP over gRPC is taken, unless another port is written.
const PORT: u16 = 4317;

/// The exporter's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What has the same one goes to the same backend. Without it that is the id of the trace for traces, and the service for
    /// logs and metrics.
    pub routing_key: Option<RoutingKey>,
    /// For `routing_key: attributes`: the attributes that make up the key, of the resource, the scope or the item.
    pub routing_attributes: Vec<String>,
    pub protocol: Protocol,
    pub resolver: Resolver,
    /// How long an attempt at all backends together may take; 0 is as long as they take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// Whether what a backend has given back is tried again, by the backends as they are then.
    pub retry_on_failure: Option<Retry>,
    /// A bound on what is under way to all backends together.
    pub sending_queue: Option<SendingQueue>,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    pub required: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            routing_key: None,
            routing_attributes: Vec::new(),
            protocol: Protocol::default(),
            resolver: Resolver::default(),
            timeout: Duration::ZERO,
            retry_on_failure: None,
            sending_queue: None,
            required: true,
        }
    }
}

/// What decides where an item goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum RoutingKey {
    /// The id of its trace.
    #[serde(rename = "traceID")]
    TraceId,
    /// The `service.name` of its resource.
    #[serde(rename = "service")]
    Service,
    /// All attributes of its resource.
    #[serde(rename = "resource")]
    Resource,
    /// The name of its metric.
    #[serde(rename = "metric")]
    Metric,
    /// Its series: resource, scope, metric and attributes.
    #[serde(rename = "streamID")]
    StreamId,
    /// Those that `routing_attributes` names.
    #[serde(rename = "attributes")]
    Attributes,
}

impl RoutingKey {
    /// The signals that have such a key.
    fn signals(self) -> &'static [Signal] {
        match self {
            RoutingKey::TraceId => &[Signal::Logs, Signal::Traces],
            RoutingKey::Service | RoutingKey::Attributes => &Signal::ALL,
            RoutingKey::Resource => &[Signal::Logs, Signal::Metrics],
            RoutingKey::Metric | RoutingKey::StreamId => &[Signal::Metrics],
        }
    }

    fn name(self) -> &'static str {
        match self {
            RoutingKey::TraceId => "traceID",
            RoutingKey::Service => "service",
            RoutingKey::Resource => "resource",
            RoutingKey::Metric => "metric",
            RoutingKey::StreamId => "streamID",
            RoutingKey::Attributes => "attributes",
        }
    }
}

/// How backends are spoken to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protocol {
    /// As for the exporter `otlp_grpc`, for each backend, without an `endpoint`.
    pub otlp: otlp::Config,
}

/// Where backends are found: one of these.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resolver {
    #[serde(rename = "static")]
    pub r#static: Option<Static>,
    pub dns: Option<Dns>,
    pub k8s: Refused,
    pub aws_cloud_map: Refused,
}

/// Backends that are named.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Static {
    /// Each as `host:port`, or `host` where the port is 4317.
    pub hostnames: Vec<String>,
}

/// Backends behind one name, as those of a headless service are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dns {
    /// The name that stands for all of their addresses.
    pub hostname: String,
    /// Their port; 4317 where none is written.
    pub port: String,
    /// How long after an answer the name is asked for again.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub interval: Duration,
    /// How long an answer may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
}

impl Default for Dns {
    fn default() -> Self {
        let (interval, timeout) = (Duration::from_secs(5), Duration::from_secs(1));
        Dns { hostname: String::new(), port: String::new(), interval, timeout }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let by_attributes = self.routing_key == Some(RoutingKey::Attributes);
        let mut wrongs = Wrong::among([
            (
                "routing_attributes",
                by_attributes && self.routing_attributes.is_empty(),
                "`routing_key: attributes` needs some: name them",
            ),
            (
                "routing_attributes",
                !by_attributes && !self.routing_attributes.is_empty(),
                "only `routing_key: attributes` looks at them: write that, or take them out",
            ),
        ]);
        wrongs.extend(self.retry_on_failure.iter().flat_map(Retry::wrongs));
        wrongs.extend(self.sending_queue.iter().flat_map(SendingQueue::wrongs));
        wrongs.extend(self.resolver.wrongs());
        wrongs.extend(
            self.hostnames().iter().filter_map(|hostname| self.checked("resolver.static.hostnames", hostname).err()),
        );
        wrongs.extend(self.wrongs_of_protocol());
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        self.protocol.otlp.wrongs_in(files).into_iter().map(of_protocol).collect()
    }
}

impl Resolver {
    fn wrongs(&self) -> Vec<Wrong> {
        let written = usize::from(self.r#static.is_some()) + usize::from(self.dns.is_some());
        let is_refused = self.k8s.0 || self.aws_cloud_map.0;
        let mut wrongs = Wrong::among([
            (
                "resolver.k8s",
                self.k8s.0,
                "the API server is not asked for the backends: use `dns` with the name of a headless service, which stands for the \
                 addresses of its pods",
            ),
            (
                "resolver.aws_cloud_map",
                self.aws_cloud_map.0,
                "Cloud Map is not asked for the backends: use `dns` with the name that it gives the service",
            ),
            ("resolver", written == 0 && !is_refused, "say where the backends are: write `static` or `dns` below it"),
            ("resolver", written > 1, "there are two: keep one of `static` and `dns`"),
        ]);
        let names = self.r#static.iter().filter(|named| named.hostnames.is_empty());
        wrongs.extend(
            names.map(|_| Wrong::new("resolver.static.hostnames", "there are none: write each as `host:port`")),
        );
        wrongs.extend(self.dns.iter().flat_map(Dns::wrongs));
        wrongs
    }
}

impl Dns {
    fn wrongs(&self) -> Vec<Wrong> {
        let is_port = self.port.is_empty() || self.port.parse::<u16>().is_ok_and(|port| port > 0);
        let is_name = !self.hostname.contains(['/', ':', '@', '[', ']', ' ']);
        Wrong::among([
            (
                "resolver.dns.hostname",
                self.hostname.is_empty(),
                "it is missing: write the name that stands for the backends",
            ),
            ("resolver.dns.hostname", !is_name, "it is no name: write it without a scheme, and the port as `port`"),
            ("resolver.dns.port", !is_port, "it is no port: write a number from 1 to 65535"),
            ("resolver.dns.interval", self.interval.is_zero(), "it has to be more than 0"),
            ("resolver.dns.timeout", self.timeout.is_zero(), "it has to be more than 0"),
        ])
    }
}

impl Config {
    /// Makes the exporter. It looks for backends when the first request is to be sent, and connects to one when the first
    /// request for it is.
    ///
    /// # Errors
    /// When a value makes no sense, or a certificate cannot be used.
    pub fn build(self, id: &ComponentId, deps: &Deps<'_>) -> Result<Arc<dyn Exporter>, BuildError> {
        self.build_with(id, deps, Arc::new(System))
    }

    /// As [`Config::build`], with somebody else to ask for addresses.
    pub(super) fn build_with(
        self,
        id: &ComponentId,
        deps: &Deps<'_>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Arc<dyn Exporter>, BuildError> {
        let first = self.wrongs().into_iter().next();
        let made = first.map_or_else(|| LoadBalancing::new(self, id, deps, lookup), Err);
        match made {
            Ok(exporter) => Ok(Arc::new(exporter)),
            Err(wrong) => Err(BuildError { id: id.clone(), wrong }),
        }
    }

    /// Why data of this signal has no such key, where it has none.
    pub fn problem_in(&self, signal: Signal) -> Option<String> {
        let key = self.routing_key.filter(|key| !key.signals().contains(&signal))?;
        let all = [
            RoutingKey::TraceId,
            RoutingKey::Service,
            RoutingKey::Resource,
            RoutingKey::Metric,
            RoutingKey::StreamId,
            RoutingKey::Attributes,
        ];
        let fit: Vec<&str> = all.iter().filter(|key| key.signals().contains(&signal)).map(|key| key.name()).collect();
        Some(format!("{signal} cannot be routed by `{}`: use one of {}", key.name(), fit.join(", ")))
    }

    /// What decides where items of a signal go.
    pub(super) fn key_of(&self, signal: Signal) -> RoutingKey {
        self.routing_key.unwrap_or(match signal {
            Signal::Traces => RoutingKey::TraceId,
            Signal::Logs | Signal::Metrics => RoutingKey::Service,
        })
    }

    /// Whether requests may go in the clear.
    pub fn is_plain(&self) -> bool {
        let is_plain = |hostname: &String| self.backend(hostname).is_plain();
        match self.hostnames() {
            [] => self.protocol.otlp.is_plain(),
            hostnames => hostnames.iter().any(is_plain),
        }
    }

    /// The backends that are named, as they are written.
    pub(super) fn hostnames(&self) -> &[String] {
        self.resolver.r#static.as_ref().map_or(&[], |named| &named.hostnames)
    }

    /// What the exporter to a backend is made of.
    pub(super) fn backend(&self, address: &str) -> otlp::Config {
        let mut config = otlp::Config { endpoint: with_port(address), ..self.protocol.otlp.clone() };
        // What waits on disk before all of them has been acknowledged.
        config.sending_queue.storage = self.sending_queue.as_ref().and_then(|queue| queue.storage.clone());
        config
    }

    /// # Errors
    /// When this is no address.
    fn checked(&self, key: &str, address: &str) -> Result<(), Wrong> {
        let authority = self.backend(address).authority();
        authority.map(|_| ()).map_err(|wrong| Wrong { key: key.to_owned(), ..wrong })
    }

    fn wrongs_of_protocol(&self) -> Vec<Wrong> {
        let otlp = &self.protocol.otlp;
        let mut wrongs = Wrong::among([
            ("endpoint", !otlp.endpoint.is_empty(), "take it out: the backends are those that `resolver` finds"),
            ("required", !otlp.required, "write it beside `protocol`: it is of the exporter as a whole"),
            (
                "sending_queue.storage",
                otlp.sending_queue.storage.is_some(),
                "write the `sending_queue` beside `protocol`: there is one queue on disk, before all backends",
            ),
        ]);
        wrongs.extend(otlp.wrongs_but_endpoint());
        wrongs.into_iter().map(of_protocol).collect()
    }
}

/// The same, with its key below the component's section.
pub(super) fn of_protocol(wrong: Wrong) -> Wrong {
    Wrong { key: format!("protocol.otlp.{}", wrong.key), ..wrong }
}

/// An address with a port, which is that of OTLP where it has none.
pub(super) fn with_port(address: &str) -> String {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    let rest = rest.trim_end_matches('/');
    let behind_host = rest.rsplit(']').next().unwrap_or(rest);
    match behind_host.contains(':') {
        true => format!("{scheme}{rest}"),
        false => format!("{scheme}{rest}:{PORT}"),
    }
}
