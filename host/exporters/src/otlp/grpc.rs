//! One gRPC call: a message out, an answer in.

use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use host_component::{Failure, Origin, Signal};
use host_telemetry::traces;
use http::header::{CONTENT_TYPE, TE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, Version};

use super::channel::Way;
use super::exporter::Hop;
use super::message::{Framer, Framing, Message, Packing};
use super::status::{self, PartialSuccess};
use crate::credentials::Credentials;
use crate::sending::Denial;

/// What is read of an answer.
const ANSWER_BYTES: usize = 64 << 10;

/// Makes the calls of one exporter.
pub(crate) struct Caller {
    way: Way,
    uris: [Uri; 3],
    headers: HeaderMap,
    credentials: Credentials,
    framer: Framer,
    timeout: Duration,
}

/// How a call went wrong.
enum Fault {
    /// The next hop has seen nothing of it.
    Unsent(String),
    Denied(Denial),
}

impl Caller {
    pub(crate) fn new(
        way: Way,
        mut headers: HeaderMap,
        credentials: Credentials,
        packing: Option<Packing>,
        timeout: Duration,
    ) -> Self {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(HeaderName::from_static("grpc-timeout"), grpc_timeout(timeout));
        if let Some(packing) = packing {
            headers.insert(HeaderName::from_static("grpc-encoding"), HeaderValue::from_static(packing.name));
        }
        let uris = Signal::ALL.map(|signal| uri(&way, signal));
        Caller { way, uris, headers, credentials, framer: Framer::new(Framing::Grpc, packing), timeout }
    }

    async fn attempt(
        &self,
        signal: Signal,
        message: &Message,
        headers: &HeaderMap,
    ) -> Result<Option<PartialSuccess>, Fault> {
        let mut ready = self.way.ready().await.map_err(Fault::retryable)?;
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uris[signal as usize].clone();
        *request.headers_mut() = headers.clone();
        traces::inject(request.headers_mut());
        let (answer, mut stream) = ready.client.send_request(request, false).map_err(|error| Fault::of(&error))?;
        let (last, pieces) = message.pieces().split_last().expect("a message has its prefix");
        // The connection takes the pieces as the peer's window opens; they are in memory anyway. Where it does not take
        // them any more, the answer says why.
        let sent = pieces.iter().try_for_each(|piece| stream.send_data(piece.clone(), false));
        let _ = sent.and_then(|()| stream.send_data(last.clone(), true));
        receive(answer).await
    }
}

impl Hop for Caller {
    fn framer(&self) -> &Framer {
        &self.framer
    }

    fn refused(&self) -> bool {
        self.credentials.refused()
    }

    async fn call(&self, signal: Signal, message: &Message, origin: &Origin) -> Result<Option<PartialSuccess>, Denial> {
        let headers = self.credentials.added_to(&self.headers, origin).await.map_err(Denial::Failed)?;
        let attempt = async {
            match self.attempt(signal, message, &headers).await {
                // A connection that is going away says so by refusing; the next one is there in no time.
                Err(Fault::Unsent(_)) => self.attempt(signal, message, &headers).await,
                other => other,
            }
        };
        match tokio::time::timeout(self.timeout, attempt).await {
            Ok(Ok(partial)) => Ok(partial),
            Ok(Err(Fault::Denied(denial))) => Err(denial),
            Ok(Err(Fault::Unsent(reason))) => Err(Denial::Failed(Failure::retryable(reason))),
            Err(_) => {
                self.way.doubt();
                let reason = format!("no answer from {} within {:?}", self.way.authority(), self.timeout);
                Err(Denial::Failed(Failure::retryable(reason)))
            }
        }
    }
}

impl Fault {
    fn of(error: &h2::Error) -> Fault {
        let refused = error.reason() == Some(Reason::REFUSED_STREAM);
        let going_away = error.is_go_away() && error.is_remote();
        if refused || going_away {
            return Fault::Unsent(error.to_string());
        }
        Fault::retryable(format!("the call broke off: {error}"))
    }

    fn retryable(reason: String) -> Fault {
        Fault::Denied(Denial::Failed(Failure::retryable(reason)))
    }
}

async fn receive(answer: ResponseFuture) -> Result<Option<PartialSuccess>, Fault> {
    let (head, mut body) = answer.await.map_err(|error| Fault::of(&error))?.into_parts();
    if body.is_end_stream() {
        return status::outcome(head.status, &head.headers).map(|()| None).map_err(Fault::Denied);
    }
    let head = Response::from_parts(head, ());
    let message = read(&mut body).await?;
    let trailers = body.trailers().await.map_err(|error| Fault::of(&error))?;
    status::outcome(head.status(), trailers.as_ref().unwrap_or(head.headers())).map_err(Fault::Denied)?;
    Ok(message.get(5..).filter(|message| !message.is_empty()).and_then(status::partial_success))
}

/// The data of an answer, as far as it is of interest.
async fn read(body: &mut RecvStream) -> Result<Bytes, Fault> {
    let mut whole = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| Fault::of(&error))?;
        let _ = body.flow_control().release_capacity(data.len());
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        let room = ANSWER_BYTES.saturating_sub(whole.len());
        whole.extend_from_slice(&data[..data.remaining().min(room)]);
    }
    Ok(whole.freeze())
}

fn uri(way: &Way, signal: Signal) -> Uri {
    let path = match signal {
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    };
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(way.scheme());
    parts.authority = Some(way.name().clone());
    parts.path_and_query = Some(PathAndQuery::from_static(path));
    Uri::from_parts(parts).expect("scheme, authority and path make a URI")
}

/// The header that tells the next hop how long we wait: at most eight digits and a unit.
fn grpc_timeout(timeout: Duration) -> HeaderValue {
    let millis = timeout.as_millis();
    let text =
        if millis < 100_000_000 { format!("{millis}m") } else { format!("{}S", timeout.as_secs().min(99_999_999)) };
    HeaderValue::try_from(text).expect("digits and a letter are a header value")
}
