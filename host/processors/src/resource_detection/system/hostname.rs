//! The name of this host, from one of four sources.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};

use dns_lookup::{AddrInfoHints, SockType, getaddrinfo, getnameinfo};
use schemars::JsonSchema;
use serde::Deserialize;

/// Who may know the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HostnameSource {
    /// The hosts file, else the canonical name, else the name of one of the addresses: what `hostname -f` says.
    Dns,
    /// The kernel.
    Os,
    /// The canonical name of what the kernel says.
    Cname,
    /// The name of one of the addresses of what the kernel says.
    Lookup,
}

/// Why a source did not know.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostnameError {
    #[error("`os`: the kernel has no name for it")]
    Nameless,
    #[error("`{from}`: cannot look {name} up: {error}")]
    Resolve { from: &'static str, name: String, error: io::Error },
    #[error("`{from}`: none of the addresses of {name} has a name")]
    NoReverse { from: &'static str, name: String },
}

/// The name that the first source gives that has one.
pub(super) fn first_of(sources: &[HostnameSource]) -> Result<String, Vec<HostnameError>> {
    let sources = if sources.is_empty() { &[HostnameSource::Dns, HostnameSource::Os] } else { sources };
    let mut errors = Vec::new();
    for source in sources {
        match source.ask() {
            Ok(name) => return Ok(name),
            Err(error) => {
                tracing::debug!(%error, "a source has no name for this host");
                errors.push(error);
            }
        }
    }
    Err(errors)
}

impl HostnameSource {
    fn ask(self) -> Result<String, HostnameError> {
        let host = kernel()?;
        match self {
            HostnameSource::Os => Ok(host),
            HostnameSource::Cname => canonical("cname", &host),
            HostnameSource::Lookup => reverse("lookup", &host),
            HostnameSource::Dns => {
                let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
                match in_hosts(&hosts, &host) {
                    Some(name) => Ok(name.to_owned()),
                    None => canonical("dns", &host).or_else(|_| reverse("dns", &host)),
                }
            }
        }
    }
}

fn kernel() -> Result<String, HostnameError> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    if name.is_empty() { Err(HostnameError::Nameless) } else { Ok(name.into_owned()) }
}

/// The first name of the line of a hosts file that has `host` among its names.
pub(super) fn in_hosts<'a>(hosts: &'a str, host: &str) -> Option<&'a str> {
    hosts.lines().find_map(|line| {
        let mut names = line.split('#').next()?.split_ascii_whitespace().skip(1).peekable();
        let first = *names.peek()?;
        names.any(|name| name == host).then_some(first)
    })
}

fn resolve(from: &'static str, host: &str, flags: i32) -> Result<Vec<dns_lookup::AddrInfo>, HostnameError> {
    let hints = AddrInfoHints { flags, socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let unknown = |error| HostnameError::Resolve { from, name: host.to_owned(), error };
    let infos = getaddrinfo(Some(host), None, Some(hints)).map_err(|error| unknown(error.into()))?;
    infos.collect::<io::Result<Vec<_>>>().map_err(unknown)
}

fn canonical(from: &'static str, host: &str) -> Result<String, HostnameError> {
    let name = resolve(from, host, libc::AI_CANONNAME)?.into_iter().find_map(|info| info.canonname);
    let name = name.map(|name| name.trim_end_matches('.').to_owned()).filter(|name| !name.is_empty());
    name.ok_or_else(|| HostnameError::NoReverse { from, name: host.to_owned() })
}

fn reverse(from: &'static str, host: &str) -> Result<String, HostnameError> {
    let addresses = resolve(from, host, 0)?;
    let name = addresses.into_iter().find_map(|info| name_of(info.sockaddr.ip()));
    name.ok_or_else(|| HostnameError::NoReverse { from, name: host.to_owned() })
}

fn name_of(address: IpAddr) -> Option<String> {
    let flags = libc::NI_NAMEREQD | libc::NI_NUMERICSERV;
    let (name, _) = getnameinfo(&SocketAddr::new(address, 0), flags).ok()?;
    Some(name.trim_end_matches('.').to_owned())
}
