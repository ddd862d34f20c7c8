//! Exponential histograms: native ones of Prometheus, no finer than those may be.

use host_otlp::view::{Buckets, ExponentialHistogramDataPoint, Repeated};

use super::{DELTA, Reason, Run, STALE, Subject, is_stale, millis, native};
use crate::prometheus_remote_write::batch::NativeHistogram;
use crate::prometheus_remote_write::delta::{Exponential, Interval, Side, Step};

/// What a threshold is that was not told.
const ZERO_THRESHOLD: f64 = 1e-128;

impl<'a> Run<'a, '_> {
    pub(super) fn exponential_histograms(
        &mut self,
        subject: &Subject<'_, 'a>,
        points: Repeated<'a, ExponentialHistogramDataPoint<'a>>,
    ) {
        let name = subject.name;
        for data in points {
            let point = self.pass(data.time_unix_nano);
            if !self.label(subject, data.attributes) {
                continue;
            }
            let mut total = Exponential {
                scale: data.scale,
                count: data.count,
                sum: data.sum,
                zero_count: data.zero_count,
                zero_threshold: data.zero_threshold,
                positive: side(data.positive),
                negative: side(data.negative),
            };
            let mut start = data.start_time_unix_nano;
            let is_stale = is_stale(data.flags);
            if subject.temporality == DELTA && !is_stale {
                total.sum = total.sum.filter(|sum| sum.is_finite());
                let stream = self.stream(name);
                let interval = Interval { start, end: data.time_unix_nano };
                let Some(deltas) = self.kept.deltas.as_mut() else { continue };
                match deltas.add(stream, interval, &total) {
                    Step::Total { total: sum, start: since } => (total, start) = (sum, since),
                    Step::Again => continue,
                    Step::Left(reason) => {
                        self.dropped.add(reason, 1);
                        continue;
                    }
                }
            }
            if total.scale < native::COARSEST {
                self.dropped.add(Reason::InvalidBuckets, 1);
                continue;
            }
            let coarser = u32::try_from(total.scale - native::FINEST).unwrap_or(0);
            let buckets = |side: Side| native::buckets(side.offset, side.counts.into_iter(), coarser);
            let mut histogram = NativeHistogram {
                count: total.count,
                sum: total.sum.unwrap_or(0.0),
                schema: total.scale.min(native::FINEST),
                zero_threshold: if total.zero_threshold == 0.0 { ZERO_THRESHOLD } else { total.zero_threshold },
                zero_count: total.zero_count,
                negative: buckets(total.negative),
                positive: buckets(total.positive),
                bounds: Vec::new(),
                time: millis(data.time_unix_nano),
                start: millis(start),
                point,
            };
            if is_stale {
                histogram.sum = f64::from_bits(STALE);
                histogram.count = STALE;
            }
            let exemplars = self.exemplars(data.exemplars);
            let places = self.labels.place([self.constants.name], &self.batch.symbols);
            let series = self.batch.series(places.with([name]), subject.family);
            series.histograms.push(histogram);
            series.exemplars.extend(exemplars);
        }
    }
}

fn side(buckets: Option<Buckets<'_>>) -> Side {
    buckets
        .map_or_else(Side::default, |buckets| Side { offset: buckets.offset, counts: buckets.bucket_counts.collect() })
}
