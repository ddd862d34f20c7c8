//! The native processors.

pub mod batch;
