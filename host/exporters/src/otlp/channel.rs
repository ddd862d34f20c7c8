//! The channel is the connection to the next hop, made when it is first wanted and made anew when it is lost.
//!
//! One task keeps the connection and publishes its state. Senders wait while it connects and fail at once while the next
//! hop is away, since it is they who know how long to try. A connection that takes no new calls, since its peer is going
//! away, is replaced while the calls that it has come to their end; one that leaves a call without an answer is pinged.

mod balanced;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use host_component::{ComponentId, spawn};
use host_tls::{Connector, Stream};
use http::uri::{Authority, Scheme};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::config::Keepalive;
use crate::http::host;

pub(crate) use balanced::Balanced;

/// What a peer may send on one stream and on the connection: answers are small.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// Notices that may wait to be heard; more would say the same.
const NOTICES: usize = 16;
/// What is read of the headers of an answer.
const HEADER_BYTES: u32 = 16 << 10;
/// A connection that lived longer than this was a good one.
const GOOD_LIFE: Duration = Duration::from_secs(1);

/// How to connect.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) authority: Authority,
    /// Where that is, where it was looked up already.
    pub(crate) address: Option<SocketAddr>,
    /// What requests call the next hop.
    pub(crate) name: Authority,
    /// None where data goes in the clear.
    pub(crate) tls: Option<Connector>,
    pub(crate) connect_timeout: Duration,
    pub(crate) keepalive: Option<Keepalive>,
}

impl Settings {
    fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(4317)
    }

    fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
    }
}

/// The connection, or why there is none.
#[derive(Clone)]
enum State {
    Connecting,
    Up(Link),
    Down(String),
}

/// One connection of several that there were.
#[derive(Clone)]
struct Link {
    number: u64,
    client: SendRequest<Bytes>,
}

/// What a sender has to say about the connection of this number.
#[derive(Clone, Copy, Debug)]
enum Notice {
    /// It takes no more calls.
    Closing(u64),
    /// A call had no answer in time.
    Doubtful(u64),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("cannot connect: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Tls(io::Error),
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("the peer answered no ping within {0:?}")]
    Silent(Duration),
    #[error("the peer is going away")]
    Closing,
    #[error("no HTTP/2 connection: {0}")]
    Http2(#[from] h2::Error),
}

/// The way to the next hop: one connection, or one to each of the addresses that its name stands for.
pub(crate) enum Way {
    One(Arc<Channel>),
    Many(Box<Balanced>),
}

/// A connection that can take one more request. It stays while this is held.
pub(crate) struct Ready {
    pub(crate) client: SendRequest<Bytes>,
    _channel: Arc<Channel>,
}

impl Way {
    /// A connection that can take one more request, or why there is none.
    pub(crate) async fn ready(&self) -> Result<Ready, String> {
        match self {
            Way::One(channel) => Ok(Ready { client: channel.ready().await?, _channel: Arc::clone(channel) }),
            Way::Many(balanced) => balanced.ready().await,
        }
    }

    /// Says that a call had no answer in time, so that a connection whose peer is gone is found out.
    pub(crate) fn doubt(&self) {
        match self {
            Way::One(channel) => channel.doubt(),
            Way::Many(balanced) => balanced.doubt(),
        }
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.settings().authority
    }

    pub(crate) fn name(&self) -> &Authority {
        &self.settings().name
    }

    pub(crate) fn scheme(&self) -> Scheme {
        self.settings().scheme()
    }

    fn settings(&self) -> &Settings {
        match self {
            Way::One(channel) => &channel.settings,
            Way::Many(balanced) => balanced.settings(),
        }
    }
}

/// The way to one address.
pub(crate) struct Channel {
    owner: String,
    settings: Settings,
    keeper: OnceLock<Keeper>,
}

/// What the task that keeps the connection tells, and is told.
struct Keeper {
    state: watch::Receiver<State>,
    notices: mpsc::Sender<Notice>,
}

impl Channel {
    pub(crate) fn new(id: &ComponentId, settings: Settings) -> Self {
        Channel { owner: id.to_string(), settings, keeper: OnceLock::new() }
    }

    /// A connection that can take one more request, or why there is none.
    async fn ready(&self) -> Result<SendRequest<Bytes>, String> {
        let mut state = self.state();
        loop {
            if let Some(client) = self.now(&mut state).await? {
                return Ok(client);
            }
            state.changed().await.map_err(|_| "the exporter has ended".to_owned())?;
        }
    }

    fn state(&self) -> watch::Receiver<State> {
        self.keeper().state.clone()
    }

    /// A connection that can take one more request, where it is there now; none where it may be there once the state has
    /// changed.
    async fn now(&self, state: &mut watch::Receiver<State>) -> Result<Option<SendRequest<Bytes>>, String> {
        let now = state.borrow_and_update().clone();
        match now {
            State::Up(link) => match link.client.ready().await {
                Ok(client) => Ok(Some(client)),
                Err(_) => {
                    // Where there are many notices, this one is among them.
                    let _ = self.keeper().notices.try_send(Notice::Closing(link.number));
                    Ok(None)
                }
            },
            State::Down(reason) => Err(reason),
            State::Connecting => Ok(None),
        }
    }

