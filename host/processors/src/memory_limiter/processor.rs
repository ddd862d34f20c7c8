//! The processor: asks the checker before it hands anything on.

use std::sync::Arc;

use futures_util::future::ready;
use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Outcome};
use host_telemetry::Counter;

use super::checker::Checker;
use super::config::Deps;

/// The `memory_limiter` processor, in one pipeline.
pub(crate) struct MemoryLimiter {
    checker: Arc<Checker>,
    next: Arc<dyn Consumer>,
    accepted: Counter,
    refused: Counter,
}

impl MemoryLimiter {
    pub(crate) fn new(id: &ComponentId, checker: Arc<Checker>, next: Arc<dyn Consumer>, deps: &Deps<'_>) -> Self {
        let id = id.to_string();
        let count = |[logs, traces, metrics]: [&'static str; 3], help| {
            let name = [logs, traces, metrics][deps.signal as usize];
            deps.metrics.counter(name, help, &[("processor", &id)])
        };
        let accepted = count(
            [
                "otelcol_processor_accepted_log_records",
                "otelcol_processor_accepted_spans",
                "otelcol_processor_accepted_metric_points",
            ],
            "Items that were let into the pipeline.",
        );
        let refused = count(
            [
                "otelcol_processor_refused_log_records",
                "otelcol_processor_refused_spans",
                "otelcol_processor_refused_metric_points",
            ],
            "Items that were refused since the process takes too much memory.",
        );
        MemoryLimiter { checker, next, accepted, refused }
    }
}

impl Consumer for MemoryLimiter {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let (items, bytes) = (delivery.payload.items(), delivery.payload.len());
        match self.checker.admit(u64::try_from(bytes).unwrap_or(u64::MAX)) {
            Ok(under_way) => {
                self.accepted.inc_by(items);
                Box::pin(async move {
                    let outcome = self.next.consume(delivery).await;
                    drop(under_way);
                    outcome
                })
            }
            Err(failure) => {
                self.refused.inc_by(items);
                Box::pin(ready(Err(failure)))
            }
        }
    }
}
