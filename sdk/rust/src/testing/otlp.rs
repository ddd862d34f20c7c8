//! A batch from OTLP/JSON, as a file of fixtures holds it.

use serde_json::{Map, Value};

use super::build::{Row, TestBatch, index};
use crate::{Any, Error, Level, Signal};

const POINTS: [&str; 5] = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
const IDS: [&str; 3] = ["traceId", "spanId", "parentSpanId"];
/// What lies under a row at a level of its own.
const ROWS: [&str; 6] = ["events", "links", "exemplars", "dataPoints", "resource", "scope"];

impl TestBatch {
    /// Reads a request in OTLP/JSON. What it leaves out is absent, and numbers of other kinds of points than plain values are.
    ///
    /// # Errors
    /// It is no JSON, or no request of the signal.
    pub fn from_otlp(signal: Signal, json: &str) -> Result<TestBatch, Error> {
        let request: Value = serde_json::from_str(json).map_err(|error| Error::new(error.to_string()))?;
        let (outer, inner, leaf) = match signal {
            Signal::Logs => ("resourceLogs", "scopeLogs", "logRecords"),
            Signal::Traces => ("resourceSpans", "scopeSpans", "spans"),
            Signal::Metrics => ("resourceMetrics", "scopeMetrics", "metrics"),
        };
        let Some(groups) = request.get(outer) else { return Err(Error::at(outer, "is missing")) };
        let mut batch = TestBatch { signal, rows: Default::default() };
        for group in list(groups) {
            batch.add(Level::Origin, fields(&group["resource"], &[]));
            for scope in list(&group[inner]) {
                batch.add(Level::Scope, fields(&scope["scope"], &[]));
                for item in list(&scope[leaf]) {
                    if signal == Signal::Metrics { batch.metric_of(item) } else { batch.item_of(item) }
                }
            }
        }
        Ok(batch)
    }

    fn metric_of(&mut self, metric: &Value) {
        let mut all = fields(metric, &POINTS);
        let data: Vec<&Value> = POINTS.iter().filter_map(|kind| metric.get(kind)).collect();
        all.extend(data.iter().flat_map(|data| fields(data, &ROWS)));
        self.add(Level::Metric, all);
        for point in data.into_iter().flat_map(|data| list(&data["dataPoints"])) {
            self.item_of(point);
        }
    }

    fn item_of(&mut self, item: &Value) {
        self.add(Level::Item, fields(item, &ROWS));
        for (level, name) in [(Level::Event, "events"), (Level::Link, "links"), (Level::Exemplar, "exemplars")] {
            for row in list(&item[name]) {
                self.add(level, fields(row, &[]));
            }
        }
    }

    /// Adds a row under the last one of the level above.
    fn add(&mut self, level: Level, fields: Vec<(String, Any)>) {
        let parent = self.above(level).map_or(0, |above| self.rows[index(above)].len().saturating_sub(1));
        self.rows[index(level)].push(Row { parent, fields, route: None, dropped: false });
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The fields of an object but for some, by the names that paths have.
fn fields(object: &Value, but: &[&str]) -> Vec<(String, Any)> {
    let Some(object) = object.as_object() else { return Vec::new() };
    let mut fields = Vec::new();
    for (name, value) in object.iter().filter(|(name, _)| !but.contains(&name.as_str())) {
        match (name.as_str(), value) {
            ("attributes" | "metadata", value) => fields.push((snake(name), map(value))),
            ("body", value) => fields.push((snake(name), any(value))),
            ("status", Value::Object(status)) => {
                fields.extend(status.iter().map(|(part, value)| (format!("status.{part}"), plain(part, value))));
            }
            ("asInt" | "asDouble", value) => fields.push(("value".to_owned(), plain(name, value))),
            _ => fields.push((snake(name), plain(name, value))),
        }
    }
    fields
}

/// A field that is no `AnyValue`.
fn plain(name: &str, value: &Value) -> Any {
    let is_number = name.ends_with("UnixNano") || name == "count" || name == "asInt";
    match value {
        Value::String(text) if IDS.contains(&name) => Any::Bytes(hex(text)),
        Value::String(text) if is_number => text.parse().map_or(Any::Empty, Any::Int),
        Value::String(text) => Any::Text(text.clone()),
        Value::Bool(truth) => Any::Bool(*truth),
        Value::Number(number) => number.as_i64().map_or_else(|| Any::Double(number.as_f64().unwrap_or(0.0)), Any::Int),
        _ => Any::Empty,
    }
}

fn map(entries: &Value) -> Any {
    let entry = |entry: &Value| (entry["key"].as_str().unwrap_or_default().to_owned(), any(&entry["value"]));
    Any::Map(list(entries).iter().map(entry).collect())
}

/// An `AnyValue`.
fn any(value: &Value) -> Any {
    let none = Map::new();
    let Some((kind, value)) = value.as_object().unwrap_or(&none).iter().next() else { return Any::Empty };
    match (kind.as_str(), value) {
        ("stringValue", Value::String(text)) => Any::Text(text.clone()),
        ("intValue", Value::String(text)) => text.parse().map_or(Any::Empty, Any::Int),
        ("intValue", value) => value.as_i64().map_or(Any::Empty, Any::Int),
        ("doubleValue", value) => value.as_f64().map_or(Any::Empty, Any::Double),
        ("boolValue", Value::Bool(truth)) => Any::Bool(*truth),
        ("bytesValue", Value::String(text)) => Any::Bytes(base64(text)),
        ("arrayValue", value) => Any::List(list(&value["values"]).iter().map(any).collect()),
        ("kvlistValue", value) => map(&value["values"]),
        _ => Any::Empty,
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter_map(|byte| DIGITS.iter().position(|known| *known == byte)) {
        held = held << 6 | digit as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}
