//! Where a component that takes the Collector's keys does something else than the Collector does.
//!
//! `docs/configuration.md` says the same in the same words, which a test looks for. What is refused is no difference: that
//! is an error, with its place.

pub(super) mod kubernetes;

/// One difference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Difference {
    /// The key that has it, with dots between the keys that lead to it; empty for the component as a whole.
    pub(crate) key: &'static str,
    /// One sentence.
    pub(crate) says: &'static str,
}

const fn of(key: &'static str, says: &'static str) -> Difference {
    Difference { key, says }
}

pub(super) const OTLP_RECEIVER: &[Difference] = &[
    of("", "A sender is answered when its data was taken downstream, and not when it was queued."),
    of("", "All receivers share the byte budget `service.limits.in_flight_mib`, with a `memory_limiter` and without."),
];

pub(super) const BATCH: &[Difference] = &[
    of("", "A sender is answered with the outcome of its own data, so that its request takes as long as its batch."),
    of("", "A batch has at most 3.5 MB unless `send_batch_max_bytes` says otherwise."),
    of(
        "timeout",
        "`timeout` bounds a wait behind a batch that is under way: while none is, what comes leaves at once.",
    ),
];

pub(super) const MEMORY_LIMITER: &[Difference] = &[
    of(
        "",
        "What counts is the memory that the process holds of the system, and what has come in since that was looked at; there is no \
         heap of a garbage collector.",
    ),
    of("", "What is refused is answered in the form that makes the sender try again, with the time to wait."),
    of(
        "min_gc_interval_when_soft_limited",
        "There is no garbage to collect: the allocator is asked to give back to the system what is free.",
    ),
    of(
        "min_gc_interval_when_hard_limited",
        "There is no garbage to collect: the allocator is asked to give back to the system what is free.",
    ),
];

pub(super) const RESOURCE_DETECTION: &[Difference] = &[
    of(
        "refresh_interval",
        "What cannot be reached when it is detected anew leaves what was detected before in force, and not nothing.",
    ),
    of(
        "fail_on_missing_metadata",
        "An API server that cannot be reached at the start is a warning of the log, and not a line of its debug level.",
    ),
];

pub(super) const OTLP_EXPORTER: &[Difference] = &[
    of(
        "sending_queue",
        "Without `storage`, `sending_queue` bounds what is under way and promises nothing, since the sender waits for the answer.",
    ),
    of(
        "sending_queue.queue_size",
        "Without `storage`, `queue_size` counts senders that wait for one of `num_consumers` requests to end.",
    ),
    of(
        "sending_queue.storage",
        "With `storage`, what was acknowledged is on disk, and is tried again for ever unless `max_elapsed_time` says otherwise.",
    ),
    of(
        "retry_on_failure",
        "Without `storage`, a request is tried again while its sender waits, and is given back to it at the end of the process.",
    ),
    of("", "What is larger than `max_request_size`, 4 MiB by default, is sent in pieces."),
];

pub(super) const LOAD_BALANCING: &[Difference] = &[
    of(
        "",
        "Backends are sent to side by side, and a sender is answered when each has taken its part, as far as it will ever take it.",
    ),
    of(
        "",
        "What waits for a backend that has gone is sent to those that are left, and stays in no queue of its own for it.",
    ),
    of(
        "routing_key",
        "By `traceID`, a log record goes where the spans of its trace go; log records of no trace go to one backend after the \
         other, those of one request to the same.",
    ),
    of(
        "routing_key",
        "By `service`, metrics of a resource without a `service.name` are sent as log records are, and not left out.",
    ),
    of("routing_attributes", "Each span is looked at by itself, and not the first one of its trace for all."),
    of(
        "sending_queue",
        "Without `storage`, `sending_queue` bounds what is under way and promises nothing, since the sender waits for the answer.",
    ),
    of(
        "sending_queue.storage",
        "With `storage`, what was acknowledged is on disk, and is tried again for ever unless `max_elapsed_time` says otherwise.",
    ),
    of(
        "retry_on_failure",
        "`retry_on_failure` beside `protocol` is on where it is written, unless `enabled` is `false`.",
    ),
];

