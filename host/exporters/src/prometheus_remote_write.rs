//! The exporter `prometheus_remote_write` sends metrics to whatever speaks Prometheus' remote write, in either version.
//!
//! A payload is read where it lies and becomes a batch: series, each once, over a table of texts. A batch becomes requests,
//! and a request that a part of is bad is cut until that part is found.

mod answer;
mod batch;
mod config;
mod dead;
mod delta;
mod exporter;
mod labels;
mod name;
mod names;
mod request;
pub(crate) mod text;
mod translate;
mod v1;
mod v2;
mod wire;

pub use self::config::Config;

#[cfg(test)]
mod tests;
