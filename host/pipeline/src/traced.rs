//! A component with a span of its own for each delivery that it takes.

use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Failure, Kind, Outcome, Reservation, Signal};
use host_telemetry::traces::{self, Step};

/// Has what goes on in its successor be a step, and is otherwise its successor.
pub(crate) struct Traced {
    place: Arc<Place>,
    next: Arc<dyn Consumer>,
}

/// What the spans of one component say of it.
struct Place {
    kind: Kind,
    span: String,
    id: String,
    signal: Signal,
}

impl Traced {
    /// `next`, with a span where there are traces, and as it is where there are none.
    pub(crate) fn around(kind: Kind, id: &ComponentId, signal: Signal, next: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
        if !traces::are_on() {
            return next;
        }
        let place = Arc::new(Place { kind, span: format!("{kind}/{id}/{signal}"), id: id.to_string(), signal });
        Arc::new(Traced { place, next })
    }
}

impl Place {
    async fn within(&self, items: u64, taking: BoxFuture<'_, Outcome>) -> Outcome {
        let step = traces::step(&self.span, &[(self.kind.name(), &self.id), ("data_type", self.signal.name())]);
        let outcome = traces::within(step.as_ref(), taking).await;
        if let Some(step) = step {
            self.tell(&step, items, &outcome);
        }
        outcome
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
            self.place.within(items, self.next.consume(delivery)).await
        })
    }

    fn reserve(&self, delivery: &Delivery) -> Result<Option<Box<dyn Reservation>>, Failure> {
        let room = self.next.reserve(delivery)?;
        Ok(room.map(|room| Box::new(Room { place: Arc::clone(&self.place), room }) as Box<dyn Reservation>))
    }
}

/// Room that was set aside in the successor.
struct Room {
    place: Arc<Place>,
    room: Box<dyn Reservation>,
}

impl Reservation for Room {
    fn commit(self: Box<Self>, delivery: Delivery) -> BoxFuture<'static, Outcome> {
        Box::pin(async move {
            let Room { place, room } = *self;
            let items = delivery.payload.items();
            place.within(items, room.commit(delivery)).await
        })
    }
}
