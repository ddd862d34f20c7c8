//! HTTP to the kubelet: one host, connections that are kept, and as whom it is asked.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use host_config::Wrong;
use host_telemetry::Metrics;
use host_tls::{Fresh, Stream, Watch};
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tower_service::Service;

/// How long a connection is kept while nothing is asked: longer than most intervals.
const IDLE: Duration = Duration::from_secs(300);
/// How often the file of the token is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Asks one kubelet.
pub(crate) struct Client {
    hyper: Hyper<Connector, Empty<Bytes>>,
    base: Uri,
    token: Option<Fresh<HeaderValue>>,
}

impl Client {
    /// Connects when something is asked. What is asked for lies below `base`.
    pub(crate) fn new(base: Uri, encrypter: Option<host_tls::Connector>, token: Option<Fresh<HeaderValue>>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let hyper = Hyper::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(Connector { tcp, encrypter });
        Client { hyper, base, token }
    }

    /// Looks at the token, so that questions that are asked at once all show the same.
    pub(crate) async fn look(&self) {
        if let Some(token) = &self.token {
            token.get().await;
        }
    }

    /// Where a path is, for people.
    pub(crate) fn place(&self, path: &str) -> String {
        format!("{}{path}", self.base.to_string().trim_end_matches('/'))
    }

    /// The head of an answer, whatever status it has.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) async fn get(&self, path: &str) -> Result<Response<Incoming>, String> {
        let mut request = Request::get(self.place(path));
        request = request.header(USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, (*token.get().await).clone());
        }
        let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
        self.hyper.request(request).await.map_err(|error| chain(&error))
    }
}

/// The token in a file, as a header, and as the file has it now: the kubelet writes it anew when it is about to expire.
///
/// # Errors
/// When it cannot be read, or is none.
pub(crate) fn token(path: PathBuf, owner: &str, metrics: &Metrics) -> Result<Fresh<HeaderValue>, Wrong> {
    let watch = Watch { owner: owner.to_owned(), what: "token", files: vec![path.clone()], interval: LOOK };
    Fresh::new(watch, metrics, move || read(&path))
}

fn read(path: &Path) -> Result<HeaderValue, Wrong> {
    let wrong = |why: String| {
        let message = format!(
            "`serviceAccount` needs the token of the pod's account, and {} {why}: let the pod have it with \
             `automountServiceAccountToken: true`, or write another `auth_type`",
            path.display()
        );
        Wrong::new("auth_type", message)
    };
    let content = host_tls::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let token = content.trim_ascii();
    if token.is_empty() {
        return Err(wrong("is empty".to_owned()));
    }
    let mut value = HeaderValue::from_bytes(&[b"Bearer ", token].concat())
        .map_err(|_| wrong("has characters that a header cannot have".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Opens connections to the kubelet.
#[derive(Clone)]
struct Connector {
    tcp: HttpConnector,
    encrypter: Option<host_tls::Connector>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp.poll_ready(cx).map_err(io::Error::other)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, encrypter) = (self.tcp.call(uri), self.encrypter.clone());
        Box::pin(async move {
            let tcp = connecting.await.map_err(io::Error::other)?.into_inner();
            let stream = match encrypter {
                None => Stream::Plain(tcp),
                Some(encrypter) => encrypter.connect(tcp).await?,
            };
            Ok(TokioIo::new(stream))
        })
    }
}

/// An error with those that caused it, since the client's own says next to nothing.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let says = cause.to_string();
        if !text.contains(&says) {
            text = format!("{text}: {says}");
        }
        source = cause.source();
    }
    text
}
