//! The buckets of a histogram as Splunk counts them: each holds everything up to its bound.

use host_otlp::view::{Buckets, ExponentialHistogramDataPoint, HistogramDataPoint};

/// How many values are no larger than a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct UpTo {
    pub(super) bound: f64,
    pub(super) count: u64,
}

/// The buckets of a histogram, which may have none; `None` where there is not one more than it has bounds.
pub(super) fn explicit(point: &HistogramDataPoint<'_>) -> Option<Vec<UpTo>> {
    match (point.bucket_counts.clone().count(), point.explicit_bounds.clone().count()) {
        (0, 0) => Some(Vec::new()),
        (counts, bounds) if counts == bounds + 1 => {
            let bounds = point.explicit_bounds.clone().chain([f64::INFINITY]);
            Some(cumulative(bounds.zip(point.bucket_counts.clone())))
        }
        _ => None,
    }
}

/// The buckets of an exponential histogram that hold something, and the one without a bound. A bound lies where the
/// histogram's scale puts it, so that nothing is lost but how the values lie within a bucket, which nobody knows.
pub(super) fn exponential(point: &ExponentialHistogramDataPoint<'_>) -> Vec<UpTo> {
    let bound = |index: i64| (index as f64 * (-f64::from(point.scale)).exp2()).exp2();
    let side = |buckets: &Option<Buckets<'_>>| {
        let (offset, counts) = match buckets {
            Some(buckets) => (i64::from(buckets.offset), buckets.bucket_counts.clone().collect()),
            None => (0, Vec::new()),
        };
        (offset..).zip(counts).filter(|(_, count)| *count > 0)
    };
    // The most negative first: a bucket below zero holds what is at most the negative of its lower bound.
    let below: Vec<_> = side(&point.negative).map(|(index, count)| (-bound(index), count)).collect();
    let zero = (point.zero_count > 0).then_some((point.zero_threshold, point.zero_count));
    let above = side(&point.positive).map(|(index, count)| (bound(index + 1), count));
    cumulative(below.into_iter().rev().chain(zero).chain(above).chain([(f64::INFINITY, 0)]))
}

/// Adds up; of bounds that are equal the last counts.
fn cumulative(buckets: impl Iterator<Item = (f64, u64)>) -> Vec<UpTo> {
    let mut so_far = 0_u64;
    let mut all: Vec<UpTo> = Vec::new();
    for (bound, count) in buckets {
        so_far = so_far.saturating_add(count);
        match all.last_mut() {
            Some(last) if last.bound == bound => last.count = so_far,
            _ => all.push(UpTo { bound, count: so_far }),
        }
    }
    all
}

#[cfg(test)]
mod tests;