    fn doubt(&self) {
        let keeper = self.keeper();
        if let State::Up(link) = &*keeper.state.borrow() {
            let _ = keeper.notices.try_send(Notice::Doubtful(link.number));
        }
    }

    /// The task that keeps the connection; the first caller starts it.
    fn keeper(&self) -> &Keeper {
        self.keeper.get_or_init(|| {
            let (publish, state) = watch::channel(State::Connecting);
            let (notices, heard) = mpsc::channel(NOTICES);
            spawn("connect", &self.owner, keep(self.owner.clone(), self.settings.clone(), publish, heard));
            Keeper { state, notices }
        })
    }
}

/// Keeps a connection up for as long as somebody holds the channel.
async fn keep(owner: String, settings: Settings, publish: watch::Sender<State>, mut heard: mpsc::Receiver<Notice>) {
    let mut pause = FIRST_PAUSE;
    for number in 0.. {
        let started = Instant::now();
        let end = match timeout(settings.connect_timeout, open(&settings)).await {
            Err(_) => ConnectError::Timeout(settings.connect_timeout),
            Ok(Err(error)) => error,
            Ok(Ok((client, connection))) => {
                let suspicion = Arc::new(Notify::new());
                let running = run(connection, settings.clone(), suspicion.clone());
                let mut running = spawn("connection", &owner, running);
                publish.send_replace(State::Up(Link { number, client }));
                match attend(number, &mut running, &suspicion, &mut heard).await {
                    Some(end) => end,
                    None => return running.abort(),
                }
            }
        };
        let reason = match settings.address {
            Some(address) => format!("{} at {address}: {end}", settings.authority),
            None => format!("{}: {end}", settings.authority),
        };
        if started.elapsed() > GOOD_LIFE {
            tracing::debug!(reason, "connection ended");
            pause = FIRST_PAUSE;
        } else {
            tracing::warn!(reason, "no connection to the next hop");
            publish.send_replace(State::Down(reason));
            tokio::select! {
                () = sleep(pause) => {}
                () = publish.closed() => return,
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
        publish.send_replace(State::Connecting);
    }
}

/// Why the connection of this number is of no more use; `None` if nobody wants one any more.
async fn attend(
    number: u64,
    running: &mut JoinHandle<ConnectError>,
    suspicion: &Notify,
    heard: &mut mpsc::Receiver<Notice>,
) -> Option<ConnectError> {
    loop {
        tokio::select! {
            end = &mut *running => return Some(end.unwrap_or_else(|error| ConnectError::Io(io::Error::other(error)))),
            notice = heard.recv() => match notice? {
                // The task goes on by itself until the calls that it has are answered.
                Notice::Closing(which) if which == number => return Some(ConnectError::Closing),
                Notice::Doubtful(which) if which == number => suspicion.notify_one(),
                Notice::Closing(_) | Notice::Doubtful(_) => {}
            },
        }
    }
}
type Connection = h2::client::Connection<Stream, Bytes>;

async fn open(settings: &Settings) -> Result<(SendRequest<Bytes>, Connection), ConnectError> {
    let stream = match settings.address {
        Some(address) => TcpStream::connect(address).await?,
        None => TcpStream::connect((host(&settings.authority), settings.port())).await?,
    };
    // A request's end must not wait for the peer's delayed acknowledgement.
    stream.set_nodelay(true)?;
    let stream = match &settings.tls {
        Some(tls) => tls.connect(stream).await.map_err(ConnectError::Tls)?,
        None => Stream::Plain(stream),
    };
    let handshake = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_BYTES)
        .enable_push(false)
        .handshake(stream)
        .await?;
    Ok(handshake)
}

/// Runs a connection to its end, pinging the peer where that is wanted and when there is a suspicion.
async fn run(mut connection: Connection, settings: Settings, suspicion: Arc<Notify>) -> ConnectError {
    let pings = connection.ping_pong();
    tokio::select! {
        result = connection => match result {
            Ok(()) => ConnectError::Io(io::ErrorKind::ConnectionAborted.into()),
            Err(error) => error.into(),
        },
        error = watch_over(pings, &settings, &suspicion) => error,
    }
}

/// Returns when the peer does not answer.
async fn watch_over(pings: Option<h2::PingPong>, settings: &Settings, suspicion: &Notify) -> ConnectError {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        let patience = match &settings.keepalive {
            None => {
                suspicion.notified().await;
                settings.connect_timeout
            }
            Some(keepalive) => {
                tokio::select! {
                    () = sleep(keepalive.time) => {}
                    () = suspicion.notified() => {}
                }
                keepalive.timeout
            }
        };
        match timeout(patience, pings.ping(h2::Ping::opaque())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return ConnectError::Silent(patience),
        }
    }
}
