//! Messages over TCP: a connection is read no faster than what came before is taken.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use host_component::{Shutdown, spawn};
use host_telemetry::{Counter, Gauge, listen};
use host_tls::{Acceptor, Stream};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::LAST_MOMENT;
use super::addresses::addresses;
use super::framing::{Frame, Framer};
use crate::entries::entry::{Map, Value};
use crate::entries::way::{Shared, Way};

/// What is read at a time: little of who says little, since there may be many of them.
const LEAST: usize = 4 << 10;
const CHUNK: usize = 64 << 10;
/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What is still read of a connection when the receiver has to end.
const LAST_WORDS: usize = 1 << 20;

/// One bound socket, and what is served there.
pub(super) struct Port {
    pub(super) listener: listen::Listener,
    pub(super) address: SocketAddr,
    pub(super) tls: Option<Arc<Acceptor>>,
    pub(super) max_connections: usize,
    pub(super) connections: Gauge,
    pub(super) refused: Counter,
    pub(super) serving: Arc<Serving>,
}

/// What all connections have in common.
pub(super) struct Serving {
    pub(super) shared: Arc<Shared>,
    pub(super) framer: Framer,
    pub(super) idle: Duration,
    pub(super) with_addresses: bool,
    /// Bytes of messages that were too long.
    pub(super) cut: Counter,
}

impl Port {
    /// Accepts until the shutdown, then waits until every connection has ended.
    pub(super) async fn serve(self, mut shutdown: Shutdown) {
        let owner = self.serving.shared.id.to_string();
        let listener = match self.listener.accepting() {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!(receiver = owner, %error, "cannot serve the socket");
                return;
            }
        };
        let encrypted = self.tls.is_some();
        tracing::info!(receiver = owner, transport = "tcp", address = %self.address, encrypted, "listening");
        let all =
            if self.max_connections == 0 { u32::MAX } else { u32::try_from(self.max_connections).unwrap_or(u32::MAX) };
        let all = all.min(u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let places = Arc::new(Semaphore::new(all as usize));
        loop {
            let accepted = tokio::select! {
                biased;
                () = shutdown.wait() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(receiver = owner, %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                self.refused.inc();
                continue;
            };
            let (serving, tls, shutdown) = (Arc::clone(&self.serving), self.tls.clone(), shutdown.clone());
            let connections = self.connections.clone();
            connections.inc();
            spawn("connection", &owner, async move {
                if let Err(error) = serving.connection(stream, peer, tls, shutdown).await {
                    tracing::debug!(%peer, %error, "a connection has ended");
                }
                connections.dec();
                drop(place);
            });
        }
        drop(listener);
        let _ = places.acquire_many(all).await;
    }
}

impl Serving {
    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<Arc<Acceptor>>,
        mut shutdown: Shutdown,
    ) -> io::Result<()> {
        let own = match self.with_addresses {
            true => addresses("IP.TCP", peer, stream.local_addr().ok()),
            false => Map::new(),
        };
        let mut stream = match tls {
            None => Stream::Plain(stream),
            Some(tls) => tokio::select! {
                stream = Box::pin(tls.accept(stream)) => match stream {
                    Some(stream) => stream,
                    None => return Ok(()),
                },
                () = shutdown.wait() => return Ok(()),
            },
        };
        let way = Way::new(Arc::clone(&self.shared), shutdown.clone()).map_err(io::Error::other);
        let way = way
            .inspect_err(|error| tracing::error!(receiver = %self.shared.id, %error, "a connection cannot be read"))?;
        let mut read = Read { buffer: Vec::new(), chunk: LEAST, skip: 0, own, way };
        let ended = self.listen(&mut stream, &mut read, &mut shutdown).await;
        if shutdown.is_fired() {
            self.last_words(&mut stream, &mut read).await;
        }
        if let Some(frame) = self.framer.rest(&read.buffer, 0) {
            self.take(&mut read, frame);
        }
        read.way.end().await;
        ended
    }

    /// Reads until no more comes.
    async fn listen(&self, stream: &mut Stream, read: &mut Read, shutdown: &mut Shutdown) -> io::Result<()> {
        loop {
            tokio::select! {
                biased;
                () = shutdown.wait() => return Ok(()),
                () = read.way.has_room() => {}
            }
            let room = read.room();
            let idle = async {
                match self.idle.is_zero() {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(self.idle).await,
                }
            };
            let count = tokio::select! {
                biased;
                () = shutdown.wait() => return Ok(()),
                count = stream.read_buf(&mut read.buffer) => count?,
                () = read.way.meanwhile() => continue,
                () = idle => return Err(io::Error::new(io::ErrorKind::TimedOut, "it said nothing for too long")),
            };
            if count == 0 {
                return Ok(());
            }
            read.chunk = if count >= room { CHUNK } else { LEAST.max(count.next_power_of_two()).min(CHUNK) };
            self.heard(read);
        }
    }

    /// What the peer had sent before the receiver had to end.
    async fn last_words(&self, stream: &mut Stream, read: &mut Read) {
        let mut left = LAST_WORDS;
        while left > 0 {
            read.room();
            match tokio::time::timeout(LAST_MOMENT, stream.read_buf(&mut read.buffer)).await {
                Ok(Ok(count)) if count > 0 => left = left.saturating_sub(count),
                _ => return,
            }
            self.heard(read);
        }
    }

    /// Takes all messages that are whole.
    fn heard(&self, read: &mut Read) {
        let skipped = read.skip.min(read.buffer.len());
        read.skip -= skipped;
        if self.framer.is_open() {
            self.cut.inc_by(skipped as u64);
        }
        let mut at = skipped;
        while let Some(frame) = self.framer.next(&read.buffer, at) {
            let next = frame.next;
            self.take(read, frame);
            at = next.min(read.buffer.len());
            read.skip = next - at;
        }
        read.buffer.drain(..at);
        read.way.went_on();
    }

    fn take(&self, read: &mut Read, frame: Frame) {
        if frame.cut > 0 {
            self.cut.inc_by(frame.cut as u64);
        }
        let bytes = read.buffer.get(frame.content).unwrap_or_default();
        let text = self.framer.text(bytes);
        if !text.is_empty() {
            read.way.take(Value::Text(text), 0, &read.own);
        }
    }
}

/// How far a connection was read.
struct Read {
    buffer: Vec<u8>,
    /// What is read next.
    chunk: usize,
    /// Bytes to come that belong to what was too long.
    skip: usize,
    /// Who has sent it.
    own: Map<'static>,
    way: Way,
}

impl Read {
    /// Makes room for what is read next, and says how much there is. A buffer with nothing in it is let go of before.
    fn room(&mut self) -> usize {
        if self.buffer.is_empty() {
            self.buffer = Vec::new();
        }
        self.buffer.reserve(self.chunk);
        self.buffer.capacity() - self.buffer.len()
    }
}
