//! Values as people read them: on one line, and no longer than it takes to see what differs.

use serde_json::Value;

use crate::module::counted;
use crate::module::told::plain;

/// Longer texts are cut.
const LONGEST: usize = 160;
/// What is shown around a difference in a longer text.
const AROUND: usize = 40;

/// Whether a field is a number of 64 bits, which JSON has as text.
pub(super) fn is_wide(key: &str) -> bool {
    key.ends_with("UnixNano") || matches!(key, "asInt" | "count" | "intValue" | "zeroCount")
}

/// A field that holds no value of any type.
pub(super) fn scalar(key: &str, value: &Value) -> String {
    match value {
        Value::String(digits) if is_wide(key) => digits.clone(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(bare).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

/// An element of a packed field.
fn bare(item: &Value) -> String {
    item.as_str().map_or_else(|| item.to_string(), str::to_owned)
}

/// A value of any type; none is one of no type.
pub(super) fn any(value: Option<&Value>) -> String {
    let Some((member, value)) = value.and_then(Value::as_object).and_then(|fields| fields.iter().next()) else {
        return "null".to_owned();
    };
    let items = || value.get("values").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice).iter();
    match member.as_str() {
        "arrayValue" => format!("[{}]", items().map(|item| any(Some(item))).collect::<Vec<_>>().join(", ")),
        "kvlistValue" => {
            let pair = |pair: &Value| {
                let key = pair.get("key").and_then(Value::as_str).unwrap_or_default();
                format!("{key:?}: {}", any(pair.get("value")))
            };
            format!("{{{}}}", items().map(pair).collect::<Vec<_>>().join(", "))
        }
        "bytesValue" => format!("base64 {value}"),
        member => scalar(member, value),
    }
}

/// A row in a few words.
pub(super) fn row(list: &str, row: &Value) -> String {
    let name = || row.get("name").and_then(Value::as_str).unwrap_or_default();
    let told = match list {
        "logRecords" => format!("log record {}", any(row.get("body"))),
        "spans" => format!("span {:?}", name()),
        "metrics" => format!("metric {:?}", name()),
        "events" => format!("event {:?}", name()),
        "dataPoints" => format!("data point {row}"),
        "resourceLogs" | "scopeLogs" => counted(count(row, "logRecords"), "log record"),
        "resourceSpans" | "scopeSpans" => counted(count(row, "spans"), "span"),
        "resourceMetrics" | "scopeMetrics" => counted(count(row, "dataPoints"), "data point"),
        _ => row.to_string(),
    };
    cut_one(&told)
}

/// How many items lie in lists of this name, however deep.
fn count(tree: &Value, list: &str) -> u64 {
    match tree {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match value {
                Value::Array(items) if key == list => items.len() as u64,
                value => count(value, list),
            })
            .sum(),
        Value::Array(items) => items.iter().map(|item| count(item, list)).sum(),
        _ => 0,
    }
}

/// As much of a text as fits on a line.
pub(super) fn cut_one(text: &str) -> String {
    let mut kept: String = text.chars().take(LONGEST).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    plain(&kept)
}

/// As much of two texts as shows where they differ.
pub(super) fn cut(old: &str, new: &str) -> (String, String) {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    if old.len().max(new.len()) <= LONGEST {
        let whole = |text: Vec<char>| plain(&text.into_iter().collect::<String>());
        return (whole(old), whole(new));
    }
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let around = |text: &[char]| {
        let (start, end) = (head.saturating_sub(AROUND), (text.len() - tail + AROUND).min(text.len()));
        let end = end.min(start + LONGEST);
        let kept: String = text.get(start..end).unwrap_or_default().iter().collect();
        let (before, after) = (if start > 0 { "…" } else { "" }, if end < text.len() { "…" } else { "" });
        format!("{before}{}{after}", plain(&kept))
    };
    (around(&old), around(&new))
}
