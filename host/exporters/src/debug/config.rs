//! What the user writes about a `debug` exporter.

use std::io::{self, Write as _};
use std::sync::Arc;

use host_component::{ComponentId, Exporter};
use host_telemetry::Metrics;
use schemars::JsonSchema;
use serde::Deserialize;

use super::exporter::{DebugExporter, Output};

/// `debug: { verbosity: … }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub verbosity: Verbosity,
    /// How many batches of each second are shown …
    pub sampling_initial: u32,
    /// … before only every so-many-th is; 1 shows all, 0 none.
    pub sampling_thereafter: u32,
    /// Whether to show them in the collector's log, at level `info`, or on standard output.
    pub use_internal_logger: bool,
    /// Whether a sender waits until this exporter has its data, and hears of a failure.
    pub required: bool,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// A line a batch.
    #[default]
    Basic,
    /// A line an item.
    Normal,
    /// Every field.
    Detailed,
}

/// Why a `debug` exporter cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot start the thread that shows what passes: {0}")]
    Thread(#[source] io::Error),
}

impl Default for Config {
    fn default() -> Self {
        Config {
            verbosity: Verbosity::default(),
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: true,
            required: true,
        }
    }
}

impl Config {
    /// Starts the thread that shows what passes.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn build(self, id: ComponentId, metrics: &Metrics) -> Result<Arc<dyn Exporter>, Error> {
        let output: Output = match self.use_internal_logger {
            true => Box::new(|id, shown| tracing::info!(exporter = %id, "{shown}")),
            // Nobody may be reading any more, which is no reason to end.
            false => Box::new(|_, shown| drop(writeln!(io::stdout(), "{shown}"))),
        };
        Ok(Arc::new(DebugExporter::start(id, self, metrics, output)?))
    }
}
