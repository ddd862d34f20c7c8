//! A fan-out hands the same data to several successors and makes one outcome of theirs.
//!
//! What must not happen is that one successor refuses what another has taken, since whoever is refused sends it again. So
//! room is set aside in every queue first, and written to only once all others have what they are to have. Of the others,
//! one that failed last time goes before those that did not: while it fails, they see nothing. Where some have taken the data
//! all the same, the one that failed is tried again here, a few times while the sender waits.
//!
//! A permanent failure of some is counted as dropped there and does not hold up the rest; only when all fail so is the
//! request failed for good. Nobody waits for a successor that is not required: what it does not take is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use host_component::{BoxFuture, Consumer, Delivery, Failure, Outcome, Reservation, spawn_in, task_span};
use host_telemetry::{Counter, Gauge, Metrics};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

/// The pauses before a successor is tried again that failed where others did not, from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often at most: a sender that is to hear why it failed is told before it is told that it took too long.
const ATTEMPTS: u32 = 5;
/// What may be under way to a successor that nobody waits for, in KiB.
const UNWAITED_KIB: usize = 64 << 10;

/// One successor, with its name for the log and the count of what was dropped there.
pub struct Branch {
    name: String,
    next: Arc<dyn Consumer>,
    dropped: Counter,
    /// It failed last time, or was not heard of in time.
    is_doubtful: AtomicBool,
    /// None where the sender waits for it.
    unwaited: Option<Unwaited>,
}

/// What is under way to a successor that nobody waits for.
#[derive(Clone)]
struct Unwaited {
    room: Arc<Semaphore>,
    shown: Gauge,
    tasks: TaskTracker,
}

impl Branch {
    /// `from` is the pipeline, receiver or connector that fans out, `name` the exporter, connector or pipeline that it leads
    /// to.
    pub fn new(metrics: &Metrics, from: &str, name: String, next: Arc<dyn Consumer>) -> Self {
        let dropped = dropped(metrics, from, &name);
        Branch { name, next, dropped, is_doubtful: AtomicBool::new(false), unwaited: None }
    }

    /// As [`Branch::new`], to a successor that holds up nobody; what is under way to it is in `tasks`.
    pub fn optional(metrics: &Metrics, from: &str, name: String, next: Arc<dyn Consumer>, tasks: &TaskTracker) -> Self {
        let help = "KiB under way to a successor that nobody waits for.";
        let shown = metrics.gauge("tidegate_fanout_unwaited_kibibytes", help, &[("from", from), ("to", &name)]);
        let unwaited = Unwaited { room: Arc::new(Semaphore::new(UNWAITED_KIB)), shown, tasks: tasks.clone() };
        Branch { unwaited: Some(unwaited), ..Branch::new(metrics, from, name, next) }
    }

    fn is_required(&self) -> bool {
        self.unwaited.is_none()
    }

    fn drop(&self, items: u64, failure: &Failure) {
        drop_items(&self.name, &self.dropped, items, failure);
    }

    async fn call(&self, delivery: Delivery) -> Outcome {
        self.heard(self.next.consume(delivery)).await
    }

    /// Waits for an answer. Until there is one, and after one that a retry may cure, there is doubt.
    async fn heard(&self, answer: BoxFuture<'_, Outcome>) -> Outcome {
        let mut answered = Doubt { branch: self, remains: true };
        let outcome = answer.await;
        answered.remains = matches!(&outcome, Err(failure) if !failure.is_permanent());
        outcome
    }

    /// Hands over a delivery that nobody waits for.
    fn send_off(&self, unwaited: &Unwaited, delivery: Delivery) {
        let (items, kib) = (delivery.payload.items(), delivery.payload.len().div_ceil(1 << 10).clamp(1, UNWAITED_KIB));
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&unwaited.room).try_acquire_many_owned(kib) else {
            self.drop(items, &Failure::retryable("too much is under way to it"));
            return;
        };
        let (next, name, dropped, shown) =
            (Arc::clone(&self.next), self.name.clone(), self.dropped.clone(), unwaited.shown.clone());
        shown.add(i64::from(kib));
        let sending = async move {
            if let Err(failure) = next.consume(delivery).await {
                drop_items(&name, &dropped, items, &failure);
            }
            shown.sub(i64::from(kib));
            drop(room);
        };
        spawn_in(task_span("unwaited", &self.name), unwaited.tasks.track_future(sending));
    }
}

fn drop_items(to: &str, dropped: &Counter, items: u64, failure: &Failure) {
    dropped.inc_by(items);
    tracing::warn!(to, items, reason = %failure, "dropped on one branch");
}

/// Leaves a branch in doubt, or not, when its call has ended or was given up.
struct Doubt<'a> {
    branch: &'a Branch,
    remains: bool,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        self.branch.is_doubtful.store(self.remains, Ordering::Relaxed);
    }
}

fn dropped(metrics: &Metrics, from: &str, to: &str) -> Counter {
    let help =
        "Items that a branch of a fan-out failed for good while others took them, or that no route and exporter took";
    metrics.counter("tidegate_fanout_dropped_items", help, &[("from", from), ("to", to)])
}

/// Successors that all get the data.
pub struct Branches(Vec<Branch>);

/// A branch that has not answered yet, and one that has.
type Answered<'a> = (&'a Branch, Outcome);

impl Branches {
    pub fn new(branches: Vec<Branch>) -> Self {
        Branches(branches)
    }

