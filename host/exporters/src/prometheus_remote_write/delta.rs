//! Deltas are summed up here, since Prometheus knows totals only.
//!
//! Each series has a stream, which is known by its labels: the total so far, since when, and which intervals are in it.
//! An interval that comes again, because its sender had no answer, is not added again. There are only so many streams,
//! and one that is silent for long is forgotten: when it goes on, or after a restart, it begins anew with a start of its
//! own, which Prometheus takes for the reset of a counter.

mod exponential;
mod histogram;

use std::time::Duration;

use hashbrown::HashMap;
use host_telemetry::OwnGauge;
use smallvec::SmallVec;
use tokio::time::Instant;

pub(super) use self::exponential::{Exponential, Side};
pub(super) use self::histogram::Distribution;
use super::translate::Reason;

/// How many intervals are remembered besides the last one.
const REMEMBERED: usize = 8;

/// The streams of one exporter.
pub(super) struct Deltas {
    streams: HashMap<u64, Stream>,
    max_streams: usize,
    max_stale: Duration,
    swept: Instant,
    shown: OwnGauge,
}

/// When a delta was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) start: u64,
    pub(super) end: u64,
}

struct Stream {
    start: u64,
    last: Interval,
    before: SmallVec<[Interval; 1]>,
    seen: Instant,
    total: Total,
}

pub(super) enum Total {
    Number(f64),
    Histogram(Box<Distribution>),
    Exponential(Box<Exponential>),
}

/// What can be summed up.
pub(super) trait Sum: Clone {
    fn wrap(self) -> Total;

    fn of(total: &mut Total) -> Option<&mut Self>;

    /// Adds a delta; false where the two have nothing in common, or come to no number, and the total has to begin anew.
    fn add(&mut self, delta: &Self) -> bool;

    /// Why it cannot be summed up, where it cannot: it takes more room than a stream may, or would spoil the total for good.
    fn unfit(&self) -> Option<Reason>;
}

/// What became of a delta.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step<T> {
    /// This is the total now.
    Total { total: T, start: u64 },
    /// It was there before, and others after it: what these came to has it in it.
    Again,
    /// It is not in any total.
    Left(Reason),
}

impl Deltas {
    pub(super) fn new(max_streams: usize, max_stale: Duration, shown: OwnGauge) -> Self {
        Deltas { streams: HashMap::new(), max_streams, max_stale, swept: Instant::now(), shown }
    }

    pub(super) fn add<T: Sum>(&mut self, stream: u64, interval: Interval, delta: &T) -> Step<T> {
        let now = Instant::now();
        self.sweep(now);
        if let Some(reason) = delta.unfit() {
            return Step::Left(reason);
        }
        if let Some(known) = self.streams.get_mut(&stream)
            && (self.max_stale.is_zero() || now.duration_since(known.seen) <= self.max_stale)
        {
            return known.step(interval, delta, now);
        }
        if self.streams.len() >= self.max_streams && !self.streams.contains_key(&stream) {
            return Step::Left(Reason::MaxStreams);
        }
        self.streams.insert(stream, Stream::new(interval, delta, now));
        self.shown.set(i64::try_from(self.streams.len()).unwrap_or(i64::MAX));
        Step::Total { total: delta.clone(), start: interval.start }
    }

    /// Forgets streams that have been silent, now and then.
    fn sweep(&mut self, now: Instant) {
        let is_due = now.duration_since(self.swept) >= self.max_stale / 4;
        if self.max_stale.is_zero() || !is_due {
            return;
        }
        self.swept = now;
        let max_stale = self.max_stale;
        self.streams.retain(|_, stream| now.duration_since(stream.seen) <= max_stale);
        self.shown.set(i64::try_from(self.streams.len()).unwrap_or(i64::MAX));
    }
}

impl Stream {
    fn new<T: Sum>(interval: Interval, delta: &T, now: Instant) -> Self {
        let total = delta.clone().wrap();
        Stream { start: interval.start, last: interval, before: SmallVec::new(), seen: now, total }
    }

    fn step<T: Sum>(&mut self, interval: Interval, delta: &T, now: Instant) -> Step<T> {
        let Some(total) = T::of(&mut self.total) else {
            // The metric is of another type now.
            *self = Stream::new(interval, delta, now);
            return Step::Total { total: delta.clone(), start: interval.start };
        };
        self.seen = now;
        if interval == self.last {
            return Step::Total { total: total.clone(), start: self.start };
        }
        if interval.end <= self.last.end {
            let is_known = self.before.contains(&interval);
            return if is_known { Step::Again } else { Step::Left(Reason::LateDelta) };
        }
        if !total.add(delta) {
            *self = Stream::new(interval, delta, now);
            return Step::Total { total: delta.clone(), start: interval.start };
        }
        if self.before.len() == REMEMBERED {
            self.before.remove(0);
        }
        self.before.push(self.last);
        self.last = interval;
        Step::Total { total: total.clone(), start: self.start }
    }
}

/// Two sums as one: none where there is none. `Err` where only one has a sum, or the two come to no number.
fn both(sum: Option<f64>, delta: Option<f64>) -> Result<Option<f64>, NoSum> {
    match (sum, delta) {
        (None, None) => Ok(None),
        (Some(sum), Some(delta)) => Some(sum + delta).filter(|sum| sum.is_finite()).map(Some).ok_or(NoSum),
        _ => Err(NoSum),
    }
}

/// Two sums have none.
struct NoSum;

impl Sum for f64 {
    fn wrap(self) -> Total {
        Total::Number(self)
    }

    fn of(total: &mut Total) -> Option<&mut Self> {
        match total {
            Total::Number(number) => Some(number),
            _ => None,
        }
    }

    fn add(&mut self, delta: &Self) -> bool {
        let sum = *self + delta;
        if sum.is_finite() {
            *self = sum;
        }
        sum.is_finite()
    }

    fn unfit(&self) -> Option<Reason> {
        (!self.is_finite()).then_some(Reason::NotFinite)
    }
}
