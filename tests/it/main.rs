//! The integration tests go through the binary and the wire: a client before the collector, a backend behind it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there, helpers included")]

mod adversaries;
mod auth;
mod checkers;
mod collector_processors;
mod configuration;
mod connectors;
mod corpus;
mod datadog;
mod delivery;
mod deployment;
mod drain;
mod edge;
mod endpoints;
mod file_log;
mod floods;
mod harness;
mod identity;
mod load_balancing;
mod looking;
mod memory_limiter;
mod metadata;
mod module_command;
mod modules;
mod own_telemetry;
mod passthrough;
mod privacy;
mod pushed;
mod quarantine;
mod queue;
mod reload;
mod resource_detection;
mod scrubbing;
mod sources;
mod splunk;
mod swap;
mod syslog;
mod tls;
mod wire;
