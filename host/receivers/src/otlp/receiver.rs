//! The receiver binds its sockets when it is built and serves them when it runs.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown, spawn};
use host_telemetry::Metrics;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::config::{Config, GrpcConfig, HttpConfig, ServerParameters};
use super::connection::{Activity, drive};
use super::intake::{Bounds, Intake};
use super::{grpc, http as over_http};
use crate::budget::Budget;

/// What a sender may have under way on one stream and on one connection before it hears from us.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// A request of usual size comes in one frame, which is then its buffer.
const FRAME_BYTES: u32 = 1 << 20;
/// What HTTP/1 reads at a time.
const HTTP1_BUFFER: usize = 64 << 10;
/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{0}: no protocol is set; write `protocols: {{ grpc: {{}} }}`, `http` or both")]
    NoProtocol(ComponentId),
    #[error("{id}: cannot listen on protocols.{protocol}.endpoint {endpoint:?}: {source}")]
    Bind { id: ComponentId, protocol: &'static str, endpoint: String, source: io::Error },
    #[error("{id}: protocols.{protocol}.{key} is {value}, but {wanted}")]
    Value { id: ComponentId, protocol: &'static str, key: &'static str, value: u64, wanted: &'static str },
}

/// The receiver, bound but not yet accepting.
pub struct Otlp {
    id: ComponentId,
    grpc: Option<Port>,
    http: Option<Port>,
}

/// One bound socket and what is served there.
struct Port {
    listener: TcpListener,
    address: SocketAddr,
    intake: Arc<Intake>,
    protocol: Protocol,
    keepalive: ServerParameters,
    max_connections: usize,
}

/// The two ways in, each with its ready-made settings.
#[derive(Clone)]
enum Protocol {
    Grpc(http2::Builder<TokioExecutor>),
    Http(auto::Builder<TokioExecutor>),
}

impl Config {
    /// Binds the sockets.
    ///
    /// # Errors
    /// When no protocol is set, a limit makes no sense or an address cannot be bound.
    pub fn build(
        self,
        id: ComponentId,
        consumers: &Consumers,
        budget: &Budget,
        metrics: &Metrics,
    ) -> Result<Otlp, BuildError> {
        if self.protocols.grpc.is_none() && self.protocols.http.is_none() {
            return Err(BuildError::NoProtocol(id));
        }
        let grpc = self.protocols.grpc.map(|config| Port::grpc(&id, config, consumers, budget, metrics)).transpose()?;
        let http = self.protocols.http.map(|config| Port::http(&id, config, consumers, budget, metrics)).transpose()?;
        Ok(Otlp { id, grpc, http })
    }
}

impl Otlp {
    /// Where gRPC is served.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc.as_ref().map(|port| port.address)
    }

    /// Where HTTP is served.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(|port| port.address)
    }
}

impl Receiver for Otlp {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        let owner = self.id.to_string();
        let ports = [self.grpc, self.http].into_iter().flatten();
        let serving: Vec<_> = ports.map(|port| port.serve(owner.clone(), shutdown.clone())).collect();
        Box::pin(async move {
            join_all(serving).await;
        })
    }
}

