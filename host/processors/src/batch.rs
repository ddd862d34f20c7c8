//! The `batch` processor joins what waits and answers each sender when its data was taken downstream.
//!
//! It commits in groups: while nothing is under way, what waits leaves at once, so a lone client waits for no timer;
//! while a batch is under way, what arrives gathers, and leaves when that one returns, when enough has gathered, or
//! when the first of it has waited for the timeout. Joining costs nothing, since encoded requests concatenate.

mod config;
mod group;
mod processor;
mod runner;
mod watch;

pub use config::{BuildError, Config};
pub use processor::Batch;

#[cfg(test)]
mod tests;
