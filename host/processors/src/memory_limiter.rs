//! The `memory_limiter` processor refuses data while the process takes more memory than it may, in the form that makes
//! senders try again.
//!
//! What counts is what the process holds of the system, which is looked at once an interval, and what has come in since, so
//! that a flood between two looks is refused, too. All pipelines that name a processor share one look.

mod cgroup;
mod checker;
mod config;
mod processor;
mod usage;

pub use checker::Limiters;
pub use config::{BuildError, Config, Deps};
pub use usage::{Memory, resident};

#[cfg(test)]
mod tests;
