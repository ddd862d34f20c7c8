//! The collector's own logs and metrics.

pub mod metrics;

pub use metrics::{Counter, Gauge, Metrics};
