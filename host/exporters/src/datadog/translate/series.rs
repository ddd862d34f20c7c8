//! A series is what a request with metrics consists of: a name, tags and a point.

use host_otlp::view::Number;

use crate::json::{self, Object};

/// What kind of number a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Count = 1,
    Gauge = 3,
}

/// One series with its point.
pub(super) struct Series<'s> {
    pub(super) name: &'s str,
    pub(super) kind: Kind,
    /// In seconds.
    pub(super) time: u64,
    pub(super) value: Number,
    pub(super) unit: Option<&'s str>,
    /// Over how many seconds a count was made, where that is known.
    pub(super) interval: Option<u64>,
    pub(super) tags: &'s [String],
    pub(super) host: &'s str,
}

impl Series<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut series = Object::open(out);
        series.member("metric", self.name);
        series.member("type", self.kind as u8);
        json::list(series.key("points"), std::iter::once(()), |out, ()| {
            let mut point = Object::open(out);
            point.member("timestamp", self.time);
            json::number(point.key("value"), self.value);
            point.close();
        });
        if let Some(unit) = self.unit {
            series.member("unit", unit);
        }
        if let Some(interval) = self.interval {
            series.member("interval", interval);
        }
        if !self.tags.is_empty() {
            series.member("tags", self.tags);
        }
        if !self.host.is_empty() {
            json::list(series.key("resources"), std::iter::once(self.host), |out, host| {
                let mut resource = Object::open(out);
                resource.member("name", host);
                resource.member("type", "host");
                resource.close();
            });
        }
        series.close();
    }
}

/// The name of a metric as Datadog stores it: its intake would make the same of it.
pub(super) fn name(written: &str) -> String {
    const MOST: usize = 200;
    let letters = written.chars().skip_while(|c| !c.is_ascii_alphabetic());
    let known = letters.map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '_' });
    known.take(MOST).collect()
}

/// The seconds between two times in nanoseconds, where they are whole ones but for what a clock is off.
pub(super) fn interval(since: u64, time: u64) -> Option<u64> {
    const OFF: u64 = 50_000_000;
    const SECOND: u64 = 1_000_000_000;
    let nanos = time.checked_sub(since).filter(|_| since > 0)?;
    let seconds = nanos.checked_add(SECOND / 2)? / SECOND;
    (seconds > 0 && nanos.abs_diff(seconds * SECOND) < OFF).then_some(seconds)
}

/// A bound as it stands in a tag: with a fraction where it is whole, as OpenMetrics spells it.
pub(super) fn bound(number: f64) -> String {
    match number {
        f64::INFINITY => "inf".to_owned(),
        f64::NEG_INFINITY => "-inf".to_owned(),
        _ if number.is_nan() => "nan".to_owned(),
        0.0 => "0".to_owned(),
        _ if number == number.floor() => format!("{}.0", json::general(number)),
        _ => json::general(number),
    }
}
