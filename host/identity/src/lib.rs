//! Which clusters a sender may speak for, by the identity in its certificate, and what becomes of telemetry that speaks for
//! another.
//!
//! A [`Config`] is made into [`Rules`], which make a [`Speaker`] of the names in a certificate: once a connection. A speaker
//! judges payloads: each attribute, at whatever level, whose key is one that a backend takes for the cluster or its role
//! is a claim, and holds where the speaker may say so. Nothing is decoded, and nothing allocated where nothing is to be
//! changed. No I/O happens here, and no certificate is read. What a speaker may send is said here, and counted by who hears it.

mod config;
mod deny;
mod glob;
mod judge;
mod limits;
mod rewrite;
mod rules;
mod walk;
mod words;

pub use config::{Config, OnViolation, Rule, Source};
pub use deny::{Denied, DenyError};
pub use judge::{Judged, Violation};
pub use limits::Limits;
pub use rules::{Names, Rules, Speaker, Stranger};

#[cfg(test)]
mod tests;
