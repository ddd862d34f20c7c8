//! Sends events, and waits until they are indexed where that is wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use host_component::{Delivery, Failure, Origin};
use host_compression::Coding;
use host_telemetry::Metrics;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde::Deserialize;

use super::acks::{Acks, channel};
use super::heartbeat::Heart;
use super::translate::{self, Heading, Shape};
use crate::http::{Answer, Client};
use crate::sending::{Backend, Denial, Part, Requests, Taken, TooLarge};
use crate::workshop::{Workshop, packed};

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) event: Uri,
    pub(super) raw: Uri,
    pub(super) ack: Uri,
    pub(super) health: Uri,
}

/// What speaks to one Splunk.
pub(super) struct Hec {
    wire: Arc<Wire>,
    shape: Arc<Shape>,
    workshop: Workshop,
    exporter: String,
    metrics: Metrics,
    /// It beats as long as this is there.
    _heart: Option<Heart>,
}

/// The way to it.
pub(super) struct Wire {
    pub(super) client: Client,
    pub(super) addresses: Addresses,
    /// `Splunk` and the token.
    pub(super) authorization: HeaderValue,
    pub(super) is_packed: bool,
    pub(super) acks: Option<Acks>,
    /// For bare texts, where nobody waits for their indexing.
    pub(super) channel: HeaderValue,
}

/// A request with its body.
pub(super) struct Ready {
    request: translate::Request,
    body: Vec<Bytes>,
    /// How often it, and what it was cut out of, may still be cut because an event in it is bad.
    cuts: Arc<AtomicU32>,
}

/// How often one request may be cut to find the bad events in it: enough to find some twenty in one of the largest.
const CUTS: u32 = 256;

/// What Splunk says of a request that it did not take.
#[derive(Deserialize)]
struct Said {
    code: Option<u64>,
}

/// Whether one bad event keeps all others of a request from being taken: there is nothing in it, it is no JSON, its index is
/// not for this token, it has no event or an empty one, or its fields cannot be indexed.
fn is_about_an_event(answer: &Answer) -> bool {
    let code = || serde_json::from_slice::<Said>(&answer.body).ok()?.code;
    answer.status == StatusCode::BAD_REQUEST && matches!(code(), Some(5 | 6 | 7 | 12 | 13 | 15))
}

impl Wire {
    pub(super) fn new(
        client: Client,
        addresses: Addresses,
        authorization: HeaderValue,
        is_packed: bool,
        acks: Option<Acks>,
    ) -> Self {
        Wire { client, addresses, authorization, is_packed, acks, channel: channel() }
    }

    pub(super) fn ready(request: translate::Request, is_packed: bool) -> std::io::Result<Ready> {
        let coding = is_packed.then_some((Coding::Gzip, None));
        let body = packed(coding, request.events.body().collect())?;
        Ok(Ready { request, body, cuts: Arc::new(AtomicU32::new(CUTS)) })
    }

    /// Sends a request once.
    pub(super) async fn send(&self, ready: &Ready, origin: &Origin) -> Result<Taken, Denial> {
        let heading = &ready.request.heading;
        let own = self.headers(heading)?;
        let uri = self.address(heading)?;
        let answer = self.client.post(&uri, &own, ready.body.clone(), origin).await?;
        if !answer.status.is_success() {
            let one_less = |left: u32| left.checked_sub(1);
            if is_about_an_event(&answer)
                && ready.cuts.try_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
            {
                let reason = format!("HTTP {}: {}", answer.status, answer.message());
                return Err(Denial::TooLarge(TooLarge { reason, limit: None, is_own: false }));
            }
            // A busy server, one that restarts, and proxies before it.
            return Err(answer.denial(|status| matches!(status, 408 | 429 | 500 | 502 | 503 | 504)));
        }
        if let (Some(acks), Some(authorization)) = (&self.acks, own.get(AUTHORIZATION)) {
            acks.indexed(&self.client, &answer, authorization, origin).await?;
        }
        Ok(Taken::default())
    }