pub(super) const PROMETHEUS_REMOTE_WRITE: &[Difference] = &[
    of(
        "",
        "Deliveries go out one after the other, also while one is tried again, so that no sample of a series overtakes another.",
    ),
    of("", "429 is tried again like 5xx, after as long as `Retry-After` says."),
    of(
        "",
        "A request that the receiver calls bad is cut in halves, up to eight times, until what is bad is found, and the rest of \
         it is sent.",
    ),
    of("", "Samples that are too old, out of order or there already are counted as rejected and never sent again."),
    of("", "Deltas are summed up and not dropped; `delta_to_cumulative` bounds how many series at a time."),
    of("", "A point without a value is left out and counted, and not sent as 0."),
    of("", "A label without a value is left out also where a scope has it."),
    of(
        "",
        "An attribute called `le` or `quantile` gives way to the label of a bucket or quantile, and does not stand beside it.",
    ),
    of(
        "",
        "Exponential histograms that are finer than Prometheus has them keep each measurement in its bucket, also behind empty \
         ones.",
    ),
    of("", "`target_info` of a resource is not sent with an earlier time than before."),
    of("protobuf_message", "Version 2 needs no feature gate, and has the exemplars of buckets."),
    of(
        "remote_write_queue",
        "Without a `sending_queue` with `storage`, `remote_write_queue` bounds what waits and promises nothing, since the sender waits for the answer.",
    ),
];

pub(super) const LOKI: &[Difference] = &[
    of(
        "sending_queue",
        "Without `storage`, `sending_queue` bounds what is under way and promises nothing, since the sender waits for the answer.",
    ),
    of(
        "retry_on_failure",
        "Without `storage`, a request is tried again while its sender waits, and is given back to it at the end of the process.",
    ),
    of(
        "",
        "Lines are bodies as they are, and the rest is structured metadata; the Collector's are JSON, as with `format: json`.",
    ),
    of(
        "labels",
        "The resource attributes that Loki indexes of OTLP are labels without a hint, but for those of a pod or process.",
    ),
    of(
        "default_labels_enabled.instance",
        "`instance` is no label unless it is turned on, since each process has another.",
    ),
    of("", "What is larger than `max_request_size`, 4 MiB by default, is sent in pieces."),
];

pub(super) const SPLUNK_HEC: &[Difference] = &[
    of(
        "max_content_length_logs",
        "`max_content_length_*` bounds a request before it is compressed, and not behind that.",
    ),
    of(
        "",
        "Exponential histograms are sent as `_sum`, `_count` and `_bucket`, with the bounds of their scale, and not dropped.",
    ),
    of("", "Numbers that are not finite are counted and left out, since a metric of Splunk's has none."),
    of("", "Fields that hold nothing are left out, since Splunk refuses the event for them."),
    of("", "A log record without a body is sent by its event name; one that has neither is counted as rejected."),
    of(
        "export_raw",
        "`export_raw` sends log records to `/services/collector/raw`, with host, source, sourcetype and index in the address, \
         and spans and metrics as events all the same.",
    ),
    of("health_check_enabled", "The health check shows the token."),
    of("splunk_app_name", "`splunk_app_name` is `tidegate` unless it is set, and `splunk_app_version` its version."),
    of(
        "",
        "400, 401, 403 and other answers that will not change are not tried again; the Collector tries 403 and 404.",
    ),
    of("telemetry.enabled", "`telemetry.enabled` changes nothing: heartbeats are counted in any case."),
];

pub(super) const DATADOG: &[Difference] = &[
    of(
        "",
        "Spans are sent to Datadog's intake for OTLP, and not in the form of its agent; Datadog makes the metrics of services.",
    ),
    of("", "Metrics have Datadog's units, and counts the interval that they were made over, where that is known."),
    of("", "Cumulative exponential histograms are sent as distributions of what came, and not dropped."),
    of("", "What could not be delivered of a cumulative sum goes out with the next point of its series."),
    of("", "No metrics are sent a second time under the names of Datadog's agent."),
    of(
        "metrics.delta_limit",
        "`metrics.delta_limit` bounds how many numbers are remembered for deltas; the Collector has no bound.",
    ),
    of("logs", "A log that is longer than 1 MB ends with `...TRUNCATED...`."),
];

