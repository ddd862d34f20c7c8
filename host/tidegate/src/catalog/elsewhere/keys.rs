//! Keys of the Collector's that a component here does not serve.

use host_component::Kind;

/// By kind and types of components: keys below their sections, and what to do instead.
type Keys = &'static [(Kind, &'static [&'static str], &'static [&'static str], &'static str)];

/// Those that have a queue and credentials as the Collector's have them.
const SENDING: &[&str] = &["otlp_grpc", "otlp_http", "load_balancing", "prometheus_remote_write", "kafka"];

const CONNECTION: &str = "take it out: a request waits while a connection is made, and names the host of the address, or \
                          `tls.server_name_override`";

const BUFFERS: &str = "take it out: buffers have the size of what is under way";

const KEYS: Keys = &[
    (Kind::Receiver, &["otlp"], &["protocols.grpc.read_buffer_size", "protocols.grpc.write_buffer_size"], BUFFERS),
    (
        Kind::Receiver,
        &["otlp"],
        &["protocols.http.idle_timeout", "protocols.http.keep_alives_enabled"],
        "use `keepalive.server_parameters.max_connection_idle`, which says how long a connection may do nothing",
    ),
    (Kind::Receiver, &["otlp"], &["protocols.http.write_timeout"], "take it out: an answer has a few bytes"),
    (
        Kind::Receiver,
        &["otlp"],
        &["protocols.grpc.transport"],
        "take it out: it listens on TCP, at the address that `endpoint` says",
    ),
    (
        Kind::Receiver,
        &["otlp"],
        &["protocols.http.cors"],
        "let a proxy in front of it answer what browsers ask for CORS",
    ),
    (
        Kind::Receiver,
        &["otlp"],
        &[
            "protocols.http.traces_url_path",
            "protocols.http.metrics_url_path",
            "protocols.http.logs_url_path",
            "protocols.http.response_headers",
        ],
        "take it out: senders find it at /v1/traces, /v1/metrics and /v1/logs, and a proxy can give it other paths and headers",
    ),
    (
        Kind::Receiver,
        &["otlp"],
        &["protocols.grpc.keepalive.enforcement_policy"],
        "take it out: a client that pings too often is refused by limits of the connection",
    ),
    (
        Kind::Processor,
        &["resource_detection"],
        &[
            "endpoint",
            "proxy_url",
            "tls",
            "headers",
            "auth",
            "compression",
            "compression_params",
            "cookies",
            "read_buffer_size",
            "write_buffer_size",
            "max_idle_conns",
            "max_idle_conns_per_host",
            "max_conns_per_host",
            "idle_conn_timeout",
            "disable_keep_alives",
            "http2_read_idle_timeout",
            "http2_ping_timeout",
            "force_attempt_http2",
        ],
        "take it out: none of the detectors here asks the metadata service of a cloud, which it is for",
    ),
    (
        Kind::Processor,
        &["resource_detection"],
        &[
            "akamai",
            "aks",
            "alibaba_ecs",
            "azure",
            "azureappservice",
            "azurecontainerapps",
            "consul",
            "digitalocean",
            "docker",
            "ec2",
            "ecs",
            "eks",
            "elasticbeanstalk",
            "gcp",
            "heroku",
            "hetzner",
            "ibmcloud_classic",
            "ibmcloud_vpc",
            "kubeadm",
            "lambda",
            "nova",
            "openshift",
            "oraclecloud",
            "scaleway",
            "tencent_cvm",
            "upcloud",
            "vultr",
        ],
        "take it out: there is no such detector here",
    ),
    (
        Kind::Processor,
        &["resource_detection"],
        &["k8s_api.kube_api_qps", "k8s_api.kube_api_burst", "k8snode.kube_api_qps", "k8snode.kube_api_burst"],
        "take it out: detection asks the API server two questions",
    ),
    (
        Kind::Processor,
        &["k8s_attributes"],
        &["kube_api_qps", "kube_api_burst"],
        "take it out: the API server is asked once for each kind of objects, and tells of changes by itself",
    ),
    (
        Kind::Processor,
        &["k8s_attributes"],
        &["extract.deployment_name_from_replicaset"],
        "take it out: the name is always that of the ReplicaSet, without the hash that its pods are labelled with",
    ),
    (
        Kind::Exporter,
        SENDING,
        &["sending_queue.batch"],
        "use the `batch` processor, which answers each sender with the outcome of its own data",
    ),
    (
        Kind::Exporter,
        SENDING,
        &["sending_queue.metadata_keys"],
        "use `metadata_keys` of the `batch` processor: what it keeps apart is sent apart",
    ),
    (Kind::Exporter, SENDING, &["auth.request_params"], "take it out: an authenticator adds headers and nothing else"),
    (
        Kind::Exporter,
        &["otlp_grpc"],
        &["keepalive.permit_without_stream"],
        "take it out: pings go on while nothing is sent, so that a dead connection is found before it is needed",
    ),
    (
        Kind::Exporter,
        &["otlp_grpc"],
        &["wait_for_ready", "authority", "read_buffer_size", "write_buffer_size"],
        CONNECTION,
    ),
    (
        Kind::Exporter,
        &["load_balancing"],
        &[
            "protocol.otlp.wait_for_ready",
            "protocol.otlp.authority",
            "protocol.otlp.read_buffer_size",
            "protocol.otlp.write_buffer_size",
            "protocol.otlp.keepalive.permit_without_stream",
        ],
        CONNECTION,
    ),
    (
        Kind::Exporter,
        &["load_balancing"],
        &["protocol.otlp.sending_queue.batch"],
        "use the `batch` processor, which answers each sender with the outcome of its own data",
    ),
    (
        Kind::Exporter,
        &["file"],
        &["compression", "encoding", "group_by"],
        "take it out: one file of plain OTLP/JSON or protobuf is written, which a log shipper or `zstd` can take from there",
    ),
    (
        Kind::Receiver,
        &["otlp"],
        &["protocols.http.compression_algorithms"],
        "take it out: gzip, zstd, zlib, snappy, deflate and lz4 are taken, within the limits of a message",
    ),
    (
        Kind::Exporter,
        &["debug"],
        &["output_paths"],
        "take it out: it shows in the log, or with `use_internal_logger: false` on standard output",
    ),
    (
        Kind::Extension,
        &["health_check"],
        &["http"],
        "write `endpoint` and `path` beside each other under `health_check`",
    ),
    (
        Kind::Extension,
        &["health_check"],
        &["check_collector_pipeline", "response_body", "tls", "auth"],
        "take it out: the page says in JSON whether data is taken, over plain HTTP",
    ),
    (
        Kind::Exporter,
        &["kafka"],
        &["topic", "encoding"],
        "write it below `logs`, `traces` and `metrics`, each of which has its own, as in the Collector today",
    ),
    (
        Kind::Receiver,
        &["kafka"],
        &["topic", "encoding"],
        "write `topics` and `encoding` below `logs`, `traces` and `metrics`, each of which has its own, as in the Collector today",
    ),
    (
        Kind::Receiver,
        &["kafka"],
        &["logs.topic", "traces.topic", "metrics.topic"],
        "it is `topics`, a list, as in the Collector today",
    ),
];

