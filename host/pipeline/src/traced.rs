//! A component with a span of its own for each delivery that it takes.

use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Kind, Outcome, Signal};
use host_telemetry::traces::{self, Step};

/// Has what goes on in its successor be a step, and is otherwise its successor.
pub(crate) struct Traced {
    kind: Kind,
    span: String,
    id: String,
    signal: Signal,
    next: Arc<dyn Consumer>,
}

impl Traced {
    /// `next`, with a span where there are traces, and as it is where there are none.
    pub(crate) fn around(kind: Kind, id: &ComponentId, signal: Signal, next: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
        if !traces::are_on() {
            return next;
        }
        Arc::new(Traced { kind, span: format!("{kind}/{id}/{signal}"), id: id.to_string(), signal, next })
    }

    fn tell(&self, step: &Step, items: u64, outcome: &Outcome) {
        if self.kind == Kind::Exporter {
            let (sent, failed) = if outcome.is_ok() { (items, 0) } else { (0, items) };
            step.number("items.sent", sent);
            step.number("items.failed", failed);
        } else {
            step.number("items", items);
        }
        step.came_to(outcome);
    }
}

impl Consumer for Traced {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let items = delivery.payload.items();
            let step = traces::step(&self.span, &[(self.kind.name(), &self.id), ("data_type", self.signal.name())]);
            let outcome = traces::within(step.as_ref(), self.next.consume(delivery)).await;
            if let Some(step) = step {
                self.tell(&step, items, &outcome);
            }
            outcome
        })
    }
}
