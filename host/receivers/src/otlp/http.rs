//! OTLP over HTTP: one POST a request, its body the protobuf.

use bytes::Bytes;
use host_component::Signal;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use hyper::body::Incoming;

use super::body::{self, Reply};
use super::connection::Busy;
use super::gzip;
use super::intake::Intake;
use super::status::{Cause, Rejection};
use crate::budget::Reservation;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");

/// Answers one request on the HTTP port.
pub(crate) async fn serve(intake: &Intake, request: Request<Incoming>, busy: &mut Busy) -> Response<Reply> {
    match post(intake, request, busy).await {
        Ok(()) => success(),
        Err(rejection) => {
            intake.note(&rejection);
            refusal(&rejection)
        }
    }
}

async fn post(intake: &Intake, request: Request<Incoming>, busy: &mut Busy) -> Result<(), Rejection> {
    let signal = signal(request.uri().path())
        .filter(|signal| intake.takes(*signal))
        .ok_or_else(|| Rejection::new(Cause::Path, format!("nothing is served at {}", request.uri().path())))?;
    if request.method() != Method::POST {
        return Err(Rejection::new(Cause::Method, "telemetry is sent with POST"));
    }
    let headers = request.headers();
    intake.check_headers(headers)?;
    intake.authenticate(headers).await?;
    media_type(headers)?;
    let gzip = is_gzip(headers)?;
    let origin = intake.metadata.of(signal, headers, request.uri())?;
    let mut incoming = request.into_body();
    let (bytes, _reservation) = body::within(intake.read_timeout, read(intake, &mut incoming, gzip)).await?;
    busy.has_read();
    intake.deliver(signal, bytes, origin).await
}

fn signal(path: &str) -> Option<Signal> {
    match path {
        "/v1/logs" => Some(Signal::Logs),
        "/v1/traces" => Some(Signal::Traces),
        "/v1/metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

fn media_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-protobuf") {
        return Ok(());
    }
    let message = if kind.eq_ignore_ascii_case("application/json") {
        "OTLP in JSON is not served yet; send application/x-protobuf".to_owned()
    } else {
        format!("content type {kind:?} is not served; send application/x-protobuf")
    };
    Err(Rejection::new(Cause::MediaType, message))
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Rejection> {
    let coding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes).unwrap_or_default();
    match coding.to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(false),
        b"gzip" | b"x-gzip" => Ok(true),
        _ => {
            let name = String::from_utf8_lossy(coding);
            Err(Rejection::new(Cause::Encoding, format!("compression {name:?} is not served; use gzip or none")))
        }
    }
}

async fn read(intake: &Intake, incoming: &mut Incoming, gzip: bool) -> Result<(Bytes, Reservation), Rejection> {
    let (bytes, mut reservation) = body::whole(incoming, intake.max_message, &intake.budget).await?;
    if !gzip {
        return Ok((bytes, reservation));
    }
    let plain = gzip::inflate(bytes, intake.max_message, &mut reservation).await?;
    Ok((plain, reservation))
}

/// An empty response message has no bytes.
fn success() -> Response<Reply> {
    let mut response = Response::new(Reply::Done);
    response.headers_mut().insert(CONTENT_TYPE, PROTOBUF);
    response
}

fn refusal(rejection: &Rejection) -> Response<Reply> {
    let mut response = Response::new(Reply::Full(rejection.details()));
    *response.status_mut() = rejection.http_status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROTOBUF);
    if let Some(seconds) = rejection.retry_after() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if rejection.cause == Cause::Method {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}
