//! The `bearertokenauth` extension: tokens that a receiver asks for, or that an exporter sends.

mod authenticator;
mod config;

pub use authenticator::Bearer;
pub use config::Config;

#[cfg(test)]
mod tests;