pub(super) const KAFKA_EXPORTER: &[Difference] = &[
    of("", "A sender is answered when the brokers have acknowledged its records, and not when they were queued."),
    of("", "What is larger than `producer.max_message_bytes` is sent in pieces, and not dropped."),
    of(
        "producer.required_acks",
        "`required_acks` is `all` unless something else was written, and the Collector's is 1.",
    ),
    of(
        "producer.enable_idempotence",
        "`enable_idempotence` is not in the Collector: what the client sends again is written once.",
    ),
    of("producer.max_broker_write_bytes", "`max_broker_write_bytes` changes nothing."),
    of("protocol_version", "`protocol_version` changes nothing: the brokers are asked which versions they speak."),
    of("use_leader_epoch", "`use_leader_epoch` changes nothing in an exporter."),
    of("metadata.full", "`metadata.full` changes nothing: what is not needed is not kept."),
    of("metadata.retry", "`metadata.retry` changes nothing: brokers are looked for until they are there."),
    of(
        "topic_from_attribute",
        "Each resource goes to the topic that its own attribute names, and 1,000 topics may be named so.",
    ),
    of(
        "partition_logs_by_resource_attributes",
        "The key is another digest than the Collector's: a resource that both write lies in two partitions.",
    ),
    of(
        "partition_metrics_by_resource_attributes",
        "The key is another digest than the Collector's: a resource that both write lies in two partitions.",
    ),
    of("partition_by_resource_attribute", "`partition_by_resource_attribute` is not in the Collector."),
    of(
        "record_partitioner.round_robin",
        "With `round_robin` each record goes to a partition at random, and not to the next one.",
    ),
    of("tls.reload_interval", "A changed certificate is used once the configuration is loaded anew."),
    of(
        "sending_queue",
        "Without `storage`, `sending_queue` bounds what is under way and promises nothing, since the sender waits for the answer.",
    ),
    of(
        "retry_on_failure",
        "Without `storage`, a request is tried again while its sender waits, and is given back to it at the end of the process.",
    ),
];

pub(super) const FILE_LOG: &[Difference] = &[
    of("", "What was read counts as read when it was taken downstream, and nothing behind it is sent before."),
    of("", "A file is known by its device and inode, too: two files that begin alike are two."),
    of("", "A rotated file is read to its end also where no pattern matches it, plain or packed by gzip."),
    of(
        "on_truncate",
        "`on_truncate` decides where a file is shorter than it was and still begins with the same `fingerprint_size` bytes; what \
         is known to be new content is read from its beginning.",
    ),
    of("operators", "The parts of a line of a container are joined by file and stream, those of docker too."),
    of("operators", "The line break at the end of a line of docker is not in its body."),
    of("operators", "`output` and the routes of a `router` lead to operators further down."),
    of("encoding", "Bytes that are no text are replaced, with `utf-8-raw` too."),
    of(
        "retry_on_failure",
        "What cannot be delivered at present is tried again until it is, also where `enabled` is false.",
    ),
    of("storage", "Without `storage` it is in memory only how far files were read."),
    of("compression", "`record_offset` and what is remembered of a packed file count bytes as they are unpacked."),
    of("initial_buffer_size", "`initial_buffer_size`, `max_batches` and `polls_to_archive` change nothing."),
];

pub(super) const SYSLOG: &[Difference] = &[
    of(
        "",
        "A connection is read no faster than the pipeline takes what came, and nothing of it is given up while this runs.",
    ),
    of("", "Datagrams that the kernel drops meanwhile are counted."),
    of("tcp", "`tcp` and `udp` may both be there, and are both served."),
    of("", "A message without a time is no error: its record has none."),
    of("tcp", "What stands of a message when the receiver has to end is sent as it is."),
    of(
        "protocol",
        "RFC 3164: the time may be that of RFC 5424, and a message may have line breaks and control characters.",
    ),
    of("protocol", "RFC 3164: a name in front of brackets that no `: ` follows stays in `message`, whole."),
    of("protocol", "RFC 5424: names are as long as they are, and a backslash that escapes nothing stands for itself."),
    of("enable_octet_counting", "What does not begin with a number of octets is read to the end of its line."),
    of("enable_octet_counting", "A message that is longer than `max_log_size` is cut, and what is behind it is found."),
    of("non_transparent_framing_trailer", "`NUL` is where messages end, unless `multiline` says something else."),
    of("tcp.add_attributes", "`net.peer.name` and `net.host.name` are addresses: no name server is asked."),
    of("udp.async", "`async` changes nothing: what has come is read at once."),
    of(
        "retry_on_failure",
        "What cannot be delivered at present is tried again until it is, also where `enabled` is false.",
    ),
];

