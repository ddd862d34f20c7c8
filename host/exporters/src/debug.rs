//! The `debug` exporter shows what passes: a line a batch, a line an item, or every field.
//!
//! It keeps nothing, so it acknowledges everything at once, and shows it when there is time: what the log cannot take is
//! counted and told, and holds up nobody.

mod config;
mod detailed;
mod exporter;
mod normal;
mod text;

pub use config::{Config, Error, Verbosity};
pub use exporter::show;

#[cfg(test)]
mod tests;
