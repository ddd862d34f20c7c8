//! The `file` exporter writes export requests to a file: OTLP/JSON, one request a line, or protobuf with a length prefix.
//!
//! A delivery is acknowledged when the operating system has it, or the disk where `fsync` is set. A request is in the file
//! as a whole or not at all: what a failed write left behind is cut off again.

mod config;
mod exporter;
mod journal;
mod writer;

pub use config::{Config, Error, Format, Rotation};
pub use exporter::keep;

#[cfg(test)]
mod tests;
