//! The receiver `k8s_events`: what the API server of Kubernetes tells of its cluster, as log records.
//!
//! Events are told in the order in which the server wrote them, each change of one once. How far they were told is the resource
//! version up to which the pipeline has all: whoever begins anew, in this process or with a storage in another, lists what
//! the server still has and tells what lies behind that.

mod config;
mod intake;
mod progress;
mod receiver;
mod record;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use receiver::{BuildError, Deps, Events, keep};
