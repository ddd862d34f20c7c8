//! The endpoint that shows the collector to its operator: metrics, health and debug pages over HTTP, read only.
//!
//! Pages are made when somebody asks. The endpoint is bound before anything runs, serves a bounded number of
//! connections, and closes what is open when it is told to end. A connection has its place before it is encrypted, so that
//! who shakes hands slowly, or not at all, has one for as long as a handshake may take, and holds up nobody else.

mod asked;
mod document;
mod guard;
mod page;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use host_component::{BoxFuture, Shutdown, spawn};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

pub use self::asked::Asked;
pub use self::guard::{Bytes, Encrypt, Guard, Opened};
pub use self::page::Page;

use crate::listen::Accepting;
use crate::{Metrics, listen, process};

/// A scraper and a few people: more than that is a mistake or an attack.
const CONNECTIONS: usize = 64;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const BUFFER: usize = 16 * 1024;

type Render = Box<dyn Fn(&Asked) -> Page + Send + Sync>;

/// The pages of one endpoint, by path.
#[derive(Default)]
pub struct Pages(BTreeMap<String, Render>);

impl Pages {
    pub fn new() -> Self {
        Self::default()
    }

    /// `/metrics`: the collector's own metrics and those of the process.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics) -> Self {
        process::start();
        self.with("/metrics", move |_| Page::text(metrics.render() + &process::render()))
    }

    /// Adds the page at `path`, which is made anew for each request.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, page: impl Fn(&Asked) -> Page + Send + Sync + 'static) -> Self {
        self.0.insert(path.into(), Box::new(page));
        self
    }

    fn answer(&self, method: &Method, path: &str, asked: &Asked) -> Page {
        if method != Method::GET && method != Method::HEAD {
            return Page::text("only GET and HEAD\n".to_owned()).with_status(StatusCode::METHOD_NOT_ALLOWED);
        }
        match self.0.get(path) {
            Some(page) => page(asked),
            None => {
                let paths: Vec<&str> = self.0.keys().map(String::as_str).collect();
                let body = format!("no such page; there are: {}\n", paths.join(" "));
                Page::text(body).with_status(StatusCode::NOT_FOUND)
            }
        }
    }
}

/// Why the endpoint cannot serve.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {purpose}")]
pub struct EndpointError {
    address: String,
    purpose: String,
    #[source]
    source: std::io::Error,
}

/// A bound socket and the pages that it serves.
pub struct Endpoint {
    listener: Accepting,
    address: SocketAddr,
    served: Arc<Served>,
}

/// What an endpoint shows, and to whom.
struct Served {
    pages: Pages,
    guard: Guard,
}

impl Endpoint {
    /// Binds `address` for `purpose`, which is told where that fails. Whom `guard` lets in is shown the pages.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: &str, purpose: &str, pages: Pages, guard: Guard) -> Result<Self, EndpointError> {
        let fault = |source| EndpointError { address: address.to_owned(), purpose: purpose.to_owned(), source };
        let listener = listen::bind(address, purpose).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let listener = listener.accepting().map_err(fault)?;
        Ok(Endpoint { listener, address, served: Arc::new(Served { pages, guard }) })
    }

    /// Where it listens: the port that was taken where the address said 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL without a path.
    pub fn url(&self) -> String {
        format!("{}://{}", self.served.guard.scheme(), self.address)
    }

    /// Serves until `shutdown`.
    pub fn run(self, mut shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let room = Arc::new(Semaphore::new(CONNECTIONS));
            loop {
                // In this order: what comes when this is to end is for whoever has the socket next.
                let accepted = tokio::select! {
                    biased;
                    () = shutdown.wait() => return,
                    accepted = self.listener.accept() => accepted,
                };
                let (stream, peer) = match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the metrics endpoint failed before it was taken");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                // One over the limit is closed unread: who watches the collector must not be able to exhaust it.
                let Ok(permit) = Arc::clone(&room).try_acquire_owned() else { continue };
                let (served, mut end) = (Arc::clone(&self.served), shutdown.clone());
                spawn("pages", "telemetry", async move {
                    tokio::select! {
                        () = serve(stream, peer, &served) => {}
                        () = end.wait() => {}
                    }
                    drop(permit);
                });
            }
        })
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, served: &Served) {
    let Some(Opened { stream, ended }) = served.guard.open(stream).await else { return };
    let service = service_fn(|request: Request<Incoming>| async move {
        let page = match served.guard.admit(request.headers()).await {
            Ok(()) => {
                let asked = Asked::of(&request, peer.ip());
                served.pages.answer(request.method(), request.uri().path(), &asked)
            }
            Err(refused) => refused,
        };
        Ok::<_, Infallible>(page.into_response())
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = serving => if let Err(error) = served {
            tracing::debug!(%error, "a connection to the metrics endpoint ended early");
        },
        reason = ended => tracing::info!(%peer, reason, "a connection to the metrics endpoint was ended"),
    }
}
