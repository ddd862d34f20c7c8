//! What a user may write under `metrics`.

use host_config::{Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::datadog::state::First;
use crate::datadog::translate::{HistogramMode, Shape};

/// What is said of metrics.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Without a value `https://api.` and the site.
    pub endpoint: String,
    /// For how many seconds the last value of a series is remembered.
    pub delta_ttl: u64,
    /// How many numbers are remembered at most: one for a sum, those of its buckets and bounds for a histogram.
    pub delta_limit: usize,
    /// Whether every attribute of a resource is a tag, and not only those that Datadog has a name for.
    pub resource_attributes_as_tags: bool,
    /// Whether the name, the version and the attributes of a scope are tags.
    pub instrumentation_scope_metadata_as_tags: bool,
    pub histograms: Histograms,
    pub sums: Sums,
    pub summaries: Summaries,
}

/// What becomes of histograms.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Histograms {
    pub mode: Mode,
    /// Whether `.count`, `.sum`, `.min` and `.max` are sent beside it.
    pub send_aggregation_metrics: bool,
    send_count_sum_metrics: Refused,
}

/// What a histogram is sent as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Distributions,
    NoBuckets,
    Counters,
}

/// What becomes of sums that only grow.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sums {
    pub cumulative_monotonic_mode: MonotonicMode,
    /// What the first point of a series says; without a value `auto`.
    pub initial_cumulative_monotonic_value: Option<InitialValue>,
}

/// Whether what came since the last time is sent, as a count, or the sum, as a gauge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MonotonicMode {
    #[default]
    ToDelta,
    RawValue,
}

/// What the first point of a series says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InitialValue {
    /// All of it, where the series began after this process.
    Auto,
    Drop,
    Keep,
}

/// What becomes of summaries.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Summaries {
    pub mode: SummaryMode,
}

/// Whether quantiles are sent, as gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SummaryMode {
    NoQuantiles,
    #[default]
    Gauges,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            endpoint: String::new(),
            delta_ttl: 3600,
            delta_limit: 500_000,
            resource_attributes_as_tags: false,
            instrumentation_scope_metadata_as_tags: true,
            histograms: Histograms::default(),
            sums: Sums::default(),
            summaries: Summaries::default(),
        }
    }
}

impl Metrics {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let is_nothing = self.histograms.mode == Mode::NoBuckets && !self.histograms.send_aggregation_metrics;
        let is_idle = self.sums.cumulative_monotonic_mode == MonotonicMode::RawValue
            && self.sums.initial_cumulative_monotonic_value.is_some();
        Wrong::among([
            ("metrics.delta_ttl", self.delta_ttl == 0, "it has to be more than 0"),
            ("metrics.delta_limit", self.delta_limit == 0, "it has to be more than 0"),
            (
                "metrics.histograms.mode",
                is_nothing,
                "nothing of a histogram would be sent: set `send_aggregation_metrics: true`, or another mode",
            ),
            (
                "metrics.histograms.send_count_sum_metrics",
                self.histograms.send_count_sum_metrics.0,
                "it is called `send_aggregation_metrics`",
            ),
            (
                "metrics.sums.initial_cumulative_monotonic_value",
                is_idle,
                "with `cumulative_monotonic_mode: raw_value` no point is the first: take one of the two out",
            ),
        ])
    }

    pub(super) fn shape(&self, hostname: String) -> Shape {
        Shape {
            hostname,
            resource_attributes_as_tags: self.resource_attributes_as_tags,
            scope_as_tags: self.instrumentation_scope_metadata_as_tags,
            histograms: match self.histograms.mode {
                Mode::Distributions => HistogramMode::Distributions,
                Mode::NoBuckets => HistogramMode::NoBuckets,
                Mode::Counters => HistogramMode::Counters,
            },
            with_aggregations: self.histograms.send_aggregation_metrics,
            to_delta: self.sums.cumulative_monotonic_mode == MonotonicMode::ToDelta,
            with_quantiles: self.summaries.mode == SummaryMode::Gauges,
        }
    }
}

impl Sums {
    pub(super) fn first(&self) -> First {
        match self.initial_cumulative_monotonic_value {
            None | Some(InitialValue::Auto) => First::Auto,
            Some(InitialValue::Drop) => First::Drop,
            Some(InitialValue::Keep) => First::Keep,
        }
    }
}
