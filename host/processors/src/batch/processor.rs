//! The processor: senders queue at a desk, and runners carry what waits there downstream.
//!
//! A sender that leaves early takes its delivery back, unless that is under way. The lock of the desk is never held
//! across an await.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_component::{BoxFuture, ComponentId, Consumer, Delivery, Failure, Outcome, task_span};
use host_telemetry::{Counter, Gauge, Histogram, Metrics, traces};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::config::Config;
use super::group::{Group, Waiting};
use super::{runner, watch};

/// When to come again with metadata that there is no room for at present: what is under way takes about so long.
const PAUSE: Duration = Duration::from_secs(1);

/// The `batch` processor.
pub struct Batch {
    desk: Arc<Desk>,
}

/// What senders and runners share.
pub(crate) struct Desk {
    pub(crate) id: String,
    /// The runners'.
    pub(crate) span: tracing::Span,
    /// The name of the step that a batch is.
    pub(crate) step: String,
    pub(crate) config: Config,
    pub(crate) next: Arc<dyn Consumer>,
    pub(crate) sent: Sent,
    combinations: Gauge,
    refused: Counter,
    groups: Mutex<Groups>,
}

/// Batches, by what made them leave, and how large they were.
pub(crate) struct Sent {
    pub(crate) all: Counter,
    pub(crate) items: Histogram,
    pub(crate) bytes: Histogram,
    pub(crate) by_size: Counter,
    pub(crate) by_timeout: Counter,
}

/// A few at most: one for each origin and route that is alive.
#[derive(Default)]
pub(crate) struct Groups {
    pub(crate) alive: Vec<Group>,
    /// Whether a watch is kept.
    pub(crate) is_watched: bool,
    /// Combinations of metadata that the gauge knows of.
    combinations: usize,
    tickets: u64,
    ids: u64,
}

impl Batch {
    pub(crate) fn new(config: &Config, id: &ComponentId, next: Arc<dyn Consumer>, metrics: &Metrics) -> Self {
        let id = id.to_string();
        let labels = [("processor", id.as_str())];
        let sent = Sent {
            all: metrics.counter("tidegate_processor_batch_sends", "Batches that were sent on.", &labels),
            items: metrics.histogram(
                "otelcol_processor_batch_batch_send_size",
                "Items in the batches that were sent on.",
                &labels,
                &bounds(100_000.0),
            ),
            bytes: metrics.histogram(
                "otelcol_processor_batch_batch_send_size_bytes",
                "Bytes of the batches that were sent on.",
                &labels,
                &bounds(9_000_000.0),
            ),
            by_size: metrics.counter(
                "otelcol_processor_batch_batch_size_trigger_send",
                "Batches that left because enough had gathered while another was under way.",
                &labels,
            ),
            by_timeout: metrics.counter(
                "otelcol_processor_batch_timeout_trigger_send",
                "Batches that left because their first delivery had waited for the timeout.",
                &labels,
            ),
        };
        let combinations = metrics.gauge(
            "otelcol_processor_batch_metadata_cardinality",
            "Combinations of metadata that are under way.",
            &labels,
        );
        let refused = metrics.counter(
            "tidegate_processor_batch_refused_items",
            "Items that were refused because as many combinations of metadata were under way as may be.",
            &labels,
        );
        let config = config.clone();
        let span = task_span("batch", &id);
        let (step, groups) = (format!("batch/{id}"), Mutex::default());
        Batch { desk: Arc::new(Desk { id, span, step, config, next, sent, combinations, refused, groups }) }
    }
}

/// The Collector's bounds, up to `most`.
fn bounds(most: f64) -> Vec<f64> {
    let steps = |base: f64| (1..10).map(move |step| f64::from(step) * base);
    let small = [10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0].into_iter();
    let large = [10_000.0, 20_000.0, 30_000.0, 50_000.0].into_iter();
    let bounds = small.chain(steps(1e3)).chain(large).chain(steps(1e5)).chain(steps(1e6));
    bounds.take_while(|bound| *bound <= most).collect()
}

