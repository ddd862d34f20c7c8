//! The meters are what one processor exports about itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use host_component::{Payload, PipelineId};
use host_telemetry::metrics::DURATIONS;
use host_telemetry::{Counter, Gauge, Histogram, Metrics, OwnGauge, Seconds};

use crate::cluster::Clusters;
use crate::generation::{BatchError, Done, Identity};
use crate::instance::CallError;

const BATCHES: &str = "tidegate_processor_batches_total";
const CLUSTER: &str = "cluster_id";
/// Which generation runs.
const INFO: &str = "tidegate_module_info";

/// Made once, when the processor is built.
pub(crate) struct Meters {
    /// What its batches took, by the cluster that they are of.
    lanes: Mutex<BTreeMap<String, Arc<Lane>>>,
    clusters: Arc<Clusters>,
    /// Time of each batch, from when it came until it goes on.
    pub(crate) took: Histogram,
    /// Batches that wait for a thread.
    waiting: Gauge,
    pub(crate) loaded: Counter,
    pub(crate) load_failures: Counter,
    pub(crate) rollbacks: Counter,
    pub(crate) breaker_trips: Counter,
    pub(crate) generation: Gauge,
    /// Which generation runs.
    info: Mutex<Option<OwnGauge>>,
    /// Whether its batches are refused, since it is at fault.
    breaker: Mutex<Option<OwnGauge>>,
    metrics: Metrics,
    processor: String,
    module: String,
    /// The head that the module is pushed under; empty where it is not one of several.
    head: String,
    pipeline: String,
}

/// Why a generation made way for the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rollback {
    Failed,
    AtFault,
    Errors,
    Slow,
}

impl Rollback {
    const ALL: [Rollback; 4] = [Rollback::Failed, Rollback::AtFault, Rollback::Errors, Rollback::Slow];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Rollback::Failed => "failed",
            Rollback::AtFault => "at_fault",
            Rollback::Errors => "errors",
            Rollback::Slow => "slow",
        }
    }

    pub(crate) fn told(self) -> &'static str {
        match self {
            Rollback::Failed => "it failed on a batch that the generation before it processes",
            Rollback::AtFault => "it is at fault on a batch that the generation before it processes",
            Rollback::Errors => "too many of its batches failed",
            Rollback::Slow => "too many of its batches took too long",
        }
    }
}

/// What the batches of one cluster took.
pub(crate) struct Lane {
    pub(crate) batches: Counter,
    pub(crate) items: Counter,
    pub(crate) calls: Counter,
    pub(crate) cells: Counter,
    pub(crate) matches: Counter,
    pub(crate) edits: Counter,
    pub(crate) cpu: Seconds,
    /// CPU time of each batch.
    pub(crate) calls_took: Histogram,
    pub(crate) traps: Counter,
    pub(crate) errors: Counter,
    pub(crate) overruns: Counter,
    pub(crate) rejected: Counter,
    pub(crate) bisections: Counter,
    pub(crate) poison: Counter,
    pub(crate) unprocessed: Counter,
    pub(crate) refused: Counter,
}

impl Meters {
    pub(crate) fn new(
        metrics: &Metrics,
        clusters: &Arc<Clusters>,
        processor: &str,
        pipeline: &PipelineId,
        (module, head): (&str, Option<&str>),
    ) -> Self {
        let labels = [("processor", processor), ("module", module)];
        let load = |result| {
            let labels = [("processor", processor), ("module", module), ("result", result)];
            metrics.counter("tidegate_module_loads_total", "Attempts to load a module, by result.", &labels)
        };
        let meters = Meters {
            lanes: Mutex::default(),
            clusters: Arc::clone(clusters),
            took: metrics.histogram(
                "otelcol_processor_internal_duration",
                "Seconds that a batch was in the processor, the wait for a thread included.",
                &[("processor", processor), ("otel_signal", pipeline.signal().name())],
                &DURATIONS,
            ),
            waiting: metrics.gauge(
                "tidegate_processor_queue_size",
                "Batches that wait for a thread, of modules.limits.queue that may.",
                &labels,
            ),
            loaded: load("loaded"),
            load_failures: load("refused"),
            rollbacks: load("rolled_back"),
            breaker_trips: metrics.counter(
                "tidegate_module_breaker_trips_total",
                "How often a module was found at fault, so that its batches were refused for a while.",
                &labels,
            ),
            generation: metrics.gauge(
                "tidegate_module_generation",
                "How many generations of its module the processor has run.",
                &labels,
            ),
            info: Mutex::default(),
            breaker: Mutex::default(),
            metrics: metrics.clone(),
            processor: processor.to_owned(),
            module: module.to_owned(),
            head: head.unwrap_or_default().to_owned(),
            pipeline: pipeline.to_string(),
        };
        for why in Rollback::ALL {
            meters.rollbacks_for(why);
        }
        // What has counted nothing yet shows that; what the processor did before its pipeline was built anew is its own.
        meters.lane("");
        for cluster in metrics.label_values(BATCHES, &labels, CLUSTER) {
            meters.lane(&cluster);
        }
        meters
    }

    /// Counts a batch as waiting until what is returned is dropped.
    pub(crate) fn waits(&self) -> Waits {
        self.waiting.inc();
        Waits(self.waiting.clone())
    }

    /// Where a batch is counted.
    pub(crate) fn lane_of(&self, payload: &Payload) -> Arc<Lane> {
        self.lane(self.clusters.of(payload))
    }

