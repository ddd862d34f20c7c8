//! Pushes to Loki: a request a tenant, and what its answer means.

use std::num::NonZero;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use host_component::{ComponentId, Delivery, Failure, Origin};
use host_compression::{Coding, pack};
use host_otlp::Payload;
use host_telemetry::{Counter, Metrics};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Uri};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::answer::{self, Meaning};
use super::config::TENANT;
use super::cut;
use super::push::{Manner, Push, Translation, translate};
use crate::http::Client;
use crate::left_out::LeftOut;
use crate::sending::{Backend, Denial, Part, Rejected, Requests, Taken, TooLarge};

/// What is read of an answer, which has a line for each entry that Loki did not take.
pub(super) const ANSWER_BYTES: usize = 4 << 20;
/// What is translated without leaving the task.
const INLINE: usize = 32 << 10;

/// Speaks to one Loki.
pub(super) struct Loki {
    id: String,
    client: Client,
    uri: Uri,
    translator: Arc<Translator>,
    /// Bounds how many large payloads are translated at a time.
    turns: Arc<Semaphore>,
    metrics: Metrics,
}

struct Translator {
    manner: Manner,
    max_request_size: usize,
    cut_labels: Counter,
    cut_metadata: Counter,
}

/// A push request, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    push: Push,
    packed: Bytes,
    headers: HeaderMap,
}

impl Loki {
    pub(super) fn new(
        id: &ComponentId,
        client: Client,
        uri: Uri,
        manner: Manner,
        max_request_size: usize,
        metrics: &Metrics,
    ) -> Self {
        let id = id.to_string();
        let counter = |name, help| metrics.counter(name, help, &[("exporter", &id)]);
        let cut_labels = counter(
            "tidegate_loki_cut_labels",
            "Labels that became structured metadata, since a stream had too many, or they were too long.",
        );
        let cut_metadata = counter(
            "tidegate_loki_cut_metadata",
            "Pairs of structured metadata that were left out, since Loki takes no entry with so many, or so large ones.",
        );
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        Loki {
            translator: Arc::new(Translator { manner, max_request_size, cut_labels, cut_metadata }),
            turns: Arc::new(Semaphore::new(threads)),
            metrics: metrics.clone(),
            id,
            client,
            uri,
        }
    }

    /// Counts what was rejected of a request of which nothing was taken, by reason; that it failed is counted for all of it.
    fn count(&self, rejected: &[Rejected]) {
        for Rejected { items, reason } in rejected {
            let labels = [("exporter", self.id.as_str()), ("reason", reason)];
            let help =
                "Items that the next hop rejected in a request that it took, or that it cannot be sent, by reason.";
            self.metrics.counter("tidegate_exporter_rejected_log_records", help, &labels).inc_by(*items);
        }
    }
}

impl Backend for Loki {
    type Request = Request;

    async fn requests(&self, delivery: &Delivery) -> Result<Requests<Request>, Failure> {
        let payload = delivery.payload.clone();
        if payload.len() <= INLINE {
            return self.translator.requests(&payload);
        }
        let ended = || Failure::retryable("the process ends");
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| ended())?;
        let translator = Arc::clone(&self.translator);
        // Whoever leaves takes the turn along, so that no payloads without an owner pile up before the threads.
        let making = spawn_blocking(move || {
            let requests = translator.requests(&payload);
            drop(turn);
            requests
        });
        making.await.map_err(|_| ended())?
    }

    async fn call(&self, request: &Request, origin: &Origin) -> Result<Taken, Denial> {
        let body = vec![request.packed.clone()];
        let answer = self.client.post(&self.uri, &request.headers, body, origin).await?;
        let Meaning { outcome, rejected } = answer::meaning(&answer, &request.push);
        self.count(&rejected);
        outcome
    }

    fn cut(&self, request: &Request, why: &TooLarge) -> Option<Vec<Part<Request>>> {
        let size = request.push.body.len();
        if request.push.items < 2 {
            return None;
        }
        let most = why.limit.filter(|limit| *limit < size).unwrap_or(size / 2);
        cut::pieces(&request.push, most).into_iter().map(|push| part(push).ok()).collect()
    }

    fn refused(&self) -> bool {
        self.client.refused()
    }
}

impl Translator {
    fn requests(&self, payload: &Payload) -> Result<Requests<Request>, Failure> {
        let Translation { pushes, cut_labels, cut_metadata, too_much } = translate(&self.manner, payload, now());
        self.cut_labels.inc_by(cut_labels);
        self.cut_metadata.inc_by(cut_metadata);
        let mut requests = Requests { parts: Vec::new(), left_out: Vec::new() };
        if too_much > 0 {
            requests.left_out.push(Rejected { items: too_much, reason: LeftOut::TOO_MUCH_REPEATED.name });
        }
        for push in pushes {
            let pieces = match push.body.len() > self.max_request_size {
                true => cut::pieces(&push, self.max_request_size),
                false => vec![push],
            };
            for push in pieces {
                let items = push.items;
                if push.tenant.as_ref().is_some_and(|tenant| HeaderValue::try_from(tenant).is_err()) {
                    requests.left_out.push(Rejected { items, reason: "invalid_tenant" });
                    continue;
                }
                requests.parts.push(part(push)?);
            }
        }
        Ok(requests)
    }
}

/// Compresses a push request and says whom it is for.
fn part(push: Push) -> Result<Part<Request>, Failure> {
    let bad = |error: &dyn std::error::Error| Failure::permanent(format!("cannot make the request: {error}"));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    if let Some(tenant) = &push.tenant {
        headers.insert(TENANT, HeaderValue::try_from(tenant).map_err(|error| bad(&error))?);
    }
    let (plain, mut packed) = (push.body.as_slice(), Vec::new());
    pack(Coding::Snappy, None, std::iter::once(plain), plain.len(), &mut packed).map_err(|error| bad(&error))?;
    Ok(Part { items: push.items, request: Request { packed: packed.into(), headers, push } })
}

/// The time of records that have none.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
