//! OTLP on the wire, as far as a harness needs it: the paths, gRPC's frame around a message, and each way to answer.

use std::convert::Infallible;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

const PREFIX: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
    Metrics,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Http,
}

impl Signal {
    pub(crate) const ALL: [Signal; 3] = [Signal::Logs, Signal::Traces, Signal::Metrics];

    pub(crate) fn path(self, protocol: Protocol) -> &'static str {
        match (protocol, self) {
            (Protocol::Grpc, Signal::Logs) => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            (Protocol::Grpc, Signal::Traces) => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            (Protocol::Grpc, Signal::Metrics) => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            (Protocol::Http, Signal::Logs) => "/v1/logs",
            (Protocol::Http, Signal::Traces) => "/v1/traces",
            (Protocol::Http, Signal::Metrics) => "/v1/metrics",
        }
    }

    pub(crate) fn of_path(path: &str) -> Option<(Protocol, Signal)> {
        let all = Protocol::ALL.into_iter().flat_map(|protocol| Signal::ALL.map(|signal| (protocol, signal)));
        all.into_iter().find(|(protocol, signal)| signal.path(*protocol) == path)
    }
}

impl Protocol {
    pub(crate) const ALL: [Protocol; 2] = [Protocol::Grpc, Protocol::Http];

    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Protocol::Grpc => "application/grpc",
            Protocol::Http => "application/x-protobuf",
        })
    }

    /// What is sent as the body for this message.
    pub(crate) fn wrap(self, message: &Bytes) -> Bytes {
        match self {
            Protocol::Grpc => frame(message),
            Protocol::Http => message.clone(),
        }
    }

    /// The message of a body.
    pub(crate) fn unwrap(self, body: Bytes) -> Option<Bytes> {
        match self {
            Protocol::Grpc => (body.len() >= PREFIX && body[0] == 0).then(|| body.slice(PREFIX..)),
            Protocol::Http => Some(body),
        }
    }
}

fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}

/// What a server says to a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Taken,
    /// A code of gRPC, with or without a time after which to come again. Over HTTP it is 503, or 400 where it is final.
    Grpc(Code, Option<Duration>),
    /// A status of HTTP: over gRPC what a proxy in between says.
    Http(u16, Option<Duration>),
}

impl Answer {
    /// Whether a client of OTLP has to give the data up.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Answer::Taken => false,
            Answer::Grpc(code, after) => !retryable(*code, after.is_some()),
            Answer::Http(status, _) => !retryable_status(*status),
        }
    }

    pub(crate) fn response(&self, protocol: Protocol) -> Response<Body> {
        let response = match (self, protocol) {
            (Answer::Taken, Protocol::Http) => with_status(StatusCode::OK),
            (Answer::Taken, Protocol::Grpc) => {
                let trailers = HeaderMap::from_iter([(
                    http::HeaderName::from_static("grpc-status"),
                    HeaderValue::from_static("0"),
                )]);
                let body = Full::new(frame(&[])).with_trailers(async move { Some(Ok(trailers)) });
                Response::new(body.boxed_unsync())
            }
            (Answer::Grpc(code, after), Protocol::Grpc) => {
                let mut details = ErrorDetails::new();
                if let Some(after) = after {
                    details.set_retry_info(Some(*after));
                }
                let status = Status::with_error_details(*code, "a fault of the harness", details);
                let (parts, ()) = status.into_http::<()>().into_parts();
                Response::from_parts(parts, Empty::new().boxed_unsync())
            }
            (Answer::Grpc(_, after), Protocol::Http) => after_a_while(if self.is_final() { 400 } else { 503 }, *after),
            (Answer::Http(status, after), _) => after_a_while(*status, *after),
        };
        let (mut parts, body) = response.into_parts();
        parts.headers.insert(CONTENT_TYPE, protocol.content_type());
        Response::from_parts(parts, body)
    }
}

fn with_status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().boxed_unsync());
    *response.status_mut() = status;
    response
}

fn after_a_while(status: u16, after: Option<Duration>) -> Response<Body> {
    let mut response = with_status(StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
    if let Some(after) = after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    response
}

/// The codes of gRPC after which OTLP has a client send again.
pub(crate) fn retryable(code: Code, has_retry_info: bool) -> bool {
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => has_retry_info,
        _ => false,
    }
}

/// The same for HTTP, and for what gRPC makes of HTTP's statuses.
pub(crate) fn retryable_status(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests;
