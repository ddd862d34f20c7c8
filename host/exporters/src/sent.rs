//! What an exporter has sent and failed to send, under the Collector's metric names.

use host_component::{ComponentId, Outcome, Signal};
use host_telemetry::{Counter, Metrics};

/// The counters of one exporter.
pub(crate) struct Sent {
    logs: Counters,
    traces: Counters,
    metrics: Counters,
}

struct Counters {
    sent: Counter,
    failed: Counter,
}

impl Sent {
    pub(crate) fn new(metrics: &Metrics, id: &ComponentId) -> Self {
        let id = id.to_string();
        let counters = |sent, failed| Counters {
            sent: metrics.counter(sent, "Items that the exporter has delivered", &[("exporter", &id)]),
            failed: metrics.counter(failed, "Items that the exporter failed to deliver", &[("exporter", &id)]),
        };
        Sent {
            logs: counters("otelcol_exporter_sent_log_records", "otelcol_exporter_send_failed_log_records"),
            traces: counters("otelcol_exporter_sent_spans", "otelcol_exporter_send_failed_spans"),
            metrics: counters("otelcol_exporter_sent_metric_points", "otelcol_exporter_send_failed_metric_points"),
        }
    }

    pub(crate) fn count(&self, signal: Signal, items: u64, outcome: &Outcome) {
        let counters = match signal {
            Signal::Logs => &self.logs,
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
        };
        match outcome {
            Ok(()) => counters.sent.inc_by(items),
            Err(_) => counters.failed.inc_by(items),
        }
    }
}
