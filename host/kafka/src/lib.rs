//! Kafka: the client, sealed in this crate, and the exporter and the receiver that are built on it.
//!
//! Records hold encoded OTLP, as payloads do, so that a bus of several clusters costs no decoding at either end.

mod client;
pub mod exporter;
pub mod receiver;

pub use client::{Auth, Encoding, Metadata, MetadataRetry, Sasl};

/// Why a component cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: host_component::ComponentId, wrong: host_config::Wrong },
    #[error("{id}: the client of Kafka cannot be made: {reason}")]
    Client { id: host_component::ComponentId, reason: String },
}
