//! The collector's own metrics: where they are served, and who may ask for them.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::auth::Auth;
use crate::check::Wrong;
use crate::value::Value;

/// The section as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    pub level: Detail,
    /// Where they are served in the Prometheus format; the Collector's older key.
    pub address: Option<String>,
    pub readers: Vec<Reader>,
    /// What a receiver's `tls` says, for all that is served there.
    pub tls: Option<Elsewhere>,
    /// Who lets requests for all that is served there in, as for a receiver.
    pub auth: Option<Auth>,
}

/// A section that stands here, and whose keys somebody else knows: it is read from the document. This takes whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere;

impl<'de> Deserialize<'de> for Elsewhere {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Elsewhere)
    }
}

/// A definition that whoever knows the keys puts its own in the place of.
impl JsonSchema for Elsewhere {
    fn schema_name() -> Cow<'static, str> {
        "Elsewhere".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

/// How many metrics there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    None,
    Basic,
    #[default]
    Normal,
    Detailed,
}

/// A way out for metrics: `pull: { exporter: { prometheus: { host, port } } }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reader {
    pub pull: Pull,
}

/// A reader that waits to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pull {
    pub exporter: PullExporter,
}

/// How a reader answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PullExporter {
    pub prometheus: Prometheus,
}

/// A Prometheus endpoint. The three switches change names upstream; here names are always the Collector's own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prometheus {
    pub host: String,
    pub port: u16,
    pub without_scope_info: bool,
    pub without_type_suffix: bool,
    pub without_units: bool,
}

impl Default for Prometheus {
    fn default() -> Self {
        Prometheus {
            host: "localhost".to_owned(),
            port: 8888,
            without_scope_info: true,
            without_type_suffix: true,
            without_units: true,
        }
    }
}

impl Metrics {
    /// Where the metrics are served, as `host:port`; none where they are switched off.
    pub fn endpoint(&self) -> Option<String> {
        if self.level == Detail::None {
            return None;
        }
        if let Some(reader) = self.readers.first() {
            let Prometheus { host, port, .. } = &reader.pull.exporter.prometheus;
            return Some(if host.contains(':') && !host.starts_with('[') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            });
        }
        let Prometheus { host, port, .. } = Prometheus::default();
        let address = self.address.clone().unwrap_or_else(|| format!("{host}:{port}"));
        (address != "none").then_some(address)
    }

    /// What has the right types and makes no sense, with keys below `service.telemetry`.
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([(
            "metrics.readers",
            self.readers.len() > 1,
            "there is one endpoint for metrics: keep one reader",
        )]);
        wrongs.extend(self.auth.iter().flat_map(|auth| auth.wrongs("metrics.auth")));
        wrongs
    }

    /// What is told where others than this machine reach the endpoint, and anybody who does is answered; `section` is what
    /// this was read from.
    pub(crate) fn doubt(&self, section: &Value) -> Option<Wrong> {
        let address = self.endpoint().filter(|address| !is_loopback(address))?;
        let asks_for_certificates = || {
            let file = section.get("tls")?.get("client_ca_file")?;
            file.decode::<String>().ok().filter(|file| !file.is_empty())
        };
        if self.auth.is_some() || asks_for_certificates().is_some() {
            return None;
        }
        let key = match self.readers.is_empty() {
            true => "metrics.address",
            false => "metrics.readers[0].pull.exporter.prometheus.host",
        };
        let message = format!(
            "anybody who reaches {address} reads the metrics and the pages under /debug: let `service.telemetry.metrics.auth` name \
             an authenticator, set `client_ca_file` in `service.telemetry.metrics.tls`, or serve them at localhost"
        );
        Some(Wrong::new(key, message))
    }
}

/// Whether an address is one that no other machine reaches: a name that is not `localhost` may be anywhere.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}
