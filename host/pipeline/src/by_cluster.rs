//! Data on its way past processors that are chosen by cluster: at the start of the pipeline it is bound to the cluster that it
//! names, in parts where it names several; behind the last of these processors it is bound to none, and parts are one again.
//!
//! All parts of a payload go on, or none: its sender is told one thing of all of it, and sends all of it again.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{join, join_all};
use host_component::{BoxFuture, Consumer, Delivery, Failure, Outcome, Payload, cluster_of};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

/// A payload names no more clusters: each costs a way of its own through the pipeline.
const MOST: usize = 1024;
/// So many parts of a payload are on their way at a time; the others wait for their turn, and those that have arrived for all others.
const AT_ONCE: usize = 64;

tokio::task_local! {
    /// The part that is under way.
    static PART: Part;
}

/// The start of a pipeline with processors that are chosen by cluster.
pub(crate) struct ByCluster {
    next: Arc<dyn Consumer>,
}

/// What stands behind the last of these processors.
pub(crate) struct Together {
    next: Arc<dyn Consumer>,
}

impl ByCluster {
    pub(crate) fn before(next: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
        Arc::new(ByCluster { next })
    }

    async fn all(&self, delivery: Delivery) -> Outcome {
        let Some(parts) = delivery.payload.by_resource(MOST, cluster_of) else {
            return Err(Failure::permanent(format!("it names more than {MOST} clusters: send fewer at a time")));
        };
        if parts.len() <= 1 {
            let origin = delivery.origin.of_cluster(parts.first().map_or("", |(cluster, _)| cluster));
            drop(parts);
            return self.next.consume(Delivery { origin, ..delivery }).await;
        }
        let sent = parts.iter().map(|(_, part)| part.clone()).collect();
        let gathering = Arc::new(Gathering::new(sent, delivery.payload.clone()));
        let ways = parts.iter().enumerate().map(|(number, (cluster, payload))| {
            let origin = delivery.origin.of_cluster(cluster);
            let on_its_way = Delivery { payload: payload.clone(), origin, route: delivery.route };
            let turns = Arc::clone(&gathering.turns);
            let part =
                Part { gathering: Arc::clone(&gathering), number, turn: Cell::default(), is_settled: Cell::default() };
            PART.scope(part, async {
                // Nobody closes it.
                let turn = turns.acquire_owned().await.ok();
                PART.with(|part| part.turn.set(turn));
                let outcome = self.next.consume(on_its_way).await;
                PART.with(|part| part.ends(&outcome));
                outcome
            })
        });
        let (outcomes, ()) = join(join_all(ways), gathering.go_on()).await;
        outcomes.into_iter().fold(Ok(()), worse)
    }
}

/// The outcome that the sender of both has to act on.
fn worse(one: Outcome, other: Outcome) -> Outcome {
    match (&one, &other) {
        (Ok(()), _) => other,
        (Err(first), Err(second)) if first.is_permanent() && !second.is_permanent() => other,
        _ => one,
    }
}

impl Consumer for ByCluster {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.all(delivery))
    }
}

impl Together {
    pub(crate) fn before(next: Arc<dyn Consumer>) -> Arc<dyn Consumer> {
        Arc::new(Together { next })
    }

    async fn all(&self, delivery: Delivery) -> Outcome {
        let delivery = Delivery { origin: delivery.origin.of_any_cluster(), ..delivery };
        // What others send on by themselves, as a batch does, is no part of anything.
        let Ok((gathering, number, is_first)) = PART.try_with(Part::arrives) else {
            return self.next.consume(delivery).await;
        };
        if is_first {
            return gathering.takes(number, delivery, &self.next).await;
        }
        // What comes in several pieces goes on where the first of them does.
        match gathering.came_to().await {
            Err(failure) if !failure.is_permanent() => Err(failure),
            _ => self.next.consume(delivery).await,
        }
    }
}

impl Consumer for Together {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(self.all(delivery))
    }
}

/// A part on its way.
struct Part {
    gathering: Arc<Gathering>,
    number: usize,
    /// Held while it is on its way.
    turn: Cell<Option<OwnedSemaphorePermit>>,
    is_settled: Cell<bool>,
}

impl Part {
    /// It has arrived, or will not; whether that is news.
    fn settles(&self) -> bool {
        drop(self.turn.take());
        !self.is_settled.replace(true)
    }

