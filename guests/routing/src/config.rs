//! The configuration of routing, as the operator writes it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::condition::Condition;

/// What the operator writes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) rules: Vec<RuleConfig>,
    pub(crate) default: Option<String>,
}

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleConfig {
    #[serde(rename = "match")]
    pub(crate) matches: Matches,
    pub(crate) route: String,
}

/// Conditions by name.
pub(crate) type Conditions = BTreeMap<String, Condition>;

/// What has to hold, by where it is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Matches {
    pub(crate) resource: Conditions,
    pub(crate) scope: ScopeMatches,
    pub(crate) attributes: Conditions,
    pub(crate) log: Option<LogMatches>,
    pub(crate) span: Option<SpanMatches>,
    pub(crate) metric: Option<MetricMatches>,
}

/// What has to hold of a scope.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScopeMatches {
    pub(crate) name: Option<Condition>,
    pub(crate) version: Option<Condition>,
    pub(crate) attributes: Conditions,
}

/// What has to hold of a log record.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogMatches {
    pub(crate) severity_number: Option<Condition>,
    pub(crate) severity_text: Option<Condition>,
    pub(crate) body: Option<Condition>,
    pub(crate) event_name: Option<Condition>,
}

/// What has to hold of a span.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SpanMatches {
    pub(crate) name: Option<Condition>,
    pub(crate) kind: Option<Condition>,
    pub(crate) status_code: Option<Condition>,
    pub(crate) status_message: Option<Condition>,
    pub(crate) trace_state: Option<Condition>,
}

/// What has to hold of a metric.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MetricMatches {
    pub(crate) name: Option<Condition>,
    pub(crate) unit: Option<Condition>,
    pub(crate) description: Option<Condition>,
}
