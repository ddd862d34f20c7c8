//! Data points as metric events: dimensions, a type, and a value under `metric_name:` and its name.

use std::collections::HashMap;

use host_otlp::Payload;
use host_otlp::view::{self, Data, KeyValue, Metric, Number, Repeated};

use super::{Gathered, Heading, buckets};
use crate::json::{self, Object, general};
use crate::left_out::{LeftOut, Reason};
use crate::splunk_hec::event::{Fields, Place};

const TYPE: &str = "metric_type";
/// What the names of metrics follow; a dimension that begins so would be a metric.
const NAME: &str = "metric_name";
/// The flag of a point that only says that there is no value.
const NO_VALUE: u32 = 1;

pub(super) fn translate(payload: &Payload, gathered: &mut Gathered<'_>) {
    let shape = gathered.shape;
    let mut events = Events { merged: shape.is_multi_metric.then(Merged::default), gathered };
    for resource_metrics in view::metrics(payload) {
        let (place, resource) = Place::of(shape, resource_metrics.resource.as_ref());
        for metric in resource_metrics.scope_metrics.clone().flat_map(|scope_metrics| scope_metrics.metrics) {
            points(&metric, &place, &resource, &mut events);
        }
    }
    events.finish();
}

/// The data points of a metric.
fn points<'a>(metric: &Metric<'a>, place: &Place<'a>, resource: &[KeyValue<'a>], events: &mut Events<'_, '_>) {
    let of = |kind, time, attributes: &Repeated<'a, KeyValue<'a>>| {
        let mut dimensions = Fields::default();
        for attribute in resource.iter().cloned().chain(attributes.clone()) {
            dimensions.dimension(&attribute);
        }
        dimensions.settle();
        Point { name: metric.name, kind, place, time, dimensions }
    };
    match metric.data() {
        Some(Data::Gauge(gauge)) => {
            for point in gauge.data_points {
                let of = of("Gauge", point.time_unix_nano, &point.attributes);
                events.point(point.flags, &of, |samples| samples.value("", None, point.value()));
            }
        }
        Some(Data::Sum(sum)) => {
            for point in sum.data_points {
                let of = of("Sum", point.time_unix_nano, &point.attributes);
                events.point(point.flags, &of, |samples| samples.value("", None, point.value()));
            }
        }
        Some(Data::Histogram(histogram)) => {
            for point in histogram.data_points {
                let of = of("Histogram", point.time_unix_nano, &point.attributes);
                events.point(point.flags, &of, |samples| match buckets::explicit(&point) {
                    Some(buckets) => samples.distribution(point.sum, point.count, &buckets),
                    None => samples.why = LeftOut::MALFORMED,
                });
            }
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            for point in histogram.data_points {
                let of = of("ExponentialHistogram", point.time_unix_nano, &point.attributes);
                events.point(point.flags, &of, |samples| {
                    samples.distribution(point.sum, point.count, &buckets::exponential(&point));
                });
            }
        }
        Some(Data::Summary(summary)) => {
            for point in summary.data_points {
                let of = of("Summary", point.time_unix_nano, &point.attributes);
                events.point(point.flags, &of, |samples| {
                    samples.distribution(Some(point.sum), point.count, &[]);
                    for at in point.quantile_values.clone() {
                        let suffix = format!("_{}", at.quantile);
                        let quantile = ("qt", general(at.quantile));
                        samples.value(&suffix, Some(quantile), Some(Number::Double(at.value)));
                    }
                });
            }
        }
        None => {}
    }
}

/// What the samples of a data point have in common.
struct Point<'p, 'a> {
    name: &'a str,
    kind: &'static str,
    place: &'p Place<'a>,
    time: u64,
    dimensions: Fields<'a>,
}

/// The samples of one data point, of which each is a metric of Splunk's.
struct Samples {
    all: Vec<Sample>,
    /// Why there are none, where there are none.
    why: Reason,
}

