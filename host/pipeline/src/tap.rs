//! A tap counts the items that pass an edge of the graph, at the price of one addition, and has the edge's spigot.

use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Outcome, Signal};
use host_telemetry::{Counter, Metrics};

use crate::spigot::Spigot;

/// Counts what goes by, and is otherwise its successor.
pub(crate) struct Tap {
    items: Counter,
    spigot: Option<Arc<Spigot>>,
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
        Arc::new(Tap { items: items(metrics, name, help, processor, signal), spigot: None, next })
    }

    /// After a processor.
    pub(crate) fn outgoing(
        metrics: &Metrics,
        processor: &ComponentId,
        signal: Signal,
        spigot: Option<Arc<Spigot>>,
        next: Arc<dyn Consumer>,
    ) -> Arc<dyn Consumer> {
        let (name, help) = ("otelcol_processor_outgoing_items", "Items emitted from the processor");
        Arc::new(Tap { items: items(metrics, name, help, processor, signal), spigot, next })
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
        if let Some(spigot) = &self.spigot {
            spigot.pass(&delivery.payload);
        }
        self.next.consume(delivery)
    }
}

/// The start of a pipeline.
pub(crate) struct Start {
    pub(crate) spigot: Arc<Spigot>,
    pub(crate) next: Arc<dyn Consumer>,
}

impl Consumer for Start {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        self.spigot.pass(&delivery.payload);
        self.next.consume(delivery)
    }
}
