//! OTLP to the next hop: the `otlp_grpc` exporter (`otlp` for short) over gRPC, and `otlp_http` (`otlphttp`) over HTTP.
//!
//! Payloads go out as they lie: a joined one is sent segment by segment, without being copied into one buffer. While the
//! caller waits a failed request is tried again, as `retry_on_failure` says; when it gives up the caller is told.

mod channel;
mod config;
mod exporter;
mod grpc;
mod headers;
mod http;
mod limit;
mod message;
mod status;

pub use self::http::{CompressionParams, Encoding, HttpCompression, HttpConfig};
pub use config::{BuildError, Compression, Config, Keepalive, Retry, SendingQueue};

#[cfg(test)]
mod tests;
