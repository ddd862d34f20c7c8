//! The `k8s_attributes` processor tells each resource of the pod that it is of, and of what that belongs to.
//!
//! What the API server tells of pods is encoded once, when it is told, and spliced into the resources of each delivery as they
//! lie: nothing is decoded. All processors of the process that follow the same pods share one cache.

mod config;

mod association;
mod attribute;
mod plan;
mod rule;
mod view;
mod workload;

mod cache;
mod follower;
mod intern;
mod store;

mod enrich;
mod meters;
mod processor;
mod room;

pub use attribute::{Attribute, UnknownAttribute};
pub use cache::Caches;
pub use config::{
    Association, Config, Exclude, ExcludedPod, Extract, FieldFilter, Filter, From, Operator, SourceConfig,
};
pub use processor::{BuildError, Deps};
pub use rule::{FieldRule, Holder};

#[cfg(test)]
mod tests;
