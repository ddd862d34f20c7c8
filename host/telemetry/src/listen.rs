//! Listening, by the rules that the Collector's users know.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use host_component::claims::{Claims, Held};

/// The sockets that this process listens on. A component of the next configuration gets the one that is there for its
/// address, so that no connection is refused while it takes over.
static SOCKETS: Claims<SocketAddr, TcpListener> = Claims::new();

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

/// Binds `endpoint`, a `host:port`, for `owner`. Without a host it is every address of the machine; a name with addresses
/// of both families means the older one first, so that `localhost` is where a client of `127.0.0.1` looks for it.
///
/// # Errors
/// When the endpoint is no address, or cannot be bound.
pub fn bind(endpoint: &str, owner: &str) -> io::Result<Listener> {
    let addresses = addresses(endpoint)?;
    // Port 0 is another one each time.
    for address in addresses.iter().filter(|address| address.port() != 0) {
        match SOCKETS.take_over(address, owner) {
            Ok(Some(held)) => return Listener::of(held),
            Ok(None) => {}
            Err(taken) => return Err(io::Error::new(io::ErrorKind::AddrInUse, taken)),
        }
    }
    let socket = TcpListener::bind(&addresses[..]).map_err(|error| explained(error, &addresses))?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    Listener::of(SOCKETS.claim(address, owner, socket))
}

/// What `owner` has bound stays its own in the configuration that is being built.
pub fn keep(owner: &str) {
    SOCKETS.keep(owner);
}

/// A port of which this process itself has another address cannot be bound anew while it runs.
fn explained(error: io::Error, addresses: &[SocketAddr]) -> io::Error {
    let same_port = |held: &SocketAddr| addresses.iter().any(|address| address.port() == held.port());
    match SOCKETS.owner(same_port) {
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
