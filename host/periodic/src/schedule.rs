//! When a receiver collects: the Collector's keys of every receiver that has an interval.
//!
//! A section has the keys `collection_interval`, `initial_delay` and `timeout` beside its own, each a field of its own, so that
//! a mistake in one is told with its line; `schedule()` of the section then makes this of them.

use std::time::Duration;

use host_config::Wrong;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// `collection_interval`.
    pub interval: Duration,
    /// `initial_delay`: how long the first collection waits.
    pub initial_delay: Duration,
    /// `timeout`: what a collection may take; 0 is no limit.
    pub timeout: Duration,
}

impl Schedule {
    /// What `initial_delay` is where nobody says so.
    pub const INITIAL_DELAY: Duration = Duration::from_secs(1);

    /// What makes no sense.
    pub fn wrongs(&self) -> Vec<Wrong> {
        Wrong::among([(
            "collection_interval",
            self.interval.is_zero(),
            "it is more than 0: write how long it is from one collection to the next, such as `1m`",
        )])
    }

    /// What a collection may take, where that is limited.
    pub(crate) fn limit(&self) -> Option<Duration> {
        Some(self.timeout).filter(|timeout| !timeout.is_zero())
    }
}
