//! The `prometheus` receiver: finds what exposes metrics, scrapes it, and hands it on as OTLP.
//!
//! What was exposed becomes OTLP without a tree in between: a table holds, for each series of a target, what it is a part of,
//! and a scrape that exposes the same series again costs a look-up for each sample. What a target does not expose any more is
//! told stale. A scrape that the pipeline refuses is kept until the next one; the target is up all the same.

mod allocator;
pub mod config;
mod counts;
mod discovery;
mod exposition;
mod http;
mod job;
mod labels;
pub mod probe;
mod receiver;
mod relabel;
mod scraper;
mod table;
mod target;
mod workshop;

pub use config::Config;
pub use receiver::{BuildError, Prometheus};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
