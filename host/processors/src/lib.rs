//! The native processors.

pub mod batch;
pub mod k8s_attributes;
pub mod memory_limiter;
pub mod resource_detection;
