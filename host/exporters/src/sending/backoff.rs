//! The pauses between the attempts of one request.

use std::time::Duration;

use host_config::delivery::Retry;
use tokio::time::Instant;

/// The longest pause that a next hop is given which asks for one.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

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
        let longest = self.retry.max_interval;
        let times = |factor: f64| Duration::try_from_secs_f64(self.interval.as_secs_f64() * factor).unwrap_or(longest);
        let (interval, next) = (times(1.0 + spread), times(self.retry.multiplier).min(longest));
        self.interval = next;
        // Whoever names a date while one of the two clocks is wrong means no day.
        let wait = interval.max(after.unwrap_or_default().min(LONGEST_ASKED));
        let is_late = self.retry.limit().is_some_and(|limit| self.started.elapsed() + wait > limit);
        (!is_late).then_some(wait)
    }
}

/// A number from 0 to 1: enough to keep senders from marching in step.
fn random() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}
