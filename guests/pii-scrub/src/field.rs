//! A field is a place where personal data may stand: a name, a body, a map of attributes.

use serde::Deserialize;
use tidegate_sdk::{Level, Signal};

/// The places, by the names that a configuration gives them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Field {
    #[serde(rename = "log.body")]
    LogBody,
    #[serde(rename = "log.attributes")]
    LogAttributes,
    #[serde(rename = "log.event_name")]
    LogEventName,
    #[serde(rename = "span.name")]
    SpanName,
    #[serde(rename = "span.attributes")]
    SpanAttributes,
    #[serde(rename = "span.status.message")]
    SpanStatusMessage,
    #[serde(rename = "spanevent.name")]
    SpanEventName,
    #[serde(rename = "spanevent.attributes")]
    SpanEventAttributes,
    #[serde(rename = "spanlink.attributes")]
    SpanLinkAttributes,
    #[serde(rename = "datapoint.attributes")]
    DatapointAttributes,
    #[serde(rename = "exemplar.attributes")]
    ExemplarAttributes,
    #[serde(rename = "metric.metadata")]
    MetricMetadata,
    #[serde(rename = "resource.attributes")]
    ResourceAttributes,
    #[serde(rename = "scope.attributes")]
    ScopeAttributes,
}

impl Field {
    pub(crate) const ALL: [Field; 14] = [
        Field::LogBody,
        Field::LogAttributes,
        Field::LogEventName,
        Field::SpanName,
        Field::SpanAttributes,
        Field::SpanStatusMessage,
        Field::SpanEventName,
        Field::SpanEventAttributes,
        Field::SpanLinkAttributes,
        Field::DatapointAttributes,
        Field::ExemplarAttributes,
        Field::MetricMetadata,
        Field::ResourceAttributes,
        Field::ScopeAttributes,
    ];

    /// The field in OTTL's syntax, without what a map's path ends in.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Field::LogBody => "log.body",
            Field::LogAttributes => "log.attributes",
            Field::LogEventName => "log.event_name",
            Field::SpanName => "span.name",
            Field::SpanAttributes => "span.attributes",
            Field::SpanStatusMessage => "span.status.message",
            Field::SpanEventName => "spanevent.name",
            Field::SpanEventAttributes => "spanevent.attributes",
            Field::SpanLinkAttributes => "spanlink.attributes",
            Field::DatapointAttributes => "datapoint.attributes",
            Field::ExemplarAttributes => "exemplar.attributes",
            Field::MetricMetadata => "metric.metadata",
            Field::ResourceAttributes => "resource.attributes",
            Field::ScopeAttributes => "scope.attributes",
        }
    }

    /// Whether payloads of this signal have it.
    pub(crate) fn is_in(self, signal: Signal) -> bool {
        match self {
            Field::LogBody | Field::LogAttributes | Field::LogEventName => signal == Signal::Logs,
            Field::DatapointAttributes | Field::ExemplarAttributes | Field::MetricMetadata => signal == Signal::Metrics,
            Field::ResourceAttributes | Field::ScopeAttributes => true,
            _ => signal == Signal::Traces,
        }
    }

    /// Whether there may be keys in it.
    pub(crate) fn has_keys(self) -> bool {
        let is_name =
            matches!(self, Field::LogEventName | Field::SpanName | Field::SpanStatusMessage | Field::SpanEventName);
        !is_name
    }

    /// The level of its rows.
    pub(crate) fn level(self) -> Level {
        match self {
            Field::ResourceAttributes => Level::Origin,
            Field::ScopeAttributes => Level::Scope,
            Field::SpanEventName | Field::SpanEventAttributes => Level::Event,
            Field::SpanLinkAttributes => Level::Link,
            Field::ExemplarAttributes => Level::Exemplar,
            Field::MetricMetadata => Level::Metric,
            _ => Level::Item,
        }
    }
}
