//! The client of one exporter: its connections, its headers, what it shows of who it is.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use host_component::{ComponentId, Failure, Origin};
use host_config::{Auth, Wrong, without_userinfo};
use host_telemetry::traces;
use host_tls::{ClientConfig, Target};
use http::header::USER_AGENT;
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::answer::Answer;
use super::body::Pieces;
use super::connector::{Connector, Encryption, host};
use crate::Deps;
use crate::credentials::Credentials;
use crate::sending::Denial;

/// What is read of an answer where nobody says how much.
const ANSWER_BYTES: usize = 64 << 10;
/// What is read of the headers of an answer.
const HEADER_BYTES: usize = 64 << 10;

/// What a section says of its connections, and what each request has.
#[derive(Clone, Debug)]
pub(crate) struct Connections<'a> {
    pub(crate) tls: &'a ClientConfig,
    pub(crate) auth: Option<&'a Auth>,
    /// With each request.
    pub(crate) headers: HeaderMap,
    /// How long one request may take, with its answer.
    pub(crate) timeout: Duration,
    /// Connections that are kept while nothing is sent; 0 is no limit, in all and to one host.
    pub(crate) max_idle_conns: usize,
    pub(crate) max_idle_conns_per_host: usize,
    /// 0 is for ever.
    pub(crate) idle_conn_timeout: Duration,
    pub(crate) disable_keep_alives: bool,
    /// What is read of an answer.
    pub(crate) answer_bytes: usize,
}

impl<'a> Connections<'a> {
    /// Those of a section with the keys that every exporter over HTTP has, and the defaults of the Collector for the others.
    pub(crate) fn new(tls: &'a ClientConfig, auth: Option<&'a Auth>, headers: HeaderMap, timeout: Duration) -> Self {
        Connections {
            tls,
            auth,
            headers,
            timeout,
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            answer_bytes: ANSWER_BYTES,
        }
    }
}

/// Makes the requests of one exporter.
pub(crate) struct Client {
    hyper: Hyper<Connector, Pieces>,
    headers: HeaderMap,
    credentials: Credentials,
    timeout: Duration,
    answer_bytes: usize,
}

impl Client {
    /// The client of an exporter that sends to `uris` and nowhere else. It connects when the first request is to be sent.
    ///
    /// # Errors
    /// When certificates or credentials cannot be used.
    pub(crate) fn new(
        id: &ComponentId,
        uris: &[&Uri],
        connections: Connections<'_>,
        deps: &Deps<'_>,
    ) -> Result<Self, Wrong> {
        let encryption = encryption(id, uris, connections.tls, deps)?;
        let mut headers = connections.headers;
        let agent = HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        headers.entry(USER_AGENT).or_insert(agent);
        let is_encrypted = uris.iter().all(|uri| uri.scheme() == Some(&Scheme::HTTPS));
        let credentials = Credentials::find(connections.auth, true, deps)?;
        if credentials.is_secret() && !is_encrypted {
            // As in the Collector: behind a proxy beside it, that is how it is done.
            tracing::warn!(exporter = %id, "what `auth` adds is sent in the clear, since the endpoint is `http://`");
        }
        let bound = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        let max_idle = bound(connections.max_idle_conns).min(bound(connections.max_idle_conns_per_host));
        let idle = connections.idle_conn_timeout;
        let hyper = Hyper::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout((!idle.is_zero()).then_some(idle))
            .pool_max_idle_per_host(if connections.disable_keep_alives { 0 } else { max_idle })
            .http1_max_buf_size(HEADER_BYTES)
            .build(Connector::new(connections.timeout, encryption));
        Ok(Client { hyper, headers, credentials, timeout: connections.timeout, answer_bytes: connections.answer_bytes })
    }

    /// Says that the backend does not know who we are by what is shown. Whether there may be something else to show now.
    pub(crate) fn refused(&self) -> bool {
        self.credentials.refused()
    }

    /// Posts a body, with what each request has and with headers of its own.
    ///
    /// # Errors
    /// Where there was no answer in time.
    pub(crate) async fn post(
        &self,
        uri: &Uri,
        own: &HeaderMap,
        body: Vec<Bytes>,
        origin: &Origin,
    ) -> Result<Answer, Denial> {
        self.send(Method::POST, uri, own, body, origin).await
    }

    /// Sends any request; as [`Client::post`].
    pub(crate) async fn send(
        &self,
        method: Method,
        uri: &Uri,
        own: &HeaderMap,
        body: Vec<Bytes>,
        origin: &Origin,
    ) -> Result<Answer, Denial> {
        let mut headers = self.credentials.added_to(&self.headers, origin).await.map_err(Denial::Failed)?.into_owned();
        for (name, value) in own {
            headers.insert(name, value.clone());
        }
        traces::inject(&mut headers);
        let mut request = Request::new(Pieces::of(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        match tokio::time::timeout(self.timeout, self.exchange(request, uri)).await {
            Ok(answer) => answer,
            Err(_) => {
                let reason = format!("no answer from {} within {:?}", authority(uri), self.timeout);
                Err(Denial::Failed(Failure::retryable(reason)))
            }
        }
    }

    async fn exchange(&self, request: Request<Pieces>, uri: &Uri) -> Result<Answer, Denial> {
        let failed =
            |error: &dyn Error| Denial::Failed(Failure::retryable(format!("{}: {}", authority(uri), chain(error))));
        let response = self.hyper.request(request).await.map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let body = read(body, self.answer_bytes).await.map_err(|error| failed(&error))?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    }
}

/// What encrypts the connections to the hosts of the addresses that ask for it.
fn encryption(id: &ComponentId, uris: &[&Uri], tls: &ClientConfig, deps: &Deps<'_>) -> Result<Encryption, Wrong> {
    let mut encryption = Encryption::new();
    let encrypted = uris.iter().filter(|uri| uri.scheme() == Some(&Scheme::HTTPS));
    for host in encrypted.filter_map(|uri| uri.authority()).map(host) {
        let Deps { base, metrics, .. } = *deps;
        let owner = id.to_string();
        let target = Target { owner: &owner, key: "tls", host, https: true, alpn: &[b"http/1.1"], base };
        if let Some(connector) = tls.clone().build(&target, metrics)? {
            encryption.insert(host.to_owned(), connector);
        }
    }
    Ok(encryption)
}

/// The address that stands under `key` as `written`, with `path` behind it.
///
/// # Errors
/// When it is none.
pub(crate) fn endpoint(key: &str, written: &str, path: &str) -> Result<Uri, Wrong> {
    without_userinfo(key, written)?;
    let bad = || Wrong::new(key, format!("{written:?} is no address; write `http://host:port` or `https://host`"));
    let whole = if path.is_empty() { written.to_owned() } else { format!("{}{path}", written.trim_end_matches('/')) };
    let uri: Uri = whole.parse().map_err(|_| bad())?;
    let is_whole =
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    if is_whole { Ok(uri) } else { Err(bad()) }
}

/// The body of an answer as far as it is of interest; the connection is good for another request when it was read to its
/// end.
async fn read(mut body: Incoming, most: usize) -> Result<Bytes, hyper::Error> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > most {
            break;
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.into())
}

fn authority(uri: &Uri) -> &str {
    uri.authority().map_or("", |authority| authority.as_str())
}

/// An error with those that caused it, since the client's own says next to nothing.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to text cannot fail.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
