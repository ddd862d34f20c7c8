//! Histograms with bounds of their own: a series for each bucket, one for the sum and one for the count; or a native
//! histogram with these bounds, or both.

use host_otlp::view::{HistogramDataPoint, Repeated};

use super::{DELTA, Reason, Run, STALE, Subject, is_stale, millis, native};
use crate::prometheus_remote_write::batch::{Exemplar, NativeHistogram, Sample, Symbol};
use crate::prometheus_remote_write::delta::{Distribution, Interval, Step};
use crate::prometheus_remote_write::text;

/// What the series of one metric are called.
struct SeriesNames {
    own: Symbol,
    sum: Symbol,
    count: Symbol,
    bucket: Symbol,
}

/// When a point was measured.
#[derive(Clone, Copy)]
struct When {
    time: i64,
    start: i64,
    point: u32,
    is_stale: bool,
}

impl When {
    fn sample(self, value: f64) -> Sample {
        let value = if self.is_stale { f64::from_bits(STALE) } else { value };
        Sample { value, time: self.time, start: self.start, point: self.point }
    }
}

impl<'a> Run<'a, '_> {
    pub(super) fn histograms(&mut self, subject: &Subject<'_, 'a>, points: Repeated<'a, HistogramDataPoint<'a>>) {
        let names = self.series_names(subject.name);
        for data in points {
            let point = self.pass(data.time_unix_nano);
            if !self.label(subject, data.attributes) {
                continue;
            }
            let mut distribution = Distribution {
                count: data.count,
                sum: data.sum,
                bounds: data.explicit_bounds.collect(),
                counts: data.bucket_counts.collect(),
            };
            let mut start = data.start_time_unix_nano;
            let is_stale = is_stale(data.flags);
            if subject.temporality == DELTA && !is_stale {
                // An infinite value makes an infinite sum, which says nothing, and its buckets are good.
                distribution.sum = distribution.sum.filter(|sum| sum.is_finite());
                let stream = self.stream(names.own);
                let interval = Interval { start, end: data.time_unix_nano };
                let Some(deltas) = self.kept.deltas.as_mut() else { continue };
                match deltas.add(stream, interval, &distribution) {
                    Step::Total { total, start: since } => (distribution, start) = (total, since),
                    Step::Again => continue,
                    Step::Left(reason) => {
                        self.dropped.add(reason, 1);
                        continue;
                    }
                }
            }
            let exemplars = self.exemplars(data.exemplars);
            let when = When { time: millis(data.time_unix_nano), start: millis(start), point, is_stale };
            if self.settings.is_native {
                match as_native(&distribution, when) {
                    Some(histogram) => self.native(subject, &names, histogram, &exemplars),
                    None if !self.settings.is_classic_kept => self.dropped.add(Reason::InvalidBuckets, 1),
                    None => {}
                }
                if !self.settings.is_classic_kept {
                    continue;
                }
            }
            self.classic(subject, &names, &distribution, when, exemplars);
        }
    }

    fn series_names(&mut self, name: Symbol) -> SeriesNames {
        let mut add = |suffix| self.suffixed(name, suffix);
        SeriesNames { own: name, sum: add("_sum"), count: add("_count"), bucket: add("_bucket") }
    }

    fn native(
        &mut self,
        subject: &Subject<'_, 'a>,
        names: &SeriesNames,
        histogram: NativeHistogram,
        exemplars: &[Exemplar],
    ) {
        let places = self.labels.place([self.constants.name], &self.batch.symbols);
        let series = self.batch.series(places.with([names.own]), subject.family);
        series.histograms.push(histogram);
        series.exemplars.extend_from_slice(exemplars);
    }

    fn classic(
        &mut self,
        subject: &Subject<'_, 'a>,
        names: &SeriesNames,
        distribution: &Distribution,
        when: When,
        mut exemplars: Vec<Exemplar>,
    ) {
        let places = self.labels.place([self.constants.name], &self.batch.symbols);
        let sum = distribution.sum.map(|sum| (names.sum, sum));
        for (name, value) in sum.into_iter().chain([(names.count, distribution.count as f64)]) {
            self.batch.series(places.with([name]), subject.family).samples.push(when.sample(value));
        }
        // An exemplar goes to the first bucket that its value is in.
        exemplars.sort_by(|a, b| a.value.total_cmp(&b.value));
        let mut exemplars = exemplars.into_iter().peekable();
        let mut below = 0u64;
        let buckets = distribution.bounds.iter().zip(&distribution.counts);
        for (at, (bound, count)) in buckets.filter(|(bound, _)| **bound != f64::INFINITY).enumerate() {
            below = below.saturating_add(*count);
            let le = self.bound(at, *bound);
            // From here on an attribute of this name is out of the way.
            let places = self.labels.place([self.constants.name, self.constants.le], &self.batch.symbols);
            let series = self.batch.series(places.with([names.bucket, le]), subject.family);
            series.samples.push(when.sample(below as f64));
            while let Some(exemplar) = exemplars.next_if(|exemplar| exemplar.value <= *bound) {
                series.exemplars.push(exemplar);
            }
        }
        let places = self.labels.place([self.constants.name, self.constants.le], &self.batch.symbols);
        let series = self.batch.series(places.with([names.bucket, self.constants.infinity]), subject.family);
        series.samples.push(when.sample(distribution.count as f64));
        series.exemplars.extend(exemplars);
    }

    /// The text of a bound, which is most often that of the point before at the same place.
    fn bound(&mut self, at: usize, bound: f64) -> Symbol {
        if let Some((bits, symbol)) = self.bounds.get(at)
            && *bits == bound.to_bits()
        {
            return *symbol;
        }
        let symbol = self.batch.symbols.add(&text::bound(bound));
        self.bounds.truncate(at);
        self.bounds.push((bound.to_bits(), symbol));
        symbol
    }
}

/// The distribution as a native histogram; none where its bounds do not rise.
fn as_native(distribution: &Distribution, when: When) -> Option<NativeHistogram> {
    let When { time, start, point, is_stale } = when;
    if is_stale {
        let sum = f64::from_bits(STALE);
        return Some(NativeHistogram { sum, schema: native::OWN_BOUNDS, time, start, point, ..Default::default() });
    }
    let mut bounds = distribution.bounds.clone();
    bounds.pop_if(|bound| *bound == f64::INFINITY);
    if !bounds.is_sorted_by(|a, b| a < b) || bounds.iter().any(|bound| !bound.is_finite()) {
        return None;
    }
    // What the buckets do not account for is above the last bound.
    let mut counts = distribution.counts.clone();
    let above = counts.split_off(counts.len().min(bounds.len())).into_iter().fold(0, u64::saturating_add);
    let below = counts.iter().copied().fold(0, u64::saturating_add);
    counts.resize(bounds.len(), 0);
    counts.push(above.max(distribution.count.saturating_sub(below)));
    let count = counts.iter().copied().fold(0, u64::saturating_add);
    Some(NativeHistogram {
        count,
        sum: distribution.sum.unwrap_or(0.0),
        schema: native::OWN_BOUNDS,
        positive: native::buckets(-1, counts.into_iter(), 0),
        bounds,
        time,
        start,
        point,
        ..Default::default()
    })
}
