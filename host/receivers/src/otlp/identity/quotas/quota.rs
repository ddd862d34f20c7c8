//! A quota is what one identity may send, over all of its connections; a share is what one of its requests takes of it.
//!
//! A request is let in, or refused, before its body is read, when all that is known of it is the size that it announces. It
//! takes what that came to lately for this identity, and puts it right when it knows. So requests that come at once count
//! before any of them has been unpacked, and what was read is not refused any more for a rate.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use host_component::Signal;
use host_identity::Limits;
use host_telemetry::Counter;
use tokio::time::Instant;

use super::bucket::Bucket;
use super::refusals::Refusals;
use crate::otlp::status::{Cause, Rejection};

/// How long a sender is asked to wait for room in flight, which nobody knows when there will be.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the log is told of an identity that sends too much.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// How much of an average the last request is.
const LAST: f64 = 0.25;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Requests,
    Items,
    Bytes,
    InFlight,
}

impl Limit {
    /// Those of what comes in a time.
    const RATES: [Limit; 3] = [Limit::Requests, Limit::Items, Limit::Bytes];

    /// The key of the configuration.
    fn name(self) -> &'static str {
        match self {
            Limit::Requests => "requests_per_second",
            Limit::Items => "items_per_second",
            Limit::Bytes => "mib_per_second",
            Limit::InFlight => "in_flight_mib",
        }
    }

    fn of(self, limits: &Limits) -> Option<f64> {
        match self {
            Limit::Requests => limits.requests_per_second,
            Limit::Items => limits.items_per_second,
            Limit::Bytes => limits.mib_per_second,
            Limit::InFlight => limits.in_flight_mib.map(f64::from),
        }
    }
}

/// What is known of a request before it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced {
    pub(crate) signal: Signal,
    /// Its size as it is sent; 0 where that is not said.
    pub(crate) bytes: usize,
    /// What it may come to at the most.
    pub(crate) largest: usize,
}

pub(crate) struct Quota {
    identity: String,
    limits: Limits,
    in_flight: Option<usize>,
    state: Mutex<State>,
    refusals: Arc<Refusals>,
    counters: [OnceLock<Counter>; 4],
}

struct State {
    /// In the order of [`Limit::RATES`].
    buckets: [Option<Bucket>; 3],
    in_flight: usize,
    /// What a byte that was announced came to lately, of each signal, in items and in bytes.
    per_byte: [[Option<f64>; 3]; 3],
    told: Option<Instant>,
    /// Refusals since then.
    untold: u64,
}

impl Quota {
    pub(crate) fn new(identity: &str, limits: &Limits, refusals: Arc<Refusals>, now: Instant) -> Quota {
        let bucket = |limit: Limit| {
            let unit = if limit == Limit::Bytes { f64::from(1 << 20) } else { 1.0 };
            limit.of(limits).map(|rate| Bucket::new(rate * unit, limits.burst(), now))
        };
        let buckets = Limit::RATES.map(bucket);
        Quota {
            identity: identity.to_owned(),
            limits: limits.clone(),
            in_flight: limits.in_flight(),
            state: Mutex::new(State { buckets, in_flight: 0, per_byte: [[None; 3]; 3], told: None, untold: 0 }),
            refusals,
            counters: Default::default(),
        }
    }

    /// Lets in a request.
    ///
    /// # Errors
    /// Where the identity has sent as much as it may; it says when to come again.
    pub(crate) fn share(self: &Arc<Self>, announced: Announced, now: Instant) -> Result<Share, Rejection> {
        let mut state = self.state();
        let waits = Limit::RATES.iter().zip(&mut state.buckets);
        let waits = waits.filter_map(|(limit, bucket)| Some((*limit, bucket.as_mut()?.wait(now)?)));
        if let Some((limit, after)) = waits.max_by_key(|(_, after)| *after) {
            return Err(self.refused(&mut state, limit, after, now));
        }
        if !self.has_room(&state, announced.bytes) {
            return Err(self.refused(&mut state, Limit::InFlight, PAUSE, now));
        }
        if self.in_flight.is_some() {
            state.in_flight += announced.bytes;
        }
        let expected = [1.0, state.expects(Limit::Items, &announced), state.expects(Limit::Bytes, &announced)];
        let mut open = [None; 3];
        for ((bucket, open), amount) in state.buckets.iter_mut().zip(&mut open).zip(expected) {
            if let Some(bucket) = bucket {
                bucket.take(amount);
                *open = Some(amount);
            }
        }
        Ok(Share { quota: Arc::clone(self), announced, bytes: announced.bytes, most: announced.bytes, open })
    }

