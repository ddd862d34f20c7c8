//! The `resource_detection` processor tells each resource where the collector runs.
//!
//! What the detectors find is asked for when the processor is built, which fails where they do, and again at each
//! `refresh_interval`. It is encoded once, and spliced into the resources of each delivery as they lie: nothing is decoded.

mod config;
mod detection;
mod detector;
mod env;
mod kubernetes;
mod merge;
mod processor;
mod retry;
mod system;
mod toggle;

pub use config::{Config, DetectorName, UnknownDetector};
pub use detection::{DetectionError, Detections};
pub use kubernetes::{Kubernetes, KubernetesAttributes};
pub use processor::{BuildError, Deps};
pub use retry::Retry;
pub use system::{HostnameSource, System, SystemAttributes};
pub use toggle::Toggle;

#[cfg(test)]
mod tests;
