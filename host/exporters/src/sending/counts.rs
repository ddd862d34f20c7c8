//! What an exporter counts of one signal, under the Collector's names.

use host_component::Signal;
use host_telemetry::{Counter, Metrics};

use super::denial::Rejected;

/// The counters of one signal.
pub(crate) struct Counts {
    pub(crate) sent: Counter,
    pub(crate) failed: Counter,
    pub(crate) refused: Counter,
    rejected: &'static str,
    exporter: String,
    metrics: Metrics,
}

impl Counts {
    pub(crate) fn new(signal: Signal, exporter: &str, metrics: &Metrics) -> Self {
        let [sent, failed, rejected, refused] = match signal {
            Signal::Logs => [
                "otelcol_exporter_sent_log_records",
                "otelcol_exporter_send_failed_log_records",
                "tidegate_exporter_rejected_log_records",
                "otelcol_exporter_enqueue_failed_log_records",
            ],
            Signal::Traces => [
                "otelcol_exporter_sent_spans",
                "otelcol_exporter_send_failed_spans",
                "tidegate_exporter_rejected_spans",
                "otelcol_exporter_enqueue_failed_spans",
            ],
            Signal::Metrics => [
                "otelcol_exporter_sent_metric_points",
                "otelcol_exporter_send_failed_metric_points",
                "tidegate_exporter_rejected_metric_points",
                "otelcol_exporter_enqueue_failed_metric_points",
            ],
        };
        let labels = [("exporter", exporter)];
        let counter = |name, help| metrics.counter(name, help, &labels);
        Counts {
            sent: counter(sent, "Items that the next hop took."),
            failed: counter(failed, "Items that could not be delivered, or were rejected."),
            refused: counter(refused, "Items that were refused because too many requests wait."),
            rejected,
            exporter: exporter.to_owned(),
            metrics: metrics.clone(),
        }
    }

    /// Counts items that will never be taken, apart by why.
    pub(crate) fn reject(&self, rejected: &[Rejected]) {
        for Rejected { items, reason } in rejected.iter().filter(|rejected| rejected.items > 0) {
            self.failed.inc_by(*items);
            let labels = [("exporter", self.exporter.as_str()), ("reason", reason)];
            let help =
                "Items that the next hop rejected in a request that it took, or that it cannot be sent, by reason.";
            self.metrics.counter(self.rejected, help, &labels).inc_by(*items);
        }
    }
}
