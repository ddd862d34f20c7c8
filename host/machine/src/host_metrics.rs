//! `host_metrics`: what the kernel tells of the machine, under the names of the Collector's receiver.
//!
//! Each scraper reads files below `root_path` and makes one resource of metrics. A file that cannot be read costs the metrics
//! that are in it, and no other.

mod config;
mod filter;
mod parse;
mod receiver;
mod root;
mod scrapers;

pub use config::Config;
pub use parse::probe;

#[cfg(test)]
mod tests;
