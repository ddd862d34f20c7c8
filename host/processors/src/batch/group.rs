//! A group is what waits to leave together: deliveries that may be joined, each with the sender that waits for it.

use std::collections::VecDeque;

use host_component::{Delivery, Outcome, Payload};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// One delivery and who waits for its outcome.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) ticket: u64,
    pub(crate) delivery: Delivery,
    pub(crate) answer: oneshot::Sender<Outcome>,
    pub(crate) since: Instant,
}

impl Waiting {
    pub(crate) fn answer(self, outcome: Outcome) {
        // A sender that has left wants no answer.
        let _ = self.answer.send(outcome);
    }
}

/// Deliveries that may be joined, in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: u64,
    /// A delivery without data that joins what this group takes.
    sample: Delivery,
    waiting: VecDeque<Waiting>,
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
        Group { id, sample, waiting: VecDeque::new(), items: 0, bytes: 0, runners: 0, ready: 0 }
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

    /// Takes from the front what fits a batch; at least one, if any waits.
    pub(crate) fn take(&mut self, max_items: u64, max_bytes: usize) -> Vec<Waiting> {
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
        taken
    }

    /// Lets go of everything: each sender sees that it got no answer.
    pub(crate) fn abandon(&mut self) {
        self.waiting.clear();
        (self.items, self.bytes) = (0, 0);
    }

    /// Forgets a delivery whose sender has left, if it is still here.
    pub(crate) fn withdraw(&mut self, ticket: u64) {
        // Tickets grow from front to back.
        if let Ok(at) = self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket)
            && let Some(waiting) = self.waiting.remove(at)
        {
            self.forget(&waiting.delivery);
        }
    }

    fn forget(&mut self, delivery: &Delivery) {
        self.items -= delivery.payload.items();
        self.bytes -= delivery.payload.len();
    }
}