    async fn all(&self, delivery: Delivery) -> Outcome {
        let items = delivery.payload.items();
        let (mut rooms, mut others) = (Vec::new(), Vec::new());
        for branch in self.0.iter().filter(|branch| branch.is_required()) {
            match branch.next.reserve(&delivery)? {
                Some(room) => rooms.push((branch, room)),
                None => others.push(branch),
            }
        }
        let (doubtful, sound): (Vec<&Branch>, Vec<&Branch>) =
            others.into_iter().partition(|branch| branch.is_doubtful.load(Ordering::Relaxed));
        let mut answers = Vec::new();
        for group in [doubtful, sound] {
            called(group, &delivery, &mut answers).await?;
        }
        committed(rooms, &delivery, &mut answers).await?;
        // Whoever is refused sends it again, and those that nobody waits for get it then.
        for branch in &self.0 {
            if let Some(unwaited) = &branch.unwaited {
                branch.send_off(unwaited, delivery.clone());
            }
        }
        if !answers.is_empty() && answers.iter().all(|(_, outcome)| outcome.is_err()) {
            return answers.swap_remove(0).1;
        }
        for (branch, outcome) in &answers {
            if let Err(failure) = outcome {
                branch.drop(items, failure);
            }
        }
        Ok(())
    }
}

/// Calls branches at once. One that fails where another has taken the data is tried again: whoever gives up has it sent to
/// both.
async fn called<'a>(
    branches: Vec<&'a Branch>,
    delivery: &Delivery,
    answers: &mut Vec<Answered<'a>>,
) -> Result<(), Failure> {
    let mut waiting = branches;
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let calls = waiting.iter().map(|branch| async { (*branch, branch.call(delivery.clone()).await) });
        let (later, settled): (Vec<Answered<'a>>, Vec<Answered<'a>>) = join_all(calls)
            .await
            .into_iter()
            .partition(|(_, outcome)| matches!(outcome, Err(failure) if !failure.is_permanent()));
        answers.extend(settled);
        let Some(failure) = worst(&later) else { break };
        let wait = wait(failure).unwrap_or_default().max(pause);
        if attempt == ATTEMPTS || wait > LONGEST_PAUSE || answers.iter().all(|(_, outcome)| outcome.is_err()) {
            return Err(failure.clone());
        }
        waiting = later.into_iter().map(|(branch, _)| branch).collect();
        sleep(wait).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
    Ok(())
}

/// Writes to queues: to those first that could not be written to last time, so that the others hold nothing while that lasts.
async fn committed<'a>(
    rooms: Vec<(&'a Branch, Box<dyn Reservation>)>,
    delivery: &Delivery,
    answers: &mut Vec<Answered<'a>>,
) -> Result<(), Failure> {
    let (doubtful, sound): (Vec<_>, Vec<_>) =
        rooms.into_iter().partition(|(branch, _)| branch.is_doubtful.load(Ordering::Relaxed));
    for group in [doubtful, sound] {
        let commits = group.into_iter().map(|(branch, room)| {
            let committing = room.commit(delivery.clone());
            async move { (branch, branch.heard(committing).await) }
        });
        let written: Vec<Answered<'a>> = join_all(commits).await;
        if let Some(failure) = worst(&written).filter(|failure| !failure.is_permanent()) {
            return Err(failure.clone());
        }
        answers.extend(written);
    }
    Ok(())
}

/// The failure that the sender has to wait for longest; a permanent one where there is no other.
fn worst<'a>(answers: &'a [Answered<'_>]) -> Option<&'a Failure> {
    answers.iter().filter_map(|(_, outcome)| outcome.as_ref().err()).max_by_key(|failure| wait(failure))
}

/// Orders failures: permanent ones first, then by how long the sender is to wait.
fn wait(failure: &Failure) -> Option<Duration> {
    match failure {
        Failure::Permanent { .. } => None,
        Failure::Retryable { after, .. } => Some(after.unwrap_or_default()),
        Failure::Refused { after, .. } => Some(*after),
    }
}

impl Consumer for Branches {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        match self.0.as_slice() {
            [only] if only.is_required() => only.next.consume(delivery),
            _ => Box::pin(self.all(delivery)),
        }
    }
}

/// The end of a pipeline: its own exporters, or those of the route that a processor chose; or what is behind a connector that
/// chooses among its pipelines.
///
/// With routes alone there are no exporters of its own: what no route takes is then dropped, and counted.
pub struct FanOut {
    own: Branches,
    routes: Vec<Branches>,
    unrouted: Counter,
}

impl FanOut {
    /// `from` is the pipeline or connector, and `routes` are in the order of `Delivery::route`.
    pub fn new(metrics: &Metrics, from: &str, own: Branches, routes: Vec<Branches>) -> Self {
        FanOut { own, routes, unrouted: dropped(metrics, from, "nothing") }
    }
}

impl Consumer for FanOut {
    fn consume(&self, mut delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let Some(route) = delivery.route.take() else {
            if self.own.0.is_empty() {
                self.unrouted.inc_by(delivery.payload.items());
            }
            return self.own.consume(delivery);
        };
        match self.routes.get(usize::from(route)) {
            Some(branches) => branches.consume(delivery),
            None => {
                let reason = format!("a processor chose route {route}, and the pipeline has {}", self.routes.len());
                Box::pin(async { Err(Failure::permanent(reason)) })
            }
        }
    }
}