    /// Where it arrives, and whether for the first time.
    fn arrives(&self) -> (Arc<Gathering>, usize, bool) {
        (Arc::clone(&self.gathering), self.number, self.settles())
    }

    /// Its way is over. One that never arrived was dropped on purpose, or failed.
    fn ends(&self, outcome: &Outcome) {
        if self.settles() {
            self.gathering.is_not_coming(outcome);
        }
    }
}

/// Waits for the parts of one payload.
struct Gathering {
    state: Mutex<State>,
    /// Told of when no part is awaited any more.
    complete: Notify,
    turns: Arc<Semaphore>,
    /// The parts as they were sent, and what they were cut from.
    sent: Vec<Payload>,
    whole: Payload,
    came_to: watch::Sender<Option<Outcome>>,
}

#[derive(Default)]
struct State {
    awaited: usize,
    arrived: Vec<(usize, Delivery)>,
    /// Where those go that have arrived.
    next: Option<Arc<dyn Consumer>>,
    /// Why one of them does not come that its sender will send again.
    failed: Option<Failure>,
}

impl Gathering {
    fn new(sent: Vec<Payload>, whole: Payload) -> Self {
        let state = Mutex::new(State { awaited: sent.len(), ..State::default() });
        let (complete, turns) = (Notify::new(), Arc::new(Semaphore::new(AT_ONCE)));
        Gathering { state, complete, turns, sent, whole, came_to: watch::Sender::new(None) }
    }

    /// Takes a part in, and returns what came of all of them.
    async fn takes(&self, number: usize, delivery: Delivery, next: &Arc<dyn Consumer>) -> Outcome {
        self.settle(|state| {
            state.arrived.push((number, delivery));
            state.next.get_or_insert_with(|| Arc::clone(next));
        });
        self.came_to().await
    }

    /// What came of those that have arrived.
    async fn came_to(&self) -> Outcome {
        let mut came_to = self.came_to.subscribe();
        let outcome = came_to.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        // Who sends them on is there as long as this waits.
        outcome.unwrap_or_else(|| Err(Failure::retryable("the other parts of the request were given up")))
    }

    fn is_not_coming(&self, outcome: &Outcome) {
        let failure = outcome.as_ref().err().filter(|failure| !failure.is_permanent()).cloned();
        self.settle(|state| state.failed = state.failed.take().or(failure));
    }

    fn settle(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.awaited -= 1;
        if state.awaited == 0 {
            self.complete.notify_one();
        }
    }

    /// Sends on what has arrived once no part is awaited any more. Where the sender will send all of it again, nothing goes on.
    async fn go_on(&self) {
        self.complete.notified().await;
        let State { arrived, next, failed, .. } = std::mem::take(&mut *self.state());
        let outcome = match (failed, next) {
            (Some(failure), _) => Err(failure),
            (None, None) => Ok(()),
            (None, Some(next)) => {
                let merged = self.merged(arrived);
                let sent = merged.into_iter().map(|delivery| next.consume(delivery));
                join_all(sent).await.into_iter().fold(Ok(()), worse)
            }
        };
        self.came_to.send_replace(Some(outcome));
    }

    /// One delivery of what may travel as one; the payload itself where nothing was changed.
    fn merged(&self, mut arrived: Vec<(usize, Delivery)>) -> Vec<Delivery> {
        arrived.sort_by_key(|(number, _)| *number);
        let is_whole = arrived.len() == self.sent.len()
            && arrived.iter().zip(&self.sent).all(|((_, part), sent)| is_same(&part.payload, sent));
        let mut merged: Vec<Delivery> = Vec::new();
        for (_, part) in arrived {
            match merged.iter_mut().find(|one| one.joins(&part)) {
                Some(one) => one.payload.join(part.payload),
                None => merged.push(part),
            }
        }
        if let (true, [one]) = (is_whole, merged.as_mut_slice()) {
            one.payload = self.whole.clone();
        }
        merged
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether two payloads are the same bytes at the same place.
fn is_same(one: &Payload, other: &Payload) -> bool {
    let places = |payload: &Payload| -> Vec<_> {
        payload.segments().iter().map(|segment| segment.bytes().as_ptr_range()).collect()
    };
    places(one) == places(other)
}
