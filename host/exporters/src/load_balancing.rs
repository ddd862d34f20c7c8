//! The exporter `load_balancing` (`loadbalancing`, its older name): what has the same key goes to the same one of several
//! backends, each of which is sent OTLP over gRPC.
//!
//! The backends are named, or found by a name that stands for their addresses, again and again. A ring says which of them a
//! key belongs to, so that few keys move when backends come and go. What waits for one that has gone is sent by the ring as
//! it is then; what is under way to it comes to its end.

mod backends;
mod config;
mod counts;
mod exporter;
mod keys;
mod resolver;
mod ring;

pub use config::{Config, Dns, Protocol, Resolver, RoutingKey, Static};

#[cfg(test)]
mod tests;
