//! Requests whose items carry a number each, and the numbers that are found in a request.
//!
//! A number names the stream, that is the client that sent the item, and the item's place in it. It is an attribute of
//! the log record, the span or the data point, where no processor that runs here touches it.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::wire::Signal;

const KEY: &str = "fault.number";
const STREAM_SHIFT: u32 = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) stream: usize,
    pub(crate) place: usize,
}

impl Number {
    /// A line of a file that is this item, with its end.
    pub(crate) fn line(self, padding: &str) -> String {
        format!("{KEY}={}:{} {padding}.\n", self.stream, self.place)
    }

    /// The number of a line, where the line is whole.
    fn of_line(text: &str) -> Option<Number> {
        let (number, rest) = text.strip_prefix(KEY)?.strip_prefix('=')?.split_once(' ')?;
        let (stream, place) = number.split_once(':')?;
        let number = Number { stream: stream.parse().ok()?, place: place.parse().ok()? };
        (rest.ends_with('.') && !rest.contains(KEY)).then_some(number)
    }

    fn attribute(self) -> KeyValue {
        key_value(KEY, Value::IntValue(((self.stream as i64) << STREAM_SHIFT) | self.place as i64))
    }

    fn found(attributes: &[KeyValue]) -> Option<Number> {
        let value = &attributes.iter().find(|attribute| attribute.key == KEY)?.value;
        let Some(Value::IntValue(number)) = value.as_ref()?.value else { return None };
        let place = number & ((1 << STREAM_SHIFT) - 1);
        Some(Number { stream: (number >> STREAM_SHIFT) as usize, place: place as usize })
    }
}

/// What a request consists of: the numbers from `first` on, and some text in each item.
pub(crate) struct Content<'a> {
    pub(crate) stream: usize,
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) text: &'a str,
}

impl Content<'_> {
    /// The same content makes the same bytes.
    pub(crate) fn encode(&self, signal: Signal) -> Bytes {
        let resource = Some(Resource {
            attributes: vec![key_value("service.name", Value::StringValue(format!("sender-{}", self.stream)))],
            ..Resource::default()
        });
        let numbers = (self.first..self.first + self.count).map(|place| Number { stream: self.stream, place });
        let encoded = match signal {
            Signal::Logs => {
                let log_records = numbers.map(|number| self.log_record(number)).collect();
                let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
                let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
                ExportLogsServiceRequest { resource_logs }.encode_to_vec()
            }
            Signal::Traces => {
                let spans = numbers.map(|number| self.span(number)).collect();
                let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
                let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
                ExportTraceServiceRequest { resource_spans }.encode_to_vec()
            }
            Signal::Metrics => {
                let data_points = numbers.map(|number| self.point(number)).collect();
                let metrics = vec![Metric {
                    name: "fault.value".to_owned(),
                    data: Some(Data::Gauge(Gauge { data_points })),
                    ..Metric::default()
                }];
                let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
                let resource_metrics = vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
                ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
            }
        };
        encoded.into()
    }

    fn log_record(&self, number: Number) -> LogRecord {
        LogRecord {
            time_unix_nano: 1 + number.place as u64,
            body: Some(AnyValue { value: Some(Value::StringValue(self.text.to_owned())) }),
            attributes: vec![number.attribute()],
            ..LogRecord::default()
        }
    }

    fn span(&self, number: Number) -> Span {
        let id = (number.stream as u64) << STREAM_SHIFT | (1 + number.place as u64);
        Span {
            trace_id: u128::from(id).to_be_bytes().to_vec(),
            span_id: id.to_be_bytes().to_vec(),
            name: "fault".to_owned(),
            attributes: vec![number.attribute(), key_value("text", Value::StringValue(self.text.to_owned()))],
            ..Span::default()
        }
    }

    fn point(&self, number: Number) -> NumberDataPoint {
        NumberDataPoint {
            time_unix_nano: 1 + number.place as u64,
            value: Some(number_data_point::Value::AsInt(number.place as i64)),
            attributes: vec![number.attribute(), key_value("text", Value::StringValue(self.text.to_owned()))],
            ..NumberDataPoint::default()
        }
    }
}

fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// The number of each item of a request; an item without one is an error, since nobody but us sends here.
pub(crate) fn numbers(signal: Signal, message: &[u8]) -> Result<Vec<Number>, String> {
    let attributes: Vec<Vec<KeyValue>> = match signal {
        Signal::Logs => {
            let request = ExportLogsServiceRequest::decode(message).map_err(|e| e.to_string())?;
            let scopes = request.resource_logs.into_iter().flat_map(|r| r.scope_logs);
            scopes.flat_map(|s| s.log_records).map(|r| r.attributes).collect()
        }
        Signal::Traces => {
            let request = ExportTraceServiceRequest::decode(message).map_err(|e| e.to_string())?;
            let scopes = request.resource_spans.into_iter().flat_map(|r| r.scope_spans);
            scopes.flat_map(|s| s.spans).map(|s| s.attributes).collect()
        }
        Signal::Metrics => {
            let request = ExportMetricsServiceRequest::decode(message).map_err(|e| e.to_string())?;
            let scopes = request.resource_metrics.into_iter().flat_map(|r| r.scope_metrics);
            let data = scopes.flat_map(|s| s.metrics).filter_map(|m| m.data);
            data.flat_map(points).map(|p| p.attributes).collect()
        }
    };
    attributes.iter().map(|a| Number::found(a).ok_or_else(|| "an item without a number".to_owned())).collect()
}

/// The number of each log record whose body is a line of a file; none where it is no whole line.
pub(crate) fn lines(message: &[u8]) -> Result<Vec<Option<Number>>, String> {
    let request = ExportLogsServiceRequest::decode(message).map_err(|e| e.to_string())?;
    let scopes = request.resource_logs.into_iter().flat_map(|r| r.scope_logs);
    let bodies = scopes.flat_map(|s| s.log_records).map(|record| record.body.and_then(|body| body.value));
    let number = |body| match body {
        Some(Value::StringValue(text)) => Number::of_line(&text),
        _ => None,
    };
    Ok(bodies.map(number).collect())
}

fn points(data: Data) -> Vec<NumberDataPoint> {
    match data {
        Data::Gauge(gauge) => gauge.data_points,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
