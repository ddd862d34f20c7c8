//! The network interfaces of this host.

use std::io;
use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::{SockaddrLike, SockaddrStorage};

/// All interfaces by name; addresses of those that are up and no loopback.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    pub(super) names: Vec<String>,
    pub(super) ips: Vec<String>,
    /// As IEEE has them: capital letters, with hyphens.
    pub(super) macs: Vec<String>,
}

pub(super) fn interfaces() -> io::Result<Interfaces> {
    let mut found = Interfaces::default();
    // An interface stands there once for each of its addresses.
    let mut addresses: Vec<(String, IpAddr)> = Vec::new();
    for entry in getifaddrs()? {
        let is_used =
            entry.flags.contains(InterfaceFlags::IFF_UP) && !entry.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        if !found.names.contains(&entry.interface_name) {
            found.names.push(entry.interface_name.clone());
        }
        let Some(address) = entry.address.filter(|_| is_used) else { continue };
        if let Some(ip) = ip(&address).filter(|ip| !ip.is_loopback()) {
            addresses.push((entry.interface_name, ip));
        } else if let Some(mac) = address.as_link_addr().and_then(nix::sys::socket::LinkAddr::addr) {
            found.macs.push(mac.map(|byte| format!("{byte:02X}")).join("-"));
        }
    }
    for name in &found.names {
        found.ips.extend(addresses.iter().filter(|(of, _)| of == name).map(|(_, ip)| ip.to_string()));
    }
    Ok(found)
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    match address.family()? {
        nix::sys::socket::AddressFamily::Inet => address.as_sockaddr_in().map(|v4| v4.ip().into()),
        nix::sys::socket::AddressFamily::Inet6 => address.as_sockaddr_in6().map(|v6| v6.ip().into()),
        _ => None,
    }
}
