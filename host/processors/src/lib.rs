//! The native processors.

pub mod batch;
pub mod memory_limiter;
pub mod resource_detection;
