//! What the Collector has and this binary has not: for each, what to do instead.

mod keys;

use host_component::Kind;

pub(super) use keys::{key, key_of_service};

const COLLECTOR: &str = "keep it in a Collector that sends OTLP to the `otlp` receiver here";
const LATER: &str = "it comes in a later release; until then keep it in a Collector that sends OTLP to the `otlp` \
                     receiver here";
const NEXT_HOP: &str = "it comes in a later release; until then send with `otlp_grpc` to a Collector that has it";
const OWN_MODULE: &str =
    "write it as a module for the `wasm` processor (docs/tutorial-write-a-processor.md), or keep it in a Collector";

/// What to do instead of the Collector's component of this kind and type, where it is one.
pub(crate) fn instead(kind: Kind, r#type: &str) -> Option<&'static str> {
    let table = match kind {
        Kind::Receiver => RECEIVERS,
        Kind::Processor => PROCESSORS,
        Kind::Exporter => EXPORTERS,
        Kind::Connector => CONNECTORS,
        Kind::Extension => EXTENSIONS,
    };
    table.iter().find(|(types, _)| types.contains(&r#type)).map(|(_, instead)| *instead)
}

type Table = &'static [(&'static [&'static str], &'static str)];

const RECEIVERS: Table = &[
    (&["k8s_objects", "k8sobjects"], COLLECTOR),
    (&["jaeger", "zipkin", "opencensus", "otlp_json_file", "otlpjsonfile", "otel_arrow", "otelarrow"], COLLECTOR),
    (&["tcp_log", "tcplog", "udp_log", "udplog", "fluent_forward", "fluentforward"], COLLECTOR),
    (&["statsd", "docker_stats", "redis", "postgresql", "mysql", "nginx", "loki", "splunk_hec", "nop"], COLLECTOR),
];

const PROCESSORS: Table = &[
    (&["tail_sampling"], LATER),
    (&["span", "log_dedup", "logdedup", "unroll", "schema"], OWN_MODULE),
    (
        &[
            "metrics_transform",
            "metricstransform",
            "metrics_generation",
            "metricsgeneration",
            "geoip",
            "isolation_forest",
        ],
        OWN_MODULE,
    ),
    (
        &[
            "group_by_attrs",
            "groupbyattrs",
            "group_by_trace",
            "groupbytrace",
            "interval",
            "delta_to_rate",
            "deltatorate",
        ],
        COLLECTOR,
    ),
    (&["cumulative_to_delta", "cumulativetodelta", "delta_to_cumulative", "deltatocumulative"], COLLECTOR),
];

const EXPORTERS: Table = &[
    (&["logging"], "it is called `debug` today, in the Collector too"),
    (&["prometheus", "elasticsearch", "opensearch", "clickhouse", "zipkin", "jaeger", "awss3", "otel_arrow"], NEXT_HOP),
    (&["nop"], NEXT_HOP),
];

const CONNECTORS: Table = &[
    (&["failover", "round_robin", "roundrobin", "count", "sum", "exceptions", "grafana_cloud"], COLLECTOR),
    (&["span_metrics", "spanmetrics", "service_graph", "servicegraph", "datadog"], COLLECTOR),
];

const EXTENSIONS: Table = &[
    (&["zpages", "pprof"], "take it out: the endpoint of `service.telemetry.metrics` has pages under /debug"),
    (
        &["memory_limiter"],
        "take it out, and put the processor `memory_limiter` first into each pipeline: it refuses in the form that makes the \
         sender try again, and before that a receiver reads nothing that `service.limits.in_flight_mib` has no room for",
    ),
    (&["memory_ballast"], "take it out: there is no garbage collector to steady"),
    (&["healthcheckv2", "health_check_v2"], "use `health_check`"),
    (&["basic_auth"], "it is called `basicauth`"),
    (&["bearer_token_auth"], "it is called `bearertokenauth`"),
    (&["oauth2_client"], "it is called `oauth2client`"),
    (&["oidc", "sigv4auth", "asapclient", "googleclientauth", "azure_auth"], COLLECTOR),
    (&["opamp", "k8s_observer", "host_observer", "cgroup_runtime"], COLLECTOR),
];
