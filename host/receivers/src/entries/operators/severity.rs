//! `severity_parser`: which of the severities of OpenTelemetry a text or a number means.

use std::borrow::Cow;

use crate::entries::entry::{Entry, Value};
use crate::entries::field::Field;
use crate::entries::settings::Severity;

const NAMES: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

pub(crate) struct Severities {
    from: Field,
    with_preset: bool,
    /// Texts in lower case.
    texts: Vec<(String, u32)>,
    ranges: Vec<(i64, i64, u32)>,
    overwrite_text: bool,
}

/// The number of a severity by its name: `warn`, `warn2`.
fn named(name: &str) -> Option<u32> {
    let name = name.trim().to_ascii_lowercase();
    let (at, rest) = NAMES.iter().enumerate().find_map(|(at, known)| Some((at, name.strip_prefix(known)?)))?;
    let step = match rest {
        "" => 0,
        "2" => 1,
        "3" => 2,
        "4" => 3,
        _ => return None,
    };
    Some(at as u32 * 4 + 1 + step)
}

impl Severities {
    pub(crate) fn new(config: &Severity) -> Result<Self, String> {
        let from = Field::parse(config.parse_from.as_deref().ok_or("`parse_from` is missing")?)?;
        let with_preset = match config.preset.as_deref() {
            None | Some("default" | "") => true,
            Some("none") => false,
            Some(other) => return Err(format!("preset: {other:?} is neither `default` nor `none`")),
        };
        let overwrite_text = config.overwrite_text.unwrap_or(false);
        let mut severities = Severities { from, with_preset, texts: Vec::new(), ranges: Vec::new(), overwrite_text };
        for (name, values) in config.mapping.iter().flatten() {
            let number =
                named(name).ok_or_else(|| format!("mapping: {name:?} is no severity such as `error` or `warn2`"))?;
            match values {
                serde_json::Value::Array(values) => {
                    values.iter().try_for_each(|value| severities.map(value, number))?;
                }
                value => severities.map(value, number)?,
            }
        }
        Ok(severities)
    }

    fn map(&mut self, value: &serde_json::Value, number: u32) -> Result<(), String> {
        match value {
            serde_json::Value::String(text) => match text.as_str() {
                "2xx" | "3xx" | "4xx" | "5xx" => {
                    let hundreds = i64::from(text.as_bytes()[0] - b'0') * 100;
                    self.ranges.push((hundreds, hundreds + 99, number));
                }
                text => self.texts.push((text.to_lowercase(), number)),
            },
            serde_json::Value::Number(value) => {
                let value = value.as_i64().ok_or_else(|| format!("mapping: {value} is no whole number"))?;
                self.ranges.push((value, value, number));
            }
            serde_json::Value::Object(range) => {
                let end = |key: &str| range.get(key).and_then(serde_json::Value::as_i64);
                let (Some(min), Some(max)) = (end("min"), end("max")) else {
                    return Err("mapping: a range has `min` and `max`".to_owned());
                };
                self.ranges.push((min, max, number));
            }
            other => return Err(format!("mapping: {other} is no text, number or range")),
        }
        Ok(())
    }

    fn find(&self, text: &str) -> Option<u32> {
        let text = text.trim();
        let mapped =
            self.texts.iter().find(|(known, _)| known.eq_ignore_ascii_case(text) || *known == text.to_lowercase());
        let as_number = text.parse::<i64>().ok();
        let in_range =
            |number: i64| self.ranges.iter().find(|(min, max, _)| (*min..=*max).contains(&number)).map(|r| r.2);
        mapped.map(|(_, number)| *number).or_else(|| as_number.and_then(in_range)).or_else(|| {
            if !self.with_preset {
                return None;
            }
            let by_number = as_number.and_then(|number| u32::try_from(number).ok()).filter(|n| (1..=24).contains(n));
            by_number.or_else(|| named(text)).or_else(|| match text.to_ascii_lowercase().as_str() {
                "warning" => Some(13),
                "err" => Some(17),
                _ => None,
            })
        })
    }

    pub(crate) fn run(&self, entry: &mut Entry<'_>) -> Result<(), String> {
        let text = match self.from.get(entry) {
            Some(Value::Text(text)) => text.to_string(),
            Some(Value::Int(value)) => value.to_string(),
            Some(Value::Double(value)) => format!("{value}"),
            _ => return Err("there is no severity to parse".to_owned()),
        };
        entry.severity = self.find(&text).unwrap_or(0);
        entry.severity_text = Cow::Owned(match self.overwrite_text && entry.severity > 0 {
            true => {
                let (at, step) = ((entry.severity as usize - 1) / 4, (entry.severity - 1) % 4);
                let name = NAMES.get(at).copied().unwrap_or_default().to_uppercase();
                if step == 0 { name } else { format!("{name}{}", step + 1) }
            }
            false => text,
        });
        Ok(())
    }
}
