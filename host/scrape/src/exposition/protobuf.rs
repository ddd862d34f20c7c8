//! Prometheus' protobuf format: families, each behind its length. It is the one that native histograms are exposed in.
//!
//! Strings and buckets are read where they lie; a field that is not known is passed, and bytes that are no message end the
//! reading with an error.

use host_otlp::wire::{self, Field, Fields, WireType};

use super::series::Exemplar;
use super::{Kind, ParseError};
use crate::labels::Labels;

/// How many buckets a native histogram may have from its first to its last, those without a count among them.
const BUCKETS: usize = 1 << 16;

/// The families of an exposition.
#[derive(Clone, Debug)]
pub(crate) struct Families<'a> {
    bytes: &'a [u8],
    at: usize,
    count: usize,
}

/// A family with its metrics, which are read one by one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family<'a> {
    pub(crate) name: &'a str,
    pub(crate) help: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) kind: Kind,
    metrics: Vec<&'a [u8]>,
}

/// What one set of labels has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metric<'a> {
    /// Name and value, as they lie one behind the other.
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    /// Milliseconds since the Unix epoch.
    pub(crate) time: Option<i64>,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Value {
    #[default]
    None,
    Number {
        value: f64,
        created: f64,
        exemplar: Option<Exemplar>,
    },
    Summary {
        count: u64,
        sum: f64,
        quantiles: Vec<(f64, f64)>,
        created: f64,
    },
    Histogram(Box<Histogram>),
}

/// A histogram: classic, native or both.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    /// Bounds, each with all that lies below.
    pub(crate) buckets: Vec<(f64, f64, Option<Exemplar>)>,
    pub(crate) created: f64,
    pub(crate) schema: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: f64,
    pub(crate) positive: Spans,
    pub(crate) negative: Spans,
    pub(crate) exemplars: Vec<Exemplar>,
}

/// The buckets on one side of zero: runs of them, and their counts, as differences or as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    spans: Vec<(i32, u32)>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl<'a> Families<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Families { bytes, at: 0, count: 0 }
    }
}

impl<'a> Iterator for Families<'a> {
    type Item = Result<Family<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        self.count += 1;
        let family = match wire::length(self.bytes, self.at) {
            Some((start, end)) => {
                self.at = end;
                Family::read(self.bytes.get(start..end).unwrap_or_default())
            }
            None => Err("a family is cut off".to_owned()),
        };
        if family.is_err() {
            self.at = self.bytes.len();
        }
        Some(family.map_err(|what| ParseError { place: "family", number: self.count, what }))
    }
}

impl<'a> Family<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        // A type that is not there is the first.
        let mut family = Family { kind: Kind::Counter, ..Family::default() };
        each(bytes, |field| {
            match (field.number, field.wire) {
                (1, WireType::Len) => family.name = text(bytes, field)?,
                (2, WireType::Len) => family.help = text(bytes, field)?,
                (3, WireType::Varint) => {
                    family.kind = match varint(bytes, field) {
                        0 => Kind::Counter,
                        1 => Kind::Gauge,
                        2 => Kind::Summary,
                        3 => Kind::Unknown,
                        4 => Kind::Histogram,
                        5 => Kind::GaugeHistogram,
                        other => return Err(format!("{other} is no type of a metric")),
                    }
                }
                (4, WireType::Len) => family.metrics.push(inside(bytes, field)),
                (5, WireType::Len) => family.unit = text(bytes, field)?,
                _ => {}
            }
            Ok(())
        })?;
        if family.name.is_empty() { Err("a family has no name".to_owned()) } else { Ok(family) }
    }

    pub(crate) fn metrics(&self) -> impl Iterator<Item = Result<Metric<'a>, String>> {
        self.metrics.iter().map(|bytes| Metric::read(bytes))
    }
}

impl<'a> Metric<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut metric = Metric::default();
        each(bytes, |field| {
            let inner = || inside(bytes, field);
            match (field.number, field.wire) {
                (1, WireType::Len) => metric.labels.push(pair(inner())?),
                (2 | 3 | 5, WireType::Len) => metric.value = number(inner())?,
                (4, WireType::Len) => metric.value = summary(inner())?,
                (6, WireType::Varint) => metric.time = Some(varint(bytes, field).cast_signed()),
                (7, WireType::Len) => metric.value = Value::Histogram(Box::new(histogram(inner())?)),
                _ => {}
            }
            Ok(())
        })?;
        Ok(metric)
    }
}

