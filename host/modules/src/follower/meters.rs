//! What is counted of pushed modules.

use host_telemetry::{Counter, Gauge, Metrics};

#[derive(Clone)]
pub(super) struct Meters {
    /// 1 while heads are heard of.
    pub(super) followed: Gauge,
    pub(super) failures: Counter,
    metrics: Metrics,
}

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Meters {
            followed: metrics.gauge(
                "tidegate_pushed_modules_followed",
                "Whether the API server tells of pushed modules at present.",
                &[],
            ),
            failures: metrics.counter(
                "tidegate_pushed_modules_failures",
                "Times that pushed modules could not be heard of, fetched or kept.",
                &[],
            ),
            metrics: metrics.clone(),
        }
    }

    pub(super) fn rejected(&self, module: &str, reason: &str) {
        let labels = [("module", module), ("reason", reason)];
        let help = "Revisions of pushed modules that were refused.";
        self.metrics.counter("tidegate_pushed_module_rejected", help, &labels).inc();
    }

    /// A revision is live.
    pub(super) fn runs(&self, module: &str, head: &str, revision: u64) {
        let help = "The revision of a pushed module that runs, by the head that it was pushed under.";
        let labels = [("module", module), ("head", head)];
        let gauge = self.metrics.gauge("tidegate_pushed_module_revision", help, &labels);
        gauge.set(i64::try_from(revision).unwrap_or(i64::MAX));
    }
}
