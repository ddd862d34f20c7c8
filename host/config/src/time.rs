//! Durations as Go writes them: `200ms`, `1m30s`, `1.5h`.

use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Visitor};

/// The name by which the decoder knows that a duration is wanted.
pub(crate) const MARKER: &str = "host_config::time::duration";

/// What is wrong with a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    #[error("{0:?} is no duration: write a number and a unit, such as `5s`, `200ms` or `1m30s`")]
    Shape(String),
    #[error("the duration {0:?} has no unit: write `{0}s`, `{0}ms` or another of ns, us, ms, s, m and h")]
    Unit(String),
    #[error("the duration {0:?} is negative")]
    Negative(String),
    #[error("the duration {0:?} is too long")]
    Long(String),
}

/// Reads a duration: one or more decimal numbers, each with a unit; `0` needs none.
///
/// # Errors
/// Says what is wrong with `text`.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let trimmed = text.trim();
    let shape = || DurationError::Shape(text.to_owned());
    if trimmed.starts_with('-') {
        return Err(DurationError::Negative(text.to_owned()));
    }
    let mut rest = trimmed.strip_prefix('+').unwrap_or(trimmed);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DurationError::Unit(rest.to_owned()));
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(shape)?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let nanos = nanoseconds(number, scale(unit).ok_or_else(shape)?).ok_or_else(shape)?;
        total = total.saturating_add(nanos);
        rest = after;
    }
    if trimmed.is_empty() {
        return Err(shape());
    }
    // The longest that Go knows: 292 years.
    i64::try_from(total)
        .map(|nanos| Duration::from_nanos(nanos.unsigned_abs()))
        .map_err(|_| DurationError::Long(text.to_owned()))
}

/// Nanoseconds of a unit.
fn scale(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// `number` of a unit in nanoseconds; digits behind the point count as far as nanoseconds go.
fn nanoseconds(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok().map(u128::from) };
    let fraction = &fraction[..fraction.len().min(15)];
    let part = digits(fraction)? * scale / 10u128.pow(fraction.len() as u32);
    digits(whole)?.checked_mul(scale)?.checked_add(part)
}

/// `duration` in a form that [`parse`] reads without loss.
pub(crate) fn exact(duration: Duration) -> String {
    format!("{}ns", duration.as_nanos())
}

/// A duration field: `#[serde(deserialize_with = "host_config::time::duration")]`.
///
/// # Errors
/// Where the text is no duration.
pub fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_newtype_struct(MARKER, GoDuration)
}

/// A duration field that may be absent: `#[serde(deserialize_with = "host_config::time::optional_duration")]`.
///
/// # Errors
/// Where the text is no duration.
pub fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

/// What a duration field takes, a bare zero included, for its schema: `#[schemars(schema_with = "host_config::time::schema")]`.
pub fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer"],
        "minimum": 0,
        "maximum": 0,
        "pattern": r"^\s*\+?(0|([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+\s*$",
        "examples": ["200ms", "5s", "1m30s"],
    })
}

struct GoDuration;

impl<'de> Visitor<'de> for GoDuration {
    type Value = Duration;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a duration such as `5s` or `200ms`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).map_err(E::custom)
    }

    /// Other formats than this crate's hand over what they hold.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Duration, D::Error> {
        deserializer.deserialize_str(self)
    }
}
