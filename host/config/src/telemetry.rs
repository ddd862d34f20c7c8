//! What the collector tells about itself: `service.telemetry`, in the Collector's shape.

mod metrics;
mod processor;
mod resource;
mod traces;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::metrics::{Detail, Elsewhere, Metrics, Prometheus, Pull, PullExporter, Reader};
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
        wrongs.extend(self.metrics.wrongs());
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
