//! OTLP to the next hop: the `otlp_grpc` exporter (`otlp` for short) over gRPC, and `otlp_http` (`otlphttp`) over HTTP.
//!
//! Payloads go out as they lie: a joined one is sent segment by segment, without being copied into one buffer. While the
//! caller waits a failed request is tried again, as `retry_on_failure` says; when it gives up the caller is told.

mod channel;
mod config;
mod exporter;
mod grpc;
mod http;
mod limit;
mod message;
pub(crate) mod status;

pub use self::http::{Encoding, HttpConfig};
pub use config::{Balancer, BuildError, Compression, Config, Keepalive};

#[cfg(test)]
pub(crate) mod tests;
