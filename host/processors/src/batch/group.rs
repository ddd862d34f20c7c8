//! A group is what waits to leave together: deliveries that may be joined, each with the sender that waits for it.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use host_component::{Delivery, Origin, Outcome, Payload};
use host_telemetry::traces::Place;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// One delivery and who waits for its outcome.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) ticket: u64,
    pub(crate) delivery: Delivery,
    /// The step of its sender.
    pub(crate) place: Place,
    pub(crate) answer: oneshot::Sender<Outcome>,
    pub(crate) since: Instant,
}

impl Waiting {
    pub(crate) fn answer(self, outcome: Outcome) {
        // A sender that has left wants no answer.
        let _ = self.answer.send(outcome);
    }
}

/// A batch that a runner carries, and how many senders wait for it.
#[derive(Debug)]
struct UnderWay {
    tickets: RangeInclusive<u64>,
    senders: usize,
    /// The runner's bell, rung when the last sender has left.
    bell: Arc<Notify>,
}

/// Deliveries that may be joined, in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    /// A delivery without data that joins what this group takes.
    sample: Delivery,
    waiting: VecDeque<Waiting>,
    under_way: Vec<UnderWay>,
    items: u64,
    bytes: usize,
    /// Runners that send for this group, and those among them that are about to take a batch.
    pub(crate) runners: usize,
    pub(crate) ready: usize,
}

impl Group {
    pub(crate) fn new(id: u64, delivery: &Delivery) -> Self {
        let payload = Payload::empty(delivery.payload.signal());
        let sample = Delivery { payload, origin: delivery.origin.clone(), route: delivery.route };
        Group { id, sample, waiting: VecDeque::new(), under_way: Vec::new(), items: 0, bytes: 0, runners: 0, ready: 0 }
    }

    /// Where what it takes came from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.sample.origin
    }

    pub(crate) fn takes(&self, delivery: &Delivery) -> bool {
        self.sample.joins(delivery)
    }

    pub(crate) fn is_unused(&self) -> bool {
        self.waiting.is_empty() && self.runners == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn items(&self) -> u64 {
        self.items
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the first that waits arrived.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.since)
    }

    pub(crate) fn push(&mut self, waiting: Waiting) {
        self.items += waiting.delivery.payload.items();
        self.bytes += waiting.delivery.payload.len();
        self.waiting.push_back(waiting);
    }

    /// Takes from the front what fits a batch; at least one, if any waits. Should all its senders leave before
    /// [`Group::has_returned`], the bell rings.
    pub(crate) fn take(&mut self, max_items: u64, max_bytes: usize, bell: &Arc<Notify>) -> Vec<Waiting> {
        let (mut items, mut bytes) = (0u64, 0usize);
        let fits = |waiting: &Waiting| {
            let payload = &waiting.delivery.payload;
            items = items.saturating_add(payload.items());
            bytes = bytes.saturating_add(payload.len());
            items <= max_items && bytes <= max_bytes
        };
        let count = self.waiting.iter().map(fits).take_while(|fits| *fits).count().max(1).min(self.waiting.len());
        let taken: Vec<Waiting> = self.waiting.drain(..count).collect();
        for waiting in &taken {
            self.forget(&waiting.delivery);
        }
        if let [first, ..] = taken.as_slice() {
            let last = taken.last().map_or(first.ticket, |last| last.ticket);
            let (tickets, senders) = (first.ticket..=last, taken.len());
            self.under_way.push(UnderWay { tickets, senders, bell: bell.clone() });
        }
        taken
    }

    /// Whether the batch of this bell is under way and all its senders have left.
    pub(crate) fn is_deserted(&self, bell: &Arc<Notify>) -> bool {
        self.under_way.iter().any(|batch| Arc::ptr_eq(&batch.bell, bell) && batch.senders == 0)
    }

    /// The batch of this bell is under way no more.
    pub(crate) fn has_returned(&mut self, bell: &Arc<Notify>) {
        self.under_way.retain(|batch| !Arc::ptr_eq(&batch.bell, bell));
    }

    /// Lets go of everything: each sender sees that it got no answer.
    pub(crate) fn abandon(&mut self) {
        self.waiting.clear();
        (self.items, self.bytes) = (0, 0);
    }

    /// Forgets a delivery whose sender has left; where it is under way, only that somebody waits for it.
    pub(crate) fn withdraw(&mut self, ticket: u64) {
        // Tickets grow from front to back.
        if let Ok(at) = self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket) {
            if let Some(waiting) = self.waiting.remove(at) {
                self.forget(&waiting.delivery);
            }
            return;
        }
        let Some(batch) = self.under_way.iter_mut().find(|batch| batch.tickets.contains(&ticket)) else { return };
        batch.senders = batch.senders.saturating_sub(1);
        if batch.senders == 0 {
            batch.bell.notify_one();
        }
    }

    fn forget(&mut self, delivery: &Delivery) {
        self.items -= delivery.payload.items();
        self.bytes -= delivery.payload.len();
    }
}
