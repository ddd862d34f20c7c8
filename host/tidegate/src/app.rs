//! The app is the collector as a whole: built, then run, then drained.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use host_component::{ComponentId, Kind, Trigger, spawn};
use host_config::Validated;
use host_pipeline::{Graph, Spigots};
use host_telemetry::{Endpoint, Metrics};
use host_wasm::Sandbox;

use crate::catalog::canonical;
use crate::configuration::Configuration;
use crate::debug;
use crate::factories::Factories;
use crate::health::{self, Health};
use crate::signals::Signals;
use crate::summary::Summary;

/// Batches that were left with the guests at the end of the drain may take so long, before they are given back.
const SANDBOX_PATIENCE: Duration = Duration::from_secs(2);

/// Everything built and bound; nothing runs.
pub(crate) struct App {
    graph: Graph,
    endpoints: Vec<(&'static str, Endpoint)>,
    metrics: Metrics,
    health: Health,
    sandbox: Arc<Sandbox>,
}

/// How it came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Told to end, with everything that it had taken delivered.
    Drained,
    /// Told to end, with something left at the deadline.
    Incomplete,
    /// A receiver ended though nobody told it to.
    Failed,
    /// Told a second time.
    Impatient,
}

impl App {
    /// Builds every component and binds every socket.
    ///
    /// # Errors
    /// Names the component or endpoint that could not be built.
    pub(crate) async fn build(config: Configuration) -> anyhow::Result<Self> {
        let metrics = Metrics::new();
        let health = Health::default();
        let factories = Factories::new(&config.validated, &metrics)?;
        let spigots = Spigots::default();
        let graph = host_pipeline::build(&config.validated, &factories, &metrics, &spigots).await?;
        factories.load_modules().await?;
        let mut endpoints = health_endpoints(&config.validated, &health).await?;
        if let Some(address) = config.metrics_address() {
            let pages = debug::pages(debug::Subject {
                pipelines: config.validated.pipelines.clone(),
                metrics: metrics.clone(),
                sandbox: Arc::clone(factories.sandbox()),
                spigots,
                health: health.clone(),
            });
            endpoints.push(("metrics", Endpoint::bind(&address, "service.telemetry.metrics", pages).await?));
        }
        Ok(App { graph, endpoints, metrics, health, sandbox: Arc::clone(factories.sandbox()) })
    }

    /// Runs until a signal comes or a receiver fails, then drains for as long as `deadline`.
    pub(crate) async fn run(self, signals: &mut Signals, deadline: Duration) -> Ending {
        let (trigger, shutdown) = Trigger::new();
        let metrics_address = self.endpoints.iter().find(|(name, _)| *name == "metrics").map(|(_, e)| e.address());
        for (name, endpoint) in self.endpoints {
            spawn("endpoint", name, endpoint.run(shutdown.clone()));
        }
        let mut running = self.graph.run();
        self.health.set(true);
        match metrics_address {
            Some(address) => tracing::info!(metrics = %format_args!("http://{address}/metrics"), "ready"),
            None => tracing::info!("ready"),
        }
        let failed = tokio::select! {
            signal = signals.next() => {
                tracing::info!(signal, "draining; a second signal ends at once");
                false
            }
            (receiver, reason) = running.failed() => {
                let reason = reason.as_deref().unwrap_or("it ended by itself");
                tracing::error!(%receiver, reason, "a receiver failed; draining");
                true
            }
        };
        self.health.set(false);
        let drained = tokio::select! {
            drained = running.drain(deadline) => drained,
            signal = signals.next() => {
                tracing::error!(signal, "ended at once; what was in flight is lost, and its senders were not answered");
                return Ending::Impatient;
            }
        };
        self.sandbox.drain(SANDBOX_PATIENCE).await;
        for id in drained.receivers.iter().chain(&drained.exporters) {
            tracing::error!(component = %id, deadline = ?deadline, "had not ended at the deadline");
        }
        for summary in Summary::of(&self.metrics) {
            tracing::info!("{summary}");
        }
        trigger.fire();
        match (failed, drained.is_complete()) {
            (true, _) => Ending::Failed,
            (false, true) => Ending::Drained,
            (false, false) => Ending::Incomplete,
        }
    }
}

async fn health_endpoints(config: &Validated, health: &Health) -> anyhow::Result<Vec<(&'static str, Endpoint)>> {
    let mut endpoints = Vec::new();
    let is_health = |id: &ComponentId| canonical(Kind::Extension, id) == "health_check";
    for (id, settings) in config.extensions.iter().filter(|(id, _)| is_health(id)) {
        let settings: health::Config = settings.decode()?;
        let endpoint = settings.build(health.clone()).await;
        endpoints.push(("health_check", endpoint.with_context(|| format!("cannot start {} {id}", Kind::Extension))?));
    }
    Ok(endpoints)
}
