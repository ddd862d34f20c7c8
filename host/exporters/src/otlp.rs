//! The `otlp_grpc` exporter (`otlp` for short) sends payloads to the next hop over gRPC.
//!
//! Payloads go out as they lie: a joined one is sent segment by segment, without being copied into one buffer. While the
//! caller waits a failed request is tried again, as `retry_on_failure` says; when it gives up the caller is told.

mod channel;
mod config;
mod exporter;
mod grpc;
mod message;
mod status;

pub use config::{BuildError, Compression, Config, Keepalive, Retry, SendingQueue};
pub use exporter::Otlp;

#[cfg(test)]
mod tests;
