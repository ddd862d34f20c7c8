//! Listening, by the rules that the Collector's users know.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

/// Binds `endpoint`, a `host:port`. Without a host it is every address of the machine; a name with addresses of both
/// families means the older one first, so that `localhost` is where a client of `127.0.0.1` looks for it.
///
/// # Errors
/// When the endpoint is no address, or cannot be bound.
pub fn bind(endpoint: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(&addresses(endpoint)?[..])?;
    listener.set_nonblocking(true)?;
    Ok(listener)
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
