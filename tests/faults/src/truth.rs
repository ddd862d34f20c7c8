//! What the clients know: which requests they sent, how often, and what they were answered.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::payload::Number;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing is promised: it was not answered yet, or refused and not sent again before the end.
    Open,
    Acknowledged,
    /// A success that told of rejected items, and not of which.
    Partial,
    Rejected,
}

#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) sent: u32,
    pub(crate) attempts: u32,
    pub(crate) outcome: Outcome,
}

/// Streams of requests of the same number of items.
pub(crate) struct Truth {
    pub(crate) items_per_request: usize,
    streams: Vec<Mutex<Vec<Request>>>,
}

#[derive(Default, Debug)]
pub(crate) struct Sums {
    pub(crate) acknowledged: u64,
    pub(crate) open: u64,
    pub(crate) partial: u64,
    pub(crate) rejected: u64,
    pub(crate) sent_again: u64,
}

impl Truth {
    pub(crate) fn new(streams: usize, items_per_request: usize) -> Truth {
        Truth { items_per_request, streams: (0..streams).map(|_| Mutex::default()).collect() }
    }

    fn stream(&self, stream: usize) -> MutexGuard<'_, Vec<Request>> {
        self.streams[stream].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Makes the next request of a stream.
    pub(crate) fn next(&self, stream: usize, now: u32) -> usize {
        let mut requests = self.stream(stream);
        requests.push(Request { sent: now, attempts: 0, outcome: Outcome::Open });
        requests.len() - 1
    }

    pub(crate) fn attempt(&self, stream: usize, request: usize) {
        self.stream(stream)[request].attempts += 1;
    }

    pub(crate) fn settle(&self, stream: usize, request: usize, outcome: Outcome) {
        self.stream(stream)[request].outcome = outcome;
    }

    pub(crate) fn of(&self, number: Number) -> Option<Request> {
        let requests = self.streams.get(number.stream)?.lock().unwrap_or_else(PoisonError::into_inner);
        requests.get(number.place / self.items_per_request).copied()
    }

    pub(crate) fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        let items = self.items_per_request as u64;
        for stream in 0..self.streams.len() {
            for request in self.stream(stream).iter() {
                match request.outcome {
                    Outcome::Open => sums.open += items,
                    Outcome::Acknowledged => sums.acknowledged += items,
                    Outcome::Partial => sums.partial += items,
                    Outcome::Rejected => sums.rejected += items,
                }
                sums.sent_again += items * u64::from(request.attempts.saturating_sub(1));
            }
        }
        sums
    }

    /// The acknowledged requests of a stream, as the places of their first items.
    pub(crate) fn acknowledged(&self, stream: usize) -> Vec<usize> {
        let requests = self.stream(stream);
        let acknowledged = requests.iter().enumerate().filter(|(_, r)| r.outcome == Outcome::Acknowledged);
        acknowledged.map(|(index, _)| index * self.items_per_request).collect()
    }
}
