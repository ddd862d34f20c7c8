//! A line of `journalctl --output=json` becomes an entry.

use std::borrow::Cow;

use super::progress::Cursor;
use crate::entries::entry::{Map, Value, get, take};
use crate::entries::operators::parse_json;

const TIME: &str = "__REALTIME_TIMESTAMP";
const CURSOR: &str = "__CURSOR";
const MESSAGE: &str = "MESSAGE";

/// What a line says.
#[derive(Debug, PartialEq)]
pub(super) struct Record<'a> {
    /// Nanoseconds since the Unix epoch.
    pub(super) time: u64,
    pub(super) cursor: Cursor,
    pub(super) body: Map<'a>,
}

/// Reads a line. A message that is not text is made text where `converts` says so.
///
/// # Errors
/// Where it is no entry of a journal.
pub(super) fn parse(line: &str, converts: bool) -> Result<Record<'_>, String> {
    let mut body = parse_json(line, false)?;
    let time = take(&mut body, TIME).ok_or_else(|| format!("it has no {TIME}"))?;
    let micros = time.as_text().and_then(|text| text.parse::<u64>().ok());
    let time = micros.and_then(|micros| micros.checked_mul(1_000)).ok_or_else(|| format!("its {TIME} is no time"))?;
    let cursor = get(&body, CURSOR).and_then(Value::as_text).and_then(Cursor::parse);
    let cursor = cursor.ok_or_else(|| format!("it has no {CURSOR}"))?;
    if converts && let Some((_, message)) = body.iter_mut().find(|(key, _)| key == MESSAGE) {
        *message = converted(std::mem::take(message));
    }
    Ok(Record { time, cursor, body })
}

/// Bytes as text; what is anything else stays as it is.
fn converted(value: Value<'_>) -> Value<'_> {
    let Value::Array(numbers) = &value else { return value };
    let byte = |number: &Value<'_>| match number {
        Value::Double(byte) if byte.fract() == 0.0 && (0.0..256.0).contains(byte) => Some(*byte as u8),
        Value::Int(byte) => u8::try_from(*byte).ok(),
        _ => None,
    };
    match numbers.iter().map(byte).collect::<Option<Vec<u8>>>() {
        Some(bytes) => Value::Text(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())),
        None => value,
    }
}

/// A line that anybody may have logged: what is read of it is one entry, with a place to go on from.
pub fn probe(line: &str, converts: bool) {
    let Ok(record) = parse(line, converts) else { return };
    assert!(line.contains(TIME) && !record.body.iter().any(|(key, _)| key == TIME), "its time is no part of its body");
    assert_eq!(get(&record.body, CURSOR).and_then(Value::as_text), Some(record.cursor.as_str()));
}
