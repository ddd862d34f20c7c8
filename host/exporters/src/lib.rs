//! Native exporters.

mod credentials;
pub mod datadog;
pub mod debug;
mod entries;
pub mod file;
mod growth;
mod http;
mod json;
mod left_out;
pub mod load_balancing;
pub mod loki;
pub mod otlp;
pub mod prometheus_remote_write;
mod resolve;
pub mod sending;
mod sent;
pub mod splunk_hec;
mod workshop;

use std::path::Path;

use host_component::Authenticators;
use host_telemetry::Metrics;

pub use self::http::{CompressionParams, HttpCompression};
pub use credentials::in_the_clear;

/// What an exporter that connects is built with besides its configuration.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    /// The folder that paths start from.
    pub base: &'a Path,
    /// Who adds to requests.
    pub auth: &'a Authenticators,
    pub metrics: &'a Metrics,
}
