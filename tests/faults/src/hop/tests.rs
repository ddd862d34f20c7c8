//! Each thing that a hop does to connections.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use super::*;
use crate::client::{Client, Reply};
use crate::payload::Content;
use crate::process::free_port;
use crate::wire::{Protocol, Signal};

/// A client and a server with a hop between them.
struct Pair {
    hop: Hop,
    server: TcpListener,
    refusals: Arc<Refusals>,
}

impl Pair {
    async fn new() -> Pair {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let refusals = Arc::new(Refusals::default());
        let hop = Hop::start(free_port(), server.local_addr().unwrap(), refusals.clone()).unwrap();
        Pair { hop, server, refusals }
    }

    async fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.hop.address()).await.unwrap();
        let (server, _) = self.server.accept().await.unwrap();
        (client, server)
    }
}

/// Sends a byte and waits until it is there: from then on the hop carries this connection.
async fn ping(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"x").await.unwrap();
    to.read_exact(&mut [0]).await.unwrap();
}

#[tokio::test]
async fn cuts_both_sides_of_a_connection() {
    let pair = Pair::new().await;
    let (mut client, mut server) = pair.connect().await;
    ping(&mut client, &mut server).await;
    pair.hop.strike(Strike::Cut);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn resets_both_sides_of_a_connection() {
    let pair = Pair::new().await;
    let (mut client, mut server) = pair.connect().await;
    ping(&mut client, &mut server).await;
    pair.hop.strike(Strike::Reset);
    assert_eq!(client.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(server.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn closes_one_direction_and_carries_the_other() {
    let pair = Pair::new().await;
    let (mut client, mut server) = pair.connect().await;
    ping(&mut client, &mut server).await;
    pair.hop.strike(Strike::HalfClose { to_server: true });
    assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    ping(&mut server, &mut client).await;
}

#[tokio::test]
async fn carries_nothing_while_it_stalls_and_everything_after() {
    let pair = Pair::new().await;
    let (mut client, mut server) = pair.connect().await;
    ping(&mut client, &mut server).await;
    pair.hop.set(Mode::Stall);
    client.write_all(b"y").await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(50), server.read(&mut [0])).await;
    assert!(early.is_err(), "a byte passed a hop that stalls");
    pair.hop.set(Mode::Pass);
    server.read_exact(&mut [0]).await.unwrap();
}

#[tokio::test]
async fn refuses_connections_and_takes_them_again() {
    let pair = Pair::new().await;
    pair.hop.set(Mode::Refuse);
    while TcpStream::connect(pair.hop.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    pair.hop.set(Mode::Pass);
    while TcpStream::connect(pair.hop.address()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn remembers_what_it_turns_away_for_good() {
    let pair = Pair::new().await;
    pair.hop.set(Mode::Answer(Answer::Http(400, None)));
    for (stream, protocol) in Protocol::ALL.into_iter().enumerate() {
        let client = Client::new(protocol, pair.hop.address());
        let body = Content { stream, first: 3, count: 2, text: "" }.encode(Signal::Logs);
        let reply = client.send(Signal::Logs, &protocol.wrap(&body)).await;
        assert!(matches!(reply, Reply::Rejected { .. }), "{protocol:?}: {reply:?}");
        let refusals = pair.refusals.lock().unwrap();
        assert!(refusals.contains(stream, 3) && refusals.contains(stream, 4) && !refusals.contains(stream, 5));
    }
}