    /// Asks whether it can take data.
    ///
    /// # Errors
    /// Where it says that it cannot, or says nothing.
    pub(super) async fn check_health(&self) -> Result<(), String> {
        let mut own = HeaderMap::new();
        own.insert(AUTHORIZATION, self.authorization.clone());
        let health = &self.addresses.health;
        let asked = self.client.send(Method::GET, health, &own, Vec::new(), &Origin::default()).await;
        match asked {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("{health} answered HTTP {} {}", answer.status, answer.message())),
            Err(denial) => Err(denial.into_failure().to_string()),
        }
    }

    fn headers(&self, heading: &Heading) -> Result<HeaderMap, Denial> {
        let mut own = HeaderMap::new();
        let kind = if heading.is_raw { "text/plain; charset=utf-8" } else { "application/json" };
        own.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if self.is_packed {
            own.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let channel = self.acks.as_ref().map(Acks::channel).or(heading.is_raw.then_some(&self.channel));
        if let Some(channel) = channel {
            own.insert("x-splunk-request-channel", channel.clone());
        }
        if heading.is_profiling {
            own.insert("x-splunk-instrumentation-library", HeaderValue::from_static("otel.profiling"));
        }
        let authorization = match heading.token.as_str() {
            "" => self.authorization.clone(),
            token => authorization(token).ok_or_else(|| {
                let reason = "the attribute com.splunk.hec.access_token holds what cannot stand in a header";
                Denial::Failed(Failure::permanent(reason))
            })?,
        };
        own.insert(AUTHORIZATION, authorization);
        Ok(own)
    }

    fn address(&self, heading: &Heading) -> Result<Uri, Denial> {
        if !heading.is_raw {
            return Ok(self.addresses.event.clone());
        }
        if heading.query.is_empty() {
            return Ok(self.addresses.raw.clone());
        }
        let whole = format!("{}?{}", self.addresses.raw, heading.query);
        whole.parse().map_err(|_| {
            let reason = "the host, source, sourcetype or index of the data is too long to stand in an address";
            Denial::Failed(Failure::permanent(reason))
        })
    }
}

/// The value that shows a token.
pub(super) fn authorization(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Splunk {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl Hec {
    pub(super) fn new(
        wire: Arc<Wire>,
        shape: Shape,
        exporter: String,
        metrics: &Metrics,
        heart: Option<Heart>,
    ) -> Self {
        let (shape, workshop, metrics) = (Arc::new(shape), Workshop::new(), metrics.clone());
        Hec { wire, shape, workshop, exporter, metrics, _heart: heart }
    }
}

impl Backend for Hec {
    type Request = Ready;

    async fn requests(&self, delivery: &Delivery) -> Result<Requests<Ready>, Failure> {
        let (payload, shape, is_packed) = (delivery.payload.clone(), Arc::clone(&self.shape), self.wire.is_packed);
        let making = self.workshop.make(payload.len(), move || {
            let (requests, left_out) = translate::requests(&payload, &shape);
            let ready = requests.into_iter().map(|request| {
                let items = request.events.items();
                Wire::ready(request, is_packed).map(|request| Part { request, items })
            });
            ready.collect::<Result<Vec<_>, _>>().map(|parts| (parts, left_out))
        });
        let failed = |error| Failure::permanent(format!("{}: cannot make the request: {error}", self.exporter));
        let (parts, left_out) = making.await.map_err(failed)?.map_err(failed)?;
        Ok(Requests { parts, left_out: left_out.settle(&self.exporter, &self.metrics) })
    }

    async fn call(&self, request: &Ready, origin: &Origin) -> Result<Taken, Denial> {
        self.wire.send(request, origin).await
    }

    fn cut(&self, ready: &Ready, _why: &TooLarge) -> Option<Vec<Part<Ready>>> {
        let translate::Request { signal, heading, events } = &ready.request;
        let halves = events.halves()?.map(|events| {
            let items = events.items();
            let request = translate::Request { signal: *signal, heading: heading.clone(), events };
            let half = Wire::ready(request, self.wire.is_packed)?;
            Ok::<_, std::io::Error>(Part { request: Ready { cuts: Arc::clone(&ready.cuts), ..half }, items })
        });
        // What cannot be compressed was not to be had in one piece either.
        halves.into_iter().collect::<Result<_, _>>().ok()
    }

    fn refused(&self) -> bool {
        self.wire.client.refused()
    }
}
