//! The intake is what both protocols share: from the bytes of a request to the pipeline's answer, with the counting.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use host_component::{ComponentId, Consumers, Delivery, Denied, Failure, Origin, ServerAuth, Signal};
use host_identity::{Judged, Speaker};
use host_otlp::{Limits, Payload, check};
use host_telemetry::Counter;
use host_telemetry::traces::Remote;
use http::{HeaderMap, HeaderValue};

use super::body;
use super::held::Held;
use super::identity::{self, Announced, Gate, Limit, Quota};
use super::metadata::Metadata;
use super::partial::Partial;
use super::status::{Cause, Rejection};
use crate::{Budget, Deps, Lanes};

/// What a header costs besides its text, as HTTP/2 counts.
const HEADER_COST: usize = 32;

/// Where the requests of one protocol go in.
pub(crate) struct Intake {
    budget: Budget,
    /// The largest message, as sent and decompressed.
    pub(crate) max_message: usize,
    max_header_bytes: usize,
    pub(crate) read_timeout: Duration,
    ack_timeout: Duration,
    pub(crate) limits: Limits,
    /// Where requests go on; it may change at any time.
    consumers: Consumers,
    lanes: Lanes,
    pub(crate) metadata: Metadata,
    /// Who lets requests in; none where everybody may come.
    auth: Option<Arc<dyn ServerAuth>>,
    /// Who knows what senders may say; none where they may say anything.
    pub(crate) gate: Option<Arc<Gate>>,
    unknown_fields: Counter,
    rejected: [Counter; Cause::ALL.len()],
    pub(crate) connections_refused: Counter,
    connections_ended: Counter,
}

/// A request as it came in.
pub(crate) struct Came {
    pub(crate) origin: Arc<Origin>,
    /// Who sends it; none where nobody has to say.
    pub(crate) speaker: Option<Speaker>,
    /// The step of its sender.
    pub(crate) remote: Remote,
    /// `protobuf` or `json`.
    pub(crate) format: &'static str,
}

/// The limits of an [`Intake`].
pub(crate) struct Bounds {
    pub(crate) max_message: usize,
    pub(crate) max_header_bytes: usize,
    pub(crate) read_timeout: Duration,
    pub(crate) include_metadata: bool,
    pub(crate) auth: Option<Arc<dyn ServerAuth>>,
    pub(crate) gate: Option<Arc<Gate>>,
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
            consumers: consumers.clone(),
            lanes: Lanes::new(&receiver, transport, metrics),
            metadata: Metadata::new(bounds.include_metadata, deps.metadata),
            auth: bounds.auth,
            gate: bounds.gate,
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
            connections_ended: metrics.counter(
                "tidegate_receiver_connections_ended",
                "Connections that were closed since nobody vouched for the client certificate any more.",
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

    /// Lets in a request that announces so many bytes, of somebody with this quota.
    pub(crate) fn hold(&self, signal: Signal, bytes: usize, quota: Option<&Arc<Quota>>) -> Result<Held, Rejection> {
        Held::new(&self.budget, quota, Announced { signal, bytes, largest: self.max_message })
    }

    /// Hands a request to the pipeline and waits for its answer, which may be that a part was not taken. An empty one is a success. Where the pipeline was there when
    /// the request began and is not any more, its sender may try again, and is told then what there is.
    pub(crate) async fn deliver(
        &self,
        signal: Signal,
        bytes: Bytes,
        came: Came,
        held: &mut Held,
    ) -> Result<Option<Partial>, Rejection> {
        let Some(consumer) = self.consumers.of(signal) else {
            let message = format!("the pipeline that took {signal} from this receiver was removed meanwhile");
            return Err(Rejection::new(Cause::Retryable, message));
        };
        let payload = check(signal, bytes, &self.limits)?;
        if payload.unknown_fields() > 0 {
            self.unknown_fields.inc_by(payload.unknown_fields());
        }
        held.settle(Limit::Items, payload.items());
        if payload.items() == 0 {
            return Ok(None);
        }
        let Came { origin, speaker, remote, format } = came;
        let (payload, partial) = match (&self.gate, &speaker) {
            (Some(gate), Some(speaker)) => self.judged(gate, speaker, payload, held)?,
            _ => (payload, None),
        };
        let items = payload.items();
        let delivery = Delivery { payload, origin, route: None };
        let taking = Box::pin(async {
            let taken = body::within(self.ack_timeout, consumer.consume(delivery)).await;
            // What is under way is withdrawn: its sender has it, and sends it again.
            let late = || Failure::retryable(format!("not delivered within ack_timeout, {:?}", self.ack_timeout));
            taken.unwrap_or_else(|| Err(late()))
        });
        self.lanes.deliver(signal, items, taking, &remote, format).await?;
        Ok(partial)
    }

    /// What of a request its speaker may say, and what it is told of the rest.
    fn judged(
        &self,
        gate: &Gate,
        speaker: &Speaker,
        payload: Payload,
        held: &mut Held,
    ) -> Result<(Payload, Option<Partial>), Rejection> {
        let signal = payload.signal();
        let Judged { payload, refused_items, refused_resources } = gate.judge(speaker, payload, held)?;
        if refused_resources == 0 {
            return Ok((payload, None));
        }
        self.lanes.refuse(signal, refused_items);
        let message = identity::refusal(speaker, refused_resources);
        if payload.items() == 0 {
            return Err(Rejection::new(Cause::Forbidden, message));
        }
        tracing::debug!(error = message, "a part of a request was not taken");
        Ok((payload, Some(Partial { signal, rejected: refused_items, message })))
    }

    /// Counts a connection that was closed since nobody vouched for the peer any more, and tells it to the log.
    pub(crate) fn note_ended(&self, reason: &str) {
        self.connections_ended.inc();
        tracing::info!(reason, "a connection is closed");
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
}
