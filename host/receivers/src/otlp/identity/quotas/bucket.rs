//! A bucket holds what is left of a rate: it fills as time goes by, and may owe.
//!
//! Something may be taken as long as there is anything in it, however much it is. So whoever sends much at once waits
//! afterwards, and nothing is too large to ever be let in, nor waits for a moment in which nobody takes less.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that anybody is told to wait.
const LONGEST: Duration = Duration::from_secs(3600);
/// What is left of it is told in whole milliseconds, and one more, so that whoever waits that long does not wait in vain.
const TICK: Duration = Duration::from_millis(1);

#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// What comes in, in a second.
    rate: f64,
    most: f64,
    /// What is in it; below zero it owes.
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full one, which holds what `rate` comes to in `burst`.
    pub(crate) fn new(rate: f64, burst: Duration, now: Instant) -> Bucket {
        let most = rate * burst.as_secs_f64();
        Bucket { rate, most, level: most, at: now }
    }

    /// How long until something may be taken; none where it may be now.
    pub(crate) fn wait(&mut self, now: Instant) -> Option<Duration> {
        self.fill(now);
        (self.level <= 0.0).then(|| self.time_of(-self.level))
    }

    /// Takes this, whether it is there or not; less than nothing is given back.
    pub(crate) fn take(&mut self, amount: f64) {
        self.level = (self.level - amount).min(self.most);
    }

    /// How long until it is full, when nothing is taken.
    pub(crate) fn until_full(&mut self, now: Instant) -> Duration {
        self.fill(now);
        let missing = self.most - self.level;
        if missing > 0.0 { self.time_of(missing) } else { Duration::ZERO }
    }

    fn fill(&mut self, now: Instant) {
        // Threads read the clock before they come here, and so one may be a little behind another.
        let passed = now.saturating_duration_since(self.at);
        self.level = (self.level + self.rate * passed.as_secs_f64()).min(self.most);
        self.at += passed;
    }

    /// How long so much takes to come in.
    fn time_of(&self, amount: f64) -> Duration {
        let millis = (amount / self.rate * 1000.0).ceil();
        // A float that is no number of milliseconds becomes one that is cut to the longest.
        (Duration::from_millis(millis as u64) + TICK).min(LONGEST)
    }
}

#[cfg(test)]
mod tests;
