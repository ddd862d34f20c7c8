//! The `kafka` receiver: records of topics as requests, whose offsets are committed once they were acknowledged downstream.

mod attributes;
mod config;
mod counts;
mod partition;
mod reader;
#[expect(clippy::module_inception, reason = "a component's parts have the same names everywhere")]
mod receiver;
mod record;
mod topics;
mod work;

pub use config::{
    AutoCommit, Config, ErrorBackoff, HeaderExtraction, InitialOffset, MessageMarking, PartitionProcessing,
    SignalConfig, Telemetry,
};
pub use receiver::Kafka;

#[cfg(test)]
mod tests;
