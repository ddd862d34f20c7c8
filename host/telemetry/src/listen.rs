//! Listening, by the rules that the Collector's users know.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};

use host_component::claims::{Claims, Held};

/// The sockets that this process listens on. A component of the next configuration gets the one that is there for its
/// address, so that no connection is refused while it takes over.
static SOCKETS: Claims<SocketAddr, TcpListener> = Claims::new();
/// The same for sockets that take datagrams.
static DATAGRAMS: Claims<SocketAddr, UdpSocket> = Claims::new();

/// A socket that was bound; nobody accepts from it yet.
pub struct Listener {
    socket: TcpListener,
    held: Held<TcpListener>,
}

/// A socket whose connections are taken. It is closed when all who have it have dropped it.
pub struct Accepting {
    socket: tokio::net::TcpListener,
    _held: Held<TcpListener>,
}

/// A socket for datagrams that was bound; nobody reads from it yet.
pub struct Datagrams {
    socket: UdpSocket,
    held: Held<UdpSocket>,
}

/// A socket whose datagrams are read. It is closed when all who have it have dropped it.
pub struct Reading {
    socket: tokio::net::UdpSocket,
    _held: Held<UdpSocket>,
}

/// Binds `endpoint`, a `host:port`, for `owner`. Without a host it is every address of the machine; a name with addresses
/// of both families means the older one first, so that `localhost` is where a client of `127.0.0.1` looks for it.
///
/// # Errors
/// When the endpoint is no address, or cannot be bound.
pub fn bind(endpoint: &str, owner: &str) -> io::Result<Listener> {
    let addresses = addresses(endpoint)?;
    if let Some(held) = taken_over(&SOCKETS, &addresses, owner)? {
        return Listener::of(held);
    }
    let socket = TcpListener::bind(&addresses[..]).map_err(|error| explained(&SOCKETS, error, &addresses))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Listener::of(SOCKETS.claim(address, owner, socket))
}

/// Binds `endpoint` for datagrams, by the same rules.
///
/// # Errors
/// When the endpoint is no address, or cannot be bound.
pub fn bind_datagrams(endpoint: &str, owner: &str) -> io::Result<Datagrams> {
    let addresses = addresses(endpoint)?;
    if let Some(held) = taken_over(&DATAGRAMS, &addresses, owner)? {
        return Datagrams::of(held);
    }
    let socket = UdpSocket::bind(&addresses[..]).map_err(|error| explained(&DATAGRAMS, error, &addresses))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Datagrams::of(DATAGRAMS.claim(address, owner, socket))
}

/// What `owner` has bound stays its own in the configuration that is being built.
pub fn keep(owner: &str) {
    SOCKETS.keep(owner);
    DATAGRAMS.keep(owner);
}

/// The socket that is there for one of these addresses.
fn taken_over<S>(
    sockets: &Claims<SocketAddr, S>,
    addresses: &[SocketAddr],
    owner: &str,
) -> io::Result<Option<Held<S>>> {
    // Port 0 is another one each time.
    for address in addresses.iter().filter(|address| address.port() != 0) {
        match sockets.take_over(address, owner) {
            Ok(None) => {}
            Ok(held) => return Ok(held),
            Err(taken) => return Err(io::Error::new(io::ErrorKind::AddrInUse, taken)),
        }
    }
    Ok(None)
}

/// A port of which this process itself has another address cannot be bound anew while it runs.
fn explained<S>(sockets: &Claims<SocketAddr, S>, error: io::Error, addresses: &[SocketAddr]) -> io::Error {
    let same_port = |held: &SocketAddr| addresses.iter().any(|address| address.port() == held.port());
    match sockets.owner(same_port) {
        Some(owner) if error.kind() == io::ErrorKind::AddrInUse => {
            let message =
                format!("{error}: {owner} of this process has the port at another address, restart to move it");
            io::Error::new(error.kind(), message)
        }
        _ => error,
    }
}

impl Listener {
    fn of(held: Held<TcpListener>) -> io::Result<Self> {
        Ok(Listener { socket: held.try_clone()?, held })
    }

    /// Where it listens: the port that was taken where the endpoint said 0.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Begins to take connections, on the runtime that this is called from.
    ///
    /// # Errors
    /// When the runtime cannot take it.
    pub fn accepting(self) -> io::Result<Accepting> {
        Ok(Accepting { socket: tokio::net::TcpListener::from_std(self.socket)?, _held: self.held })
    }
}

impl Accepting {
    /// The next connection.
    ///
    /// # Errors
    /// When it failed before it was taken, or the process has no room for it.
    pub async fn accept(&self) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
        self.socket.accept().await
    }
}

impl Datagrams {
    fn of(held: Held<UdpSocket>) -> io::Result<Self> {
        Ok(Datagrams { socket: held.try_clone()?, held })
    }

    /// Where it listens: the port that was taken where the endpoint said 0.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The socket itself, for its options.
    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Begins to read, on the runtime that this is called from.
    ///
    /// # Errors
    /// When the runtime cannot take it.
    pub fn reading(self) -> io::Result<Reading> {
        Ok(Reading { socket: tokio::net::UdpSocket::from_std(self.socket)?, _held: self.held })
    }
}

impl Reading {
    /// Returns when there may be a datagram.
    ///
    /// # Errors
    /// When the runtime has no more to do with it.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// The next datagram that is there already: its length, and who has sent it.
    ///
    /// # Errors
    /// When none is there, which is [`io::ErrorKind::WouldBlock`], or it cannot be read.
    pub fn read(&self, into: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.socket.try_recv_from(into)
    }
}

/// What to try, in this order.
fn addresses(endpoint: &str) -> io::Result<Vec<SocketAddr>> {
    if let Some(port) = endpoint.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()) {
        return Ok(vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()]);
    }
    let mut found: Vec<SocketAddr> = endpoint.to_socket_addrs()?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    Ok(found)
}

#[cfg(test)]
mod tests;