pub(super) const JOURNALD: &[Difference] = &[
    of("", "How far the journal was read moves on when that was taken downstream, and not before."),
    of("start_at", "What comes after the first start is not passed over, also where nothing came until a restart."),
    of("", "A restart of `journalctl` goes on behind what was read; the Collector's passes over what came meanwhile."),
    of("convert_message_bytes", "Bytes that are no text are replaced."),
    of("", "An entry of more than 4 MiB is passed over and counted."),
    of(
        "retry_on_failure",
        "What cannot be delivered at present is tried again until it is, also where `enabled` is false.",
    ),
    of("storage", "Without `storage` it is in memory only how far the journal was read."),
];

pub(super) const KAFKA_RECEIVER: &[Difference] = &[
    of("", "A record's offset is committed once it and all before it in its partition were taken downstream."),
    of(
        "",
        "What cannot be taken at present is tried again until it is, and its partition begins nothing else meanwhile.",
    ),
    of("", "One client reads the topics of all signals, and a topic has one signal."),
    of(
        "",
        "All receivers share the byte budget `service.limits.in_flight_mib`, of which this one takes a half at most.",
    ),
    of("autocommit.enable", "`enable` changes nothing: offsets are committed every `interval`, and at the end."),
    of("message_marking.after", "`after` changes nothing: it is always true."),
    of(
        "message_marking.on_permanent_error",
        "`on_permanent_error` is true unless it was written: what will never be taken is counted, and does not hold up the rest.",
    ),
    of("partition_processing", "`partition_processing` changes nothing: no partition waits for another one."),
    of("error_backoff.enabled", "`enabled` changes nothing: what failed and may pass is always tried again."),
    of("error_backoff.max_elapsed_time", "`max_elapsed_time` changes nothing: nobody gives up."),
    of("max_in_flight", "`max_in_flight` is not in the Collector, which has one record of a partition under way."),
    of(
        "trust_headers",
        "Headers of records are request metadata where `trust_headers` names them, and something downstream reads them; in the \
         Collector all are.",
    ),
    of("protocol_version", "`protocol_version` changes nothing: the brokers are asked which versions they speak."),
    of("use_leader_epoch", "`use_leader_epoch` changes nothing: the epoch is always used."),
    of("metadata.full", "`metadata.full` changes nothing: what is not needed is not kept."),
    of("metadata.retry", "`metadata.retry` changes nothing: brokers are looked for until they are there."),
    of("group_rebalance_strategies", "`sticky` is refused, as is `cooperative-sticky` beside another."),
    of("tls.reload_interval", "A changed certificate is used once the configuration is loaded anew."),
];

pub(super) const HOST_METRICS: &[Difference] = &[
    of("", "A collection that the pipeline refuses is kept and tried again, also before the next one."),
    of("", "What cannot be read is told when it begins and when it is over, and not at each interval."),
    of(
        "root_path",
        "Where `root_path` is set, interfaces and connections are those of the first process below it, and not of this one.",
    ),
    of(
        "scrapers.memory",
        "`used` is what is not available, as in the Collector since 0.142, and there is no feature gate to change that.",
    ),
    of(
        "scrapers.paging",
        "Page faults and operations are counted as the kernel counts them: the Collector multiplies them by 4096.",
    ),
    of(
        "scrapers.network",
        "Connections are told by the 11 states of the kernel, without the empty ones that the Collector adds under other names.",
    ),
    of("", "Points of gauges have no start, which says nothing of them."),
    of(
        "scrapers",
        "`attributes` and `aggregation_strategy` of a metric are for `system.cpu.time` (`sum`) and `system.cpu.utilization` (`avg`).",
    ),
];

pub(super) const GPU: &[Difference] =
    &[of("", "`gpu` is not in the Collector: it asks the driver of NVIDIA itself, without DCGM and its exporter.")];

