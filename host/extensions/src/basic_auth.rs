//! The `basicauth` extension: user names and passwords, asked for by a receiver or sent by an exporter.

mod client;
mod config;
mod htpasswd;
mod server;

pub use config::{ClientConfig, Config, Htpasswd};

#[cfg(test)]
mod tests;
