//! The receiver binds its sockets when it is built and serves them when it runs.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use host_component::{BoxFuture, ComponentId, Consumers, Kind, Receiver, ServerAuth, Shutdown, spawn};
use host_config::{Auth, Check as _, Wrong};
use host_telemetry::listen;
use host_tls::{Acceptor, Listener, ServerConfig, Stream, Vouched};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::config::{Config, GrpcConfig, HttpConfig, Protocols, Room, ServerParameters};
use super::connection::{Activity, Lifetime, drive};
use super::identity::{self, Gate, Standing};
use super::intake::{Bounds, Intake};
use super::io::Heard;
use super::{grpc, http as over_http};
use crate::Deps;

/// What a sender may have under way on one stream and on one connection before it hears from us.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// A request of usual size comes in one frame, which is then its buffer.
const FRAME_BYTES: u32 = 1 << 20;
/// So many times the headers' limit is read, since only a refusal of our own names the limit and is counted; headers
/// beyond that are not kept, and HTTP/2 itself refuses their stream.
const HEADER_SLACK: u32 = 4;
/// What HTTP/1 reads at a time.
const HTTP1_BUFFER: usize = 64 << 10;
/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
    #[error("{id}: cannot listen on protocols.{protocol}.endpoint {endpoint:?}: {source}")]
    Bind { id: ComponentId, protocol: &'static str, endpoint: String, source: io::Error },
    #[error(
        "{id}: protocols.{protocol}.{key} lets in messages of {message} bytes, which take up to {room} while they are \
         read, but service.limits.in_flight_mib allows {budget} bytes in all: raise that or lower this"
    )]
    Room { id: ComponentId, protocol: &'static str, key: &'static str, message: usize, room: usize, budget: usize },
}

/// The receiver, bound but not yet accepting.
pub struct Otlp {
    id: ComponentId,
    grpc: Option<Port>,
    http: Option<Port>,
}

