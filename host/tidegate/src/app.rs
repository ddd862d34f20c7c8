//! The app is the collector as a whole: built, then run, then drained; and built anew beside itself when its
//! configuration changes.

mod reload;

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use arc_swap::ArcSwap;
use futures_util::future::join_all;
use host_component::{Kind, spawn};
use host_config::{Location, Validated};
use host_pipeline::{BuildError, Drained, Graph, Retired, Running, Spigots};
use host_telemetry::Metrics;
use host_telemetry::logs::Log;
use host_wasm::Sandbox;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::reload::Reloads;
use crate::configuration::Configuration;
use crate::debug::Subject;
use crate::endpoints::{Endpoints, Next as NextEndpoints};
use crate::factories::Factories;
use crate::health::Health;
use crate::signals::{Signals, Told};
use crate::summary::Summary;
use crate::watch::Watch;

/// Batches that were left with the guests at the end of the drain may take so long, before they are given back.
const SANDBOX_PATIENCE: Duration = Duration::from_secs(2);

/// Leases may take so long to be given up at the end; others take them when they expire.
const LEASE_PATIENCE: Duration = Duration::from_secs(3);

/// What the app is run with.
pub(crate) struct Settings {
    /// Where its configuration comes from.
    pub(crate) locations: Vec<Location>,
    /// How long draining may take, at the end and after a reload.
    pub(crate) drain_timeout: Duration,
    /// Whether files of the configuration are watched.
    pub(crate) watches: bool,
}

/// Everything built and bound; nothing runs.
pub(crate) struct App {
    settings: Settings,
    built: Built,
    shown: Subject,
    log: Log,
    watch: Watch,
}

/// What one configuration was built into.
struct Built {
    config: Configuration,
    factories: Factories,
    graph: Graph,
    endpoints: NextEndpoints,
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
    /// Builds every component and binds every socket. `watch` is over the files that `config` was read from.
    ///
    /// # Errors
    /// Names the component or endpoint that could not be built.
    pub(crate) async fn build(
        settings: Settings,
        config: Configuration,
        metrics: Metrics,
        log: Log,
        watch: Watch,
    ) -> anyhow::Result<Self> {
        let factories = Factories::new(&config.validated, &metrics)?;
        let in_force = Arc::new(ArcSwap::from_pointee(factories.shown(&config.validated)));
        let (health, spigots) = (Health::of(&in_force), Spigots::default());
        let shown = Subject { metrics: metrics.clone(), spigots, health, in_force };
        let graph = host_pipeline::build(&config.validated, &factories, &metrics, &shown.spigots).await;
        let graph = graph.map_err(|error| placed(&config.validated, error))?;
        factories.load_modules(&config.validated).await?;
        let endpoints = Endpoints::default().beside(&config, factories.auth(), &shown).await?;
        let watch = if settings.watches { watch } else { Watch::default() };
        Ok(App { settings, built: Built { config, factories, graph, endpoints }, shown, log, watch })
    }

    /// Runs until a signal comes or a receiver fails, then drains.
    pub(crate) async fn run(self, signals: &mut Signals) -> Ending {
        let App { settings, built, shown, log, watch } = self;
        let Built { config, factories, graph, endpoints: bound } = built;
        let mut endpoints = Endpoints::default();
        endpoints.take_over(bound);
        let reloads = Reloads::new(&shown.metrics, &config.hash);
        let running = graph.run();
        factories.in_force();
        shown.health.set(true);
        match endpoints.metrics_url() {
            Some(url) => tracing::info!(metrics = %format_args!("{url}/metrics"), "ready"),
            None => tracing::info!("ready"),
        }
        let (was_refused, retiring) = (false, Vec::new());
        let force = Force {
            settings,
            config,
            factories,
            running,
            endpoints,
            shown,
            log,
            watch,
            was_refused,
            reloads,
            retiring,
        };
        force.run(signals).await
    }
}

