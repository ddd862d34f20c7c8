//! The way of collections to the pipeline. One that is refused is kept and tried again: after a pause, and before the next one.
//! Beside it no more than one waits; what has to go for that is counted.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use host_component::{BoxFuture, Consumers, Delivery, Failure, Outcome, Signal};
use host_otlp::Payload;
use host_receivers::Lanes;
use host_receivers::budget::Reservation;
use host_telemetry::Counter;
use host_telemetry::traces::Remote;
use http::HeaderMap;
use tokio::time::{Sleep, sleep};

/// The first and the longest pause before a collection is tried again.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// A collection, with the room that it takes.
pub(crate) struct Kept {
    pub(crate) payload: Payload,
    pub(crate) _room: Reservation,
}

/// Where collections go.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) receiver: String,
    pub(crate) consumers: Consumers,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) lost: Counter,
}

pub(crate) struct Sending {
    way: Way,
    state: State,
    /// What came while the pipeline had the one before.
    waiting: Option<Kept>,
    pause: Duration,
    /// Whether the last one did not arrive, and that was told.
    is_losing: bool,
    is_ending: bool,
}

enum State {
    Idle,
    /// The pipeline has it.
    Delivering(BoxFuture<'static, (Kept, Outcome)>),
    /// It was refused.
    Pausing(Kept, Pin<Box<Sleep>>),
}

impl Sending {
    pub(crate) fn new(way: Way) -> Self {
        Sending { way, state: State::Idle, waiting: None, pause: FIRST, is_losing: false, is_ending: false }
    }

    /// Hands on a collection. One that was refused before goes first.
    pub(crate) fn offer(&mut self, kept: Kept) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => self.deliver(kept),
            State::Delivering(delivering) => {
                self.state = State::Delivering(delivering);
                if let Some(older) = self.waiting.replace(kept) {
                    self.lose(&older, "the pipeline has not answered for a whole interval");
                }
            }
            State::Pausing(older, _) => {
                self.waiting = Some(kept);
                self.deliver(older);
            }
        }
    }

    /// Returns when something has happened; never where there is nothing to hand on.
    pub(crate) async fn progress(&mut self) {
        match &mut self.state {
            State::Idle => std::future::pending().await,
            State::Delivering(delivering) => {
                let (kept, outcome) = delivering.await;
                self.state = State::Idle;
                self.settle(kept, outcome);
            }
            State::Pausing(_, sleep) => {
                sleep.await;
                self.retry();
            }
        }
    }

    /// Tries what there is once more, and ends.
    pub(crate) async fn end(mut self) {
        self.is_ending = true;
        self.retry();
        while !matches!(self.state, State::Idle) {
            self.progress().await;
        }
    }

    fn retry(&mut self) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Pausing(kept, _) => self.deliver(kept),
            other => self.state = other,
        }
    }

    fn deliver(&mut self, kept: Kept) {
        let way = self.way.clone();
        self.state = State::Delivering(Box::pin(async move {
            let outcome = deliver(&way, &kept.payload).await;
            (kept, outcome)
        }));
    }

    fn settle(&mut self, kept: Kept, outcome: Outcome) {
        let receiver = &self.way.receiver;
        let (after, reason) = match outcome {
            Ok(()) => {
                self.pause = FIRST;
                if std::mem::take(&mut self.is_losing) {
                    tracing::info!(receiver, "the pipeline takes what is collected again");
                }
                (None, String::new())
            }
            Err(Failure::Permanent { reason }) => {
                let points = kept.payload.items();
                tracing::warn!(receiver, points, reason, "what was collected can never be delivered, and is lost");
                (None, reason)
            }
            Err(Failure::Retryable { after, reason }) => (Some(after.unwrap_or_default()), reason),
            Err(Failure::Refused { after, reason }) => (Some(after), reason),
        };
        match (after, self.waiting.take()) {
            (None, Some(next)) => self.deliver(next),
            (None, None) => {}
            (Some(_), Some(next)) => {
                self.lose(&kept, &reason);
                self.deliver(next);
            }
            (Some(_), None) if self.is_ending => self.lose(&kept, &reason),
            (Some(after), None) => {
                tracing::debug!(receiver, reason, "what was collected cannot be delivered at present");
                let wait = sleep(after.max(self.pause).min(LONGEST.max(after)));
                self.pause = (self.pause * 3 / 2).min(LONGEST);
                self.state = State::Pausing(kept, Box::pin(wait));
            }
        }
    }

    /// Counts points that never arrive, and says so where those before them did.
    fn lose(&mut self, kept: &Kept, reason: &str) {
        let (receiver, points) = (&self.way.receiver, kept.payload.items());
        self.way.lost.inc_by(points);
        if std::mem::replace(&mut self.is_losing, true) {
            tracing::debug!(receiver, points, reason, "a collection was refused until the next one, and is lost");
        } else {
            tracing::warn!(
                receiver,
                points,
                reason,
                "a collection was refused until the next one, and is lost; see to the exporters behind it, or collect less \
                 often with `collection_interval`"
            );
        }
    }
}

async fn deliver(way: &Way, payload: &Payload) -> Outcome {
    let Some(consumer) = way.consumers.of(Signal::Metrics) else {
        return Err(Failure::retryable("no pipeline takes metrics from this receiver at present"));
    };
    let taking = consumer.consume(Delivery::new(payload.clone()));
    way.lanes.deliver(Signal::Metrics, payload.items(), taking, &Remote::of(&HeaderMap::new()), "").await
}
