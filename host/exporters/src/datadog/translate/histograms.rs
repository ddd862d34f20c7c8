//! Histograms, exponential ones and summaries as distributions.

use host_otlp::view::{self, ExponentialHistogramDataPoint, HistogramDataPoint};

use crate::datadog::state::{Buckets, Distribution};

/// The distribution of a histogram's point.
pub(super) fn explicit(point: &HistogramDataPoint<'_>) -> Distribution {
    let (bounds, counts) = (point.explicit_bounds.clone().collect(), point.bucket_counts.clone().collect());
    Distribution {
        count: point.count,
        sum: point.sum,
        min: finite(point.min),
        max: finite(point.max),
        buckets: Buckets::Explicit { bounds, counts },
    }
}

/// The distribution of an exponential histogram's point.
pub(super) fn exponential(point: &ExponentialHistogramDataPoint<'_>) -> Distribution {
    let side = |buckets: &Option<view::Buckets<'_>>| -> Vec<(i32, u64)> {
        let Some(buckets) = buckets else { return Vec::new() };
        let counts = (0_i32..).zip(buckets.bucket_counts.clone()).filter(|(_, count)| *count > 0);
        counts.map(|(i, count)| (buckets.offset.saturating_add(i), count)).collect()
    };
    Distribution {
        count: point.count,
        sum: point.sum,
        min: finite(point.min),
        max: finite(point.max),
        buckets: Buckets::Exponential {
            scale: point.scale,
            zero: point.zero_count,
            positive: side(&point.positive),
            negative: side(&point.negative),
        },
    }
}

/// Whether there is a count for each of the buckets, or none at all.
pub(super) fn is_whole(buckets: &Buckets) -> bool {
    match buckets {
        Buckets::Explicit { bounds, counts } => counts.is_empty() || counts.len() == bounds.len() + 1,
        Buckets::Exponential { .. } => true,
    }
}

fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite())
}
