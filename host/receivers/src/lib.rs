//! Native receivers.

pub mod budget;
pub mod otlp;

use std::path::Path;

use host_telemetry::Metrics;

pub use budget::Budget;

/// What a receiver is built with besides its configuration and its consumers.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    /// What all receivers share.
    pub budget: &'a Budget,
    /// The folder that paths start from.
    pub base: &'a Path,
    pub metrics: &'a Metrics,
}
