//! The pauses between the attempts of one request.

use std::time::Duration;

use host_config::delivery::Retry;
use tokio::time::Instant;

/// Where the attempts of one request are.
pub(crate) struct Backoff<'a> {
    retry: &'a Retry,
    interval: Duration,
    started: Instant,
}

impl<'a> Backoff<'a> {
    pub(crate) fn new(retry: &'a Retry) -> Self {
        Backoff { retry, interval: retry.initial_interval.min(retry.max_interval), started: Instant::now() }
    }

    /// How long to wait before the next attempt, at least `after`; `None` when it is time to give up.
    pub(crate) fn next(&mut self, after: Option<Duration>) -> Option<Duration> {
        if !self.retry.enabled {
            return None;
        }
        let spread = self.retry.randomization_factor * (2.0 * random() - 1.0);
        let interval = self.interval.mul_f64(1.0 + spread);
        self.interval = self.interval.mul_f64(self.retry.multiplier).min(self.retry.max_interval);
        let wait = interval.max(after.unwrap_or_default());
        let is_late = self.retry.limit().is_some_and(|limit| self.started.elapsed() + wait > limit);
        (!is_late).then_some(wait)
    }
}

/// A number from 0 to 1: enough to keep senders from marching in step.
fn random() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}
