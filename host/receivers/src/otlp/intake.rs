//! The intake is what both protocols share: from the bytes of a request to the pipeline's answer, with the counting.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_component::{ComponentId, Consumers, Delivery, Denied, Failure, Origin, Outcome, ServerAuth, Signal};
use host_otlp::{Limits, check};
use host_telemetry::traces::{self, Remote, Step};
use host_telemetry::{Counter, Metrics};
use http::{HeaderMap, HeaderValue};

use super::body;
use super::metadata::Metadata;
use super::status::{Cause, Rejection};
use crate::{Budget, Deps};

/// What a header costs besides its text, as HTTP/2 counts.
const HEADER_COST: usize = 32;

/// Where the requests of one protocol go in.
pub(crate) struct Intake {
    pub(crate) budget: Budget,
    /// The largest message, as sent and decompressed.
    pub(crate) max_message: usize,
    max_header_bytes: usize,
    pub(crate) read_timeout: Duration,
    ack_timeout: Duration,
    pub(crate) limits: Limits,
    transport: &'static str,
    /// Where requests go on; it may change at any time.
    consumers: Consumers,
    lanes: [Lane; 3],
    pub(crate) metadata: Metadata,
    /// Who lets requests in; none where everybody may come.
    auth: Option<Arc<dyn ServerAuth>>,
    unknown_fields: Counter,
    rejected: [Counter; Cause::ALL.len()],
    pub(crate) connections_refused: Counter,
}

/// A request as it came in.
pub(crate) struct Came {
    pub(crate) origin: Arc<Origin>,
    /// The step of its sender.
    pub(crate) remote: Remote,
    /// `protobuf` or `json`.
    pub(crate) format: &'static str,
}

/// What is counted for one signal.
struct Lane {
    /// The name of the span of a request, and those of what it counts.
    span: String,
    span_counts: [&'static str; 3],
    accepted: Counter,
    refused: Counter,
    failed: Counter,
}

/// The limits of an [`Intake`].
pub(crate) struct Bounds {
    pub(crate) max_message: usize,
    pub(crate) max_header_bytes: usize,
    pub(crate) read_timeout: Duration,
    pub(crate) include_metadata: bool,
    pub(crate) auth: Option<Arc<dyn ServerAuth>>,
}

impl Intake {
    pub(crate) fn new(
        id: &ComponentId,
        transport: &'static str,
        bounds: Bounds,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Self {
        let metrics = deps.metrics;
        let receiver = id.to_string();
        let labels = [("receiver", receiver.as_str()), ("transport", transport)];
        let requests = |reason| {
            let labels = [labels[0], labels[1], ("reason", reason)];
            let help = "Requests that were not taken, by reason.";
            metrics.counter("tidegate_receiver_requests_refused", help, &labels)
        };
        Intake {
            budget: deps.budget.clone(),
            max_message: bounds.max_message,
            max_header_bytes: bounds.max_header_bytes,
            read_timeout: bounds.read_timeout,
            ack_timeout: deps.ack_timeout,
            limits: Limits::default(),
            transport,
            consumers: consumers.clone(),
            lanes: Signal::ALL.map(|signal| Lane::new(signal, &receiver, &labels, metrics)),
            metadata: Metadata::new(bounds.include_metadata, deps.metadata),
            auth: bounds.auth,
            unknown_fields: metrics.counter(
                "tidegate_receiver_unknown_fields",
                "Fields that OTLP does not know in requests that were let in: relayed as they are, of JSON left out.",
                &labels,
            ),
            rejected: Cause::ALL.map(|cause| requests(cause.name())),
            connections_refused: metrics.counter(
                "tidegate_receiver_connections_refused",
                "Connections that were closed at once, since there were as many as there may be.",
                &labels,
            ),
        }
    }

    /// Whether a pipeline takes this signal from the receiver.
    pub(crate) fn takes(&self, signal: Signal) -> bool {
        self.consumers.has(signal)
    }

    /// Refuses headers that are larger than they may be, each with what HTTP/2 counts for it.
    pub(crate) fn check_headers(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_COST).sum();
        if size <= self.max_header_bytes {
            return Ok(());
        }
        let message = format!("the headers are larger than the limit of {} bytes", self.max_header_bytes);
        Err(Rejection::new(Cause::Headers, message))
    }

