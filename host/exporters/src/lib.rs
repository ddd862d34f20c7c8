//! Native exporters.

pub mod debug;
pub mod file;
pub mod otlp;
mod sent;
