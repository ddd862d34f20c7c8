//! The `oauth2client` extension: an exporter gets a token by its client's credentials, and shows it.

mod authenticator;
mod config;
mod endpoint;
mod token;

pub use config::Config;

#[cfg(test)]
mod tests;
