//! The collector's own logs and metrics, and the endpoint that shows them.

pub mod listen;
pub mod logs;
pub mod metrics;
pub mod pages;
mod process;

pub use metrics::{Counter, Gauge, Histogram, Metrics, OwnGauge, Seconds};
pub use pages::{Asked, Endpoint, Page, Pages};

#[cfg(test)]
mod tests;
