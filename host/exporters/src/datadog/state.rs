//! The state turns what was counted since the start into what came since the last time, which is what Datadog adds up.
//!
//! It is bounded: by the time for which a series is remembered, and by how many numbers are. What was made and could not be
//! delivered is owed: it comes back with [`State::give_back`], and goes out with the next point of its series, or with the
//! same one when that is sent again. So an amount is delivered whatever fails in between, and once.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_otlp::view::Number;
use host_telemetry::{Counter, Gauge, Metrics};
use tokio::time::Instant;

/// How often series are looked for that nobody has heard of.
const SWEEP: Duration = Duration::from_secs(60);

/// The distribution of values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distribution {
    pub(super) count: u64,
    pub(super) sum: Option<f64>,
    /// The extremes, where they are those of these values.
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    pub(super) buckets: Buckets,
}

/// How values are distributed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Buckets {
    /// Each up to its bound, and one more; none where nothing is known.
    Explicit { bounds: Vec<f64>, counts: Vec<u64> },
    /// By the powers of a base that the scale tells; those that are empty are left out.
    Exponential { scale: i32, zero: u64, positive: Vec<(i32, u64)>, negative: Vec<(i32, u64)> },
}

/// What is added up.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Amount {
    /// A sum that only grows: where it is less than before, it has begun anew.
    Growing(Number),
    /// A sum that may shrink.
    Any(f64),
    Values(Box<Distribution>),
}

/// What the first point of a series says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// Nothing.
    Drop,
    /// What was counted since its start.
    Keep,
    /// The same, where that is later than the start of this process: otherwise somebody may have sent it.
    Auto,
}

/// A series, by a digest of all that tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u64, u64);

/// What a point means for its series.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// This came, since this time in nanoseconds.
    Came { amount: Amount, since: u64 },
    /// It is the first one.
    Begun,
    /// It is no newer than one before, whose amount covers it.
    Old,
    /// No more series can be remembered.
    Full,
}

/// The series of one exporter.
pub(super) struct State {
    series: Mutex<Known>,
    hashers: [RandomState; 2],
    ttl: Duration,
    limit: usize,
    first: First,
    /// When this process began, in nanoseconds.
    began: u64,
    shown: Gauge,
    forgotten: Counter,
}

struct Known {
    series: HashMap<Key, Series>,
    /// How many numbers are held.
    numbers: usize,
    swept: Instant,
}

struct Series {
    start: u64,
    time: u64,
    heard: Instant,
    last: Amount,
    owed: Option<Amount>,
}

impl State {
    pub(super) fn new(
        ttl: Duration,
        limit: usize,
        first: First,
        began: u64,
        exporter: &str,
        metrics: &Metrics,
    ) -> Self {
        let labels = [("exporter", exporter)];
        State {
            series: Mutex::new(Known { series: HashMap::new(), numbers: 0, swept: Instant::now() }),
            hashers: [RandomState::new(), RandomState::new()],
            ttl,
            limit,
            first,
            began,
            shown: metrics.gauge(
                "tidegate_exporter_delta_series",
                "Series whose last value is remembered, to tell what came since.",
                &labels,
            ),
            forgotten: metrics.counter(
                "tidegate_exporter_delta_amounts_lost",
                "Amounts that could not be delivered and whose series is remembered no more.",
                &labels,
            ),
        }
    }

    /// The key of a series that is told from others by this.
    pub(super) fn key(&self, identity: impl Hash) -> Key {
        let [one, two] = self.hashers.each_ref().map(|hasher| hasher.hash_one(&identity));
        Key(one, two)
    }