impl Port {
    fn grpc(
        id: &ComponentId,
        config: GrpcConfig,
        consumers: &Consumers,
        budget: &Budget,
        metrics: &Metrics,
    ) -> Result<Port, BuildError> {
        let keepalive = config.keepalive.server_parameters;
        let (listener, address) = bind(id, "grpc", config.endpoint)?;
        let max_message = config.max_recv_msg_size_mib << 20;
        positive(id, "grpc", "max_recv_msg_size_mib", config.max_recv_msg_size_mib)?;
        positive(id, "grpc", "max_connections", config.max_connections)?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .auto_date_header(false)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES)
            .max_concurrent_streams(config.max_concurrent_streams)
            .max_header_list_size(config.max_header_bytes)
            .keep_alive_interval(some(keepalive.time))
            .keep_alive_timeout(keepalive.timeout);
        let bounds = Bounds {
            max_message,
            max_header_bytes: config.max_header_bytes as usize,
            read_timeout: config.read_timeout,
        };
        let intake = Intake::new(id, "grpc", &bounds, consumers, budget.clone(), metrics);
        Ok(Port {
            listener,
            address,
            intake: Arc::new(intake),
            protocol: Protocol::Grpc(builder),
            keepalive,
            max_connections: config.max_connections,
        })
    }

    fn http(
        id: &ComponentId,
        config: HttpConfig,
        consumers: &Consumers,
        budget: &Budget,
        metrics: &Metrics,
    ) -> Result<Port, BuildError> {
        let keepalive = config.keepalive.server_parameters;
        let (listener, address) = bind(id, "http", config.endpoint)?;
        positive(id, "http", "max_request_body_size", config.max_request_body_size)?;
        positive(id, "http", "max_connections", config.max_connections)?;
        let max_header_bytes = config.max_header_bytes as usize;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(some(config.read_header_timeout))
            .max_buf_size(max_header_bytes.max(HTTP1_BUFFER));
        builder
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES)
            .max_concurrent_streams(config.max_concurrent_streams)
            .max_header_list_size(config.max_header_bytes)
            .keep_alive_interval(some(keepalive.time))
            .keep_alive_timeout(keepalive.timeout);
        let bounds =
            Bounds { max_message: config.max_request_body_size, max_header_bytes, read_timeout: config.read_timeout };
        let intake = Intake::new(id, "http", &bounds, consumers, budget.clone(), metrics);
        Ok(Port {
            listener,
            address,
            intake: Arc::new(intake),
            protocol: Protocol::Http(builder),
            keepalive,
            max_connections: config.max_connections,
        })
    }

    /// Accepts until the shutdown, then waits until every connection has ended.
    async fn serve(self, owner: String, mut shutdown: Shutdown) {
        let listener = match tokio::net::TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(receiver = owner, %error, "cannot serve the socket");
                return;
            }
        };
        let transport = match self.protocol {
            Protocol::Grpc(_) => "grpc",
            Protocol::Http(_) => "http",
        };
        tracing::info!(receiver = owner, transport, address = %self.address, "listening");
        let places = Arc::new(Semaphore::new(self.max_connections));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.wait() => break,
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(receiver = owner, %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                self.intake.connections_refused.inc();
                continue;
            };
            let connection =
                serve(stream, self.protocol.clone(), self.intake.clone(), self.keepalive.clone(), shutdown.clone());
            spawn("connection", &owner, async move {
                connection.await;
                drop(place);
            });
        }
        drop(listener);
        let all = u32::try_from(self.max_connections).unwrap_or(u32::MAX);
        let _ = places.acquire_many(all).await;
    }
}

/// Serves one connection to its end.
async fn serve(
    stream: TcpStream,
    protocol: Protocol,
    intake: Arc<Intake>,
    keepalive: ServerParameters,
    shutdown: Shutdown,
) {
    // Answers are small; without this each waits for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(stream);
    let activity = Arc::new(Activity::default());
    // The future of a call is boxed, since hyper moves it several times on its way into a task.
    match protocol {
        Protocol::Grpc(builder) => {
            let service = service_fn(|request: Request<Incoming>| {
                let (intake, busy) = (intake.clone(), activity.begin());
                Box::pin(async move {
                    let response = grpc::serve(intake, request).await;
                    drop(busy);
                    Ok::<_, Infallible>(response)
                })
            });
            drive(builder.serve_connection(io, service), &activity, &keepalive, shutdown).await;
        }
        Protocol::Http(builder) => {
            let service = service_fn(|request: Request<Incoming>| {
                let (intake, busy) = (intake.clone(), activity.begin());
                Box::pin(async move {
                    let response = over_http::serve(intake, request).await;
                    drop(busy);
                    Ok::<_, Infallible>(response)
                })
            });
            drive(builder.serve_connection(io, service), &activity, &keepalive, shutdown).await;
        }
    }
}

fn bind(id: &ComponentId, protocol: &'static str, endpoint: String) -> Result<(TcpListener, SocketAddr), BuildError> {
    let bound = TcpListener::bind(&endpoint).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| BuildError::Bind { id: id.clone(), protocol, endpoint, source })
}

fn positive(id: &ComponentId, protocol: &'static str, key: &'static str, value: usize) -> Result<(), BuildError> {
    if value > 0 {
        return Ok(());
    }
    Err(BuildError::Value { id: id.clone(), protocol, key, value: 0, wanted: "it has to be at least 1" })
}

/// A time of zero means none.
fn some(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}