/// One bound socket and what is served there.
struct Port {
    listener: listen::Listener,
    address: SocketAddr,
    intake: Arc<Intake>,
    protocol: Protocol,
    /// None where data comes in the clear.
    tls: Option<Arc<Acceptor>>,
    keepalive: ServerParameters,
    first_words: Duration,
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
    /// When no protocol is set, a limit makes no sense, a certificate cannot be used or an address cannot be bound.
    pub fn build(self, id: ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<Otlp, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id, wrong });
        }
        self.check_room(&id, deps.budget.limit())?;
        let gate = self.identity.map(|config| Gate::new(&id, &config, deps.base, deps.metrics)).transpose();
        let gate = gate.map_err(|wrong| BuildError::Value { id: id.clone(), wrong })?.map(Arc::new);
        let Protocols { grpc, http } = self.protocols;
        let grpc = grpc.map(|config| Port::grpc(&id, config, gate.clone(), consumers, deps)).transpose()?;
        let http = http.map(|config| Port::http(&id, config, gate, consumers, deps)).transpose()?;
        Ok(Otlp { id, grpc, http })
    }

    /// Whether the largest message that is let in has room in a budget of so many bytes.
    ///
    /// # Errors
    /// Where it has not.
    pub fn check_room(&self, id: &ComponentId, budget: usize) -> Result<(), BuildError> {
        for Room { protocol, key, message, room } in self.protocols.rooms() {
            // What could never be taken must not be refused in a form that makes its sender try again for ever.
            if room > budget {
                return Err(BuildError::Room { id: id.clone(), protocol, key, message, room, budget });
            }
        }
        Ok(())
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
        gate: Option<Arc<Gate>>,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Result<Port, BuildError> {
        let max_message = config.max_message();
        let keepalive = config.keepalive.server_parameters;
        let tls = acceptor(id, "grpc", config.tls, deps)?;
        let (listener, address) = bind(id, "grpc", config.endpoint)?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .auto_date_header(false)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES)
            .max_concurrent_streams(config.max_concurrent_streams)
            .max_header_list_size(config.max_header_bytes.saturating_mul(HEADER_SLACK))
            .keep_alive_interval(some(keepalive.time))
            .keep_alive_timeout(keepalive.timeout);
        let bounds = Bounds {
            max_message,
            max_header_bytes: config.max_header_bytes as usize,
            read_timeout: config.read_timeout,
            include_metadata: config.include_metadata,
            auth: authenticator(id, "grpc", config.auth.as_ref(), deps)?,
            gate,
        };
        let intake = Intake::new(id, "grpc", bounds, consumers, deps);
        Ok(Port {
            listener,
            address,
            intake: Arc::new(intake),
            protocol: Protocol::Grpc(builder),
            tls,
            keepalive,
            first_words: config.read_timeout,
            // A semaphore holds no more than this.
            max_connections: config.max_connections.min(u32::MAX as usize),
        })
    }

    fn http(
        id: &ComponentId,
        config: HttpConfig,
        gate: Option<Arc<Gate>>,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Result<Port, BuildError> {
        let keepalive = config.keepalive.server_parameters;
        let tls = acceptor(id, "http", config.tls, deps)?;
        let (listener, address) = bind(id, "http", config.endpoint)?;
        let max_header_bytes = config.max_header_bytes as usize;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(some(config.read_header_timeout))
            .max_buf_size(max_header_bytes.saturating_mul(HEADER_SLACK as usize).max(HTTP1_BUFFER));
        builder
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME_BYTES)
            .max_concurrent_streams(config.max_concurrent_streams)
            .max_header_list_size(config.max_header_bytes.saturating_mul(HEADER_SLACK))
            .keep_alive_interval(some(keepalive.time))
            .keep_alive_timeout(keepalive.timeout);
        let bounds = Bounds {
            max_message: config.max_request_body_size,
            max_header_bytes,
            read_timeout: config.read_timeout,
            include_metadata: config.include_metadata,
            auth: authenticator(id, "http", config.auth.as_ref(), deps)?,
            gate,
        };
        let intake = Intake::new(id, "http", bounds, consumers, deps);
        Ok(Port {
            listener,
            address,
            intake: Arc::new(intake),
            protocol: Protocol::Http(builder),
            tls,
            keepalive,
            first_words: config.read_header_timeout,
            // A semaphore holds no more than this.
            max_connections: config.max_connections.min(u32::MAX as usize),
        })
    }

    /// Accepts until the shutdown, then waits until every connection has ended.
    async fn serve(self, owner: String, mut shutdown: Shutdown) {
        let listener = match self.listener.accepting() {
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
        let encrypted = self.tls.is_some();
        tracing::info!(receiver = owner, transport, address = %self.address, encrypted, "listening");
        let places = Arc::new(Semaphore::new(self.max_connections));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.wait() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok((stream, peer)) => (stream, peer.ip()),
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
            let (protocol, intake, tls) = (self.protocol.clone(), self.intake.clone(), self.tls.clone());
            let (keepalive, first_words, shutdown) = (self.keepalive.clone(), self.first_words, shutdown.clone());
            spawn("connection", &owner, async move {
                if let Some(stream) = opened(stream, tls.as_deref(), shutdown.clone()).await {
                    let vouched = tls.and_then(|tls| tls.vouched(&stream));
                    serve((stream, peer, vouched), protocol, intake, keepalive, first_words, shutdown).await;
                }
                drop(place);
            });
        }
        drop(listener);
        let all = u32::try_from(self.max_connections).unwrap_or(u32::MAX);
        let _ = places.acquire_many(all).await;
    }
}

/// Encrypts a connection where that is wanted; none where it came to nothing.
async fn opened(stream: TcpStream, tls: Option<&Acceptor>, mut shutdown: Shutdown) -> Option<Stream> {
    // Answers are small; without this each waits for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return Some(Stream::Plain(stream)) };
    // Boxed, since connections in the clear do not need the room that it takes.
    let accepting = Box::pin(tls.accept(stream));
    tokio::select! {
        stream = accepting => stream,
        () = shutdown.wait() => None,
    }
}