    /// Takes the amount that a series has reached.
    pub(super) fn reached(&self, key: Key, start: u64, time: u64, amount: Amount) -> Step {
        let now = Instant::now();
        let mut known = self.lock();
        if let Some(lost) = known.sweep(now, self.ttl) {
            self.forgotten.inc_by(lost);
            self.show(&known);
        }
        let is_told = match self.first {
            First::Drop => false,
            First::Keep => true,
            First::Auto => start > self.began && start != time,
        };
        let Known { series, numbers, .. } = &mut *known;
        let held = series.get(&key).map_or(0, |there| there.last.numbers());
        if (*numbers + amount.numbers()).saturating_sub(held) > self.limit {
            return Step::Full;
        }
        let Some(there) = series.get_mut(&key) else {
            *numbers += amount.numbers();
            series.insert(key, Series { start, time, heard: now, last: amount.clone(), owed: None });
            self.show(&known);
            return if is_told { Step::Came { amount, since: start } } else { Step::Begun };
        };
        there.heard = now;
        if time <= there.time {
            let owed = there.owed.take_if(|_| time == there.time);
            return owed.map_or(Step::Old, |amount| Step::Came { amount, since: there.start });
        }
        // A start that is not known is taken for the same one.
        let goes_on = start == 0 || (start == there.start && start != time);
        let came = if goes_on { amount.minus(&there.last) } else { None };
        let since = if came.is_some() { there.time } else { start };
        let came = came.or_else(|| is_told.then(|| amount.clone()));
        *numbers = (*numbers + amount.numbers()).saturating_sub(there.last.numbers());
        (there.start, there.time, there.last) = (start, time, amount);
        let came = match (came, there.owed.take()) {
            (Some(came), Some(owed)) => Some(came.plus(&owed)),
            (came, owed) => came.or(owed),
        };
        came.map_or(Step::Begun, |amount| Step::Came { amount, since })
    }

    /// Takes back an amount that was not delivered.
    pub(super) fn give_back(&self, key: Key, amount: Amount) {
        let mut known = self.lock();
        match known.series.get_mut(&key) {
            Some(there) => {
                there.owed = Some(match there.owed.take() {
                    Some(owed) => owed.plus(&amount),
                    None => amount,
                });
            }
            None => self.forgotten.inc(),
        }
    }

