//! The `otlp` receiver takes OTLP over gRPC and over HTTP.
//!
//! Bytes come in, are checked and go on as they are: nothing is decoded. A request is answered when the pipeline has
//! answered, so a success is the promise of every exporter behind it.

mod body;
mod config;
mod connection;
mod grpc;
mod held;
mod http;
mod identity;
mod intake;
mod io;
mod json;
mod metadata;
mod packed;
mod partial;
mod receiver;
mod status;

pub use config::{Config, GrpcConfig, HttpConfig, Keepalive, Protocols, ServerParameters};
pub use receiver::{BuildError, Otlp};

#[cfg(test)]
mod tests;
