//! The channel is the connection to the next hop, made when it is first wanted and made anew when it is lost.
//!
//! One task owns the connection and publishes its state. Senders wait while it connects and fail at once while the next
//! hop is away, since it is they who know how long to try.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use host_component::{ComponentId, spawn};
use http::uri::Authority;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::config::Keepalive;

/// What a peer may send on one stream and on the connection: answers are small.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that lived longer than this was a good one.
const GOOD_LIFE: Duration = Duration::from_secs(1);

/// How to connect.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) authority: Authority,
    pub(crate) connect_timeout: Duration,
    pub(crate) keepalive: Option<Keepalive>,
}

/// The connection, or why there is none.
#[derive(Clone)]
enum State {
    Connecting,
    Up(SendRequest<Bytes>),
    Down(String),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("cannot connect: {0}")]
    Io(#[from] io::Error),
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("no HTTP/2 connection: {0}")]
    Http2(#[from] h2::Error),
}

/// The way to one next hop.
pub(crate) struct Channel {
    owner: String,
    settings: Settings,
    state: OnceLock<watch::Receiver<State>>,
}

impl Channel {
    pub(crate) fn new(id: &ComponentId, settings: Settings) -> Self {
        Channel { owner: id.to_string(), settings, state: OnceLock::new() }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.settings.authority
    }

    /// A connection that can take one more request, or why there is none.
    pub(crate) async fn ready(&self) -> Result<SendRequest<Bytes>, String> {
        let mut state = self.state().clone();
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                State::Up(client) => match client.ready().await {
                    Ok(client) => return Ok(client),
                    // The task is about to notice it, too.
                    Err(_) => self.changed(&mut state).await?,
                },
                State::Down(reason) => return Err(reason),
                State::Connecting => self.changed(&mut state).await?,
            }
        }
    }

    async fn changed(&self, state: &mut watch::Receiver<State>) -> Result<(), String> {
        state.changed().await.map_err(|_| "the exporter has ended".to_owned())
    }

    /// The published state; the first caller starts the task that keeps it.
    fn state(&self) -> &watch::Receiver<State> {
        self.state.get_or_init(|| {
            let (publish, state) = watch::channel(State::Connecting);
            spawn("connect", &self.owner, keep(self.settings.clone(), publish));
            state
        })
    }
}

/// Keeps a connection up for as long as somebody holds the channel.
async fn keep(settings: Settings, publish: watch::Sender<State>) {
    let mut pause = FIRST_PAUSE;
    while !publish.is_closed() {
        let started = Instant::now();
        let end = tokio::select! {
            end = connect(&settings, &publish) => end,
            () = publish.closed() => return,
        };
        let reason = format!("{}: {end}", settings.authority);
        if started.elapsed() > GOOD_LIFE {
            tracing::debug!(reason, "connection ended");
            pause = FIRST_PAUSE;
        } else {
            tracing::warn!(reason, "no connection to the next hop");
            publish.send_replace(State::Down(reason));
            sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
        publish.send_replace(State::Connecting);
    }
}

/// Connects, publishes the connection and runs it to its end.
async fn connect(settings: &Settings, publish: &watch::Sender<State>) -> ConnectError {
    match timeout(settings.connect_timeout, open(settings)).await {
        Err(_) => ConnectError::Timeout(settings.connect_timeout),
        Ok(Err(error)) => error,
        Ok(Ok((client, connection))) => {
            publish.send_replace(State::Up(client));
            run(connection, settings.keepalive.as_ref()).await
        }
    }
}

type Connection = h2::client::Connection<TcpStream, Bytes>;

async fn open(settings: &Settings) -> Result<(SendRequest<Bytes>, Connection), ConnectError> {
    let authority = &settings.authority;
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let port = authority.port_u16().unwrap_or(4317);
    let stream = TcpStream::connect((host, port)).await?;
    // A request's end must not wait for the peer's delayed acknowledgement.
    stream.set_nodelay(true)?;
    let handshake = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .enable_push(false)
        .handshake(stream)
        .await?;
    Ok(handshake)
}

/// Runs a connection to its end, pinging the peer where that is wanted.
async fn run(mut connection: Connection, keepalive: Option<&Keepalive>) -> ConnectError {
    let pings = keepalive.and_then(|keepalive| Some((connection.ping_pong()?, keepalive)));
    let ended = |result: Result<(), h2::Error>| match result {
        Ok(()) => ConnectError::Io(io::ErrorKind::ConnectionAborted.into()),
        Err(error) => error.into(),
    };
    match pings {
        None => ended(connection.await),
        Some((pings, keepalive)) => tokio::select! {
            result = connection => ended(result),
            error = ping(pings, keepalive) => error,
        },
    }
}

/// Returns when the peer does not answer.
async fn ping(mut pings: h2::PingPong, keepalive: &Keepalive) -> ConnectError {
    loop {
        sleep(keepalive.time).await;
        match timeout(keepalive.timeout, pings.ping(h2::Ping::opaque())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return ConnectError::Timeout(keepalive.timeout),
        }
    }
}
