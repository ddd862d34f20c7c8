//! Sums of exponential histograms: brought to the coarser of the two scales, and to one that needs no more buckets than
//! there may be.

use super::{Sum, Total, both};
use crate::prometheus_remote_write::translate::Reason;

/// How many buckets one side may have.
const MOST: i64 = 320;

/// An exponential histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::prometheus_remote_write) struct Exponential {
    pub(in crate::prometheus_remote_write) scale: i32,
    pub(in crate::prometheus_remote_write) count: u64,
    pub(in crate::prometheus_remote_write) sum: Option<f64>,
    pub(in crate::prometheus_remote_write) zero_count: u64,
    pub(in crate::prometheus_remote_write) zero_threshold: f64,
    pub(in crate::prometheus_remote_write) positive: Side,
    pub(in crate::prometheus_remote_write) negative: Side,
}

/// The buckets on one side of zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::prometheus_remote_write) struct Side {
    pub(in crate::prometheus_remote_write) offset: i32,
    pub(in crate::prometheus_remote_write) counts: Vec<u64>,
}

impl Side {
    /// The indices of the first bucket and of that behind the last, where the scale is coarser by so much.
    fn range(&self, coarser: u32) -> Option<(i64, i64)> {
        let last = i64::from(self.offset) + i64::try_from(self.counts.len()).ok()? - 1;
        (!self.counts.is_empty()).then_some((i64::from(self.offset) >> coarser, (last >> coarser) + 1))
    }

    /// By how much more the scale has to be coarser for the two to have few enough buckets.
    fn coarsening(&self, own: u32, other: &Side, theirs: u32) -> u32 {
        let (Some((a, b)), Some((c, d))) = (self.range(own), other.range(theirs)) else { return 0 };
        let (first, end) = (a.min(c), b.max(d));
        (0..32).find(|more| ((end - 1) >> more) - (first >> more) < MOST).unwrap_or(32)
    }

    /// Adds the other side, both at the scale that is coarser by so much than theirs.
    fn add(&mut self, own: u32, other: &Side, theirs: u32) {
        let ranges = [self.range(own), other.range(theirs)];
        let Some(first) = ranges.iter().flatten().map(|(first, _)| *first).min() else { return };
        let end = ranges.iter().flatten().map(|(_, end)| *end).max().unwrap_or(first);
        let mut counts = vec![0u64; usize::try_from(end - first).unwrap_or(0)];
        for (side, coarser) in [(&*self, own), (other, theirs)] {
            for (at, count) in (i64::from(side.offset)..).zip(&side.counts) {
                let at = usize::try_from((at >> coarser) - first).ok();
                if let Some(sum) = at.and_then(|at| counts.get_mut(at)) {
                    *sum = sum.saturating_add(*count);
                }
            }
        }
        *self = Side { offset: i32::try_from(first).unwrap_or(i32::MIN), counts };
    }

    /// Takes out the buckets that lie within the threshold at this scale: what they held.
    fn within(&mut self, threshold: f64, scale: i32) -> u64 {
        let upper = |index: i64| ((index + 1) as f64 * (-f64::from(scale)).exp2()).exp2();
        let first = i64::from(self.offset);
        let covered = (first..).zip(&self.counts).take_while(|(index, _)| upper(*index) <= threshold).count();
        self.offset = self.offset.saturating_add(i32::try_from(covered).unwrap_or(i32::MAX));
        self.counts.drain(..covered).fold(0, u64::saturating_add)
    }
}

impl Exponential {
    /// Widens the bucket of zero to this threshold.
    fn widen(&mut self, threshold: f64) {
        if threshold > self.zero_threshold {
            let [above, below] =
                [&mut self.positive, &mut self.negative].map(|side| side.within(threshold, self.scale));
            self.zero_count = self.zero_count.saturating_add(above).saturating_add(below);
            self.zero_threshold = threshold;
        }
    }
}

impl Sum for Exponential {
    fn wrap(self) -> Total {
        Total::Exponential(Box::new(self))
    }

    fn of(total: &mut Total) -> Option<&mut Self> {
        match total {
            Total::Exponential(histogram) => Some(histogram),
            _ => None,
        }
    }

    fn add(&mut self, delta: &Self) -> bool {
        let Ok(sum) = both(self.sum, delta.sum) else { return false };
        let mut delta = delta.clone();
        delta.widen(self.zero_threshold);
        self.widen(delta.zero_threshold);
        let scale = self.scale.min(delta.scale);
        let by = |from: i32| u32::try_from(i64::from(from) - i64::from(scale)).unwrap_or(0).min(63);
        let (own, theirs) = (by(self.scale), by(delta.scale));
        let more = self.positive.coarsening(own, &delta.positive, theirs);
        let more = more.max(self.negative.coarsening(own, &delta.negative, theirs));
        let (own, theirs) = ((own + more).min(63), (theirs + more).min(63));
        self.positive.add(own, &delta.positive, theirs);
        self.negative.add(own, &delta.negative, theirs);
        self.scale = scale.saturating_sub(more.cast_signed());
        self.count = self.count.saturating_add(delta.count);
        self.zero_count = self.zero_count.saturating_add(delta.zero_count);
        self.sum = sum;
        true
    }

    fn unfit(&self) -> Option<Reason> {
        let is_large = [&self.positive, &self.negative].iter().any(|side| side.counts.len() as i64 > MOST);
        match self.zero_threshold.is_finite() {
            true => is_large.then_some(Reason::InvalidBuckets),
            // Everything would be zero from then on.
            false => Some(Reason::NotFinite),
        }
    }
}
