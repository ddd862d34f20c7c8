//! Data points as series and sketches.

use std::sync::Arc;

use host_otlp::Payload;
use host_otlp::view::{self, Data, KeyValue, Metric, Number, Repeated};

use super::series::{Kind, Series, bound, interval, name};
use super::{Amounts, HistogramMode, Note, Request, SERIES, SKETCHES, Shape, histograms};
use crate::datadog::host::{Source, source};
use crate::datadog::sketch::{self, Sketch};
use crate::datadog::state::{Amount, Buckets, Distribution, Key, State, Step};
use crate::datadog::{tags, units};
use crate::entries::Packer;
use crate::growth::Growth;
use crate::json;
use crate::left_out::{LeftOut, Reason};

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;
/// The flag of a point that only says that there is no value.
const NO_VALUE: u32 = 1;

pub(super) fn translate(payload: &Payload, shape: &Shape, state: &Arc<State>, now: u64) -> (Vec<Request>, LeftOut) {
    let mut out = Out {
        shape,
        state,
        now,
        series: Packer::new(SERIES),
        sketches: Packer::new(SKETCHES),
        left_out: LeftOut::default(),
        growth: Growth::of(payload),
        credit: 0,
        why: None,
    };
    for resource_metrics in view::metrics(payload) {
        let resource: Vec<KeyValue<'_>> =
            resource_metrics.resource.iter().flat_map(|resource| resource.attributes.clone()).collect();
        let host = match source(&resource) {
            Some(Source::Host(host)) => host.into_owned(),
            Some(Source::Task(_)) => String::new(),
            None => shape.hostname.clone(),
        };
        let mut common = tags::of_resource(&resource);
        if shape.resource_attributes_as_tags {
            common.extend(resource.iter().map(tags::of));
        }
        for scope_metrics in resource_metrics.scope_metrics.clone() {
            let mut common = common.clone();
            if shape.scope_as_tags {
                common.extend(tags::of_scope(scope_metrics.scope.as_ref()));
            }
            for metric in scope_metrics.metrics {
                out.metric(&metric, &host, &common);
            }
        }
    }
    out.finish()
}

/// Series and sketches on their way into requests.
struct Out<'o> {
    shape: &'o Shape,
    state: &'o Arc<State>,
    /// In seconds.
    now: u64,
    series: Packer<Note>,
    sketches: Packer<Note>,
    left_out: LeftOut,
    growth: Growth,
    /// The data point that the next entry stands for, where none does yet.
    credit: u64,
    /// Why the data point under way has no entry so far.
    why: Option<Reason>,
}

/// A data point, but for its value.
struct Point<'p> {
    name: &'p str,
    unit: Option<&'p str>,
    host: &'p str,
    tags: Vec<String>,
    start: u64,
    time: u64,
}

impl Point<'_> {
    /// About what a series of it takes.
    fn size(&self) -> usize {
        self.name.len() + self.host.len() + self.tags.iter().map(String::len).sum::<usize>()
    }

    /// The one beside it of this name, whose unit is another.
    fn beside(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.name)
    }

    /// The tags, and these before them.
    fn tags_with(&self, more: impl IntoIterator<Item = String>) -> Vec<String> {
        more.into_iter().chain(self.tags.iter().cloned()).collect()
    }
}

