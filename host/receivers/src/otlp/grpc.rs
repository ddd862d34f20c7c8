//! OTLP over gRPC: one unary call a request, in own framing, since the message is taken and given as bytes.

use bytes::{Buf as _, Bytes, BytesMut};
use host_component::Signal;
use host_compression::Coding;
use host_telemetry::traces::Remote;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;

use super::body::{self, Reply};
use super::connection::Busy;
use super::held::Held;
use super::identity::Limit;
use super::intake::{Came, Intake};
use super::packed;
use super::partial::Partial;
use super::status::{Cause, Rejection};

/// The flag byte and the length that stand before a message.
const PREFIX: usize = 5;
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const APPLICATION_GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Answers one request on the gRPC port.
pub(crate) async fn serve(intake: &Intake, request: Request<Incoming>, busy: &mut Busy) -> Response<Reply> {
    match call(intake, request, busy).await {
        Ok(taken) => success(taken),
        Err(rejection) => {
            intake.note(&rejection);
            refusal(&rejection)
        }
    }
}

async fn call(intake: &Intake, request: Request<Incoming>, busy: &mut Busy) -> Result<Option<Partial>, Rejection> {
    let path = request.uri().path();
    let signal = signal(path).filter(|signal| intake.takes(*signal)).ok_or_else(|| unknown(path))?;
    if request.method() != Method::POST {
        return Err(Rejection::new(Cause::Method, "gRPC calls are POST requests"));
    }
    let headers = request.headers();
    if !is_grpc(headers) {
        return Err(Rejection::new(Cause::MediaType, "the content type of a gRPC call is application/grpc"));
    }
    intake.check_headers(headers)?;
    let speaker = busy.speaker()?.cloned();
    intake.authenticate(headers).await?;
    let coding = coding(headers)?;
    let origin = intake.metadata.of(signal, headers, request.uri(), busy.peer(), speaker.as_ref())?;
    let came = Came { origin, speaker, remote: Remote::of(headers), format: "protobuf" };
    let mut incoming = request.into_body();
    let hold = |bytes| intake.hold(signal, bytes, busy.quota());
    let reading = read(intake, &mut incoming, coding, hold);
    let (message, mut held) = body::in_time(intake.read_timeout, reading).await?;
    busy.has_read();
    intake.deliver(signal, message, came, &mut held).await
}

fn signal(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}

fn unknown(path: &str) -> Rejection {
    if path.starts_with("/opentelemetry.proto.collector.profiles.") {
        return Rejection::profiles();
    }
    Rejection::new(Cause::Path, format!("unknown method {path}"))
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    kind.strip_prefix(b"application/grpc").is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// How messages are compressed that are.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Rejection> {
    let name = headers.get(GRPC_ENCODING).map_or(&b"identity"[..], HeaderValue::as_bytes);
    if name == b"identity" {
        return Ok(None);
    }
    Coding::of_grpc(name).map(Some).ok_or_else(|| {
        let message =
            format!("compression {:?} is not served; use one of {}", String::from_utf8_lossy(name), Coding::GRPC);
        Rejection::new(Cause::Encoding, message)
    })
}

/// Reads the one message of a unary call; without a copy where it came in one frame.
async fn read(
    intake: &Intake,
    incoming: &mut Incoming,
    coding: Option<Coding>,
    hold: impl FnOnce(usize) -> Result<Held, Rejection>,
) -> Result<(Bytes, Held), Rejection> {
    let mut head = Bytes::new();
    while head.len() < PREFIX {
        let Some(data) = body::next(incoming).await? else {
            return Err(Rejection::malformed("the body ends before its first message"));
        };
        head = joined(head, data);
    }
    let coding = match head.get_u8() {
        0 => None,
        1 if coding.is_some() => coding,
        1 => return Err(Rejection::malformed("the message is compressed, but no grpc-encoding header says how")),
        _ => return Err(Rejection::malformed("the body does not start with a gRPC message")),
    };
    let len = head.get_u32() as usize;
    if len > intake.max_message {
        return Err(Rejection::too_large(intake.max_message));
    }
    let mut held = hold(len)?;
    let message = message(incoming, head, len).await?;
    let plain = packed::plain(coding, message, intake.max_message, &mut held).await?;
    held.settle(Limit::Bytes, plain.len() as u64);
    Ok((plain, held))
}

/// The message of `len` bytes that `head` starts with, with nothing behind it.
async fn message(incoming: &mut Incoming, head: Bytes, len: usize) -> Result<Bytes, Rejection> {
    let whole = if head.len() >= len {
        head
    } else {
        let mut whole = BytesMut::with_capacity(len);
        whole.extend_from_slice(&head);
        while whole.len() < len {
            let Some(data) = body::next(incoming).await? else {
                return Err(Rejection::malformed("the body ends inside its message"));
            };
            if whole.len() + data.len() > len {
                return Err(surplus());
            }
            whole.extend_from_slice(&data);
        }
        whole.freeze()
    };
    if whole.len() > len {
        return Err(surplus());
    }
    while !incoming.is_end_stream() {
        match body::next(incoming).await? {
            Some(data) if !data.is_empty() => return Err(surplus()),
            Some(_) => {}
            None => break,
        }
    }
    Ok(whole)
}

fn surplus() -> Rejection {
    Rejection::malformed("there is more than one message in the body of a unary call")
}

fn joined(head: Bytes, data: Bytes) -> Bytes {
    if head.is_empty() {
        return data;
    }
    [head, data].concat().into()
}

/// An uncompressed message without content, unless a part was not taken.
fn success(partial: Option<Partial>) -> Response<Reply> {
    let message = partial.map_or_else(|| Bytes::from_static(&[0; PREFIX]), |partial| framed(&partial.encoded()));
    let mut response = Response::new(Reply::Message(message));
    response.headers_mut().insert(CONTENT_TYPE, APPLICATION_GRPC);
    response
}

fn framed(message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(PREFIX + message.len());
    out.push(0);
    // The message is a number and a short text.
    out.extend_from_slice(&(message.len() as u32).to_be_bytes());
    out.extend_from_slice(message);
    out.into()
}

/// A reply without a message: its status stands in the headers.
fn refusal(rejection: &Rejection) -> Response<Reply> {
    let mut response = Response::new(Reply::Done);
    // Whoever speaks no gRPC understands HTTP.
    if rejection.cause == Cause::MediaType {
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, APPLICATION_GRPC);
    headers.insert(GRPC_STATUS, u16::from(rejection.grpc_code()).into());
    if let Ok(message) = HeaderValue::try_from(rejection.grpc_message()) {
        headers.insert(GRPC_MESSAGE, message);
    }
    if let Some(Ok(details)) = rejection.grpc_details().map(HeaderValue::try_from) {
        headers.insert(GRPC_DETAILS, details);
    }
    if rejection.cause == Cause::Encoding {
        headers.insert(GRPC_ACCEPT_ENCODING, HeaderValue::from_static(Coding::GRPC));
    }
    response
}
