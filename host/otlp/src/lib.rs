//! Encoded OTLP is the in-memory form of telemetry: this crate checks it, reads it, changes it and joins it.
//!
//! A [`Payload`] exists only as the result of [`check()`] or of a [`build`]er, so whoever holds one may rely on what the
//! door guarantees: every view of its bytes equals what a protobuf decoder makes of them. No I/O happens here.

pub mod build;
mod by_resource;
pub mod check;
pub mod edit;
pub mod json;
pub mod payload;
pub mod schema;
pub mod split;
pub mod strip;
pub mod view;
pub mod wire;

mod signal;

pub use check::{CheckError, Limits, check, check_value};
pub use payload::{Payload, Segment};
pub use signal::Signal;