pub(super) const PROMETHEUS_RECEIVER: &[Difference] = &[
    of(
        "",
        "A scrape that the pipeline refuses is kept until the next one of its target, and the target is up all the same.",
    ),
    of(
        "",
        "All receivers share the byte budget `service.limits.in_flight_mib`, of which a scrape takes what it exposes and what is made \
         of that.",
    ),
    of("", "`url.scheme` is the scheme by which a target is scraped, also where relabeling has set it."),
    of("", "Whoever ends tells nothing stale, so that another replica may scrape the same from then on."),
    of("", "The scope of metrics that name none has the version of Tidegate."),
    of(
        "target_allocator",
        "Targets that an allocator does not tell any more are not told stale, since another replica may have them.",
    ),
    of(
        "sharding",
        "`sharding` is not in the Collector: replicas split the targets among them by their labels and address.",
    ),
    of(
        "discovery_reload_on_startup",
        "`discovery_reload_on_startup` changes nothing: targets are scraped as soon as they are found.",
    ),
    of("config.global.evaluation_interval", "`evaluation_interval` and `keep_dropped_targets` change nothing."),
    of("config.scrape_configs.enable_http2", "`enable_http2` changes nothing: targets are asked with HTTP/1.1."),
    of(
        "config.scrape_configs.file_sd_configs.refresh_interval",
        "`refresh_interval` of files changes nothing: they are looked at each second.",
    ),
    of(
        "config.scrape_configs.basic_auth",
        "Credentials and `http_headers` go to the host of the target alone, and not to where it redirects.",
    ),
    of(
        "config.scrape_configs.kubernetes_sd_configs",
        "As whom the API server is asked, and with which certificates, stands in a kubeconfig and not in `kubernetes_sd_configs`.",
    ),
];

pub(super) const FILE: &[Difference] = &[
    of("", "A request is in the file before it is acknowledged."),
    of("flush_interval", "`flush_interval` changes nothing: each request is flushed before it is acknowledged."),
    of("rotation", "Full files are numbered, `PATH.1` the youngest, and not named by their time."),
    of("rotation.localtime", "`localtime` changes nothing: there is no time in the names of full files."),
];

pub(super) const FILE_STORAGE: &[Difference] = &[
    of("fsync", "`fsync` is `true` unless it is set: an acknowledgement waits for the disk."),
    of("timeout", "`timeout` changes nothing: a queue that another process has is waited for, with a message."),
    of("compaction", "`compaction` changes nothing: files of which everything was delivered are removed."),
    of("recreate", "`recreate` changes nothing: what is damaged is left out and told, and the rest is delivered."),
];

pub(super) const DEBUG: &[Difference] =
    &[of("", "What comes faster than it can be shown is counted and not shown: the exporter never holds data up.")];

/// Of each connector.
pub(super) const CONNECTOR: &[Difference] = &[of(
    "",
    "A failure of one of the pipelines behind a connector that may pass refuses the request as a whole, and the others may see \
     its data twice.",
)];

/// Those of `service`.
pub(crate) const SERVICE: &[Difference] = &[
    of("telemetry.metrics.level", "`basic`, `normal` and `detailed` are alike: every metric is served."),
    of(
        "telemetry.metrics.readers",
        "`without_scope_info`, `without_type_suffix` and `without_units` change nothing: names are the Collector's own.",
    ),
    of(
        "telemetry.traces",
        "Spans are those of receivers, processors, connectors, exporters and calls of guests, and the first of them is the \
         server's.",
    ),
    of(
        "telemetry.resource",
        "`service.telemetry.resource` is in what is sent over OTLP, and not in the metrics that are scraped or the lines on \
         standard error.",
    ),
    of(
        "telemetry.logs.processors",
        "Where the component that a record is about is known, its id is an attribute of the record, and not of its scope.",
    ),
    of("telemetry.metrics.tls", "`service.telemetry.metrics.tls` is not in the Collector."),
    of("telemetry.metrics.auth", "`service.telemetry.metrics.auth` is not in the Collector."),
    of("limits", "`service.limits` is not in the Collector."),
];

/// Of a pipeline whose data goes more than one way: to several exporters, by a route too, or into several pipelines.
pub(crate) const FAN_OUT: &str = "A failure of one required exporter that may pass refuses the request as a whole, and those that keep what they take in \
     no queue may see its data twice.";

/// Of a pipeline with routes.
pub(crate) const ROUTES: &str = "`routes` is not in the Collector, which has a `routing` connector.";
