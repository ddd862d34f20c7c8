//! Native receivers.

pub mod budget;
pub mod otlp;

pub use budget::Budget;
