//! The backends at present, and the ring that says which key belongs to which. They are replaced as a whole: whoever sends by
//! those of before brings that to its end.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use host_component::{Authenticators, ComponentId, DeadLetters, Delivery, Exporter, Origin, Outcome, Payload};
use host_config::Wrong;
use host_telemetry::Metrics;
use tokio::sync::watch;

use super::config::{Config, of_protocol, with_port};
use super::counts::{Counts, OfBackend};
use super::ring::Ring;
use crate::Deps;

/// What is known of the backends.
#[derive(Clone)]
pub(crate) enum Known {
    NotYet,
    /// Why there are none.
    None(String),
    Backends(Arc<Table>),
}

/// Some backends, at least one.
pub(crate) struct Table {
    pub(crate) ring: Ring,
    /// As the ring knows them, by their index.
    pub(crate) backends: Vec<Arc<Backend>>,
}

/// One backend.
pub(crate) struct Backend {
    address: String,
    exporter: Arc<dyn Exporter>,
    counts: OfBackend,
    is_gone: AtomicBool,
}

/// Makes the exporters to backends.
pub(crate) struct Maker {
    id: ComponentId,
    config: Config,
    base: PathBuf,
    auth: Authenticators,
    metrics: Metrics,
    pub(crate) counts: Counts,
    letters: OnceLock<Arc<dyn DeadLetters>>,
    is_ending: AtomicBool,
}

impl Table {
    fn addresses(&self) -> impl Iterator<Item = &str> {
        self.backends.iter().map(|backend| backend.address.as_str())
    }
}

impl Backend {
    pub(crate) async fn send(&self, payload: Payload, origin: &Arc<Origin>) -> Outcome {
        let started = Instant::now();
        let delivery = Delivery { payload, origin: Arc::clone(origin), route: None };
        let outcome = self.exporter.consume(delivery).await;
        self.counts.count(outcome.is_ok(), started.elapsed());
        outcome
    }

    /// Whether what it has given back is another's now.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Acquire)
    }

    pub(crate) fn exporter(&self) -> &Arc<dyn Exporter> {
        &self.exporter
    }
}

impl Maker {
    pub(crate) fn new(config: Config, id: &ComponentId, deps: &Deps<'_>) -> Self {
        let resolver = if config.resolver.dns.is_some() { "dns" } else { "static" };
        Maker {
            id: id.clone(),
            base: deps.base.to_owned(),
            auth: deps.auth.clone(),
            metrics: deps.metrics.clone(),
            counts: Counts::new(id, resolver, deps.metrics),
            config,
            letters: OnceLock::new(),
            is_ending: AtomicBool::new(false),
        }
    }

    pub(crate) fn id(&self) -> &ComponentId {
        &self.id
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The backends of these addresses, which are sorted; those that are in `before` stay as they are.
    ///
    /// # Errors
    /// Where one cannot be made.
    pub(crate) fn table(&self, addresses: &[String], before: Option<&Table>) -> Result<Arc<Table>, Wrong> {
        let there = |address: &str| before?.backends.iter().find(|backend| backend.address == address).cloned();
        let made = addresses.iter().map(|address| there(address).map_or_else(|| self.make(address), Ok));
        let backends = made.collect::<Result<Vec<_>, Wrong>>()?;
        let ring = Ring::of(addresses.iter().map(String::as_str));
        Ok(Arc::new(Table { ring, backends }))
    }

    /// Says what would be wrong with any backend, before one is found: a certificate that cannot be used.
    ///
    /// # Errors
    /// Where there is such a thing.
    pub(crate) fn check(&self) -> Result<(), Wrong> {
        let Some(dns) = &self.config.resolver.dns else { return Ok(()) };
        self.config.backend(&dns.hostname).made(&self.id, &self.deps()).map(|_| ()).map_err(of_protocol)
    }

    fn deps(&self) -> Deps<'_> {
        Deps { base: &self.base, auth: &self.auth, metrics: &self.metrics }
    }

    fn make(&self, address: &str) -> Result<Arc<Backend>, Wrong> {
        let exporter = self.config.backend(address).made(&self.id, &self.deps()).map_err(of_protocol)?;
        if let Some(letters) = self.letters.get() {
            exporter.keep_undeliverable(Arc::clone(letters));
        }
        if self.is_ending.load(Ordering::Acquire) {
            exporter.stop_retrying();
        }
        let counts = self.counts.of_backend(&with_port(address));
        Ok(Arc::new(Backend { address: address.to_owned(), exporter, counts, is_gone: AtomicBool::new(false) }))
    }

    /// These are the addresses now, sorted and at least one. Where a backend cannot be made, those of before stay.
    pub(crate) fn update(&self, addresses: &[String], known: &watch::Sender<Known>) {
        let before = match &*known.borrow() {
            Known::Backends(table) => Some(Arc::clone(table)),
            Known::NotYet | Known::None(_) => None,
        };
        let before = before.as_deref();
        if before.is_some_and(|table| table.addresses().eq(addresses.iter().map(String::as_str))) {
            return;
        }
        let exporter = self.id.to_string();
        let table = match self.table(addresses, before) {
            Ok(table) => table,
            Err(wrong) => {
                tracing::warn!(exporter, error = %wrong, "no connection to a backend can be prepared: those of before stay");
                known.send_if_modified(|known| known.say_none(&format!("{exporter}: {wrong}")));
                return;
            }
        };
        tracing::info!(exporter, backends = addresses.join(", "), "these are the backends now");
        self.counts.updated(table.backends.len());
        known.send_replace(Known::Backends(Arc::clone(&table)));
        for gone in before.iter().flat_map(|table| &table.backends) {
            if !addresses.contains(&gone.address) {
                gone.is_gone.store(true, Ordering::Release);
                gone.exporter.stop_retrying();
                self.counts.forget(&with_port(&gone.address));
            }
        }
    }

    /// What will never be delivered goes there, whichever backend it was for.
    pub(crate) fn keep_undeliverable(&self, letters: Arc<dyn DeadLetters>) {
        // There is one queue before an exporter.
        let _ = self.letters.set(letters);
    }

    /// No backend that is made from now on is tried again.
    pub(crate) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
    }
}

impl Known {
    /// There was no answer: whether that is news to those who wait. Where backends are known, they stay.
    pub(crate) fn say_none(&mut self, reason: &str) -> bool {
        if let Known::Backends(_) = self {
            return false;
        }
        *self = Known::None(reason.to_owned());
        true
    }
}
