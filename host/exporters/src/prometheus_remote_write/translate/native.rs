//! The buckets of native histograms: runs of those that hold something, with short gaps filled.

use crate::prometheus_remote_write::batch::Buckets;

/// The schema of native histograms whose bounds are told.
pub(super) const OWN_BOUNDS: i32 = -53;
/// The finest and the coarsest schemas that Prometheus has of those whose bounds grow by a factor.
pub(super) const FINEST: i32 = 8;
pub(super) const COARSEST: i32 = -4;
/// Where more buckets than these are empty, a new run begins.
const GAP: i64 = 2;

/// The buckets that begin at `offset`, 2 to the `coarser` of them merged into one. Prometheus names a bucket by its upper
/// bound and OpenTelemetry by its lower one, hence the one that is added.
pub(super) fn buckets(offset: i32, counts: impl Iterator<Item = u64>, coarser: u32) -> Buckets {
    let mut runs = Runs::default();
    let mut open: Option<(i64, u64)> = None;
    let coarser = coarser.min(63);
    for (at, count) in (i64::from(offset)..).zip(counts) {
        let index = (at >> coarser) + 1;
        open = match open {
            Some((same, sum)) if same == index => Some((same, sum.saturating_add(count))),
            Some((before, sum)) => {
                runs.add(before, sum);
                Some((index, count))
            }
            None => Some((index, count)),
        };
    }
    if let Some((last, sum)) = open {
        runs.add(last, sum);
    }
    runs.made
}

#[derive(Default)]
struct Runs {
    made: Buckets,
    /// The index behind the last bucket, and what that one held.
    end: Option<i64>,
    before: i64,
}

impl Runs {
    fn add(&mut self, index: i64, count: u64) {
        if count == 0 {
            return;
        }
        let gap = index - self.end.unwrap_or(0);
        if self.end.is_none() || gap > GAP {
            self.made.spans.push((i32::try_from(gap).unwrap_or(i32::MAX), 0));
        } else {
            (0..gap).for_each(|_| self.put(0));
        }
        self.put(i64::try_from(count).unwrap_or(i64::MAX));
        self.end = Some(index + 1);
    }

    fn put(&mut self, count: i64) {
        if let Some((_, length)) = self.made.spans.last_mut() {
            *length += 1;
        }
        self.made.deltas.push(count.wrapping_sub(self.before));
        self.before = count;
    }
}
