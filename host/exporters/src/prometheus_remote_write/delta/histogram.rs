//! Sums of histograms with bounds of their own.

use super::{Sum, Total};

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
        self.count = self.count.saturating_add(delta.count);
        self.sum = self.sum.zip(delta.sum).map(|(sum, more)| sum + more);
        for (count, more) in self.counts.iter_mut().zip(&delta.counts) {
            *count = count.saturating_add(*more);
        }
        true
    }

    fn fits(&self) -> bool {
        self.bounds.len() <= MOST && self.counts.len() <= MOST + 1
    }
}
