//! A tap counts the items that pass an edge of the graph, at the price of one addition.

use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Outcome, Signal};
use host_telemetry::{Counter, Metrics};

/// Counts what goes by, and is otherwise its successor.
pub(crate) struct Tap {
    items: Counter,
    next: Arc<dyn Consumer>,
}

impl Tap {
    /// Before a processor.
    pub(crate) fn incoming(
        metrics: &Metrics,
        processor: &ComponentId,
        signal: Signal,
        next: Arc<dyn Consumer>,
    ) -> Arc<dyn Consumer> {
        let (name, help) = ("otelcol_processor_incoming_items", "Items passed to the processor");
        Arc::new(Tap { items: items(metrics, name, help, processor, signal), next })
    }

    /// After a processor.
    pub(crate) fn outgoing(
        metrics: &Metrics,
        processor: &ComponentId,
        signal: Signal,
        next: Arc<dyn Consumer>,
    ) -> Arc<dyn Consumer> {
        let (name, help) = ("otelcol_processor_outgoing_items", "Items emitted from the processor");
        Arc::new(Tap { items: items(metrics, name, help, processor, signal), next })
    }
}

fn items(
    metrics: &Metrics,
    name: &'static str,
    help: &'static str,
    processor: &ComponentId,
    signal: Signal,
) -> Counter {
    metrics.counter(name, help, &[("processor", &processor.to_string()), ("otel_signal", signal.name())])
}

impl Consumer for Tap {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        self.items.inc_by(delivery.payload.items());
        self.next.consume(delivery)
    }
}
