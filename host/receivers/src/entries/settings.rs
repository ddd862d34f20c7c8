//! What a user may write for the entries of any receiver of logs. The keys and defaults are the Collector's where it has them.

mod operator;

use std::collections::BTreeMap;
use std::time::Duration;

use host_config::Wrong;
use host_config::time::{duration, optional_duration};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use operator::{From, OnError, Operator, Severity, Size, Time, Trace};

use super::lines;
use super::operators::Plan;

/// Where entries of several lines begin or end.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Multiline {
    pub line_start_pattern: Option<String>,
    pub line_end_pattern: Option<String>,
    pub omit_pattern: bool,
}

/// What becomes of an entry that is longer than `max_log_size`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TooLong {
    #[default]
    Split,
    Truncate,
}

/// How long it takes until something is tried again. It is tried until it is delivered, also where this is off.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub enabled: bool,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_interval: Duration,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_interval: Duration,
    /// Taken for the Collector's sake: nothing is given up.
    #[serde(deserialize_with = "optional_duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_elapsed_time: Option<Duration>,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            enabled: false,
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
            max_elapsed_time: None,
        }
    }
}

impl Multiline {
    /// What makes no sense; `key` leads here.
    pub(crate) fn wrongs(&self, key: &str) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        if self.line_start_pattern.is_some() == self.line_end_pattern.is_some() {
            wrongs.push(Wrong::new(key, "write one of `line_start_pattern` and `line_end_pattern`"));
        }
        let patterns = [("line_start_pattern", &self.line_start_pattern), ("line_end_pattern", &self.line_end_pattern)];
        for (at, pattern) in patterns {
            if let Some(Err(error)) = pattern.as_deref().map(lines::pattern) {
                wrongs.push(Wrong::new(format!("{key}.{at}"), format!("it is no pattern: {error}")));
            }
        }
        wrongs
    }
}

/// What makes no sense in `encoding`; `key` leads there.
pub(crate) fn encoding_wrongs(key: &str, encoding: &str) -> Option<Wrong> {
    lines::Encoding::of(encoding).err().map(|error| Wrong::new(key, error))
}

/// What makes no sense in the values that every entry gets.
pub(crate) fn fixed_wrongs(key: &str, map: &BTreeMap<String, String>) -> Vec<Wrong> {
    let computed = map.iter().filter(|(_, value)| value.starts_with("EXPR("));
    let told = computed.map(|(name, value)| {
        Wrong::new(key, format!("{name}: {value} is computed: write the value, or `${{env:NAME}}` for a variable"))
    });
    told.collect()
}

/// What makes no sense in `operators`, one by one and together.
pub(crate) fn operator_wrongs(operators: &[Operator]) -> Vec<Wrong> {
    let names: Vec<&str> = operators.iter().map(Operator::name).collect();
    let mut wrongs = Vec::new();
    for (at, operator) in operators.iter().enumerate() {
        let below = names.get(at + 1..).unwrap_or_default();
        wrongs.extend(operator.wrongs(&format!("operators[{at}]"), below));
    }
    if wrongs.is_empty()
        && let Err(error) = Plan::new(operators)
    {
        wrongs.push(Wrong::new("operators", error));
    }
    wrongs
}
