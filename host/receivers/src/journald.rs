//! The `journald` receiver sends on what a machine's journal grows by, as `journalctl` reads it.
//!
//! How far the journal was read moves on when the pipeline has taken what came before, so that nothing is passed over where the
//! receiver ends, `journalctl` does, or the pipeline refuses.

mod command;
mod config;
mod progress;
mod receiver;
mod record;

pub use config::Config;
pub use receiver::{BuildError, Journald, keep};

/// For the fuzz target: what is made of a line that `journalctl` may have written.
pub use record::probe;

#[cfg(test)]
mod tests;
