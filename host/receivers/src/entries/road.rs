//! The way on for what was read: it is sent until it is delivered, or can never be.

use std::time::Duration;

use host_component::{Consumers, Delivery, Failure, Outcome, Shutdown, Signal};
use host_otlp::Payload;
use host_telemetry::{Counter, Metrics};

use super::settings::Retry;

/// The way on, with what is counted there.
pub(crate) struct Road {
    consumers: Consumers,
    retry: Retry,
    accepted: Counter,
    refused: Counter,
    failed: Counter,
}

impl Road {
    pub(crate) fn new(owner: &str, transport: &str, consumers: &Consumers, retry: &Retry, metrics: &Metrics) -> Self {
        let labels = [("receiver", owner), ("transport", transport)];
        let counter = |name, help| metrics.counter(name, help, &labels);
        Road {
            consumers: consumers.clone(),
            retry: retry.clone(),
            accepted: counter("otelcol_receiver_accepted_log_records", "Items that the pipeline took."),
            refused: counter(
                "otelcol_receiver_refused_log_records",
                "Items that the pipeline could not take at present.",
            ),
            failed: counter("otelcol_receiver_failed_log_records", "Items that the pipeline will never take."),
        }
    }

    /// Sends a payload until it is delivered, or never will be. False where the shutdown came before that.
    pub(crate) async fn send(&self, payload: &Payload, mut shutdown: Shutdown) -> bool {
        let mut pause = self.retry.initial_interval;
        let items = payload.items();
        loop {
            let after = match self.deliver(payload).await {
                Ok(()) => {
                    self.accepted.inc_by(items);
                    return true;
                }
                Err(Failure::Permanent { reason }) => {
                    self.failed.inc_by(items);
                    tracing::warn!(items, reason, "what was read can never be delivered, and is passed over");
                    return true;
                }
                Err(Failure::Retryable { after, reason }) => {
                    tracing::debug!(items, reason, "what was read cannot be delivered at present");
                    after
                }
                Err(Failure::Refused { after, .. }) => Some(after),
            };
            self.refused.inc_by(items);
            let wait = after.unwrap_or(pause).max(Duration::from_millis(1));
            pause = (pause * 3 / 2).min(self.retry.max_interval);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.wait() => return false,
            }
        }
    }

    async fn deliver(&self, payload: &Payload) -> Outcome {
        match self.consumers.of(Signal::Logs) {
            Some(consumer) => consumer.consume(Delivery::new(payload.clone())).await,
            None => Err(Failure::retryable("no pipeline takes logs from this receiver at present")),
        }
    }
}
