//! The `kafka` exporter: encoded requests as records of a topic, acknowledged by the brokers before their sender is.

mod config;
#[expect(clippy::module_inception, reason = "a component's parts have the same names everywhere")]
mod exporter;
mod group;
mod producer;
mod record;

pub(crate) use config::is_topic;
pub use config::{
    Acks, AcksWord, Compression, CompressionParams, Config, Hasher, Producer, RecordPartitioner, SignalConfig,
    StickyKey,
};

#[cfg(test)]
mod tests;
