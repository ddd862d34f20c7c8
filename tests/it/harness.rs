//! What the tests are written with: a collector under test, a backend behind it, a client before it, and telemetry.

pub(crate) mod api_server;
pub(crate) mod backend;
pub(crate) mod certificates;
mod client;
mod collector;
mod log;
pub(crate) mod memory;
pub(crate) mod metrics;
pub(crate) mod modules;
pub(crate) mod telemetry;

use std::time::Duration;

pub(crate) use backend::Backend;
pub(crate) use client::Client;
pub(crate) use collector::{Collector, Setup, tidegate};
pub(crate) use log::Log;

/// Longer than anything that a test waits for takes on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` gives something; `what` is told where it never does.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let polled = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, polled).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}
