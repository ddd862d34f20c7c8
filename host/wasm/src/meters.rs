//! The meters are what one processor exports about itself.

use host_telemetry::{Counter, Gauge, Metrics};

use crate::generation::{BatchError, Done};
use crate::instance::CallError;

/// Made once, when the processor is built.
pub(crate) struct Meters {
    pub(crate) batches: Counter,
    pub(crate) items: Counter,
    pub(crate) calls: Counter,
    pub(crate) cells: Counter,
    pub(crate) matches: Counter,
    pub(crate) edits: Counter,
    pub(crate) cpu: Counter,
    pub(crate) traps: Counter,
    pub(crate) errors: Counter,
    pub(crate) overruns: Counter,
    pub(crate) rejected: Counter,
    pub(crate) unprocessed: Counter,
    pub(crate) refused: Counter,
    pub(crate) loaded: Counter,
    pub(crate) load_failures: Counter,
    pub(crate) rollbacks: Counter,
    pub(crate) generation: Gauge,
}

impl Meters {
    pub(crate) fn new(metrics: &Metrics, processor: &str, module: &str) -> Self {
        let labels = [("processor", processor), ("module", module)];
        let counter = |name, help| metrics.counter(name, help, &labels);
        let load = |result| {
            let labels = [("processor", processor), ("module", module), ("result", result)];
            metrics.counter("tidegate_module_loads_total", "Attempts to load a module, by result.", &labels)
        };
        Meters {
            batches: counter("tidegate_processor_batches_total", "Batches that a module was to process."),
            items: counter("tidegate_processor_items_total", "Items in these batches."),
            calls: counter("tidegate_processor_calls_total", "Batches for which the guest had to be called."),
            cells: counter("tidegate_processor_cells_total", "Cells that the host handed to guests."),
            matches: counter("tidegate_processor_matches_total", "Matches of patterns that the host found for guests."),
            edits: counter("tidegate_processor_edits_total", "Edits that were applied."),
            cpu: counter("tidegate_processor_cpu_nanoseconds_total", "CPU time, projection and edits included."),
            traps: counter("tidegate_processor_traps_total", "Calls that ended in a trap."),
            errors: counter("tidegate_processor_errors_total", "Calls that the guest answered with an error."),
            overruns: counter("tidegate_processor_overruns_total", "Batches that were given up for want of time."),
            rejected: counter("tidegate_processor_rejected_scripts_total", "Scripts with an edit that is not allowed."),
            unprocessed: counter(
                "tidegate_processor_unprocessed_items_total",
                "Items that went on as they were, since the guest failed and the policy is open.",
            ),
            refused: counter("tidegate_processor_refused_items_total", "Items of batches that were refused."),
            loaded: load("loaded"),
            load_failures: load("refused"),
            rollbacks: load("rolled_back"),
            generation: metrics.gauge(
                "tidegate_module_generation",
                "How many generations of its module the processor has run.",
                &labels,
            ),
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
