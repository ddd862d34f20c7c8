//! The way of entries from a source that does not end: through the operators, gathered, and sent, no faster than they are taken.
//!
//! A source numbers its entries by handing them over. What is confirmed is the number up to which all were delivered, dropped
//! by an operator, or can never be delivered.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use host_component::{ComponentId, Consumers, Shutdown};
use host_telemetry::{Counter, Metrics};

use super::entry::{Entry, FileId, Map, Resource, Value, Writer};
use super::operators::{Context, Plan, Sink};
use super::road::Road;
use super::settings::{Operator, Retry};
use crate::Budget;
use crate::budget::Reservation;

/// Payloads that are under way at a time.
const MAX_UNDER_WAY: usize = 4;
/// What is gathered while something is under way.
const MAX_GATHERED: usize = 256 << 10;
/// Entries that are not confirmed while something is under way: what operators drop is counted, too.
const MAX_OWED: u64 = 100_000;
/// An entry that operators keep is sent on after this time.
const FORCE_FLUSH: Duration = Duration::from_millis(500);
/// Longer than anything may be kept.
const FOREVER: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long nothing is read where the budget has no room.
const NO_ROOM: Duration = Duration::from_millis(20);

/// What a receiver's counters are called.
pub(crate) struct Names {
    pub(crate) dropped: &'static str,
    pub(crate) operator_errors: &'static str,
    /// For a source that cannot be read again.
    pub(crate) lost: Option<&'static str>,
}

/// What a receiver's entries have in common.
pub(crate) struct Common<'c> {
    pub(crate) transport: &'static str,
    pub(crate) names: Names,
    pub(crate) operators: Vec<Operator>,
    pub(crate) attributes: &'c BTreeMap<String, String>,
    pub(crate) resource: &'c BTreeMap<String, String>,
    pub(crate) retry: &'c Retry,
}

/// What all ways of a receiver share.
pub(crate) struct Shared {
    pub(crate) id: ComponentId,
    road: Road,
    budget: Budget,
    operators: Vec<Operator>,
    operator_errors: &'static str,
    attributes: Map<'static>,
    resource: Arc<Map<'static>>,
    metrics: Metrics,
    dropped: Counter,
    lost: Option<Counter>,
}

/// The way of one source's entries.
pub(crate) struct Way {
    shared: Arc<Shared>,
    plan: Plan,
    path: Result<Map<'static>, String>,
    out: Out,
    room: Option<Reservation>,
    under_way: FuturesUnordered<BoxFuture<'static, Sent>>,
    /// The number of the last entry that was taken.
    taken: u64,
    /// Up to where each payload under way goes, in the order in which they were sent, and whether it has arrived.
    sent: VecDeque<(u64, bool)>,
    /// How many payloads were sent and are in `sent` no more.
    arrived: u64,
    confirmed: u64,
    shutdown: Shutdown,
}

/// What became of a payload.
struct Sent {
    which: u64,
    items: u64,
    is_over: bool,
}

struct Out {
    writer: Writer,
    dropped: Counter,
}

impl Sink for Out {
    fn put(&mut self, entry: &Entry<'_>) {
        self.writer.put(entry);
    }

    fn released(&mut self, _: FileId) {}

    fn dropped(&mut self) {
        self.dropped.inc();
    }
}

impl Shared {
    pub(crate) fn new(
        id: &ComponentId,
        common: Common<'_>,
        consumers: &Consumers,
        metrics: &Metrics,
        budget: &Budget,
    ) -> Self {
        let owner = id.to_string();
        let labels = [("receiver", owner.as_str()), ("transport", common.transport)];
        let fixed = |map: &BTreeMap<String, String>| -> Map<'static> {
            map.iter().map(|(key, value)| (Cow::Owned(key.clone()), Value::text(value.clone()))).collect()
        };
        let lost = "Records that the pipeline could not take until the receiver had to end.";
        Shared {
            id: id.clone(),
            road: Road::new(&owner, common.transport, consumers, common.retry, metrics),
            budget: budget.clone(),
            operators: common.operators,
            operator_errors: common.names.operator_errors,
            attributes: fixed(common.attributes),
            resource: Arc::new(fixed(common.resource)),
            dropped: metrics.counter(common.names.dropped, "Entries that an operator dropped.", &labels),
            lost: common.names.lost.map(|name| metrics.counter(name, lost, &labels)),
            metrics: metrics.clone(),
        }
    }

    fn plan(&self) -> Result<Plan, String> {
        let mut plan = Plan::new(&self.operators)?;
        let receiver = self.id.to_string();
        plan.count(|operator| {
            self.metrics.counter(
                self.operator_errors,
                "Entries that an operator could not work on.",
                &[("receiver", &receiver), ("operator", operator)],
            )
        });
        Ok(plan)
    }
}

impl Way {
    /// # Errors
    /// Where the operators make no sense, which `validate` tells, too.
    pub(crate) fn new(shared: Arc<Shared>, shutdown: Shutdown) -> Result<Self, String> {
        Ok(Way {
            plan: shared.plan()?,
            path: Err("there is no file whose path says something".to_owned()),
            out: Out { writer: Writer::default(), dropped: shared.dropped.clone() },
            room: None,
            under_way: FuturesUnordered::new(),
            taken: 0,
            sent: VecDeque::new(),
            arrived: 0,
            confirmed: 0,
            shared,
            shutdown,
        })
    }

