//! Sums of histograms with bounds of their own.

use super::{Sum, Total, both};
use crate::prometheus_remote_write::translate::Reason;

/// How many bounds a histogram may have that is summed up.
const MOST: usize = 2_000;

/// How measurements are spread over buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::prometheus_remote_write) struct Distribution {
    pub(in crate::prometheus_remote_write) count: u64,
    pub(in crate::prometheus_remote_write) sum: Option<f64>,
    pub(in crate::prometheus_remote_write) bounds: Vec<f64>,
    pub(in crate::prometheus_remote_write) counts: Vec<u64>,
}

impl Sum for Distribution {
    fn wrap(self) -> Total {
        Total::Histogram(Box::new(self))
    }

    fn of(total: &mut Total) -> Option<&mut Self> {
        match total {
            Total::Histogram(histogram) => Some(histogram),
            _ => None,
        }
    }

    fn add(&mut self, delta: &Self) -> bool {
        if self.bounds != delta.bounds || self.counts.len() != delta.counts.len() {
            return false;
        }
        let Ok(sum) = both(self.sum, delta.sum) else { return false };
        self.sum = sum;
        self.count = self.count.saturating_add(delta.count);
        for (count, more) in self.counts.iter_mut().zip(&delta.counts) {
            *count = count.saturating_add(*more);
        }
        true
    }

    fn unfit(&self) -> Option<Reason> {
        (self.bounds.len() > MOST || self.counts.len() > MOST + 1).then_some(Reason::InvalidBuckets)
    }
}
