//! A sketch is how Datadog holds a distribution: values are counted in bins whose bounds grow by a fixed factor, so that
//! every quantile is known to within a percent. The factor and the bins are those of Datadog's agent.

use std::collections::BTreeMap;

use prost::Message as _;

use super::state::{Buckets, Distribution};

/// By how much the bounds of neighbouring bins differ.
const GAMMA: f64 = 1.0 + 2.0 / 128.0;
/// What is smaller is zero.
const SMALLEST: f64 = 1e-9;
/// The last bin.
const LAST: i32 = (1 << 15) - 2;
/// What one bin can count.
const BIN: u64 = 0xffff;
/// The most bins of a sketch.
const BINS: usize = 4096;

/// Values by bins.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sketch {
    bins: BTreeMap<i32, u64>,
    /// The bounds of what was added.
    low: Option<f64>,
    high: Option<f64>,
}

/// Where the first bin above zero lies on the scale of powers.
fn bias() -> i32 {
    1 - (SMALLEST.ln() / GAMMA.ln()).floor() as i32
}

/// The bin of a value.
fn bin(value: f64) -> i32 {
    let size = value.abs();
    if size < smallest() {
        return 0;
    }
    // A number so large that it is none, too.
    let power = (size.ln() / GAMMA.ln()).round_ties_even().min(f64::from(LAST)) as i32;
    let bin = (power + bias()).clamp(1, LAST);
    if value < 0.0 { -bin } else { bin }
}

/// The smallest value that is not zero.
fn smallest() -> f64 {
    GAMMA.powi(1 - bias())
}

/// The value up to which a bin goes.
fn end(bin: i32) -> f64 {
    match bin {
        0 => smallest(),
        -1 => -smallest(),
        1.. => GAMMA.powf(f64::from(bin - bias()) + 0.5),
        _ => -GAMMA.powf(f64::from(-bin - bias()) - 0.5),
    }
}

/// What the values are on average, where that is known.
fn mean(distribution: &Distribution) -> f64 {
    let sum = distribution.sum.filter(|sum| sum.is_finite()).unwrap_or_default();
    sum / distribution.count.max(1) as f64
}

/// Whether a distribution's buckets make sense; without any, what it adds up to has to.
pub(super) fn is_sound(distribution: &Distribution) -> bool {
    match &distribution.buckets {
        Buckets::Explicit { bounds, counts } if counts.is_empty() => {
            bounds.is_empty() && distribution.sum.is_none_or(f64::is_finite)
        }
        Buckets::Explicit { bounds, counts } => {
            let is_rising = bounds.windows(2).all(|pair| matches!(pair, [low, high] if low < high));
            counts.len() == bounds.len() + 1 && is_rising && bounds.iter().all(|bound| bound.is_finite())
        }
        Buckets::Exponential { .. } => true,
    }
}

impl Sketch {
    /// The sketch of a distribution; none where its buckets make no sense.
    pub(super) fn of(distribution: &Distribution) -> Option<Self> {
        if !is_sound(distribution) {
            return None;
        }
        let mut sketch = Sketch::default();
        let (min, max) = (distribution.min, distribution.max);
        match &distribution.buckets {
            Buckets::Explicit { counts, .. } if counts.is_empty() => {
                // All that is known is how many there are, and how large they are in all.
                let mean = mean(distribution);
                let (low, high) = (min.unwrap_or(mean), max.unwrap_or(mean));
                sketch.spread(low, high, distribution.count);
            }
            Buckets::Explicit { bounds, counts } => {
                for (i, count) in counts.iter().enumerate() {
                    let below = i.checked_sub(1).and_then(|i| bounds.get(i).copied());
                    let above = bounds.get(i).copied();
                    // Without an outer bound, what is known of the extreme stands for it.
                    let low = below.or(min.filter(|min| above.is_none_or(|above| *min <= above))).or(above);
                    let high = above.or(max.filter(|max| below.is_none_or(|below| *max >= below))).or(below);
                    let mean = mean(distribution);
                    sketch.spread(low.unwrap_or(mean), high.unwrap_or(mean), *count);
                }
            }
            Buckets::Exponential { scale, zero, positive, negative } => {
                let bound = |index: i64| (index as f64 * (-f64::from(*scale)).exp2()).exp2().min(f64::MAX);
                for (index, count) in negative {
                    sketch.spread(-bound(i64::from(*index) + 1), -bound(i64::from(*index)), *count);
                }
                sketch.spread(0.0, 0.0, *zero);
                for (index, count) in positive {
                    sketch.spread(bound(i64::from(*index)), bound(i64::from(*index) + 1), *count);
                }
            }
        }
        Some(sketch)
    }

