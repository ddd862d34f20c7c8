//! The integration tests go through the binary and the wire: a client before the collector, a backend behind it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there, helpers included")]

mod collector_processors;
mod configuration;
mod delivery;
mod drain;
mod floods;
mod harness;
mod modules;
mod passthrough;
mod privacy;
mod scrubbing;
mod swap;
