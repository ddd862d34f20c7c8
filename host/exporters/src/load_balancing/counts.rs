//! What the exporter counts, under the Collector's names.

use std::time::Duration;

use host_component::ComponentId;
use host_telemetry::{Counter, Histogram, Metrics, OwnGauge};

const OUTCOME: &str = "otelcol_loadbalancer_backend_outcome";
const LATENCY: &str = "otelcol_loadbalancer_backend_latency";

/// Upper bounds for milliseconds: those that the Collector's histograms have.
const BOUNDS: [f64; 14] =
    [5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

/// The counters of one exporter.
pub(crate) struct Counts {
    exporter: String,
    metrics: Metrics,
    found: Counter,
    not_found: Counter,
    updates: Counter,
    backends: OwnGauge,
}

/// The counters of one backend.
pub(crate) struct OfBackend {
    taken: Counter,
    failed: Counter,
    latency: Histogram,
}

impl Counts {
    /// `resolver` is the word for where backends are found.
    pub(crate) fn new(id: &ComponentId, resolver: &str, metrics: &Metrics) -> Self {
        let exporter = id.to_string();
        let labels = [("exporter", exporter.as_str()), ("resolver", resolver)];
        let resolutions = |success| {
            let labels = [labels[0], labels[1], ("success", success)];
            let help = "How often was looked for backends, by whether there was an answer.";
            metrics.counter("otelcol_loadbalancer_num_resolutions", help, &labels)
        };
        Counts {
            found: resolutions("true"),
            not_found: resolutions("false"),
            updates: metrics.counter(
                "otelcol_loadbalancer_num_backend_updates",
                "How often other backends were found than before.",
                &labels,
            ),
            backends: metrics.own_gauge("otelcol_loadbalancer_num_backends", "Backends at present.", &labels, 0),
            metrics: metrics.clone(),
            exporter,
        }
    }

    /// Backends were looked for.
    pub(crate) fn resolved(&self, is_answered: bool) {
        let counter = if is_answered { &self.found } else { &self.not_found };
        counter.inc();
    }

    /// There are other backends than before, so many.
    pub(crate) fn updated(&self, backends: usize) {
        self.updates.inc();
        self.backends.set(i64::try_from(backends).unwrap_or(i64::MAX));
    }

    pub(crate) fn of_backend(&self, address: &str) -> OfBackend {
        let (exporter, metrics) = (("exporter", self.exporter.as_str()), &self.metrics);
        let outcomes = |success| {
            let labels = [exporter, ("endpoint", address), ("success", success)];
            metrics.counter(OUTCOME, "Requests to a backend, by whether it took them.", &labels)
        };
        let labels = [exporter, ("endpoint", address)];
        let help = "How long a backend took for a request, with all attempts, in milliseconds.";
        let latency = metrics.histogram(LATENCY, help, &labels, &BOUNDS);
        OfBackend { taken: outcomes("true"), failed: outcomes("false"), latency }
    }

    /// Shows nothing of a backend that has gone any more: over time there may be any number of them.
    pub(crate) fn forget(&self, address: &str) {
        let (exporter, endpoint) = (("exporter", self.exporter.as_str()), ("endpoint", address));
        for success in ["true", "false"] {
            self.metrics.forget(OUTCOME, &[exporter, endpoint, ("success", success)]);
        }
        self.metrics.forget(LATENCY, &[exporter, endpoint]);
    }
}

impl OfBackend {
    pub(crate) fn count(&self, is_taken: bool, took: Duration) {
        let counter = if is_taken { &self.taken } else { &self.failed };
        counter.inc();
        self.latency.observe(took.as_secs_f64() * 1000.0);
    }
}