    fn lane(&self, cluster: &str) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(cluster) {
            return Arc::clone(lane);
        }
        let labels = [("processor", self.processor.as_str()), ("module", &self.module), (CLUSTER, cluster)];
        let lane = Arc::new(Lane::new(&self.metrics, &labels));
        lanes.insert(cluster.to_owned(), Arc::clone(&lane));
        lane
    }

    /// All lanes.
    pub(crate) fn lanes(&self) -> Vec<Arc<Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Shows which generation runs, in place of the one before it and as long as the processor is there.
    pub(crate) fn runs(&self, identity: &Identity) {
        let help = "The module that the processor runs in the pipeline: always 1.";
        let (digest, config) = (identity.digest.short(), identity.config.short());
        let labels = [
            ("processor", self.processor.as_str()),
            ("pipeline", &self.pipeline),
            ("module", &identity.name),
            ("head", &self.head),
            ("digest", &digest),
            ("config", &config),
        ];
        let info = self.metrics.own_gauge(INFO, help, &labels, 1);
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = Some(info);
    }

    pub(crate) fn rolled_back(&self, why: Rollback) {
        self.rollbacks.inc();
        self.rollbacks_for(why).inc();
    }

    fn rollbacks_for(&self, why: Rollback) -> Counter {
        let labels = [("processor", self.processor.as_str()), ("module", &self.module), ("reason", why.name())];
        let help = "How often the generation before a module's newest was restored, by what was wrong with that.";
        self.metrics.counter("tidegate_module_rollbacks_total", help, &labels)
    }

    /// Shows whether batches are refused for a while, as long as the processor is there.
    pub(crate) fn breaker(&self, is_open: bool) {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let gauge = breaker.get_or_insert_with(|| {
            let labels = [
                ("processor", self.processor.as_str()),
                ("pipeline", &self.pipeline),
                ("module", &self.module),
                ("head", &self.head),
            ];
            let help = "Whether batches are refused for a while since the module is at fault: 1 or 0.";
            self.metrics.own_gauge("tidegate_module_breaker_open", help, &labels, 0)
        });
        gauge.set(i64::from(is_open));
    }

    /// Counts a failure that is a limit's.
    pub(crate) fn exceeded(&self, error: &BatchError) {
        if let Some(limit) = error.limit() {
            self.hit(limit);
        }
    }

    /// Counts that a module ran into the limit of this key.
    pub(crate) fn hit(&self, limit: &str) {
        let labels = [("processor", self.processor.as_str()), ("module", &self.module), ("limit", limit)];
        let help = "How often a batch or a load ended at a limit, by the key of the limit.";
        self.metrics.counter("tidegate_module_limit_hits_total", help, &labels).inc();
    }
}

/// A batch that waits for a thread.
pub(crate) struct Waits(Gauge);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Lane {
    fn new(metrics: &Metrics, labels: &[(&str, &str)]) -> Self {
        let counter = |name, help| metrics.counter(name, help, labels);
        Lane {
            batches: counter(BATCHES, "Batches that a module was to process."),
            items: counter("tidegate_processor_items_total", "Items in these batches."),
            calls: counter("tidegate_processor_calls_total", "Batches for which the guest had to be called."),
            cells: counter("tidegate_processor_cells_total", "Cells that the host handed to guests."),
            matches: counter("tidegate_processor_matches_total", "Matches of patterns that the host found for guests."),
            edits: counter("tidegate_processor_edits_total", "Edits that were applied."),
            cpu: metrics.seconds(
                "tidegate_processor_cpu_seconds_total",
                "CPU time, projection and edits included.",
                labels,
            ),
            calls_took: metrics.histogram(
                "tidegate_processor_call_seconds",
                "CPU time of each batch, projection and edits included.",
                labels,
                &DURATIONS,
            ),
            traps: counter("tidegate_processor_traps_total", "Calls that ended in a trap."),
            errors: counter("tidegate_processor_errors_total", "Calls that the guest answered with an error."),
            overruns: counter("tidegate_processor_overruns_total", "Batches that were given up for want of time."),
            rejected: counter("tidegate_processor_rejected_scripts_total", "Scripts with an edit that is not allowed."),
            bisections: counter(
                "tidegate_processor_bisections_total",
                "Batches that were tried in parts, since the guest failed on the whole.",
            ),
            poison: counter("tidegate_processor_poison_items_total", "Items that the guest failed on alone."),
            unprocessed: counter(
                "tidegate_processor_unprocessed_items_total",
                "Items that went on as they were: the guest failed and the policy is open, or there was no module.",
            ),
            refused: counter("tidegate_processor_refused_items_total", "Items of batches that were refused."),
        }
    }

    pub(crate) fn succeeded(&self, done: &Done) {
        self.calls.inc_by(u64::from(done.work.called));
        self.cells.inc_by(done.work.cells);
        self.matches.inc_by(done.work.matches);
        self.edits.inc_by(done.work.edits);
    }

    pub(crate) fn failed(&self, error: &BatchError) {
        match error {
            BatchError::Overrun(_) | BatchError::Call(CallError::Overrun(_)) => self.overruns.inc(),
            BatchError::Call(CallError::Guest(_)) => self.errors.inc(),
            BatchError::Edit(_) => self.rejected.inc(),
            BatchError::Call(_) => self.traps.inc(),
        }
    }
}