fn number(bytes: &[u8]) -> Result<Value, String> {
    let (mut value, mut created, mut exemplar) = (0.0, 0.0, None);
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Fixed64) => value = double(bytes, field),
            (2, WireType::Len) => exemplar = Some(example(inside(bytes, field))?),
            (3, WireType::Len) => created = timestamp(inside(bytes, field))?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Value::Number { value, created, exemplar })
}

fn summary(bytes: &[u8]) -> Result<Value, String> {
    let (mut count, mut sum, mut quantiles, mut created) = (0, 0.0, Vec::new(), 0.0);
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Varint) => count = varint(bytes, field),
            (2, WireType::Fixed64) => sum = double(bytes, field),
            (3, WireType::Len) => {
                let inner = inside(bytes, field);
                let (mut quantile, mut value) = (0.0, 0.0);
                each(inner, |field| {
                    match (field.number, field.wire) {
                        (1, WireType::Fixed64) => quantile = double(inner, field),
                        (2, WireType::Fixed64) => value = double(inner, field),
                        _ => {}
                    }
                    Ok(())
                })?;
                quantiles.push((quantile, value));
            }
            (4, WireType::Len) => created = timestamp(inside(bytes, field))?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Value::Summary { count, sum, quantiles, created })
}

fn histogram(bytes: &[u8]) -> Result<Histogram, String> {
    let mut histogram = Histogram::default();
    let mut float_count = 0.0;
    let mut float_zeros = 0.0;
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Varint) => histogram.count = varint(bytes, field) as f64,
            (2, WireType::Fixed64) => histogram.sum = double(bytes, field),
            (3, WireType::Len) => histogram.buckets.push(bucket(inside(bytes, field))?),
            (4, WireType::Fixed64) => float_count = double(bytes, field),
            (5, WireType::Varint) => histogram.schema = zigzag(varint(bytes, field)) as i32,
            (6, WireType::Fixed64) => histogram.zero_threshold = double(bytes, field),
            (7, WireType::Varint) => histogram.zero_count = varint(bytes, field) as f64,
            (8, WireType::Fixed64) => float_zeros = double(bytes, field),
            (9, WireType::Len) => histogram.negative.spans.push(span(inside(bytes, field))?),
            (10, _) => deltas(bytes, field, &mut histogram.negative.deltas)?,
            (11, _) => doubles(bytes, field, &mut histogram.negative.counts),
            (12, WireType::Len) => histogram.positive.spans.push(span(inside(bytes, field))?),
            (13, _) => deltas(bytes, field, &mut histogram.positive.deltas)?,
            (14, _) => doubles(bytes, field, &mut histogram.positive.counts),
            (15, WireType::Len) => histogram.created = timestamp(inside(bytes, field))?,
            (16, WireType::Len) => histogram.exemplars.push(example(inside(bytes, field))?),
            _ => {}
        }
        Ok(())
    })?;
    if float_count > 0.0 {
        histogram.count = float_count;
    }
    if float_zeros > 0.0 {
        histogram.zero_count = float_zeros;
    }
    Ok(histogram)
}

impl Histogram {
    /// Whether it has buckets that grow by a factor.
    pub(crate) fn is_native(&self) -> bool {
        let has_spans = !self.positive.spans.is_empty() || !self.negative.spans.is_empty();
        has_spans || self.zero_threshold > 0.0 || self.zero_count > 0.0
    }
}

impl Spans {
    /// Where the first bucket is, and the counts of it and all behind it; none where that is more than anybody needs, or
    /// counts and runs do not go together.
    pub(crate) fn counts(&self) -> Option<(i32, Vec<u64>)> {
        let total: u64 = self.spans.iter().map(|(_, length)| u64::from(*length)).sum();
        let is_delta = self.counts.is_empty();
        let given = if is_delta { self.deltas.len() } else { self.counts.len() };
        if total != given as u64 {
            return None;
        }
        let mut running = 0i64;
        let mut next = 0usize;
        let mut take = || {
            let at = next;
            next += 1;
            if is_delta {
                running = running.checked_add(*self.deltas.get(at)?)?;
                u64::try_from(running).ok()
            } else {
                // What is less than half of a measurement is none.
                self.counts.get(at).map(|count| count.round() as u64)
            }
        };
        let mut first = 0;
        let mut counts: Vec<u64> = Vec::new();
        for (at, (offset, length)) in self.spans.iter().enumerate() {
            if at == 0 {
                first = *offset;
            } else {
                let gap = usize::try_from(*offset).ok().filter(|gap| counts.len() + gap <= BUCKETS)?;
                counts.resize(counts.len() + gap, 0);
            }
            if counts.len() + *length as usize > BUCKETS {
                return None;
            }
            for _ in 0..*length {
                counts.push(take()?);
            }
        }
        // A bucket is named by its lower bound in OTLP, and by its upper one here.
        Some((first.checked_sub(1)?, counts))
    }
}

