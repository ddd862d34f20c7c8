//! Where a message came from.

use std::borrow::Cow;
use std::net::SocketAddr;

use crate::entries::entry::{Map, Value};

/// What is said of where a message came from, under the names that the Collector has for it.
pub(super) fn addresses(transport: &'static str, peer: SocketAddr, local: Option<SocketAddr>) -> Map<'static> {
    let mut map: Map<'static> = vec![(Cow::Borrowed("net.transport"), Value::text(transport))];
    let ends = [
        (Some(peer), ["net.peer.ip", "net.peer.port", "net.peer.name"]),
        (local, ["net.host.ip", "net.host.port", "net.host.name"]),
    ];
    for (address, [ip, port, name]) in ends {
        let Some(address) = address else { continue };
        let text = address.ip().to_canonical().to_string();
        map.push((Cow::Borrowed(ip), Value::text(text.clone())));
        map.push((Cow::Borrowed(port), Value::text(address.port().to_string())));
        map.push((Cow::Borrowed(name), Value::text(text)));
    }
    map
}
