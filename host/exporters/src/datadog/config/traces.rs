//! What a user may write under `traces`.

use host_config::{Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

/// What is said of spans.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// The intake for OTLP; without a value `https://otlp.` and the site.
    pub endpoint: String,
    /// Whether Datadog makes the metrics of services from these spans.
    pub compute_stats: bool,
    ignore_resources: Refused,
    span_name_remappings: Refused,
    span_name_as_resource_name: Refused,
    compute_stats_by_span_kind: Refused,
    compute_top_level_by_span_kind: Refused,
    peer_service_aggregation: Refused,
    peer_tags_aggregation: Refused,
    peer_tags: Refused,
    trace_buffer: Refused,
}

impl Default for Traces {
    fn default() -> Self {
        Traces {
            endpoint: String::new(),
            compute_stats: true,
            ignore_resources: Refused::default(),
            span_name_remappings: Refused::default(),
            span_name_as_resource_name: Refused::default(),
            compute_stats_by_span_kind: Refused::default(),
            compute_top_level_by_span_kind: Refused::default(),
            peer_service_aggregation: Refused::default(),
            peer_tags_aggregation: Refused::default(),
            peer_tags: Refused::default(),
            trace_buffer: Refused::default(),
        }
    }
}

impl Traces {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        const STATS: &str = "it is Datadog that makes metrics of spans here: take it out";
        Wrong::among([
            (
                "traces.endpoint",
                self.endpoint.contains("://trace.agent."),
                "that one takes what Datadog's agent sends, and spans are sent as OTLP: write `https://otlp.` and the site, or \
                 take it out",
            ),
            ("traces.ignore_resources", self.ignore_resources.0, "drop such spans with the `filter` processor instead"),
            (
                "traces.span_name_remappings",
                self.span_name_remappings.0,
                "set the names with the `transform` processor instead",
            ),
            (
                "traces.span_name_as_resource_name",
                self.span_name_as_resource_name.0,
                "set the attribute `resource.name` with the `transform` processor instead",
            ),
            ("traces.compute_stats_by_span_kind", self.compute_stats_by_span_kind.0, STATS),
            ("traces.compute_top_level_by_span_kind", self.compute_top_level_by_span_kind.0, STATS),
            ("traces.peer_service_aggregation", self.peer_service_aggregation.0, STATS),
            ("traces.peer_tags_aggregation", self.peer_tags_aggregation.0, STATS),
            ("traces.peer_tags", self.peer_tags.0, STATS),
            ("traces.trace_buffer", self.trace_buffer.0, "spans are not kept back: set `sending_queue` instead"),
        ])
    }
}
