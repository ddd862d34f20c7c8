//! The next hop over HTTP: a POST for each request, over connections that are kept for the next one.

mod answer;
mod body;
mod config;
mod connector;

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use host_component::{Failure, Origin, Signal};
use host_telemetry::traces;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};

pub(crate) use self::answer::Answer;
use self::body::Pieces;
use self::connector::{Connector, Encryption};
use super::exporter::Hop;
use super::message::{Framer, Framing, Message, Packing};
use super::status::{Denial, PartialSuccess};
use crate::credentials::Credentials;

pub use config::{CompressionParams, Encoding, HttpCompression, HttpConfig};

/// What is read of an answer.
const ANSWER_BYTES: usize = 64 << 10;
/// What is read of the headers of an answer.
const HEADER_BYTES: usize = 64 << 10;

/// What one exporter's connections are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    pub(crate) timeout: Duration,
    pub(crate) max_idle: usize,
    pub(crate) idle_timeout: Option<Duration>,
}

/// Makes the requests of one exporter.
pub(crate) struct Caller {
    client: Client<Connector, Pieces>,
    /// None where the configuration names no endpoint for a signal.
    uris: [Option<Uri>; 3],
    headers: HeaderMap,
    credentials: Credentials,
    framer: Framer,
    timeout: Duration,
}

impl Caller {
    pub(crate) fn new(
        uris: [Option<Uri>; 3],
        mut headers: HeaderMap,
        credentials: Credentials,
        framing: Framing,
        packing: Option<Packing>,
        pool: Pool,
        encryption: Encryption,
    ) -> Self {
        let agent = HeaderValue::from_static(concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        headers.entry(USER_AGENT).or_insert(agent);
        let media_type = if framing == Framing::Json { "application/json" } else { "application/x-protobuf" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Some(packing) = packing {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(packing.name));
        }
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(pool.idle_timeout)
            .pool_max_idle_per_host(pool.max_idle)
            .http1_max_buf_size(HEADER_BYTES)
            .build(Connector::new(pool.timeout, encryption));
        Caller { client, uris, headers, credentials, framer: Framer::new(framing, packing), timeout: pool.timeout }
    }

    async fn exchange(&self, uri: &Uri, message: &Message, origin: &Origin) -> Result<Answer, Denial> {
        let mut request = Request::new(Pieces::of(message));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() =
            self.credentials.added_to(&self.headers, origin).await.map_err(Denial::Failed)?.into_owned();
        traces::inject(request.headers_mut());
        let failed = |error: &dyn Error| Denial::Failed(Failure::retryable(format!("{}: {}", host(uri), chain(error))));
        let response = self.client.request(request).await.map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let body = read(body).await.map_err(|error| failed(&error))?;
        Ok(Answer { status: head.status, headers: head.headers, body })
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
        let Some(uri) = &self.uris[signal as usize] else {
            let reason = format!("there is no endpoint for {signal}: set `endpoint` or `{signal}_endpoint`");
            return Err(Denial::Failed(Failure::Permanent { reason }));
        };
        match tokio::time::timeout(self.timeout, self.exchange(uri, message, origin)).await {
            Ok(answer) => answer?.outcome(),
            Err(_) => {
                let reason = format!("no answer from {} within {:?}", host(uri), self.timeout);
                Err(Denial::Failed(Failure::retryable(reason)))
            }
        }
    }
}

/// The body of an answer as far as it is of interest; the connection is good for another request when it was read to its
/// end.
async fn read(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > ANSWER_BYTES {
            break;
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.into())
}

fn host(uri: &Uri) -> &str {
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
