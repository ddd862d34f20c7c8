//! The client of one job, or of one server that tells of targets: connections that are kept, redirects that are followed.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use host_compression::{Coding, UnpackError, unpack};
use host_config::Wrong;
use host_receivers::budget::Reservation;
use host_telemetry::Metrics;
use host_tls::Fresh;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connector::Connector;
use super::credentials;
use crate::config::{Http, TlsConfig};

/// How often an answer may lead elsewhere.
const REDIRECTS: usize = 10;
/// Connections to one host that are kept while nothing is asked.
const IDLE: usize = 4;
/// For how long: longer than most intervals.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
const HEADER_BYTES: usize = 64 << 10;
/// What is set aside at most for an answer before it comes.
const ANNOUNCED: usize = 16 << 20;

/// Asks with GET. Cloning shares the connections.
#[derive(Clone)]
pub(crate) struct Client {
    hyper: Hyper<Connector, Empty<Bytes>>,
    connector: Connector,
    headers: Fresh<HeaderMap>,
    follows: bool,
}

/// An answer that is a success, in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer of use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetError {
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("answers HTTP {0}")]
    Status(StatusCode),
    #[error("leads elsewhere, and on from there, more than {REDIRECTS} times")]
    Redirects,
    #[error("leads to {0:?}, which is no address")]
    Nowhere(String),
    #[error("exposes more than {0} bytes: raise `body_size_limit`, or have it expose less")]
    TooLarge(u64),
    #[error("exposes what there is no room for at present: raise `service.limits.in_flight_mib`")]
    NoRoom,
    #[error("answers with the coding {0:?}, which was not asked for")]
    Coding(String),
    #[error("answers with what cannot be unpacked: {0}")]
    Damaged(UnpackError),
}

impl Client {
    /// Connects when something is asked. `is_encrypted` is whether it will be over TLS for sure.
    ///
    /// # Errors
    /// When certificates or credentials cannot be used.
    pub(crate) fn new(
        http: &Http,
        owner: &str,
        is_encrypted: bool,
        base: &Path,
        metrics: &Metrics,
    ) -> Result<Self, Wrong> {
        let connector = Connector::new(http, owner, base, metrics);
        if is_encrypted || http.tls_config != TlsConfig::default() {
            connector.prepare().map_err(|message| Wrong::new("tls_config", message))?;
        }
        let headers = credentials::watched(http, owner, base, metrics)?;
        let hyper = Hyper::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE)
            .http1_max_buf_size(HEADER_BYTES)
            .build(connector.clone());
        Ok(Client { hyper, connector, headers, follows: http.follow_redirects })
    }

    /// Asks for what is at an address. `room` grows by what is held of the answer; `limit` is how many bytes that may be,
    /// where it is not 0.
    ///
    /// # Errors
    /// When there is no answer, or none of use.
    pub(crate) async fn get(
        &self,
        uri: &Uri,
        own: &HeaderMap,
        limit: u64,
        room: &mut Reservation,
    ) -> Result<Answer, GetError> {
        let mut at = uri.clone();
        for _ in 0..=REDIRECTS {
            let mut request = Request::new(Empty::new());
            let headers = request.headers_mut();
            *headers = own.clone();
            headers.insert(USER_AGENT, HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION"))));
            // Nobody else is shown who asks.
            if at.scheme() == uri.scheme() && at.authority() == uri.authority() {
                for (name, value) in self.headers.get().await.iter() {
                    headers.append(name, value.clone());
                }
            }
            if let Some(value) = self.connector.proxy_authorization(&at) {
                headers.insert(PROXY_AUTHORIZATION, value);
            }
            headers.remove(HOST);
            *request.uri_mut() = at.clone();
            let sent = self.hyper.request(request).await;
            let (head, body) = sent.map_err(|error| GetError::Unreachable(chain(&error)))?.into_parts();
            if self.follows && is_redirect(head.status) {
                let to = head.headers.get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
                let to = String::from_utf8_lossy(to);
                at = joined(&at, &to).ok_or_else(|| GetError::Nowhere(to.chars().take(200).collect()))?;
                continue;
            }
            if head.status != StatusCode::OK {
                return Err(GetError::Status(head.status));
            }
            return answer(&head.headers, body, limit, room).await;
        }
        Err(GetError::Redirects)
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

async fn answer(headers: &HeaderMap, body: Incoming, limit: u64, room: &mut Reservation) -> Result<Answer, GetError> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let content_type = text(CONTENT_TYPE).map(str::to_owned);
    let coding = text(CONTENT_ENCODING).map(str::trim).filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    let packed = read(body, limit, room).await?;
    let body = match coding {
        None | Some("") => packed,
        Some(coding) if coding.eq_ignore_ascii_case("gzip") => {
            let most = if limit == 0 { usize::MAX } else { usize::try_from(limit).unwrap_or(usize::MAX) };
            unpack(Coding::Gzip, &packed, most, room).await.map_err(|error| match error {
                UnpackError::TooLarge => GetError::TooLarge(limit),
                UnpackError::NoRoom => GetError::NoRoom,
                other => GetError::Damaged(other),
            })?
        }
        Some(other) => return Err(GetError::Coding(other.chars().take(40).collect())),
    };
    Ok(Answer { content_type, body })
}

async fn read(mut body: Incoming, limit: u64, room: &mut Reservation) -> Result<Vec<u8>, GetError> {
    // What it says of its length saves copies, and is taken for no more than that.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut whole = Vec::with_capacity(announced.min(ANNOUNCED));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| GetError::Unreachable(chain(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if limit > 0 && (whole.len() + data.len()) as u64 > limit {
            return Err(GetError::TooLarge(limit));
        }
        if !room.grow(data.len()) {
            return Err(GetError::NoRoom);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

/// Where an answer from `base` leads.
fn joined(base: &Uri, to: &str) -> Option<Uri> {
    let to: Uri = to.split('#').next()?.parse().ok()?;
    if to.scheme().is_some() {
        let is_known = to.scheme() == Some(&Scheme::HTTP) || to.scheme() == Some(&Scheme::HTTPS);
        return Some(to).filter(|uri| is_known && uri.host().is_some_and(|host| !host.is_empty()));
    }
    let mut parts = base.clone().into_parts();
    let path = to.path_and_query().map_or("/", PathAndQuery::as_str);
    parts.path_and_query = Some(match path.strip_prefix('/') {
        Some(_) => path.parse().ok()?,
        None => {
            let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{path}").parse().ok()?
        }
    });
    Uri::from_parts(parts).ok()
}

/// An error with those that caused it, since the client's own says next to nothing.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
