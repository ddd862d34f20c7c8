//! One hop: a proxy between a client and a server that does to the connections whatever a network does.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::sleep;

use crate::backend::Refusals;
use crate::endpoint::{self, Handler};
use crate::payload::Number;
use crate::wire::Answer;

/// What it does to all that passes, until it is told otherwise.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    Pass,
    /// Each chunk of bytes is held for so long.
    Delay(Duration),
    /// So many bytes a second in each direction of a connection.
    Throttle(u64),
    /// Nothing passes, and nobody is told.
    Stall,
    /// Nobody listens.
    Refuse,
    /// Every request is answered so, and gets no further.
    Answer(Answer),
}

/// What it does once, to the connections that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    Cut,
    Reset,
    /// The direction to the server, or the one back, is shut down; the other goes on.
    HalfClose {
        to_server: bool,
    },
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

pub(crate) struct Hop {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    strikes: broadcast::Sender<Strike>,
}

impl Hop {
    /// A hop to `server`; what it turns away for good is put into `refusals`.
    pub(crate) fn start(address: SocketAddr, server: SocketAddr, refusals: Arc<Refusals>) -> Result<Hop> {
        let (mode, seen) = watch::channel(Mode::Pass);
        let (strikes, _) = broadcast::channel(16);
        let listener = listen(address)?;
        tokio::spawn(accept(listener, Proxy { address, server, mode: seen, strikes: strikes.clone(), refusals }));
        Ok(Hop { address, mode, strikes })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, mode: Mode) {
        let ends_what_there_is = matches!(mode, Mode::Refuse | Mode::Answer(_));
        self.mode.send_replace(mode);
        if ends_what_there_is {
            self.strike(Strike::Cut);
        }
    }

    pub(crate) fn strike(&self, strike: Strike) {
        // Nobody listens where there is no connection.
        let _ = self.strikes.send(strike);
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address).with_context(|| format!("the hop's socket, {address}"))?;
    Ok(socket.listen(1024)?)
}

#[derive(Clone)]
struct Proxy {
    address: SocketAddr,
    server: SocketAddr,
    mode: watch::Receiver<Mode>,
    strikes: broadcast::Sender<Strike>,
    refusals: Arc<Refusals>,
}

async fn accept(first: TcpListener, mut proxy: Proxy) {
    let mut listener = Some(first);
    loop {
        let refuses = matches!(*proxy.mode.borrow_and_update(), Mode::Refuse);
        match &listener {
            Some(_) if refuses => listener = None,
            None if refuses => {
                if proxy.mode.changed().await.is_err() {
                    return;
                }
            }
            None => match listen(proxy.address) {
                Ok(again) => listener = Some(again),
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
            Some(there) => tokio::select! {
                accepted = there.accept() => match accepted {
                    Ok((client, _)) => drop(tokio::spawn(connection(client, proxy.clone()))),
                    Err(_) => sleep(Duration::from_millis(20)).await,
                },
                changed = proxy.mode.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            },
        }
    }
}

async fn connection(client: TcpStream, proxy: Proxy) {
    let strikes = proxy.strikes.subscribe();
    let mut mode = proxy.mode.clone();
    let now = mode.borrow_and_update().clone();
    if let Mode::Answer(answer) = now {
        let handler = Arc::new(Answering { answer, refusals: proxy.refusals });
        tokio::select! {
            () = endpoint::serve(client, handler) => {}
            _ = mode.changed() => {}
        }
    } else if let Ok(server) = TcpStream::connect(proxy.server).await {
        carry(client, server, mode, strikes).await;
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    mode: watch::Receiver<Mode>,
    mut strikes: broadcast::Receiver<Strike>,
) {
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let is_reset = {
        let (shut_there, shut_back) = (Notify::new(), Notify::new());
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let there = pump(from_client, to_server, mode.clone(), &shut_there);
        let back = pump(from_server, to_client, mode, &shut_back);
        let both = async { tokio::join!(there, back) };
        tokio::pin!(both);
        loop {
            tokio::select! {
                _ = &mut both => break false,
                strike = strikes.recv() => match strike {
                    Ok(Strike::Cut) | Err(broadcast::error::RecvError::Closed) => break false,
                    Ok(Strike::Reset) => break true,
                    Ok(Strike::HalfClose { to_server: true }) => shut_there.notify_one(),
                    Ok(Strike::HalfClose { to_server: false }) => shut_back.notify_one(),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                },
            }
        }
    };
    if is_reset {
        let _ = client.set_zero_linger().and_then(|()| server.set_zero_linger());
    }
}

/// Moves the bytes of one direction until its end, or until it is shut down.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut mode: watch::Receiver<Mode>, shut: &Notify) {
    let mut buffer = vec![0; 32 << 10];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            () = shut.notified() => 0,
        };
        if read == 0 {
            break;
        }
        hold(read, &mut mode).await;
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

/// Waits for as long as so many bytes are held up.
async fn hold(bytes: usize, mode: &mut watch::Receiver<Mode>) {
    loop {
        let now = mode.borrow_and_update().clone();
        match now {
            Mode::Delay(delay) => return sleep(delay).await,
            Mode::Throttle(rate) => return sleep(Duration::from_secs_f64(bytes as f64 / rate as f64)).await,
            Mode::Stall => {
                if mode.changed().await.is_err() {
                    return;
                }
            }
            Mode::Pass | Mode::Refuse | Mode::Answer(_) => return,
        }
    }
}

struct Answering {
    answer: Answer,
    refusals: Arc<Refusals>,
}

impl Handler for Answering {
    async fn take(&self, numbers: &[Number]) -> Answer {
        if self.answer.is_final() {
            let mut refusals = self.refusals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for number in numbers {
                refusals.insert(*number);
            }
        }
        self.answer.clone()
    }

    fn malformed(&self, _: String) {}
}

#[cfg(test)]
mod tests;
