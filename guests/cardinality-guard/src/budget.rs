//! Who has a place: the series of each metric that were there first, as long as they come.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use crate::config::Config;

/// Numbers that are hashes already.
type Hashed<V> = HashMap<u64, V, BuildHasherDefault<Same>>;

const SECOND: u64 = 1_000_000_000;
/// How often a metric that is full is looked through for series to forget, at the most.
const LOOK_AGAIN: u32 = 10;

/// The budgets of all metrics.
pub(crate) struct Budgets {
    config: Config,
    metrics: Hashed<Metric>,
    /// The series of all.
    total: u32,
    now: u32,
    /// The time from which `now` counts: that of the first batch.
    epoch: Option<u64>,
    forgotten: u64,
}

struct Metric {
    limit: u32,
    /// Each series with the second in which it was seen last.
    series: Hashed<u32>,
    is_over: bool,
    /// When it was looked through last.
    looked: Option<u32>,
}

/// What becomes of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Within,
    /// The first for a while, of a metric with this limit.
    FirstBeyond(u32),
    Beyond,
}

impl Budgets {
    pub(crate) fn new(config: Config) -> Self {
        Budgets { config, metrics: Hashed::default(), total: 0, now: 0, epoch: None, forgotten: 0 }
    }

    /// Begins a batch that was taken at this time.
    pub(crate) fn begin(&mut self, now: u64) {
        let epoch = *self.epoch.get_or_insert(now);
        // A clock that is set back stands still here.
        let seconds = now.saturating_sub(epoch) / SECOND;
        self.now = self.now.max(u32::try_from(seconds).unwrap_or(u32::MAX));
    }

    /// Whether a point of this series has a place in its metric.
    pub(crate) fn take(&mut self, name: &str, name_hash: u64, series: u64) -> Verdict {
        let now = self.now;
        let limit = |config: &Config| config.limits.get(name).copied().unwrap_or(config.limit);
        let metric = self.metrics.entry(name_hash).or_insert_with(|| Metric::new(limit(&self.config)));
        if let Some(seen) = metric.series.get_mut(&series) {
            *seen = now;
            return Verdict::Within;
        }
        // The series of overflow has one of the places.
        let is_full = |metric: &Metric, total: u32| {
            metric.series.len() as u32 + 1 >= metric.limit || total >= self.config.max_series
        };
        if is_full(metric, self.total) {
            let forgotten = metric.forget(now, self.config.forget_after_seconds);
            self.total -= forgotten;
            self.forgotten += u64::from(forgotten);
        }
        if is_full(metric, self.total) {
            let was_over = std::mem::replace(&mut metric.is_over, true);
            return if was_over { Verdict::Beyond } else { Verdict::FirstBeyond(metric.limit) };
        }
        metric.series.insert(series, now);
        self.total += 1;
        Verdict::Within
    }

    /// How many series were forgotten since this was asked last.
    pub(crate) fn forgotten(&mut self) -> u64 {
        std::mem::take(&mut self.forgotten)
    }
}

impl Metric {
    fn new(limit: u32) -> Self {
        Metric { limit, series: Hashed::default(), is_over: false, looked: None }
    }

    /// Forgets what was not seen for so many seconds; how many these were.
    fn forget(&mut self, now: u32, after: u64) -> u32 {
        if self.looked.is_some_and(|looked| now - looked < LOOK_AGAIN) {
            return 0;
        }
        self.looked = Some(now);
        let before = self.series.len();
        self.series.retain(|_, seen| u64::from(now - *seen) <= after);
        let forgotten = (before - self.series.len()) as u32;
        if forgotten > 0 {
            self.is_over = false;
        }
        forgotten
    }
}

pub(crate) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Takes a hash for what it is.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// Only numbers are hashed so.
    fn write(&mut self, _: &[u8]) {}
}
