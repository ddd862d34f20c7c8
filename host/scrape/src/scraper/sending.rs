//! The way of scrapes to the pipeline. One that is refused is kept and tried again until the next one takes its place, which
//! is counted: of a target there is never more than one that waits, beside one that the pipeline has. A large one is several
//! payloads, which the pipeline gets at once; those of them that it refuses are tried again.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use host_component::{Delivery, Failure, Outcome, Signal};
use host_otlp::Payload;
use host_receivers::budget::Reservation;
use host_telemetry::traces::Remote;
use http::HeaderMap;
use tokio::time::{Sleep, sleep};

use crate::job::Shared;

/// The first and the longest pause before a scrape is tried again.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// What a scrape has become, with the room that it takes.
pub(super) struct Kept {
    pub(super) payloads: Vec<Payload>,
    pub(super) room: Reservation,
}

pub(super) struct Sending {
    shared: Arc<Shared>,
    state: State,
    /// What came while the pipeline had the one before.
    waiting: Option<Kept>,
    pause: Duration,
    is_ending: bool,
}

enum State {
    Idle,
    /// The pipeline has it.
    Delivering(BoxFuture<'static, (Kept, Vec<Outcome>)>),
    /// It was refused.
    Pausing(Kept, Pin<Box<Sleep>>),
}

impl Sending {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Sending { shared, state: State::Idle, waiting: None, pause: FIRST, is_ending: false }
    }

    /// Hands on a scrape, or has it wait.
    pub(super) fn offer(&mut self, kept: Kept) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => self.deliver(kept),
            State::Delivering(delivering) => {
                self.state = State::Delivering(delivering);
                if let Some(older) = self.waiting.replace(kept) {
                    self.lose(&older);
                }
            }
            State::Pausing(older, _) => {
                self.lose(&older);
                self.deliver(kept);
            }
        }
    }

    /// Returns when something has happened; never where there is nothing to hand on.
    pub(super) async fn progress(&mut self) {
        match &mut self.state {
            State::Idle => std::future::pending().await,
            State::Delivering(delivering) => {
                let (kept, outcomes) = delivering.await;
                self.state = State::Idle;
                self.settle(kept, &outcomes);
            }
            State::Pausing(_, sleep) => {
                sleep.await;
                self.retry();
            }
        }
    }

    /// Tries what there is once more, and ends.
    pub(super) async fn end(mut self) {
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
        let shared = Arc::clone(&self.shared);
        self.state = State::Delivering(Box::pin(async move {
            let outcomes = join_all(kept.payloads.iter().map(|payload| deliver(&shared, payload))).await;
            (kept, outcomes)
        }));
    }

    fn settle(&mut self, mut kept: Kept, outcomes: &[Outcome]) {
        let mut after = None;
        let mut outcomes = outcomes.iter();
        kept.payloads.retain(|_| {
            let wait = outcomes.next().and_then(|outcome| self.tried_again_after(outcome));
            after = after.max(wait);
            wait.is_some()
        });
        kept.room.shrink_to(kept.payloads.iter().map(Payload::len).sum());
        if after.is_none() {
            self.pause = FIRST;
        }
        match (after, self.waiting.take()) {
            (None, Some(next)) => self.deliver(next),
            (None, None) => {}
            (Some(_), Some(next)) => {
                self.lose(&kept);
                self.deliver(next);
            }
            (Some(_), None) if self.is_ending => self.lose(&kept),
            (Some(after), None) => {
                let wait = sleep(after.max(self.pause).min(LONGEST.max(after)));
                self.pause = (self.pause * 3 / 2).min(LONGEST);
                self.state = State::Pausing(kept, Box::pin(wait));
            }
        }
    }

    /// For how long a pipeline that did not take something does not want it; none where it is not to be tried again.
    fn tried_again_after(&self, outcome: &Outcome) -> Option<Duration> {
        let (receiver, job) = (&self.shared.receiver, &self.shared.job.name);
        match outcome {
            Ok(()) => None,
            Err(Failure::Permanent { reason }) => {
                tracing::warn!(receiver, job, reason, "a scrape can never be delivered");
                None
            }
            Err(Failure::Retryable { after, reason }) => {
                tracing::debug!(receiver, job, reason, "a scrape cannot be delivered at present");
                Some(after.unwrap_or_default())
            }
            Err(Failure::Refused { after, .. }) => Some(*after),
        }
    }

    fn lose(&self, kept: &Kept) {
        let items = kept.payloads.iter().map(Payload::items).sum();
        self.shared.counts.lost.inc_by(items);
        let (receiver, job) = (&self.shared.receiver, &self.shared.job.name);
        tracing::debug!(receiver, job, items, "a scrape was refused until the next one");
    }
}

async fn deliver(shared: &Shared, payload: &Payload) -> Outcome {
    let Some(consumer) = shared.consumers.of(Signal::Metrics) else {
        return Err(Failure::retryable("no pipeline takes metrics from this receiver at present"));
    };
    let taking = consumer.consume(Delivery::new(payload.clone()));
    shared.lanes.deliver(Signal::Metrics, payload.items(), taking, &Remote::of(&HeaderMap::new()), "prometheus").await
}
