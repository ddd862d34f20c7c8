//! What the collector tells about itself: `service.telemetry`, in the Collector's shape.

mod processor;
mod resource;
mod traces;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::processor::{Batch, Batching, OwnCompression, OwnOtlp, Processor, Protocol, milliseconds};
pub use self::resource::{Resource, ResourceAttribute, ResourceValue};
pub use self::traces::{Nothing, ParentBased, Propagator, Ratio, Sampler, Traces};
use crate::check::Wrong;

/// `service.telemetry`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    pub resource: Resource,
    pub logs: Logs,
    pub metrics: Metrics,
    pub traces: Traces,
}

impl Telemetry {
    /// What has the right types and makes no sense.
    pub fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.resource.wrongs();
        wrongs.extend(processor::wrongs(&self.logs.processors, "logs.processors"));
        wrongs.extend(self.traces.wrongs());
        if self.metrics.readers.len() > 1 {
            wrongs.push(Wrong::new("metrics.readers", "there is one endpoint for metrics: keep one reader"));
        }
        wrongs
    }
}

/// The collector's own log.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Logs {
    pub level: Level,
    pub encoding: Encoding,
    /// Where its records go besides standard error.
    pub processors: Vec<Processor>,
}

/// How much the log says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Console,
    Json,
}

/// The collector's own metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    pub level: Detail,
    /// Where they are served in the Prometheus format; the Collector's older key.
    pub address: Option<String>,
    pub readers: Vec<Reader>,
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
        Some(self.address.clone().unwrap_or_else(|| format!("{host}:{port}")))
    }
}