/// Serves one connection to its end.
async fn serve(
    (stream, peer, vouched): (Stream, IpAddr, Option<Result<Vouched, String>>),
    protocol: Protocol,
    intake: Arc<Intake>,
    keepalive: ServerParameters,
    first_words: Duration,
    shutdown: Shutdown,
) {
    let standing = match &intake.gate {
        Some(gate) => gate.standing(vouched.as_ref().map(|vouched| vouched.as_ref().map(|known| &known.peer))).await,
        None => Standing::Anybody,
    };
    let activity = Arc::new(Activity::new(peer, standing));
    let vouched = vouched.and_then(Result::ok);
    let ended = || identity::ended(intake.gate.as_deref(), activity.standing(), vouched.as_ref());
    let io = TokioIo::new(Heard::new(stream, activity.clone()));
    let lifetime = Lifetime { keepalive: &keepalive, first_words };
    let connected = intake.clone();
    // The future of a call is boxed, since hyper moves it several times on its way into a task.
    match protocol {
        Protocol::Grpc(builder) => {
            let service = service_fn(|request: Request<Incoming>| {
                let (intake, mut busy) = (intake.clone(), activity.begin());
                Box::pin(async move { Ok::<_, Infallible>(grpc::serve(&intake, request, &mut busy).await) })
            });
            drive(builder.serve_connection(io, service), &activity, lifetime, &connected, ended(), shutdown).await;
        }
        Protocol::Http(builder) => {
            let service = service_fn(|request: Request<Incoming>| {
                let (intake, mut busy) = (intake.clone(), activity.begin());
                Box::pin(async move { Ok::<_, Infallible>(over_http::serve(&intake, request, &mut busy).await) })
            });
            drive(builder.serve_connection(io, service), &activity, lifetime, &connected, ended(), shutdown).await;
        }
    }
}

/// What encrypts the connections of a protocol; none where its section has no `tls`.
fn acceptor(
    id: &ComponentId,
    protocol: &'static str,
    config: Option<ServerConfig>,
    deps: &Deps<'_>,
) -> Result<Option<Arc<Acceptor>>, BuildError> {
    let Some(config) = config else { return Ok(None) };
    let alpn: &'static [&'static [u8]] = if protocol == "grpc" { &[b"h2"] } else { &[b"h2", b"http/1.1"] };
    let (receiver, key) = (id.to_string(), format!("protocols.{protocol}.tls"));
    let listener = Listener { receiver: &receiver, transport: protocol, key: &key, alpn, base: deps.base };
    let built = config.build(&listener, deps.metrics);
    built.map(Arc::new).map(Some).map_err(|wrong| BuildError::Value { id: id.clone(), wrong })
}

/// Who lets the requests of a protocol in; none where its section has no `auth`.
fn authenticator(
    id: &ComponentId,
    protocol: &'static str,
    auth: Option<&Auth>,
    deps: &Deps<'_>,
) -> Result<Option<Arc<dyn ServerAuth>>, BuildError> {
    let find = |auth: &Auth| auth.find(&format!("protocols.{protocol}.auth"), |id| deps.auth.server(id).cloned());
    auth.map(find).transpose().map_err(|wrong| BuildError::Value { id: id.clone(), wrong })
}

fn bind(
    id: &ComponentId,
    protocol: &'static str,
    endpoint: String,
) -> Result<(listen::Listener, SocketAddr), BuildError> {
    let owner = format!("{} {id}", Kind::Receiver);
    let bound = listen::bind(&endpoint, &owner).and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    bound.map_err(|source| BuildError::Bind { id: id.clone(), protocol, endpoint, source })
}

/// A time of zero means none.
fn some(time: Duration) -> Option<Duration> {
    (!time.is_zero()).then_some(time)
}
