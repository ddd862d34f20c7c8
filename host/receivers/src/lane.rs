//! A lane is the way of one signal out of a receiver, with what is counted on it under the Collector's names.

use host_component::{BoxFuture, Outcome, Signal};
use host_telemetry::traces::{self, Remote, Step};
use host_telemetry::{Counter, Metrics};

/// The lanes of a receiver's transport, one a signal.
pub struct Lanes {
    transport: &'static str,
    by_signal: [Lane; 3],
}

/// What is counted for one signal.
struct Lane {
    /// The name of the span of a request, and those of what it counts.
    span: String,
    span_counts: [&'static str; 3],
    accepted: Counter,
    refused: Counter,
    failed: Counter,
}

impl Lanes {
    pub fn new(receiver: &str, transport: &'static str, metrics: &Metrics) -> Self {
        let labels = [("receiver", receiver), ("transport", transport)];
        Lanes { transport, by_signal: Signal::ALL.map(|signal| Lane::new(signal, receiver, &labels, metrics)) }
    }

    /// Waits for what becomes of items that came in this format in a step of `remote`, and counts them.
    ///
    /// # Errors
    /// Those of `taking`.
    pub async fn deliver(
        &self,
        signal: Signal,
        items: u64,
        taking: BoxFuture<'_, Outcome>,
        remote: &Remote,
        format: &'static str,
    ) -> Outcome {
        let lane = &self.by_signal[signal as usize];
        let step = remote.step(&lane.span, &[("transport", self.transport), ("format", format)]);
        let outcome = traces::within(step.as_ref(), taking).await;
        if let Some(step) = step {
            lane.tell(&step, items, &outcome);
        }
        let counter = match &outcome {
            Ok(()) => &lane.accepted,
            Err(failure) if failure.is_permanent() => &lane.failed,
            Err(_) => &lane.refused,
        };
        counter.inc_by(items);
        outcome
    }
}

impl Lanes {
    /// Counts items that the receiver itself did not let in.
    pub fn refuse(&self, signal: Signal, items: u64) {
        self.by_signal[signal as usize].refused.inc_by(items);
    }
}

impl Lane {
    fn new(signal: Signal, receiver: &str, labels: &[(&str, &str)], metrics: &Metrics) -> Self {
        let [accepted, refused, failed] = match signal {
            Signal::Logs => [
                "otelcol_receiver_accepted_log_records",
                "otelcol_receiver_refused_log_records",
                "otelcol_receiver_failed_log_records",
            ],
            Signal::Traces => {
                ["otelcol_receiver_accepted_spans", "otelcol_receiver_refused_spans", "otelcol_receiver_failed_spans"]
            }
            Signal::Metrics => [
                "otelcol_receiver_accepted_metric_points",
                "otelcol_receiver_refused_metric_points",
                "otelcol_receiver_failed_metric_points",
            ],
        };
        let (operation, span_counts) = match signal {
            Signal::Logs => ("LogsReceived", ["accepted_log_records", "refused_log_records", "failed_log_records"]),
            Signal::Traces => ("TraceDataReceived", ["accepted_spans", "refused_spans", "failed_spans"]),
            Signal::Metrics => {
                ("MetricsReceived", ["accepted_metric_points", "refused_metric_points", "failed_metric_points"])
            }
        };
        Lane {
            span: format!("receiver/{receiver}/{operation}"),
            span_counts,
            accepted: metrics.counter(accepted, "Items that the pipeline took.", labels),
            refused: metrics.counter(
                refused,
                "Items that the pipeline could not take at present, and those that the receiver did not let in.",
                labels,
            ),
            failed: metrics.counter(failed, "Items that the pipeline will never take.", labels),
        }
    }

    /// Says in the span of a request what became of its items.
    fn tell(&self, step: &Step, items: u64, outcome: &Outcome) {
        let which = match outcome {
            Ok(()) => 0,
            Err(failure) if failure.is_permanent() => 2,
            Err(_) => 1,
        };
        for (at, key) in self.span_counts.iter().enumerate() {
            step.number(key, if at == which { items } else { 0 });
        }
        step.came_to(outcome);
    }
}
