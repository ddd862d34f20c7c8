//! OTLP over HTTP: one POST a request, its body the protobuf or JSON. The answer is in the form of the request.

use bytes::Bytes;
use host_component::Signal;
use host_compression::Coding;
use host_telemetry::traces::Remote;
use http::header::{ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use hyper::body::Incoming;

use super::body::{self, Reply};
use super::connection::Busy;
use super::held::Held;
use super::identity::Limit;
use super::intake::{Came, Intake};
use super::partial::Partial;
use super::status::{Cause, Rejection};
use super::{json, packed};

/// The two forms of OTLP over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Form, Rejection> {
        let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = value.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/x-protobuf") {
            return Ok(Form::Protobuf);
        }
        if kind.eq_ignore_ascii_case("application/json") {
            return Ok(Form::Json);
        }
        let message = format!("content type {kind:?} is not served; send application/x-protobuf or application/json");
        Err(Rejection::new(Cause::MediaType, message))
    }

    fn name(self) -> &'static str {
        match self {
            Form::Protobuf => "protobuf",
            Form::Json => "json",
        }
    }

    fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Form::Protobuf => "application/x-protobuf",
            Form::Json => "application/json",
        })
    }
}

/// Answers one request on the HTTP port.
pub(crate) async fn serve(intake: &Intake, request: Request<Incoming>, busy: &mut Busy) -> Response<Reply> {
    // Whoever sent neither of the two is answered in the one that OTLP has had from the beginning.
    let form = Form::of(request.headers());
    let answer = form.as_ref().copied().unwrap_or(Form::Protobuf);
    match post(intake, request, form, busy).await {
        Ok(taken) => success(answer, taken.as_ref()),
        Err(rejection) => {
            intake.note(&rejection);
            refusal(&rejection, answer)
        }
    }
}

async fn post(
    intake: &Intake,
    request: Request<Incoming>,
    form: Result<Form, Rejection>,
    busy: &mut Busy,
) -> Result<Option<Partial>, Rejection> {
    let path = request.uri().path();
    let signal = signal(path).filter(|signal| intake.takes(*signal)).ok_or_else(|| unknown(path))?;
    if request.method() != Method::POST {
        return Err(Rejection::new(Cause::Method, "telemetry is sent with POST"));
    }
    let headers = request.headers();
    intake.check_headers(headers)?;
    let speaker = busy.speaker()?.cloned();
    intake.authenticate(headers).await?;
    let form = form?;
    let coding = coding(headers)?;
    let origin = intake.metadata.of(signal, headers, request.uri(), busy.peer(), speaker.as_ref())?;
    let came = Came { origin, speaker, remote: Remote::of(headers), format: form.name() };
    let mut incoming = request.into_body();
    let hold = |bytes| intake.hold(signal, bytes, busy.quota());
    let reading = read(intake, &mut incoming, coding, hold);
    let (body, held) = body::in_time(intake.read_timeout, reading).await?;
    busy.has_read();
    let (bytes, mut held) = match form {
        Form::Protobuf => (body, held),
        Form::Json => json::encoded(intake, signal, body, held).await?,
    };
    intake.deliver(signal, bytes, came, &mut held).await
}

fn signal(path: &str) -> Option<Signal> {
    match path {
        "/v1/logs" => Some(Signal::Logs),
        "/v1/traces" => Some(Signal::Traces),
        "/v1/metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

fn unknown(path: &str) -> Rejection {
    if path == "/v1development/profiles" {
        return Rejection::profiles();
    }
    Rejection::new(Cause::Path, format!("nothing is served at {path}"))
}

/// How the body is compressed, if it is.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Rejection> {
    let name = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes).unwrap_or_default().to_ascii_lowercase();
    if matches!(name.as_slice(), b"" | b"identity") {
        return Ok(None);
    }
    Coding::of_http(&name).map(Some).ok_or_else(|| {
        let name = String::from_utf8_lossy(&name);
        Rejection::new(Cause::Encoding, format!("compression {name:?} is not served; use one of {}", Coding::HTTP))
    })
}

async fn read(
    intake: &Intake,
    incoming: &mut Incoming,
    coding: Option<Coding>,
    hold: impl FnOnce(usize) -> Result<Held, Rejection>,
) -> Result<(Bytes, Held), Rejection> {
    let (bytes, mut held) = body::whole(incoming, intake.max_message, hold).await?;
    let plain = packed::plain(coding, bytes, intake.max_message, &mut held).await?;
    held.settle(Limit::Bytes, plain.len() as u64);
    Ok((plain, held))
}

/// An empty response message has no bytes; in JSON it has what the Collector writes. Another one says what was not taken.
fn success(form: Form, partial: Option<&Partial>) -> Response<Reply> {
    let mut response = Response::new(match (form, partial) {
        (Form::Protobuf, None) => Reply::Done,
        (Form::Protobuf, Some(partial)) => Reply::Full(partial.encoded()),
        (Form::Json, None) => Reply::Full(Bytes::from_static(b"{\"partialSuccess\":{}}")),
        (Form::Json, Some(partial)) => Reply::Full(partial.json()),
    });
    response.headers_mut().insert(CONTENT_TYPE, form.media_type());
    response
}

fn refusal(rejection: &Rejection, form: Form) -> Response<Reply> {
    let mut response = Response::new(Reply::Full(match form {
        Form::Protobuf => rejection.details(),
        Form::Json => rejection.details_json(),
    }));
    *response.status_mut() = rejection.http_status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, form.media_type());
    if let Some(seconds) = rejection.retry_after() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    match rejection.cause {
        Cause::Method => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
        Cause::Encoding => drop(headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(Coding::HTTP))),
        _ => {}
    }
    response
}
