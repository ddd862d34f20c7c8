//! What is exposed as protobuf, taken into the table: parts of classic histograms and summaries as the text formats have
//! them, so that rules and limits see the same, and native histograms as a whole.

use super::point::{Body, Native, Side};
use super::{Measured, Rejected, Role, Table};
use crate::exposition::protobuf::{Family, Histogram, Metric, Value};
use crate::labels::{Labels, NAME};

/// The coarsest and the finest that a native histogram can be.
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;

impl Table {
    /// Takes all metrics of a family.
    pub(crate) fn family(&mut self, family: &Family<'_>) -> Result<(), Rejected> {
        self.declare(family.name, family.kind);
        self.help(family.name, family.help);
        self.unit(family.name, family.unit);
        for metric in family.metrics() {
            let metric = metric.map_err(|error| Rejected::Series(family.name.to_owned(), error))?;
            self.metric(family.name, metric)?;
        }
        Ok(())
    }

    fn metric(&mut self, name: &str, metric: Metric<'_>) -> Result<(), Rejected> {
        let Metric { labels, time, value } = metric;
        let plain = |value: f64, created: f64| Measured { value, time, created, exemplar: None };
        match value {
            Value::None => Ok(()),
            Value::Number { value, created, exemplar } => {
                self.part(name, "", &labels, None, Measured { exemplar, ..plain(value, created) })
            }
            Value::Summary { count, sum, quantiles, created } => {
                for (quantile, value) in quantiles {
                    self.part(name, "", &labels, Some(("quantile", quantile)), plain(value, created))?;
                }
                self.part(name, "_sum", &labels, None, plain(sum, created))?;
                self.part(name, "_count", &labels, None, plain(count as f64, created))
            }
            Value::Histogram(histogram) => {
                let is_native = histogram.is_native() && self.reading.native_histograms;
                if is_native {
                    self.native(name, &labels, time, &histogram)?;
                }
                if !is_native || self.reading.classic_histograms && !histogram.buckets.is_empty() {
                    self.classic(name, &labels, time, *histogram)?;
                }
                Ok(())
            }
        }
    }

    fn classic(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        time: Option<i64>,
        histogram: Histogram,
    ) -> Result<(), Rejected> {
        let Histogram { count, sum, buckets, created, .. } = histogram;
        let plain = |value: f64| Measured { value, time, created, exemplar: None };
        let has_last = buckets.last().is_some_and(|(bound, ..)| *bound == f64::INFINITY);
        for (bound, value, exemplar) in buckets {
            let measured = Measured { exemplar, ..plain(value) };
            self.part(name, "_bucket", labels, Some(("le", bound)), measured)?;
        }
        if !has_last {
            self.part(name, "_bucket", labels, Some(("le", f64::INFINITY)), plain(count))?;
        }
        self.part(name, "_sum", labels, None, plain(sum))?;
        self.part(name, "_count", labels, None, plain(count))
    }

    fn native(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        time: Option<i64>,
        histogram: &Histogram,
    ) -> Result<(), Rejected> {
        // No series of text is named so.
        let Some(role) = self.role_of_part(name, "", labels, None, true)? else { return Ok(()) };
        self.tally.scraped += 1;
        if role == Role::Dropped {
            return Ok(());
        }
        self.count_kept()?;
        let native = Some(histogram).filter(|histogram| SCHEMAS.contains(&histogram.schema)).and_then(built);
        let (Role::Native(id), Some(mut native)) = (role, native) else {
            // The series is there, and so is its point, though nothing is told of it this time.
            if let Role::Native(id) = role
                && let Some(point) = self.points.get_mut(id)
            {
                point.touch(self.generation);
            }
            self.tally.unsupported += 1;
            return Ok(());
        };
        let limit = self.reading.limits.buckets;
        if limit > 0 && !native.fit(limit) {
            return Err(Rejected::Buckets(limit));
        }
        let generation = self.generation;
        let honors = self.reading.honor_timestamps;
        let Some(point) = self.points.get_mut(id) else { return Ok(()) };
        point.touch(generation);
        point.set_time(time.filter(|_| honors));
        point.set_start(histogram.created);
        let exemplars = histogram.exemplars.iter().chain(histogram.buckets.iter().filter_map(|(.., e)| e.as_ref()));
        exemplars.for_each(|exemplar| point.add_exemplar(exemplar.clone()));
        point.body = Body::Native(Some(Box::new(native)));
        Ok(())
    }

    /// Takes one value of a metric, as one series of it.
    fn part(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &[(&str, &str)],
        step: Option<(&'static str, f64)>,
        measured: Measured,
    ) -> Result<(), Rejected> {
        match self.role_of_part(name, suffix, labels, step, false)? {
            Some(role) => self.take(role, measured),
            None => Ok(()),
        }
    }

    fn role_of_part(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &[(&str, &str)],
        step: Option<(&'static str, f64)>,
        is_native: bool,
    ) -> Result<Option<Role>, Rejected> {
        // A byte that stands in no text ends each.
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let whole = [name, suffix].into_iter().chain(labels.iter().flat_map(|(name, value)| [*name, *value]));
        for part in whole {
            text.extend_from_slice(part.as_bytes());
            text.push(0xff);
        }
        text.push(u8::from(is_native));
        text.extend(step.iter().flat_map(|(_, at)| at.to_bits().to_le_bytes()));
        let role = self.role(&text, is_native, || named(name, suffix, labels, step));
        self.text = text;
        role
    }
}

/// The labels of a series.
fn named(
    name: &str,
    suffix: &str,
    pairs: &[(&str, &str)],
    step: Option<(&'static str, f64)>,
) -> Result<Labels, String> {
    let mut labels = Labels::new();
    labels.set(NAME, format!("{name}{suffix}"));
    for (name, value) in pairs {
        if labels.has(name) {
            return Err(format!("the label {name:?} is there twice"));
        }
        labels.set(*name, *value);
    }
    if let Some((name, at)) = step {
        let text = match at {
            f64::INFINITY => "+Inf".to_owned(),
            f64::NEG_INFINITY => "-Inf".to_owned(),
            at => format!("{at:?}"),
        };
        labels.set(name, text);
    }
    Ok(labels)
}

/// The histogram with its buckets counted one by one; none where they make no sense.
fn built(histogram: &Histogram) -> Option<Native> {
    let side = |spans: &crate::exposition::protobuf::Spans| {
        let (offset, counts) = spans.counts()?;
        Some(Side { offset, counts })
    };
    Some(Native {
        scale: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        zero_count: histogram.zero_count.round() as u64,
        count: histogram.count.round() as u64,
        sum: histogram.sum,
        positive: side(&histogram.positive)?,
        negative: side(&histogram.negative)?,
    })
}