    fn show(&self, known: &Known) {
        self.shown.set(i64::try_from(known.series.len()).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Forgets series that nobody has heard of, now and then: how many of them were owed something.
    fn sweep(&mut self, now: Instant, ttl: Duration) -> Option<u64> {
        if now.duration_since(self.swept) < SWEEP.min(ttl) {
            return None;
        }
        self.swept = now;
        let mut owed = 0;
        self.series.retain(|_, series| {
            let is_known = now.duration_since(series.heard) < ttl;
            owed += u64::from(!is_known && series.owed.is_some());
            is_known
        });
        self.numbers = self.series.values().map(|series| series.last.numbers()).sum();
        Some(owed)
    }
}

impl Amount {
    /// How many numbers it consists of.
    fn numbers(&self) -> usize {
        match self {
            Amount::Growing(_) | Amount::Any(_) => 1,
            Amount::Values(values) => match &values.buckets {
                Buckets::Explicit { bounds, counts } => 1 + bounds.len() + counts.len(),
                Buckets::Exponential { positive, negative, .. } => 1 + 2 * (positive.len() + negative.len()),
            },
        }
    }

    /// What came since `earlier`; none where it has begun anew since.
    fn minus(&self, earlier: &Amount) -> Option<Amount> {
        match (self, earlier) {
            (Amount::Growing(now), Amount::Growing(before)) => difference(*now, *before).map(Amount::Growing),
            (Amount::Any(now), Amount::Any(before)) => Some(Amount::Any(now - before)),
            (Amount::Values(now), Amount::Values(before)) => {
                now.minus(before).map(|values| Amount::Values(Box::new(values)))
            }
            _ => None,
        }
    }

    fn plus(&self, other: &Amount) -> Amount {
        match (self, other) {
            (Amount::Growing(one), Amount::Growing(two)) => Amount::Growing(total(*one, *two)),
            (Amount::Any(one), Amount::Any(two)) => Amount::Any(one + two),
            (Amount::Values(one), Amount::Values(two)) => Amount::Values(Box::new(one.plus(two))),
            // A series does not change what it adds up.
            _ => self.clone(),
        }
    }
}

fn difference(now: Number, before: Number) -> Option<Number> {
    match (now, before) {
        (Number::Int(now), Number::Int(before)) => now.checked_sub(before).filter(|came| *came >= 0).map(Number::Int),
        _ => Some(double(now) - double(before)).filter(|came| *came >= 0.0).map(Number::Double),
    }
}

fn total(one: Number, two: Number) -> Number {
    match (one, two) {
        (Number::Int(one), Number::Int(two)) if one.checked_add(two).is_some() => Number::Int(one.wrapping_add(two)),
        _ => Number::Double(double(one) + double(two)),
    }
}

fn double(number: Number) -> f64 {
    match number {
        Number::Int(int) => int as f64,
        Number::Double(double) => double,
    }
}

impl Distribution {
    fn minus(&self, earlier: &Distribution) -> Option<Distribution> {
        let buckets = match (&self.buckets, &earlier.buckets) {
            (Buckets::Explicit { bounds, counts }, Buckets::Explicit { bounds: old, counts: before }) => {
                if bounds != old || counts.len() != before.len() {
                    return None;
                }
                let came = counts.iter().zip(before).map(|(now, before)| now.checked_sub(*before));
                Buckets::Explicit { bounds: bounds.clone(), counts: came.collect::<Option<_>>()? }
            }
            (
                Buckets::Exponential { scale, zero, positive, negative },
                Buckets::Exponential { scale: old, zero: no, positive: plus, negative: minus },
            ) => Buckets::Exponential {
                scale: *scale,
                zero: zero.checked_sub(*no)?,
                positive: less(positive, &coarser(plus, *old, *scale)?)?,
                negative: less(negative, &coarser(minus, *old, *scale)?)?,
            },
            _ => return None,
        };
        Some(Distribution {
            count: self.count.checked_sub(earlier.count)?,
            sum: self.sum.zip(earlier.sum).map(|(now, before)| now - before),
            // Those of all the time say nothing of those since.
            min: None,
            max: None,
            buckets,
        })
    }

    fn plus(&self, other: &Distribution) -> Distribution {
        let buckets = match (&self.buckets, &other.buckets) {
            (Buckets::Explicit { bounds, counts }, Buckets::Explicit { bounds: same, counts: more })
                if bounds == same =>
            {
                let sums = counts.iter().zip(more).map(|(one, two)| one.saturating_add(*two));
                Buckets::Explicit { bounds: bounds.clone(), counts: sums.collect() }
            }
            (
                Buckets::Exponential { scale, zero, positive, negative },
                Buckets::Exponential { scale: old, zero: more, positive: plus, negative: minus },
            ) => {
                let to = *scale.min(old);
                let both = |one: &[(i32, u64)], two: &[(i32, u64)]| {
                    let mut all = coarser(one, *scale, to).unwrap_or_default();
                    all.extend(coarser(two, *old, to).unwrap_or_default());
                    merged(all)
                };
                Buckets::Exponential {
                    scale: to,
                    zero: zero.saturating_add(*more),
                    positive: both(positive, plus),
                    negative: both(negative, minus),
                }
            }
            // Values whose buckets changed meanwhile are all taken to be distributed as the later ones.
            _ => self.buckets.clone(),
        };
        let least = |one: Option<f64>, two: Option<f64>| one.zip(two).map(|(one, two)| one.min(two));
        let most = |one: Option<f64>, two: Option<f64>| one.zip(two).map(|(one, two)| one.max(two));
        Distribution {
            count: self.count.saturating_add(other.count),
            sum: self.sum.zip(other.sum).map(|(one, two)| one + two),
            min: least(self.min, other.min),
            max: most(self.max, other.max),
            buckets,
        }
    }
}

/// Buckets of one scale as those of a coarser one; none where it is finer.
fn coarser(buckets: &[(i32, u64)], from: i32, to: i32) -> Option<Vec<(i32, u64)>> {
    let steps = u32::try_from(from.checked_sub(to)?).ok()?;
    let moved = buckets.iter().map(|(index, count)| (index >> steps.min(31), *count));
    Some(merged(moved.collect()))
}

/// Sorts by index, and adds up what has the same one.
fn merged(mut buckets: Vec<(i32, u64)>) -> Vec<(i32, u64)> {
    buckets.sort_unstable_by_key(|(index, _)| *index);
    buckets.dedup_by(|later, kept| {
        let is_same = later.0 == kept.0;
        if is_same {
            kept.1 = kept.1.saturating_add(later.1);
        }
        is_same
    });
    buckets
}

/// What `now` has more than `before`; none where it has less anywhere.
fn less(now: &[(i32, u64)], before: &[(i32, u64)]) -> Option<Vec<(i32, u64)>> {
    // Indices beyond all that there may be have become the same one.
    let now = merged(now.to_vec());
    let known: HashMap<i32, u64> = now.iter().copied().collect();
    if before.iter().any(|(index, count)| known.get(index).copied().unwrap_or(0) < *count) {
        return None;
    }
    let old: HashMap<i32, u64> = before.iter().copied().collect();
    let came = now.iter().map(|(index, count)| (*index, count.saturating_sub(old.get(index).copied().unwrap_or(0))));
    Some(came.filter(|(_, count)| *count > 0).collect())
}

#[cfg(test)]
mod tests;
