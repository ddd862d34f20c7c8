//! Durations and sizes as Prometheus writes them: `1m30s`, `1d`, `15MB`.

use std::time::Duration;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// The units, each with its milliseconds, the largest first: none stands twice, and none behind a smaller one.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration: write numbers with units, such as `30s`, `1m30s` or `1d`");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut least, mut total) = (text, 0, 0u64);
    while !rest.is_empty() {
        let (digits, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?);
        let (unit, behind) = behind.split_at(behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len()));
        let at = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
        if at < least {
            return Err(wrong());
        }
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let part = UNITS.get(at).and_then(|(_, scale)| number.checked_mul(*scale));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        (rest, least) = (behind, at + 1);
    }
    // The longest that Go knows: 292 years.
    let fits = !text.is_empty() && total <= i64::MAX as u64 / 1_000_000;
    if fits { Ok(Duration::from_millis(total)) } else { Err(wrong()) }
}

/// A duration in a form that [`parse_duration`] reads.
pub(crate) fn write_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    // Years, weeks and days only where nothing is left over, as Prometheus writes them.
    for (at, (unit, scale)) in UNITS.into_iter().enumerate() {
        if rest < scale || at < 3 && !rest.is_multiple_of(scale) {
            continue;
        }
        text.push_str(&format!("{}{unit}", rest / scale));
        rest %= scale;
    }
    text
}

pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parse_duration(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn duration_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "integer"], "pattern": "^(0|([0-9]+(y|w|d|h|m|s|ms))+)$", "examples": ["30s", "1m"] })
}

/// Bytes, with units of 1024; 0 is no limit.
fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size: write a number and a unit, such as `512KB` or `15MB`");
    if text == "0" || text.is_empty() {
        return Ok(0);
    }
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?);
    let power = match unit {
        "B" => 0,
        "KB" | "KiB" => 1,
        "MB" | "MiB" => 2,
        "GB" | "GiB" => 3,
        "TB" | "TiB" => 4,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    Ok((number * 1024f64.powi(power)) as u64)
}

pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    parse_size(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

pub(super) fn size_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "integer"], "pattern": "^(0|[0-9.]+([KMGT]i?)?B)$", "examples": ["15MB"] })
}

#[cfg(test)]
mod tests;
