//! The `headers_setter` extension: headers of what an exporter sends, from the configuration or from the requests that
//! the data came with.

mod authenticator;
mod config;

pub use config::{Action, Config, Header};

#[cfg(test)]
mod tests;
