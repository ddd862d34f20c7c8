//! Where a component that takes the Collector's keys does something else than the Collector does.
//!
//! `docs/configuration.md` says the same in the same words, which a test looks for. What is refused is no difference: that
//! is an error, with its place.

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
        "`sending_queue` bounds what is under way and promises nothing, since the sender waits for the answer.",
    ),
    of("sending_queue.queue_size", "`queue_size` counts senders that wait for one of `num_consumers` requests to end."),
    of(
        "retry_on_failure",
        "A request is tried again while its sender waits, and is given back to it at the end of the process.",
    ),
    of("", "What is larger than `max_request_size`, 4 MiB by default, is sent in pieces."),
];

pub(super) const FILE: &[Difference] = &[
    of("", "A request is in the file before it is acknowledged."),
    of("flush_interval", "`flush_interval` changes nothing: each request is flushed before it is acknowledged."),
    of("rotation", "Full files are numbered, `PATH.1` the youngest, and not named by their time."),
    of("rotation.localtime", "`localtime` changes nothing: there is no time in the names of full files."),
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
    of("limits", "`service.limits` is not in the Collector."),
];

/// Of a pipeline whose data goes more than one way: to several exporters, by a route too, or into several pipelines.
pub(crate) const FAN_OUT: &str =
    "A failure of one exporter that may pass refuses the request as a whole, and the others may see its data twice.";

/// Of a pipeline with routes.
pub(crate) const ROUTES: &str = "`routes` is not in the Collector, which has a `routing` connector.";
