//! The native processors.

pub mod batch;
pub mod resource_detection;
