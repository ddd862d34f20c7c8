//! The exporter to Splunk's HTTP event collector: log records, spans and data points as events, whose indexing it can wait
//! for.

mod acks;
mod config;
mod event;
mod exporter;
mod heartbeat;
mod translate;

pub use config::{Acknowledgement, Config, Heartbeat, LogFields, MetadataAttributes, Telemetry};

#[cfg(test)]
mod tests;
