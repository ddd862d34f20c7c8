//! `tidegate tap`: telemetry as it passes, as readable lines, from a collector on this machine.
//!
//! A collector shows it to whoever asks from its own machine and to nobody else. What is shown is a sample of so many items
//! a second; it costs the data nothing but that, and who reads slowly misses some.

mod access;
mod client;
mod server;

pub(crate) use client::{TapArgs, run};
pub(crate) use server::page;

/// The page that it comes from.
pub(crate) const PATH: &str = "/debug/tap";
/// Items that are shown a second, where nothing else was asked for.
const RATE: u64 = 100;
/// The most that can be asked for: more is no reading.
const MOST: u64 = 10_000;
