//! The receiver `k8s_cluster`: what the API server of Kubernetes says of the objects of its cluster, at an interval.
//!
//! Objects are followed. Of each is kept what is told of it, and no more; a collection says that once more. Where the API server
//! is away what it said last is told on, and the log says since when.

mod attribute;
mod config;
mod fact;
mod metric;
mod objects;
mod receiver;
mod store;
#[cfg(test)]
mod tests;

pub use attribute::ResourceAttributes;
pub use config::Config;
pub use receiver::{BuildError, Cluster};