    /// Takes an entry; `own` is what it says besides what all say. Gives its number.
    pub(crate) fn take(&mut self, body: Value<'_>, time: u64, own: &Map<'static>) -> u64 {
        self.taken += 1;
        let mut entry = Entry {
            body,
            attributes: own.iter().chain(&self.shared.attributes).cloned().collect(),
            resource: Resource::Shared(Arc::clone(&self.shared.resource)),
            time,
            observed: now(),
            ..Entry::default()
        };
        entry.origin.start = self.taken;
        self.plan.run(entry, &Context { now: Instant::now(), path: &self.path }, &mut self.out);
        self.taken
    }

    /// The number up to which nothing is owed to the pipeline any more.
    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// To be called after entries were taken.
    pub(crate) fn went_on(&mut self) {
        self.flush(Duration::ZERO);
    }

    /// Sends what was gathered, where it is time for that.
    fn go_on(&mut self) {
        if self.sent.is_empty() && self.out.writer.items() == 0 {
            // What operators have dropped is not owed either.
            self.confirmed = self.confirmed.max(self.through());
        }
        let enough = if self.under_way.is_empty() { 1 } else { MAX_GATHERED };
        let is_due = self.out.writer.items() > 0 && self.out.writer.len() >= enough;
        if is_due && self.under_way.len() < MAX_UNDER_WAY && self.is_reserved() {
            self.send();
        }
    }

    fn send(&mut self) {
        let payload = std::mem::take(&mut self.out.writer).finish();
        let which = self.arrived + self.sent.len() as u64;
        self.sent.push_back((self.through(), false));
        let (shared, shutdown, room) = (Arc::clone(&self.shared), self.shutdown.clone(), self.room.take());
        self.under_way.push(Box::pin(async move {
            let is_over = shared.road.send(&payload, shutdown).await;
            drop(room);
            Sent { which, items: payload.items(), is_over }
        }));
    }

    /// The number up to which all were handed on by the operators.
    fn through(&self) -> u64 {
        let kept = self.plan.kept().map(|(_, number)| number).min();
        kept.map_or(self.taken, |number| number.saturating_sub(1))
    }

    /// Returns when more may be read: there is room for what was gathered, and not too much of it.
    pub(crate) async fn has_room(&mut self) {
        // Where there is always more to read nobody else looks.
        while let Some(Some(done)) = self.under_way.next().now_or_never() {
            self.done(&done);
        }
        loop {
            let is_full = self.under_way.len() >= MAX_UNDER_WAY && self.out.writer.len() >= MAX_GATHERED
                || !self.under_way.is_empty() && self.taken - self.confirmed > MAX_OWED;
            if !is_full && self.is_reserved() {
                self.go_on();
                return;
            }
            tokio::select! {
                Some(done) = self.under_way.next(), if !self.under_way.is_empty() => self.done(&done),
                () = tokio::time::sleep(NO_ROOM), if !is_full => {}
            }
        }
    }

    /// Reserves what was gathered. Who has nothing holds nothing of the budget, however many there are.
    fn is_reserved(&mut self) -> bool {
        if self.out.writer.items() == 0 {
            self.room = None;
            return true;
        }
        // More than there is nobody would ever get.
        let wanted = self.out.writer.len().min(self.shared.budget.limit());
        match &mut self.room {
            Some(room) => room.grow(wanted.saturating_sub(room.bytes())),
            None => {
                self.room = self.shared.budget.reserve(wanted);
                self.room.is_some()
            }
        }
    }

    /// What there is to do while nothing comes. Returns when something was done, and may be dropped at any time.
    pub(crate) async fn meanwhile(&mut self) {
        let is_kept = self.plan.kept().next().is_some();
        tokio::select! {
            Some(done) = self.under_way.next(), if !self.under_way.is_empty() => self.done(&done),
            () = tokio::time::sleep(FORCE_FLUSH), if is_kept => self.flush(Duration::ZERO),
            else => std::future::pending().await,
        }
    }

    fn done(&mut self, done: &Sent) {
        match &self.shared.lost {
            _ if done.is_over => self.arrives(done.which),
            Some(lost) => {
                lost.inc_by(done.items);
                let items = done.items;
                tracing::warn!(
                    items,
                    "records are lost: the pipeline could not take them until the receiver had to end"
                );
            }
            // They are read again.
            None => {}
        }
        self.go_on();
    }

    fn arrives(&mut self, which: u64) {
        let at = usize::try_from(which.saturating_sub(self.arrived)).unwrap_or(usize::MAX);
        if let Some((_, has_arrived)) = self.sent.get_mut(at) {
            *has_arrived = true;
        }
        while let Some((through, true)) = self.sent.front() {
            self.confirmed = self.confirmed.max(*through);
            self.arrived += 1;
            self.sent.pop_front();
        }
    }

    /// Has operators send on what they have kept for too long, where so much more time had gone by.
    fn flush(&mut self, ahead: Duration) {
        self.plan.flush(Instant::now() + ahead, FORCE_FLUSH, &|_| false, &mut self.out);
        self.go_on();
    }

    /// Sends all that there is, and returns when it is known what became of it.
    pub(crate) async fn end(&mut self) {
        // One operator may hand on to the next that keeps entries.
        let mut ahead = FOREVER;
        for _ in 0..=self.shared.operators.len() {
            self.flush(ahead);
            ahead += FOREVER;
        }
        if self.out.writer.items() > 0 {
            self.send();
        }
        while let Some(done) = self.under_way.next().await {
            self.done(&done);
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