const CONSOLE: &str = "use `otlp`, to a collector with a `debug` exporter where spans are to be looked at";
const ZIPKIN: &str = "use `otlp`: what speaks Zipkin alone takes spans from a Collector";
const JAEGER: &str = "use `trace_id_ratio_based`: nobody is asked for a sampler";
const LINES: &str = "take it out: the log goes to standard error anyway";

/// Keys below `service`, by the start of their path.
const SERVICE: &[(&str, &str)] = &[
    ("service.telemetry.traces.limits", "take it out: a span of the collector's own has a few attributes"),
    ("service.telemetry.traces.processors[].batch.exporter.console", CONSOLE),
    ("service.telemetry.traces.processors[].simple.exporter.console", CONSOLE),
    ("service.telemetry.traces.processors[].batch.exporter.zipkin", ZIPKIN),
    ("service.telemetry.traces.processors[].simple.exporter.zipkin", ZIPKIN),
    ("service.telemetry.traces.sampler.jaeger_remote", JAEGER),
    ("service.telemetry.traces.sampler.parent_based.root.jaeger_remote", JAEGER),
    (
        "service.telemetry.metrics.readers[].periodic",
        "use `pull` with a `prometheus` exporter: own metrics are scraped and not sent",
    ),
    (
        "service.telemetry.metrics.readers[].pull.exporter.prometheus.with_resource_constant_labels",
        "take it out: whoever scrapes the metrics names their source",
    ),
    ("service.telemetry.metrics.views", "take it out: metrics have the Collector's default names and no views"),
    (
        "service.telemetry.logs.output_paths",
        "take it out: the log goes to standard error, and whoever starts the process can put it elsewhere",
    ),
    ("service.telemetry.logs.error_output_paths", "take it out: the log goes to standard error"),
    ("service.telemetry.logs.sampling", "take it out: what may flood the log is bounded where it is written"),
    ("service.telemetry.logs.initial_fields", "take it out: whoever collects the log can add fields"),
    ("service.telemetry.logs.processors[].batch.exporter.console", LINES),
    ("service.telemetry.logs.processors[].simple.exporter.console", LINES),
    (
        "service.telemetry.logs.disable_zap_resource",
        "take it out: the resource is in what is sent, and not in the lines on standard error",
    ),
    ("service.telemetry.logs.development", "use `level: debug`"),
    ("service.telemetry.logs.disable_caller", "take it out: log lines name the module of the program and no file"),
    ("service.telemetry.logs.disable_stacktrace", "take it out: log lines have no stack traces"),
];

/// What to do instead of `key` in the section of a component.
pub(in crate::catalog) fn key(kind: Kind, r#type: &str, key: &str) -> Option<&'static str> {
    let mut of_type = KEYS.iter().filter(|(k, types, ..)| *k == kind && types.contains(&r#type));
    of_type.find(|(_, _, keys, _)| keys.contains(&key)).map(|(.., instead)| *instead)
}

/// What to do instead of a key that stands at `path`, below `service`.
pub(in crate::catalog) fn key_of_service(path: &str) -> Option<&'static str> {
    let path: String = path.split(|c: char| c.is_ascii_digit()).collect();
    SERVICE.iter().find(|(known, _)| *known == path).map(|(_, instead)| *instead)
}