impl Consumer for Batch {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let mut place = self.desk.enter(delivery)?;
            let answer = (&mut place.outcome).await;
            place.answered = true;
            // Only a runner that panicked lets go of a sender without an answer.
            answer.unwrap_or_else(|_| Err(Failure::retryable("the batch was lost inside the collector")))
        })
    }
}

/// A sender's place at the desk; leaving it early withdraws the delivery.
struct Place<'a> {
    desk: &'a Desk,
    group: u64,
    ticket: u64,
    outcome: oneshot::Receiver<Outcome>,
    answered: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.answered
            && let Some(group) = self.desk.groups().find(self.group)
        {
            group.withdraw(self.ticket);
        }
    }
}

impl Desk {
    pub(crate) fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a delivery, and starts a runner where none is there to take it and it need not wait.
    fn enter(self: &Arc<Self>, delivery: Delivery) -> Result<Place<'_>, Failure> {
        let (answer, outcome) = oneshot::channel();
        let mut groups = self.groups();
        let ticket = groups.ticket();
        let group = match groups.find_for(&delivery) {
            Some(at) => &mut groups.alive[at],
            None => self.open(&mut groups, &delivery)?,
        };
        let id = group.id;
        group.push(Waiting { ticket, delivery, place: traces::Place::here(), answer, since: Instant::now() });
        let full = self.is_full(group);
        let start = group.ready == 0 && (group.runners == 0 || (full && group.runners < self.config.max_in_flight));
        if start {
            if group.runners > 0 {
                self.sent.by_size.inc();
            }
            runner::enlist(group);
        }
        let watch = !std::mem::replace(&mut groups.is_watched, true);
        drop(groups);
        if start {
            runner::start(self.clone(), id);
        }
        if watch {
            watch::start(self.clone());
        }
        Ok(Place { desk: self, group: id, ticket, outcome, answered: false })
    }

    /// A new group for what comes from where `delivery` does, unless there are as many as there may be.
    fn open<'a>(&self, groups: &'a mut Groups, delivery: &Delivery) -> Result<&'a mut Group, Failure> {
        self.tidy(groups);
        let is_new = groups.alive.iter().all(|group| *group.origin() != *delivery.origin);
        if is_new && groups.combinations >= self.config.max_combinations() {
            self.refused.inc_by(delivery.payload.items());
            let limit = self.config.metadata_cardinality_limit;
            let reason = format!(
                "{}: data with {limit} combinations of metadata is under way, and metadata_cardinality_limit allows no more",
                self.id
            );
            return Err(Failure::refused(reason, PAUSE));
        }
        groups.ids += 1;
        groups.alive.push(Group::new(groups.ids, delivery));
        self.show(groups);
        let last = groups.alive.len() - 1;
        Ok(&mut groups.alive[last])
    }

    /// Forgets groups that nothing waits in and nothing is under way of.
    pub(crate) fn tidy(&self, groups: &mut Groups) {
        let before = groups.alive.len();
        groups.alive.retain(|group| !group.is_unused());
        if groups.alive.len() != before {
            self.show(groups);
        }
    }

    /// Tells how many combinations there are. Each pipeline that names the processor adds its own.
    fn show(&self, groups: &mut Groups) {
        let now = groups.alive.iter().map(Group::origin).collect::<HashSet<_>>().len();
        let before = std::mem::replace(&mut groups.combinations, now);
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.combinations.add(number(now) - number(before));
    }

    /// Whether enough waits to leave at once.
    pub(crate) fn is_full(&self, group: &Group) -> bool {
        group.items() >= self.config.send_batch_size || group.bytes() >= self.config.max_bytes()
    }
}

impl Groups {
    fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// The group that takes `delivery`, if there is one.
    fn find_for(&self, delivery: &Delivery) -> Option<usize> {
        self.alive.iter().position(|group| group.takes(delivery))
    }

    pub(crate) fn find(&mut self, id: u64) -> Option<&mut Group> {
        self.alive.iter_mut().find(|group| group.id == id)
    }
}