    /// Adds values that lie somewhere between two bounds, anywhere as likely as elsewhere.
    fn spread(&mut self, low: f64, high: f64, count: u64) {
        if count == 0 {
            return;
        }
        self.low = Some(self.low.map_or(low, |known| known.min(low)));
        self.high = Some(self.high.map_or(high, |known| known.max(high)));
        let (first, last) = (bin(low), bin(high));
        let mut before = 0;
        for bin in first..last {
            // Halves first: the distance of two numbers may be none.
            let share = (end(bin) / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
            let up_to = ((count as f64 * share.clamp(0.0, 1.0)).round() as u64).clamp(before, count);
            self.add(bin, up_to - before);
            before = up_to;
        }
        self.add(last, count - before);
    }

    fn add(&mut self, bin: i32, count: u64) {
        if count > 0 {
            let there = self.bins.entry(bin).or_default();
            *there = there.saturating_add(count);
        }
    }

    /// The bins as they are sent: no bin counts more than it can, and there are no more of them than a sketch may have.
    fn columns(&self) -> (Vec<i32>, Vec<u32>) {
        let mut bins = self.bins.clone();
        // Small values matter least: what is one bin too many is counted with the next larger one.
        while bins.len() > BINS / 2 {
            let Some((_, count)) = bins.pop_first() else { break };
            if let Some(mut next) = bins.first_entry() {
                *next.get_mut() = next.get().saturating_add(count);
            }
        }
        // So many values keep their proportions; how many there are is told apart from them.
        let total = bins.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let divisor = total.div_ceil(BINS as u64 / 2 * BIN).max(1);
        let (mut keys, mut counts) = (Vec::new(), Vec::new());
        for (bin, count) in bins {
            let mut left = (count / divisor).max(1);
            while left > 0 {
                let some = left.min(BIN);
                keys.push(bin);
                counts.push(some as u32);
                left -= some;
            }
        }
        (keys, counts)
    }
}

/// What is sent of a sketch besides its bins.
pub(super) struct Labels<'l> {
    pub(super) metric: &'l str,
    pub(super) host: &'l str,
    pub(super) tags: Vec<String>,
    /// In seconds.
    pub(super) time: i64,
}

/// Appends the encoding of one sketch of a payload: payloads end to end are the payload of all their sketches.
pub(super) fn encode(out: &mut Vec<u8>, labels: Labels<'_>, sketch: &Sketch, distribution: &Distribution) {
    let (k, n) = sketch.columns();
    let count = distribution.count.max(1) as f64;
    let (low, high) = (sketch.low.unwrap_or_default(), sketch.high.unwrap_or_default());
    let sum = distribution.sum.filter(|sum| sum.is_finite()).unwrap_or_else(|| (low + high) / 2.0 * count);
    let dogsketch = Dogsketch {
        ts: labels.time,
        cnt: i64::try_from(distribution.count).unwrap_or(i64::MAX),
        min: distribution.min.unwrap_or(low),
        max: distribution.max.unwrap_or(high),
        avg: sum / count,
        sum,
        k,
        n,
    };
    let sketch = OneSketch {
        metric: labels.metric.to_owned(),
        host: labels.host.to_owned(),
        tags: labels.tags,
        dogsketches: vec![dogsketch],
    };
    // A vector takes everything.
    let _ = Payload { sketches: vec![sketch] }.encode(out);
}

/// What the intake of sketches takes, as Datadog's agent sends it.
#[derive(Clone, PartialEq, prost::Message)]
struct Payload {
    #[prost(message, repeated, tag = "1")]
    sketches: Vec<OneSketch>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OneSketch {
    #[prost(string, tag = "1")]
    metric: String,
    #[prost(string, tag = "2")]
    host: String,
    #[prost(string, repeated, tag = "4")]
    tags: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    dogsketches: Vec<Dogsketch>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Dogsketch {
    #[prost(int64, tag = "1")]
    ts: i64,
    #[prost(int64, tag = "2")]
    cnt: i64,
    #[prost(double, tag = "3")]
    min: f64,
    #[prost(double, tag = "4")]
    max: f64,
    #[prost(double, tag = "5")]
    avg: f64,
    #[prost(double, tag = "6")]
    sum: f64,
    #[prost(sint32, repeated, tag = "7")]
    k: Vec<i32>,
    #[prost(uint32, repeated, tag = "8")]
    n: Vec<u32>,
}

#[cfg(test)]
mod tests;