/// The app while it takes data: what is in force, and what drains beside it.
struct Force {
    settings: Settings,
    config: Configuration,
    factories: Factories,
    running: Running,
    endpoints: Endpoints,
    shown: Subject,
    log: Log,
    watch: Watch,
    /// Whether what was read last was refused.
    was_refused: bool,
    reloads: Reloads,
    /// What was in force before, as long as it drains: whether all of it was delivered.
    retiring: Vec<JoinHandle<bool>>,
}

impl Force {
    async fn run(mut self, signals: &mut Signals) -> Ending {
        let failed = self.serve(signals).await;
        self.shown.health.set(false);
        let Force { settings, factories, running, endpoints, shown, retiring, .. } = self;
        let drained = tokio::select! {
            drained = drain(running, retiring, settings.drain_timeout) => drained,
            signal = signals.next() => {
                tracing::error!(signal, "ended at once; what was in flight is lost, and its senders were not answered");
                return Ending::Impatient;
            }
        };
        factories.sandbox().drain(SANDBOX_PATIENCE).await;
        factories.elections().electors().released(LEASE_PATIENCE).await;
        for summary in Summary::of(&shown.metrics) {
            tracing::info!("{summary}");
        }
        drop(endpoints);
        match (failed, drained) {
            (true, _) => Ending::Failed,
            (false, true) => Ending::Drained,
            (false, false) => Ending::Incomplete,
        }
    }

    /// Returns when it is time to drain: whether that is since a receiver failed.
    async fn serve(&mut self, signals: &mut Signals) -> bool {
        loop {
            let why = tokio::select! {
                told = signals.any() => match told {
                    Told::End(signal) => return draining(signal),
                    Told::Reload => reload::Why::Signal,
                },
                path = self.watch.changed() => reload::Why::Changed(path),
                (receiver, reason) = self.running.failed() => {
                    let reason = reason.as_deref().unwrap_or("it ended by itself");
                    tracing::error!(%receiver, reason, "a receiver failed; draining");
                    return true;
                }
            };
            let attempt = tokio::select! {
                attempt = self.attempt(&why) => attempt,
                signal = signals.next() => return draining(signal),
            };
            self.finish(&why, attempt);
        }
    }
}

/// Says where the component that could not be built was configured.
fn placed(config: &Validated, error: BuildError) -> anyhow::Error {
    let section = match error.kind {
        Kind::Receiver => config.receivers.get(&error.id),
        Kind::Processor => config.processors.get(&error.id),
        Kind::Exporter => config.exporters.get(&error.id),
        Kind::Connector => config.connectors.get(&error.id),
        Kind::Extension => config.extensions.get(&error.id),
    }
    .cloned();
    let error = anyhow::Error::from(error);
    match section {
        Some(section) => anyhow!("{}", section.problem(crate::told(&error))),
        None => error,
    }
}

fn draining(signal: &str) -> bool {
    tracing::info!(signal, "draining; a second signal ends at once");
    false
}

/// Drains what runs and what drains already; whether all of it was delivered.
async fn drain(running: Running, retiring: Vec<JoinHandle<bool>>, deadline: Duration) -> bool {
    let end = Instant::now() + deadline;
    let retired = async {
        let ends = join_all(retiring.into_iter().map(|task| timeout_at(end, task))).await;
        ends.into_iter().all(|ended| matches!(ended, Ok(Ok(true))))
    };
    let (drained, retired) = tokio::join!(running.drain(deadline), retired);
    told(&drained, deadline) && retired
}

/// Has what is no longer in force end in its own time, the sandbox that it used last.
fn retire(retired: Retired, sandbox: Option<Arc<Sandbox>>, deadline: Duration) -> JoinHandle<bool> {
    spawn("drain", "configuration", async move {
        let drained = retired.drain(deadline).await;
        if let Some(sandbox) = sandbox {
            sandbox.drain(SANDBOX_PATIENCE).await;
        }
        told(&drained, deadline)
    })
}

/// Names what had not ended; whether there was nothing.
fn told(drained: &Drained, deadline: Duration) -> bool {
    for id in drained.receivers.iter().chain(&drained.exporters) {
        tracing::error!(component = %id, deadline = ?deadline, "had not ended at the deadline");
    }
    drained.is_complete()
}