    /// Refuses a request whose sender does not show that it may send.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        let Some(auth) = &self.auth else { return Ok(()) };
        let admitting = auth.admit(headers.get(auth.header()).map(HeaderValue::as_bytes));
        match body::within(self.read_timeout, admitting).await {
            Some(Ok(())) => Ok(()),
            Some(Err(denied @ Denied::Stranger(_))) => Err(Rejection::new(Cause::Unauthenticated, denied.to_string())),
            // The sender has done nothing wrong: its data is not lost when it comes again.
            Some(Err(Denied::Busy)) | None => Err(Rejection::busy(Denied::Busy.to_string())),
        }
    }

    /// Hands a request to the pipeline and waits for its answer. An empty one is a success. Where the pipeline was there when
    /// the request began and is not any more, its sender may try again, and is told then what there is.
    pub(crate) async fn deliver(&self, signal: Signal, bytes: Bytes, came: Came) -> Result<(), Rejection> {
        let lane = self.lane(signal);
        let Some(consumer) = self.consumers.of(signal) else {
            let message = format!("the pipeline that took {signal} from this receiver was removed meanwhile");
            return Err(Rejection::new(Cause::Retryable, message));
        };
        let payload = check(signal, bytes, &self.limits)?;
        if payload.unknown_fields() > 0 {
            self.unknown_fields.inc_by(payload.unknown_fields());
        }
        let items = payload.items();
        if items == 0 {
            return Ok(());
        }
        let Came { origin, remote, format } = came;
        let delivery = Delivery { payload, origin, route: None };
        let step = remote.step(&lane.span, &[("transport", self.transport), ("format", format)]);
        let taking = traces::within(step.as_ref(), consumer.consume(delivery));
        let outcome = match body::within(self.ack_timeout, taking).await {
            Some(outcome) => outcome,
            // What is under way is withdrawn: its sender has it, and sends it again.
            None => Err(Failure::retryable(format!("not delivered within ack_timeout, {:?}", self.ack_timeout))),
        };
        if let Some(step) = step {
            lane.tell(&step, items, &outcome);
        }
        match outcome {
            Ok(()) => {
                lane.accepted.inc_by(items);
                Ok(())
            }
            Err(failure) => {
                let counter = if failure.is_permanent() { &lane.failed } else { &lane.refused };
                counter.inc_by(items);
                Err(failure.into())
            }
        }
    }

    /// Counts keys of OTLP/JSON that nobody knows, which were passed over.
    pub(crate) fn note_unknown(&self, keys: u64) {
        self.unknown_fields.inc_by(keys);
    }

    /// Counts a request that was not taken and tells it to the log.
    pub(crate) fn note(&self, rejection: &Rejection) {
        self.rejected[rejection.cause as usize].inc();
        tracing::debug!(reason = rejection.cause.name(), error = %rejection.message, "request not taken");
    }

    fn lane(&self, signal: Signal) -> &Lane {
        &self.lanes[signal as usize]
    }
}

impl Lane {
    fn new(signal: Signal, receiver: &str, labels: &[(&str, &str)], metrics: &Metrics) -> Self {
        let [accepted, refused, failed] = match signal {
            Signal::Logs => [
                "otelcol_receiver_accepted_log_records",
                "otelcol_receiver_refused_log_records",
                "otelcol_receiver_failed_log_records",
            ],
            Signal::Traces => {
                ["otelcol_receiver_accepted_spans", "otelcol_receiver_refused_spans", "otelcol_receiver_failed_spans"]
            }
            Signal::Metrics => [
                "otelcol_receiver_accepted_metric_points",
                "otelcol_receiver_refused_metric_points",
                "otelcol_receiver_failed_metric_points",
            ],
        };
        let (operation, span_counts) = match signal {
            Signal::Logs => ("LogsReceived", ["accepted_log_records", "refused_log_records", "failed_log_records"]),
            Signal::Traces => ("TraceDataReceived", ["accepted_spans", "refused_spans", "failed_spans"]),
            Signal::Metrics => {
                ("MetricsReceived", ["accepted_metric_points", "refused_metric_points", "failed_metric_points"])
            }
        };
        Lane {
            span: format!("receiver/{receiver}/{operation}"),
            span_counts,
            accepted: metrics.counter(accepted, "Items that the pipeline took.", labels),
            refused: metrics.counter(refused, "Items that the pipeline could not take at present.", labels),
            failed: metrics.counter(failed, "Items that the pipeline will never take.", labels),
        }
    }

    /// Says in the span of a request what became of its items.
    fn tell(&self, step: &Step, items: u64, outcome: &Outcome) {
        let which = match outcome {
            Ok(()) => 0,
            Err(failure) if failure.is_permanent() => 2,
            Err(_) => 1,
        };
        for (at, key) in self.span_counts.iter().enumerate() {
            step.number(key, if at == which { items } else { 0 });
        }
        step.came_to(outcome);
    }
}
