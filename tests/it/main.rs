//! The integration tests go through the binary and the wire: a client before the collector, a backend behind it.

mod configuration;
mod delivery;
mod drain;
mod harness;
mod modules;
mod passthrough;
mod swap;
