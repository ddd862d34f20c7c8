//! The collector's own logs, metrics and traces: the endpoint that shows them, and what is sent of them.

pub mod listen;
pub mod logs;
pub mod metrics;
pub mod own;
pub mod pages;
mod process;
pub mod traces;

pub use metrics::{Counter, Gauge, Histogram, Metrics, OwnGauge, Seconds};
pub use pages::{Asked, Endpoint, Guard, Page, Pages};

#[cfg(test)]
mod tests;
