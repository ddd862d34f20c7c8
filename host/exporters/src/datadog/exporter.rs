//! Sends logs, series, sketches and spans, each to its intake.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use host_component::{Delivery, Failure, Origin};
use host_compression::Coding;
use host_telemetry::Metrics;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::state::State;
use super::translate::{self, METRICS_PACKED_BYTES, Request, Shape};
use crate::http::{Answer, Client};
use crate::otlp::status::partial_success;
use crate::sending::{Backend, Denial, Part, Rejected, Requests, Taken, TooLarge};
use crate::workshop::{Workshop, packed};

/// Where requests go.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) logs: Uri,
    pub(super) series: Uri,
    pub(super) sketches: Uri,
    pub(super) traces: Uri,
    /// Where a key is looked up.
    pub(super) validate: Uri,
}

/// What speaks to one Datadog.
pub(super) struct Datadog {
    client: Client,
    addresses: Addresses,
    maker: Arc<Maker>,
    workshop: Workshop,
    exporter: String,
    metrics: Metrics,
    /// Whether Datadog is to make metrics of spans.
    with_stats: bool,
}

/// What makes requests.
pub(super) struct Maker {
    pub(super) shape: Shape,
    pub(super) state: Arc<State>,
    /// How logs are compressed, where they are.
    pub(super) logs: Option<i32>,
}

/// A request with its body.
pub(super) struct Ready {
    request: Request,
    body: Vec<Bytes>,
    is_packed: bool,
}

impl Maker {
    fn ready(&self, request: Request) -> std::io::Result<Ready> {
        let coding = match request {
            Request::Logs(_) => self.logs.map(|level| (Coding::Gzip, Some(level))),
            Request::Series(_) | Request::Sketches(_) | Request::Traces(_) => Some((Coding::Gzip, None)),
        };
        let body = packed(coding, request.body())?;
        Ok(Ready { request, body, is_packed: coding.is_some() })
    }

    /// The request, in as many pieces as are small enough when they are compressed.
    fn fitting(&self, request: Request, fitting: &mut Vec<Ready>) -> std::io::Result<()> {
        let ready = self.ready(request)?;
        let is_of_metrics = matches!(ready.request, Request::Series(_) | Request::Sketches(_));
        if is_of_metrics
            && ready.len() > METRICS_PACKED_BYTES
            && let Some(halves) = ready.request.halves()
        {
            return halves.into_iter().try_for_each(|half| self.fitting(half, fitting));
        }
        fitting.push(ready);
        Ok(())
    }
}

impl Ready {
    /// The size of the body as it is sent.
    fn len(&self) -> usize {
        self.body.iter().map(Bytes::len).sum()
    }

    fn part(self) -> Part<Ready> {
        let items = self.request.items();
        Part { request: self, items }
    }
}

impl Datadog {
    pub(super) fn new(
        client: Client,
        addresses: Addresses,
        maker: Maker,
        with_stats: bool,
        exporter: String,
        metrics: &Metrics,
    ) -> Self {
        let (maker, workshop, metrics) = (Arc::new(maker), Workshop::new(), metrics.clone());
        Datadog { client, addresses, maker, workshop, exporter, metrics, with_stats }
    }

    /// Asks whether Datadog knows the key.
    ///
    /// # Errors
    /// Where it does not, or says nothing.
    pub(super) async fn check_key(&self) -> Result<(), String> {
        let (validate, none) = (&self.addresses.validate, HeaderMap::new());
        match self.client.send(Method::GET, validate, &none, Vec::new(), &Origin::default()).await {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("{validate} answered HTTP {} {}", answer.status, answer.message())),
            Err(denial) => Err(denial.into_failure().to_string()),
        }
    }

    fn address(&self, request: &Request) -> &Uri {
        match request {
            Request::Logs(_) => &self.addresses.logs,
            Request::Series(_) => &self.addresses.series,
            Request::Sketches(_) => &self.addresses.sketches,
            Request::Traces(_) => &self.addresses.traces,
        }
    }

    fn headers(&self, ready: &Ready) -> HeaderMap {
        let mut own = HeaderMap::new();
        let kind = match ready.request {
            Request::Logs(_) | Request::Series(_) => "application/json",
            Request::Sketches(_) | Request::Traces(_) => "application/x-protobuf",
        };
        own.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if ready.is_packed {
            own.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.with_stats && matches!(ready.request, Request::Traces(_)) {
            own.insert(HeaderName::from_static("compute_stats"), HeaderValue::from_static("true"));
        }
        own
    }
}

/// What an intake says of a request that it took.
fn taken(request: &Request, answer: &Answer) -> Taken {
    let told = match request {
        Request::Traces(_) if answer.is("application/x-protobuf") => partial_success(&answer.body),
        _ => None,
    };
    match told {
        Some(told) => {
            let rejected = vec![Rejected { items: told.rejected, reason: "rejected" }];
            Taken { rejected, message: told.message }
        }
        // What is wrong with a part of it is told in the answer, but not with which.
        None => Taken { rejected: Vec::new(), message: answer.message() },
    }
}

impl Backend for Datadog {
    type Request = Ready;

    async fn requests(&self, delivery: &Delivery) -> Result<Requests<Ready>, Failure> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (payload, maker) = (delivery.payload.clone(), Arc::clone(&self.maker));
        let making = self.workshop.make(payload.len(), move || {
            let (requests, left_out) = translate::requests(&payload, &maker.shape, &maker.state, now);
            let mut fitting = Vec::new();
            let mut requests = requests.into_iter();
            requests.try_for_each(|request| maker.fitting(request, &mut fitting)).map(|()| (fitting, left_out))
        });
        let failed = |error| Failure::permanent(format!("{}: cannot make the request: {error}", self.exporter));
        let (ready, left_out) = making.await.map_err(failed)?.map_err(failed)?;
        let parts = ready.into_iter().map(Ready::part).collect();
        Ok(Requests { parts, left_out: left_out.settle(&self.exporter, &self.metrics) })
    }

    async fn call(&self, ready: &Ready, origin: &Origin) -> Result<Taken, Denial> {
        let (uri, own) = (self.address(&ready.request), self.headers(ready));
        let answer = self.client.post(uri, &own, ready.body.clone(), origin).await?;
        if !answer.status.is_success() {
            return Err(answer.denial(|status| matches!(status, 408 | 429 | 500..=599)));
        }
        ready.request.delivered();
        Ok(taken(&ready.request, &answer))
    }

    fn cut(&self, ready: &Ready, _why: &TooLarge) -> Option<Vec<Part<Ready>>> {
        let halves = ready.request.halves()?;
        // What cannot be compressed was not to be had in one piece either.
        halves.into_iter().map(|half| self.maker.ready(half).map(Ready::part)).collect::<Result<_, _>>().ok()
    }

    fn refused(&self) -> bool {
        self.client.refused()
    }
}
