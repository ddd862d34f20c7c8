//! One point as a data point of OTLP.

use host_otlp::build::{
    Attributes, Buckets, Exemplar as OtlpExemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric,
    NumberDataPoint, SummaryDataPoint, Value,
};

use super::point::{Body, Parts, Point, Side};
use crate::exposition::series::Exemplar;

/// The flag of a point that says that there is no value any more.
const NO_VALUE: u32 = 1;
/// What stands for a quantile that is gone.
const STALE: u64 = 0x7ff0_0000_0000_0002;
/// What a `NaN` is, whichever one was exposed: another one would mean that the series is gone.
const NAN: u64 = 0x7ff8_0000_0000_0001;

pub(super) fn describe(out: &mut Metric<'_>, help: &str, unit: &str) {
    if !help.is_empty() {
        out.description(help);
    }
    if !unit.is_empty() {
        out.unit(unit);
    }
}

pub(super) fn number(out: &mut NumberDataPoint<'_>, point: &Point, is_gone: bool, time: u64) {
    out.attributes(&point.attributes);
    if point.start > 0 {
        out.start_time_unix_nano(point.start);
    }
    out.time_unix_nano(time);
    match &point.body {
        Body::Number(Some(value)) if !is_gone => {
            out.as_double(tame(*value));
            for exemplar in &point.exemplars {
                out.exemplar(|out| example(out, exemplar, time));
            }
        }
        _ => out.flags(NO_VALUE),
    }
}

/// `steps` are the buckets in order, each with all that lies below it.
pub(super) fn histogram(
    out: &mut HistogramDataPoint<'_>,
    point: &Point,
    parts: &Parts,
    steps: &[(f64, f64)],
    is_gone: bool,
    time: u64,
) {
    let count = parts.count.unwrap_or_default();
    let bounded = steps.iter().filter(|(at, _)| at.is_finite() || *at == f64::NEG_INFINITY);
    let bounds: Vec<f64> = bounded.clone().map(|(at, _)| *at).collect();
    let mut before = 0.0;
    let totals = bounded.map(|(_, value)| *value).chain([count]);
    let counts: Vec<u64> = totals
        .map(|total| {
            let own = total - before;
            before = total;
            if is_gone { 0 } else { whole(own) }
        })
        .collect();
    out.attributes(&point.attributes);
    if point.start > 0 {
        out.start_time_unix_nano(point.start);
    }
    out.time_unix_nano(time);
    if is_gone {
        out.flags(NO_VALUE);
    } else {
        out.count(whole(count));
        if let Some(sum) = parts.sum {
            out.sum(tame(sum));
        }
        for exemplar in &point.exemplars {
            out.exemplar(|out| example(out, exemplar, time));
        }
    }
    out.bucket_counts(&counts);
    if !bounds.is_empty() {
        out.explicit_bounds(&bounds);
    }
}

/// `steps` are the quantiles in order.
pub(super) fn summary(
    out: &mut SummaryDataPoint<'_>,
    point: &Point,
    parts: &Parts,
    steps: &[(f64, f64)],
    is_gone: bool,
    time: u64,
) {
    out.attributes(&point.attributes);
    if point.start > 0 {
        out.start_time_unix_nano(point.start);
    }
    out.time_unix_nano(time);
    if is_gone {
        out.flags(NO_VALUE);
    } else {
        out.count(whole(parts.count.unwrap_or_default()));
        if let Some(sum) = parts.sum {
            out.sum(tame(sum));
        }
    }
    for (quantile, value) in steps {
        out.quantile_value(|out| {
            out.quantile(*quantile);
            out.value(if is_gone { f64::from_bits(STALE) } else { tame(*value) });
        });
    }
}

pub(super) fn native(out: &mut ExponentialHistogramDataPoint<'_>, point: &Point, is_gone: bool, time: u64) {
    out.attributes(&point.attributes);
    if point.start > 0 {
        out.start_time_unix_nano(point.start);
    }
    out.time_unix_nano(time);
    match &point.body {
        Body::Native(Some(native)) if !is_gone => {
            out.count(native.count);
            out.sum(tame(native.sum));
            out.scale(native.scale);
            out.zero_count(native.zero_count);
            out.zero_threshold(native.zero_threshold);
            out.positive(|out| side(out, &native.positive));
            out.negative(|out| side(out, &native.negative));
            for exemplar in &point.exemplars {
                out.exemplar(|out| example(out, exemplar, time));
            }
        }
        _ => out.flags(NO_VALUE),
    }
}

fn side(out: &mut Buckets<'_>, side: &Side) {
    if !side.counts.is_empty() {
        out.offset(side.offset);
        out.bucket_counts(&side.counts);
    }
}

fn example(out: &mut OtlpExemplar<'_>, exemplar: &Exemplar, time: u64) {
    out.time_unix_nano(exemplar.time.map_or(time, nanos));
    out.as_double(tame(exemplar.value));
    let trace = bytes::<16>(exemplar.labels.get("trace_id"));
    let span = bytes::<8>(exemplar.labels.get("span_id"));
    if let Some(id) = &trace {
        out.trace_id(id);
    }
    if let Some(id) = &span {
        out.span_id(id);
    }
    let rest = exemplar
        .labels
        .iter()
        .filter(|(name, _)| !(*name == "trace_id" && trace.is_some() || *name == "span_id" && span.is_some()));
    out.filtered_attributes(&Attributes::of(rest.map(|(name, value)| (name, Value::Text(value)))));
}

/// The bytes that are written in hexadecimal digits; none where there are other digits, or too many, or all are 0. Shorter
/// ones have zeros before them, as the Collector reads them.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex || text.is_empty() || text.len() > 2 * N || !text.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = [0; N];
    let pairs = text.as_bytes().chunks_exact(2);
    for (place, pair) in bytes.iter_mut().skip(N - text.len() / 2).zip(pairs) {
        *place = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    bytes.iter().any(|byte| *byte != 0).then_some(bytes)
}

/// Nanoseconds of milliseconds since the Unix epoch; 0 before that.
pub(super) fn nanos(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000)
}

/// The whole number in what counts something.
fn whole(value: f64) -> u64 {
    value as u64
}

fn tame(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(NAN) } else { value }
}
