//! Native exporters.

pub mod debug;
pub mod file;
pub mod otlp;
mod sent;

use std::path::Path;

use host_telemetry::Metrics;

/// What an exporter that connects is built with besides its configuration.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    /// The folder that paths start from.
    pub base: &'a Path,
    pub metrics: &'a Metrics,
}