impl Out<'_> {
    fn metric(&mut self, metric: &Metric<'_>, host: &str, common: &[String]) {
        let (name, unit) = (name(metric.name), units::unit(metric.unit));
        let of = |start, time, attributes: &Repeated<'_, KeyValue<'_>>| {
            let tags = attributes.clone().map(|attribute| tags::of(&attribute)).chain(common.iter().cloned()).collect();
            Point { name: &name, unit: unit.as_deref(), host, tags, start, time }
        };
        match metric.data() {
            Some(Data::Gauge(gauge)) => {
                for point in gauge.data_points {
                    let of = of(point.start_time_unix_nano, point.time_unix_nano, &point.attributes);
                    self.point(&of, point.flags, 0, |out| out.gauge(&of, &name, point.value(), &of.tags));
                }
            }
            Some(Data::Sum(sum)) => {
                for point in sum.data_points {
                    let of = of(point.start_time_unix_nano, point.time_unix_nano, &point.attributes);
                    let (temporality, grows) = (sum.aggregation_temporality, sum.is_monotonic);
                    self.point(&of, point.flags, 0, |out| out.sum(&of, point.value(), temporality, grows));
                }
            }
            Some(Data::Histogram(histogram)) => {
                for point in histogram.data_points {
                    let of = of(point.start_time_unix_nano, point.time_unix_nano, &point.attributes);
                    let temporality = histogram.aggregation_temporality;
                    let mode = self.shape.histograms;
                    let series = if mode == HistogramMode::Counters { point.bucket_counts.clone().count() } else { 0 };
                    self.point(&of, point.flags, series, |out| {
                        out.histogram(&of, histograms::explicit(&point), temporality, mode);
                    });
                }
            }
            Some(Data::ExponentialHistogram(histogram)) => {
                for point in histogram.data_points {
                    let of = of(point.start_time_unix_nano, point.time_unix_nano, &point.attributes);
                    let temporality = histogram.aggregation_temporality;
                    self.point(&of, point.flags, 0, |out| {
                        let distribution = histograms::exponential(&point);
                        out.histogram(&of, distribution, temporality, HistogramMode::Distributions);
                    });
                }
            }
            Some(Data::Summary(summary)) => {
                for point in summary.data_points {
                    let of = of(point.start_time_unix_nano, point.time_unix_nano, &point.attributes);
                    let quantiles = if self.shape.with_quantiles { point.quantile_values.clone().count() } else { 0 };
                    self.point(&of, point.flags, quantiles, |out| {
                        out.totals(&of, point.count, Some(point.sum), CUMULATIVE);
                        if out.shape.with_quantiles {
                            for at in point.quantile_values.clone() {
                                let tags = of.tags_with([format!("quantile:{}", bound(at.quantile))]);
                                out.gauge(&of, &of.beside("quantile"), Some(Number::Double(at.value)), &tags);
                            }
                        }
                    });
                }
            }
            None => {}
        }
    }

    /// Adds a data point of so many series by what `write` does, and sees to it that it is accounted for.
    fn point(&mut self, point: &Point<'_>, flags: u32, series: usize, write: impl FnOnce(&mut Self)) {
        (self.credit, self.why) = (1, None);
        if flags & NO_VALUE != 0 {
            self.why = Some(LeftOut::NO_VALUE);
        } else if point.name.is_empty() {
            self.why = Some(LeftOut::WITHOUT_NAME);
        } else if !self.growth.has(series.saturating_mul(point.size())) {
            self.why = Some(LeftOut::TOO_MUCH_REPEATED);
        } else {
            write(self);
        }
        if self.credit > 0 {
            self.left_out.add(self.why.unwrap_or(LeftOut::NOT_FINITE), 1);
        }
    }

    fn gauge(&mut self, point: &Point<'_>, name: &str, value: Option<Number>, tags: &[String]) {
        match value.filter(|value| json::is_finite(*value)) {
            Some(value) => self.add(point, name, point.unit, Kind::Gauge, value, None, tags, None),
            None => self.why = Some(LeftOut::NOT_FINITE),
        }
    }

    fn sum(&mut self, point: &Point<'_>, value: Option<Number>, temporality: i32, grows: bool) {
        let Some(value) = value.filter(|value| json::is_finite(*value)) else {
            self.why = Some(LeftOut::NOT_FINITE);
            return;
        };
        match temporality {
            DELTA => {
                let interval = interval(point.start, point.time);
                self.add(point, point.name, point.unit, Kind::Count, value, interval, &point.tags, None);
            }
            CUMULATIVE if grows && self.shape.to_delta => {
                self.since(point, point.name, point.unit, Amount::Growing(value), &point.tags);
            }
            CUMULATIVE => self.gauge(point, point.name, Some(value), &point.tags),
            _ => self.why = Some(LeftOut::WITHOUT_TEMPORALITY),
        }
    }

    fn histogram(&mut self, point: &Point<'_>, values: Distribution, temporality: i32, mode: HistogramMode) {
        if temporality != DELTA && temporality != CUMULATIVE {
            self.why = Some(LeftOut::WITHOUT_TEMPORALITY);
            return;
        }
        // Before anything of it goes out, which would stand for all of it.
        let is_sound = match mode {
            HistogramMode::Distributions => sketch::is_sound(&values),
            HistogramMode::Counters => histograms::is_whole(&values.buckets),
            HistogramMode::NoBuckets => true,
        };
        if !is_sound {
            self.why = Some(LeftOut::MALFORMED);
            return;
        }
        let is_delta = temporality == DELTA;
        if self.shape.with_aggregations {
            self.totals(point, values.count, values.sum, temporality);
            // The extremes of all the time are no extremes of these values.
            let extremes = [("min", values.min), ("max", values.max)];
            for (suffix, extreme) in extremes.into_iter().filter(|_| is_delta) {
                if let Some(extreme) = extreme {
                    self.gauge(point, &point.beside(suffix), Some(Number::Double(extreme)), &point.tags);
                }
            }
        }
        match mode {
            HistogramMode::Distributions if is_delta => self.sketch(point, &values, None),
            HistogramMode::Distributions => {
                let key = self.key(point, point.name, &point.tags);
                let amount = Amount::Values(Box::new(values));
                if let Some((Amount::Values(came), _)) = self.reached(key, point, amount) {
                    let note = Some((key, Amount::Values(came.clone())));
                    self.sketch(point, &came, note);
                }
            }
            HistogramMode::Counters => self.buckets(point, &values, temporality),
            HistogramMode::NoBuckets => {}
        }
    }

    /// How many values there were, and what they add up to.
    fn totals(&mut self, point: &Point<'_>, count: u64, sum: Option<f64>, temporality: i32) {
        let count = Number::Int(i64::try_from(count).unwrap_or(i64::MAX));
        let (count_name, sum_name) = (point.beside("count"), point.beside("sum"));
        let sum = sum.filter(|sum| sum.is_finite());
        if temporality == DELTA {
            let interval = interval(point.start, point.time);
            self.add(point, &count_name, None, Kind::Count, count, interval, &point.tags, None);
            if let Some(sum) = sum.map(Number::Double) {
                self.add(point, &sum_name, point.unit, Kind::Count, sum, interval, &point.tags, None);
            }
        } else {
            self.since(point, &count_name, None, Amount::Growing(count), &point.tags);
            if let Some(sum) = sum {
                self.since(point, &sum_name, point.unit, Amount::Any(sum), &point.tags);
            }
        }
    }

    /// A count for each bucket, told apart by its bounds.
    fn buckets(&mut self, point: &Point<'_>, values: &Distribution, temporality: i32) {
        let Buckets::Explicit { bounds, counts } = &values.buckets else { return };
        let name = point.beside("bucket");
        let lower = [f64::NEG_INFINITY].into_iter().chain(bounds.iter().copied());
        let upper = bounds.iter().copied().chain([f64::INFINITY]);
        for ((low, high), count) in lower.zip(upper).zip(counts) {
            let tags = point.tags_with([format!("lower_bound:{}", bound(low)), format!("upper_bound:{}", bound(high))]);
            let count = Number::Int(i64::try_from(*count).unwrap_or(i64::MAX));
            if temporality == DELTA {
                let interval = interval(point.start, point.time);
                self.add(point, &name, None, Kind::Count, count, interval, &tags, None);
            } else {
                self.since(point, &name, None, Amount::Growing(count), &tags);
            }
        }
    }

    /// Adds what of a cumulative amount came since the last time.
    fn since(&mut self, point: &Point<'_>, name: &str, unit: Option<&str>, amount: Amount, tags: &[String]) {
        let key = self.key(point, name, tags);
        let Some((came, since)) = self.reached(key, point, amount) else { return };
        let value = match came {
            Amount::Growing(number) => number,
            Amount::Any(double) => Number::Double(double),
            Amount::Values(_) => return,
        };
        self.add(point, name, unit, Kind::Count, value, interval(since, point.time), tags, Some((key, came)));
    }

    fn key(&self, point: &Point<'_>, name: &str, tags: &[String]) -> Key {
        let mut sorted: Vec<&str> = tags.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        self.state.key((name, point.host, sorted))
    }

    fn reached(&mut self, key: Key, point: &Point<'_>, amount: Amount) -> Option<(Amount, u64)> {
        match self.state.reached(key, point.start, point.time, amount) {
            Step::Came { amount, since } => return Some((amount, since)),
            Step::Begun => self.why = Some(LeftOut::FIRST),
            Step::Old => self.why = Some(LeftOut::OLD),
            Step::Full => self.why = Some(LeftOut::TOO_MANY_SERIES),
        }
        None
    }

    #[expect(clippy::too_many_arguments, reason = "they are what a series consists of")]
    fn add(
        &mut self,
        point: &Point<'_>,
        name: &str,
        unit: Option<&str>,
        kind: Kind,
        value: Number,
        interval: Option<u64>,
        tags: &[String],
        note: Note,
    ) {
        let series = Series { name, kind, time: self.seconds(point), value, unit, interval, tags, host: point.host };
        let items = std::mem::take(&mut self.credit);
        match self.series.add(items, note, |out| series.write(out)) {
            Ok(bytes) => self.growth.take(bytes),
            Err(_) => self.left_out.add(LeftOut::TOO_LONG, items),
        }
    }

    fn sketch(&mut self, point: &Point<'_>, values: &Distribution, note: Note) {
        let Some(sketch) = Sketch::of(values) else {
            self.why = Some(LeftOut::MALFORMED);
            return;
        };
        // Nothing came: there is nothing to tell.
        let items = std::mem::take(&mut self.credit);
        if values.count == 0 {
            self.left_out.add(LeftOut::NO_VALUE, items);
            return;
        }
        let time = i64::try_from(self.seconds(point)).unwrap_or(i64::MAX);
        let labels = sketch::Labels { metric: point.name, host: point.host, tags: point.tags.clone(), time };
        match self.sketches.add(items, note, |out| sketch::encode(out, labels, &sketch, values)) {
            Ok(bytes) => self.growth.take(bytes),
            Err(_) => self.left_out.add(LeftOut::TOO_LONG, items),
        }
    }

    /// The time of a point; that of its arrival where it has none.
    fn seconds(&self, point: &Point<'_>) -> u64 {
        match point.time / 1_000_000_000 {
            0 => self.now,
            seconds => seconds,
        }
    }

    fn finish(self) -> (Vec<Request>, LeftOut) {
        let of = |entries| Amounts::new(entries, Arc::clone(self.state));
        let series = self.series.finish().into_iter().map(of).map(Request::Series);
        let sketches = self.sketches.finish().into_iter().map(of).map(Request::Sketches);
        (series.chain(sketches).collect(), self.left_out)
    }
}
