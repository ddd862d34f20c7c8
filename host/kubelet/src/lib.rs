//! The `kubelet_stats` receiver: asks the kubelet of a node what its pods, containers and volumes use, and hands it on as OTLP.
//!
//! `/stats/summary` is asked for in each scrape, and `/pods` once beside it where something needs that: how often containers
//! were restarted, who they are, what they may use. Where `/pods` is not to be had, what the summary says is told all the same.

mod attribute;
mod collect;
pub mod config;
mod details;
mod http;
mod lenient;
mod metric;
mod pods;
pub mod probe;
mod receiver;
mod settings;
mod source;
mod summary;
mod usage;

pub use config::Config;
pub use receiver::{BuildError, KubeletStats};

#[cfg(test)]
mod tests;
