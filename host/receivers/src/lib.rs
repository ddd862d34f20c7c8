//! Native receivers.

pub mod budget;
mod entries;
pub mod file_log;
pub mod journald;
mod lane;
pub mod otlp;
pub mod storage;
pub mod syslog;
#[cfg(test)]
mod testing;

use std::path::Path;
use std::time::Duration;

use host_component::{Authenticators, MetadataKeys};
use host_telemetry::Metrics;

pub use budget::Budget;
pub use lane::Lanes;

/// What a receiver is built with besides its configuration and its consumers.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    /// What all receivers share.
    pub budget: &'a Budget,
    /// When a sender is told to try again whose data is not where it has to be.
    pub ack_timeout: Duration,
    /// The folder that paths start from.
    pub base: &'a Path,
    /// Who lets requests in.
    pub auth: &'a Authenticators,
    /// The request metadata that something behind this receiver reads.
    pub metadata: &'a MetadataKeys,
    pub metrics: &'a Metrics,
}