struct Sample {
    suffix: String,
    /// The dimension that tells it from others of its name.
    by: Option<(&'static str, String)>,
    value: Value,
}

enum Value {
    Number(Number),
    Count(u64),
}

impl Samples {
    /// Adds a value; Splunk has no numbers that are not finite.
    fn value(&mut self, suffix: &str, by: Option<(&'static str, String)>, number: Option<Number>) {
        if let Some(number) = number.filter(|number| json::is_finite(*number)) {
            self.all.push(Sample { suffix: suffix.to_owned(), by, value: Value::Number(number) });
        }
    }

    fn count(&mut self, suffix: &str, by: Option<(&'static str, String)>, count: u64) {
        self.all.push(Sample { suffix: suffix.to_owned(), by, value: Value::Count(count) });
    }

    fn distribution(&mut self, sum: Option<f64>, count: u64, buckets: &[buckets::UpTo]) {
        self.value("_sum", None, sum.map(Number::Double));
        self.count("_count", None, count);
        for bucket in buckets {
            self.count("_bucket", Some(("le", general(bucket.bound))), bucket.count);
        }
    }
}

/// Metric events on their way into requests.
struct Events<'g, 's> {
    gathered: &'g mut Gathered<'s>,
    /// Where those that differ in nothing but the metric become one.
    merged: Option<Merged>,
}

#[derive(Default)]
struct Merged {
    /// Where the event with this heading, this beginning and this end is.
    places: HashMap<(Heading, Vec<u8>, Vec<u8>), usize>,
    events: Vec<MergedEvent>,
}

struct MergedEvent {
    heading: Heading,
    items: u64,
    head: Vec<u8>,
    metrics: Vec<u8>,
    tail: Vec<u8>,
}

impl Events<'_, '_> {
    fn point(&mut self, flags: u32, point: &Point<'_, '_>, fill: impl FnOnce(&mut Samples)) {
        if flags & NO_VALUE != 0 {
            self.gathered.left_out.add(LeftOut::NO_VALUE, 1);
            return;
        }
        let mut samples = Samples { all: Vec::new(), why: LeftOut::NOT_FINITE };
        fill(&mut samples);
        if samples.all.is_empty() || point.name.is_empty() {
            let reason = if point.name.is_empty() { LeftOut::WITHOUT_NAME } else { samples.why };
            self.gathered.left_out.add(reason, 1);
            return;
        }
        if !self.gathered.growth.has(size(point, &samples.all)) {
            self.gathered.left_out.add(LeftOut::TOO_MUCH_REPEATED, 1);
            return;
        }
        for (i, sample) in samples.all.iter().enumerate() {
            // The first one stands for the data point.
            self.sample(point, sample, u64::from(i == 0));
        }
    }

    fn sample(&mut self, point: &Point<'_, '_>, sample: &Sample, items: u64) {
        let (head, tail) = (head(point, sample), tail(point));
        let mut metric = Vec::new();
        json::scalar(&mut metric, format!("{NAME}:{}{}", point.name, sample.suffix));
        metric.push(b':');
        match sample.value {
            Value::Number(number) => json::number(&mut metric, number),
            Value::Count(count) => json::scalar(&mut metric, count),
        }
        let heading = Heading::of(point.place);
        self.gathered.growth.take(head.len() + metric.len() + tail.len());
        match &mut self.merged {
            None => {
                self.gathered.pack(heading, items, |out| {
                    for part in [&head, &metric, &tail] {
                        out.extend_from_slice(part);
                    }
                });
            }
            Some(merged) => merged.add(MergedEvent { heading, items, head, metrics: metric, tail }),
        }
    }

    fn finish(self) {
        for event in self.merged.into_iter().flat_map(|merged| merged.events) {
            self.gathered.pack(event.heading, event.items, |out| {
                for part in [&event.head, &event.metrics, &event.tail] {
                    out.extend_from_slice(part);
                }
            });
        }
    }
}

impl Merged {
    fn add(&mut self, event: MergedEvent) {
        let key = (event.heading.clone(), event.head.clone(), event.tail.clone());
        let place = *self.places.entry(key).or_insert(self.events.len());
        match self.events.get_mut(place) {
            Some(there) => {
                there.items += event.items;
                there.metrics.push(b',');
                there.metrics.extend_from_slice(&event.metrics);
            }
            None => self.events.push(event),
        }
    }
}

/// About what the samples of a point take where there are several, which all say its dimensions again.
fn size(point: &Point<'_, '_>, samples: &[Sample]) -> usize {
    match samples {
        [first, _, ..] => samples.len() * (head(point, first).len() + point.name.len() + tail(point).len()),
        _ => 0,
    }
}

/// The event up to the metric itself.
fn head(point: &Point<'_, '_>, sample: &Sample) -> Vec<u8> {
    let mut out = Vec::new();
    let mut event = Object::open(&mut out);
    event.member("event", "metric");
    let mut fields = Object::open(event.key("fields"));
    let by = sample.by.as_ref();
    point
        .dimensions
        .write(&mut fields, |name| name == TYPE || name.starts_with(NAME) || by.is_some_and(|(by, _)| name == *by));
    if let Some((name, value)) = by {
        fields.member(name, value);
    }
    fields.member(TYPE, point.kind);
    out.push(b',');
    out
}

/// The event behind the metric.
fn tail(point: &Point<'_, '_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut event = Object::open(&mut out);
    point.place.write(&mut event, point.time);
    event.close();
    // What closes the fields, in place of what opened an event.
    if let Some(first) = out.first_mut() {
        *first = b',';
    }
    out.insert(0, b'}');
    out
}