    /// How long until nothing is to be remembered of it.
    pub(crate) fn until_rest(&self, now: Instant) -> Duration {
        let mut state = self.state();
        state.buckets.iter_mut().flatten().map(|bucket| bucket.until_full(now)).max().unwrap_or_default()
    }

    fn has_room(&self, state: &State, bytes: usize) -> bool {
        self.in_flight.is_none_or(|most| state.in_flight.checked_add(bytes).is_some_and(|sum| sum <= most))
    }

    /// Counts a request that is refused, and makes what its sender is told.
    fn refused(&self, state: &mut State, limit: Limit, after: Duration, now: Instant) -> Rejection {
        let counter = self.counters[limit as usize].get_or_init(|| self.refusals.of(&self.identity, limit.name()));
        counter.inc();
        state.untold += 1;
        let value = limit.of(&self.limits).unwrap_or_default();
        if state.told.is_none_or(|told| now.saturating_duration_since(told) >= TELL_EVERY) {
            state.told = Some(now);
            tracing::warn!(
                receiver = self.refusals.receiver,
                identity = self.identity,
                limit = limit.name(),
                value,
                requests = std::mem::take(&mut state.untold),
                "an identity sends more than it may: requests are refused, and their sender is told when to come again"
            );
        }
        let message = format!(
            "the identity {:?} has sent as much as it may: its {} of {value} is used up; try again in {after:?}",
            self.identity,
            limit.name(),
        );
        Rejection { cause: Cause::Limited, message, after: Some(after) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What a request will come to.
    fn expects(&self, limit: Limit, announced: &Announced) -> f64 {
        let Announced { signal, bytes, largest } = *announced;
        match self.per_byte[signal as usize][limit as usize] {
            Some(ratio) => (bytes as f64 * ratio).min(largest as f64),
            None if limit == Limit::Bytes => bytes as f64,
            None => 1.0,
        }
    }

    /// Notes what a request came to.
    fn learn(&mut self, limit: Limit, announced: &Announced, amount: f64) {
        if announced.bytes > 0 {
            let ratio = amount / announced.bytes as f64;
            let known = &mut self.per_byte[announced.signal as usize][limit as usize];
            *known = Some(known.map_or(ratio, |known| known + (ratio - known) * LAST));
        }
    }

    fn settle(&mut self, limit: Limit, expected: f64, amount: f64) {
        if let Some(bucket) = &mut self.buckets[limit as usize] {
            bucket.take(amount - expected);
        }
    }
}

/// What a request takes of its identity's quota; what is in flight of it is given back on drop.
///
/// A request that comes to nothing, as it cannot be unpacked or breaks off, counts by the room that it took.
pub(crate) struct Share {
    quota: Arc<Quota>,
    announced: Announced,
    bytes: usize,
    /// The most that it had in flight.
    most: usize,
    /// What was taken for it of each rate that is limited, until what it comes to is known.
    open: [Option<f64>; 3],
}

impl Share {
    /// Takes `bytes` more, or leaves it as it is where its identity may not have them in flight.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        if self.quota.in_flight.is_some() {
            let mut state = self.quota.state();
            if !self.quota.has_room(&state, bytes) {
                return false;
            }
            state.in_flight += bytes;
        }
        self.bytes += bytes;
        self.most = self.most.max(self.bytes);
        true
    }

    /// Gives back what goes beyond `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.bytes -= surplus;
        if self.quota.in_flight.is_some() {
            self.quota.state().in_flight -= surplus;
        }
    }

    /// What is told to a sender whose request could not grow.
    pub(crate) fn no_room(&self, now: Instant) -> Rejection {
        self.quota.refused(&mut self.quota.state(), Limit::InFlight, PAUSE, now)
    }

    /// Notes what the request came to.
    pub(crate) fn settle(&mut self, limit: Limit, amount: u64) {
        let Some(expected) = self.open[limit as usize].take() else { return };
        let mut state = self.quota.state();
        state.learn(limit, &self.announced, amount as f64);
        state.settle(limit, expected, amount as f64);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.quota.state();
        if self.quota.in_flight.is_some() {
            state.in_flight -= self.bytes;
        }
        if let Some(expected) = self.open[Limit::Items as usize] {
            state.settle(Limit::Items, expected, 0.0);
        }
        if let Some(expected) = self.open[Limit::Bytes as usize] {
            state.settle(Limit::Bytes, expected, self.most as f64);
        }
    }
}

#[cfg(test)]
mod tests;
