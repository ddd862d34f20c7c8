//! `gpu`: what NVIDIA's management library tells of the cards of this machine.
//!
//! The library comes with the driver and is loaded while this runs: where there is none, nothing is told, and it is looked for
//! again at each interval. It is let go of when it says that the driver under it has changed or a card is lost, so that a
//! driver can be replaced while this runs.

mod card;
mod config;
mod dcgm;
mod library;
mod pods;
mod receiver;
mod semconv;
mod xid;

pub use config::Config;
#[cfg(test)]
mod tests;
