//! Modules that are pushed to a cluster: [`publish`] writes them to its API server, a [`Follower`] on each host takes them from
//! there and puts them on the shelf of the sandbox, and a host says on its own pod what has become of them.
//!
//! A module is a head, a ConfigMap with the manifest, and parts, immutable ConfigMaps with the component. The head is written last.
//! Nothing that is wrong takes the place of what is right: what was good last runs on, and is on disk.

mod config;
mod follower;
mod head;
mod objects;
mod published;
mod report;
mod store;

pub use config::{KubernetesConfig, ModulesSection, OnDelete, TrustConfig};
pub use follower::{Follower, StartError};
pub use objects::MODULES;
pub use published::{Publication, PublishError, Published, Publisher, Told};
pub use report::{Host, Report, hosts};

#[cfg(test)]
mod tests;
