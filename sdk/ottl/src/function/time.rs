//! Converters of times and durations.

use crate::value::Val;

pub(super) const MICROSECOND: i64 = 1_000;
pub(super) const MILLISECOND: i64 = 1_000_000;
pub(super) const SECOND: i64 = 1_000_000_000;

/// The units of a duration, the longer names first.
const UNITS: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", MICROSECOND),
    ("µs", MICROSECOND),
    ("μs", MICROSECOND),
    ("ms", MILLISECOND),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
];

/// A duration as Go writes it: `1h30m`, `-1.5s`.
pub(super) fn duration<'a>(text: &str) -> Result<Val<'a>, String> {
    parsed(text).map(Val::Duration).ok_or_else(|| ["`", text, "` is no duration such as `1h30m`"].concat())
}

fn parsed(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let (unit, nanos) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
        // `m` is also how `ms` starts, which stands before it in the list.
        rest = &rest[unit.len()..];
        total += number * *nanos as f64;
    }
    let nanos = sign * total;
    (nanos.abs() < i64::MAX as f64).then_some(nanos.round() as i64)
}

/// Units since the Unix epoch.
pub(super) fn since<'a>(value: &Val<'_>, unit: i64) -> Result<Val<'a>, String> {
    match value {
        Val::Time(nanos) => Ok(Val::Int(nanos.div_euclid(unit))),
        _ => Err(["expected a time but got ", value.kind()].concat()),
    }
}

pub(super) fn whole<'a>(value: &Val<'_>) -> Result<Val<'a>, String> {
    whole_of(value, 1)
}

/// Whole units of a duration.
pub(super) fn whole_of<'a>(value: &Val<'_>, unit: i64) -> Result<Val<'a>, String> {
    match value {
        Val::Duration(nanos) => Ok(Val::Int(nanos / unit)),
        _ => Err(["expected a duration but got ", value.kind()].concat()),
    }
}

/// Units of a duration with their fraction.
pub(super) fn fraction_of<'a>(value: &Val<'_>, unit: i64) -> Result<Val<'a>, String> {
    match value {
        Val::Duration(nanos) => Ok(Val::Double(*nanos as f64 / unit as f64)),
        _ => Err(["expected a duration but got ", value.kind()].concat()),
    }
}
