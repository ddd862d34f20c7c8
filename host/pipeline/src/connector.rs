//! What goes into a connector and comes out of it is counted, by what its sender was told.

use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Outcome, PipelineId, Signal};
use host_telemetry::{Counter, Metrics};

/// Counts items once it is known what came of them, and is otherwise its successor.
pub(crate) struct Counted {
    success: Counter,
    refused: Counter,
    next: Arc<dyn Consumer>,
}

impl Counted {
    /// Before a connector.
    pub(crate) fn consumed(
        metrics: &Metrics,
        connector: &ComponentId,
        signal: Signal,
        next: Arc<dyn Consumer>,
    ) -> Arc<dyn Consumer> {
        let (name, help) = ("otelcol_connector_consumed_items", "Number of items passed to the connector");
        let labels = [("connector", &*connector.to_string()), ("otel_signal", signal.name())];
        Arc::new(Counted::new(metrics, name, help, &labels, next))
    }

    /// Between a connector and a pipeline that it leads to.
    pub(crate) fn produced(
        metrics: &Metrics,
        connector: &ComponentId,
        pipeline: &PipelineId,
        next: Arc<dyn Consumer>,
    ) -> Arc<dyn Consumer> {
        let (name, help) = ("otelcol_connector_produced_items", "Number of items emitted from the connector");
        let labels = [
            ("connector", &*connector.to_string()),
            ("otel_signal", pipeline.signal().name()),
            ("otelcol_pipeline_id", &pipeline.to_string()),
        ];
        Arc::new(Counted::new(metrics, name, help, &labels, next))
    }

    fn new(
        metrics: &Metrics,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        next: Arc<dyn Consumer>,
    ) -> Self {
        let counter =
            |outcome| metrics.counter(name, help, &[labels, &[("otelcol_component_outcome", outcome)]].concat());
        Counted { success: counter("success"), refused: counter("refused"), next }
    }
}

impl Consumer for Counted {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let items = delivery.payload.items();
            let outcome = self.next.consume(delivery).await;
            let counter = if outcome.is_ok() { &self.success } else { &self.refused };
            counter.inc_by(items);
            outcome
        })
    }
}