fn bucket(bytes: &[u8]) -> Result<(f64, f64, Option<Exemplar>), String> {
    let (mut bound, mut count, mut float, mut exemplar) = (0.0, 0.0, 0.0, None);
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Varint) => count = varint(bytes, field) as f64,
            (2, WireType::Fixed64) => bound = double(bytes, field),
            (3, WireType::Len) => exemplar = Some(example(inside(bytes, field))?),
            (4, WireType::Fixed64) => float = double(bytes, field),
            _ => {}
        }
        Ok(())
    })?;
    Ok((bound, if float > 0.0 { float } else { count }, exemplar))
}

fn span(bytes: &[u8]) -> Result<(i32, u32), String> {
    let (mut offset, mut length) = (0, 0);
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Varint) => offset = zigzag(varint(bytes, field)) as i32,
            (2, WireType::Varint) => length = varint(bytes, field) as u32,
            _ => {}
        }
        Ok(())
    })?;
    Ok((offset, length))
}

fn example(bytes: &[u8]) -> Result<Exemplar, String> {
    let mut exemplar = Exemplar { labels: Labels::new(), value: 0.0, time: None };
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Len) => {
                let (name, value) = pair(inside(bytes, field))?;
                exemplar.labels.set(name, value);
            }
            (2, WireType::Fixed64) => exemplar.value = double(bytes, field),
            (3, WireType::Len) => exemplar.time = super::text::millis(timestamp(inside(bytes, field))?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(exemplar)
}

fn pair(bytes: &[u8]) -> Result<(&str, &str), String> {
    let (mut name, mut value) = ("", "");
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Len) => name = text(bytes, field)?,
            (2, WireType::Len) => value = text(bytes, field)?,
            _ => {}
        }
        Ok(())
    })?;
    if name.is_empty() { Err("a label has no name".to_owned()) } else { Ok((name, value)) }
}

/// A time in seconds.
fn timestamp(bytes: &[u8]) -> Result<f64, String> {
    let (mut seconds, mut nanos) = (0.0, 0.0);
    each(bytes, |field| {
        match (field.number, field.wire) {
            (1, WireType::Varint) => seconds = varint(bytes, field).cast_signed() as f64,
            (2, WireType::Varint) => nanos = varint(bytes, field).cast_signed() as f64,
            _ => {}
        }
        Ok(())
    })?;
    Ok(seconds + nanos / 1e9)
}

/// Hands out the fields of a message.
fn each(bytes: &[u8], mut take: impl FnMut(&Field) -> Result<(), String>) -> Result<(), String> {
    let mut end = 0;
    for field in Fields::new(bytes, 0, bytes.len()) {
        end = field.end;
        take(&field)?;
    }
    if end == bytes.len() { Ok(()) } else { Err("what stands there is no message".to_owned()) }
}

fn inside<'a>(bytes: &'a [u8], field: &Field) -> &'a [u8] {
    bytes.get(field.start..field.end).unwrap_or_default()
}

fn text<'a>(bytes: &'a [u8], field: &Field) -> Result<&'a str, String> {
    std::str::from_utf8(inside(bytes, field)).map_err(|_| "a text is no UTF-8".to_owned())
}

fn varint(bytes: &[u8], field: &Field) -> u64 {
    wire::varint(bytes, field.start).map_or(0, |(value, _)| value)
}

fn zigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

fn double(bytes: &[u8], field: &Field) -> f64 {
    inside(bytes, field).try_into().map_or(0.0, f64::from_le_bytes)
}

/// Numbers one by one, or many at once.
fn deltas(bytes: &[u8], field: &Field, out: &mut Vec<i64>) -> Result<(), String> {
    if field.wire == WireType::Varint {
        out.push(zigzag(varint(bytes, field)));
        return Ok(());
    }
    let mut at = field.start;
    while at < field.end {
        let (value, next) = wire::varint(bytes, at).ok_or("a number is cut off")?;
        out.push(zigzag(value));
        at = next;
    }
    Ok(())
}

fn doubles(bytes: &[u8], field: &Field, out: &mut Vec<f64>) {
    let all = inside(bytes, field).chunks_exact(8);
    out.extend(all.filter_map(|bytes| bytes.try_into().ok()).map(f64::from_le_bytes));
}

#[cfg(test)]
mod tests;
