//! From OTLP to requests of Datadog's intakes: logs, series and sketches in their own forms, spans as OTLP.

mod histograms;
mod logs;
mod metrics;
mod series;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use host_otlp::{Payload, Signal};

use super::state::{Amount, Key, State};
use crate::entries::{Entries, Form};
use crate::left_out::LeftOut;

/// The most bytes of a request with spans.
const TRACES_BYTES: usize = 3_200_000;
/// The most bytes of a request with logs, of one of them, and how many there may be.
const LOGS: Form =
    Form { open: "[", between: ",", close: "]", max_bytes: 5_000_000, max_entries: 1000, max_entry_bytes: LOG_BYTES };
const LOG_BYTES: usize = 1_000_000;
/// The most bytes of a request with metrics before it is compressed.
const METRICS_BYTES: usize = 5_242_880;
/// The most when it is.
pub(crate) const METRICS_PACKED_BYTES: usize = 512_000;
const SERIES: Form = Form {
    open: "{\"series\":[",
    between: ",",
    close: "]}",
    max_bytes: METRICS_BYTES,
    max_entries: usize::MAX,
    max_entry_bytes: METRICS_BYTES,
};
const SKETCHES: Form = Form { open: "", between: "", close: "", ..SERIES };

/// What requests look like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// The host of data whose resource names none.
    pub(crate) hostname: String,
    pub(crate) resource_attributes_as_tags: bool,
    pub(crate) scope_as_tags: bool,
    pub(crate) histograms: HistogramMode,
    pub(crate) with_aggregations: bool,
    /// Whether sums that only grow are sent as what came since the last time, and not as they are.
    pub(crate) to_delta: bool,
    pub(crate) with_quantiles: bool,
}

/// What becomes of a histogram with bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistogramMode {
    Distributions,
    NoBuckets,
    Counters,
}

/// One request.
pub(crate) enum Request {
    Logs(Entries<()>),
    Series(Amounts),
    Sketches(Amounts),
    Traces(Payload),
}

/// Series or sketches, whose amounts go back to the state where they are not delivered.
pub(crate) struct Amounts {
    entries: Entries<Note>,
    state: Arc<State>,
    /// Whether nobody is owed anything: they were delivered, or others carry them.
    is_settled: AtomicBool,
}

/// The amount that an entry carries, where it is one that has come since the last time.
type Note = Option<(Key, Amount)>;

impl Amounts {
    fn new(entries: Entries<Note>, state: Arc<State>) -> Self {
        Amounts { entries, state, is_settled: AtomicBool::new(false) }
    }

    fn settle(&self) {
        self.is_settled.store(true, Ordering::Release);
    }

    fn halves(&self) -> Option<[Self; 2]> {
        let halves = self.entries.halves()?;
        self.settle();
        Some(halves.map(|half| Amounts::new(half, Arc::clone(&self.state))))
    }
}

impl Drop for Amounts {
    fn drop(&mut self) {
        if !self.is_settled.load(Ordering::Acquire) {
            for (key, amount) in self.entries.notes().flatten() {
                self.state.give_back(*key, amount.clone());
            }
        }
    }
}

impl Request {
    pub(crate) fn items(&self) -> u64 {
        match self {
            Request::Logs(entries) => entries.items(),
            Request::Series(amounts) | Request::Sketches(amounts) => amounts.entries.items(),
            Request::Traces(payload) => payload.items(),
        }
    }

    /// The body, in pieces.
    pub(crate) fn body(&self) -> Vec<Bytes> {
        match self {
            Request::Logs(entries) => entries.body().collect(),
            Request::Series(amounts) | Request::Sketches(amounts) => amounts.entries.body().collect(),
            Request::Traces(payload) => payload.segments().iter().map(|segment| segment.bytes().clone()).collect(),
        }
    }

    /// Notes that it has arrived.
    pub(crate) fn delivered(&self) {
        if let Request::Series(amounts) | Request::Sketches(amounts) = self {
            amounts.settle();
        }
    }

    /// Smaller requests that hold the same; none where there are no smaller ones.
    pub(crate) fn halves(&self) -> Option<Vec<Request>> {
        match self {
            Request::Logs(entries) => Some(entries.halves()?.map(Request::Logs).into()),
            Request::Series(amounts) => Some(amounts.halves()?.map(Request::Series).into()),
            Request::Sketches(amounts) => Some(amounts.halves()?.map(Request::Sketches).into()),
            Request::Traces(payload) => {
                let parts = payload.clone().split(payload.items().div_ceil(2).max(1), usize::MAX);
                (parts.len() > 1).then(|| parts.into_iter().map(Request::Traces).collect())
            }
        }
    }
}

/// The requests that carry a payload, and what of it they cannot carry. `now` is in seconds.
pub(crate) fn requests(payload: &Payload, shape: &Shape, state: &Arc<State>, now: u64) -> (Vec<Request>, LeftOut) {
    match payload.signal() {
        Signal::Logs => logs::translate(payload, shape),
        Signal::Metrics => metrics::translate(payload, shape, state, now),
        Signal::Traces => {
            let parts = payload.clone().split(u64::MAX, TRACES_BYTES);
            (parts.into_iter().map(Request::Traces).collect(), LeftOut::default())
        }
    }
}

#[cfg(test)]
mod tests;
