//! What somebody asked a page for.

use std::net::IpAddr;

use http::{HeaderMap, Request, header};
use percent_encoding::percent_decode_str;

/// What whoever passes on the requests of others says of them.
const PASSED_ON: [&str; 3] = ["forwarded", "via", "x-real-ip"];
const PASSED_ON_PREFIX: &str = "x-forwarded-";

/// A request for a page.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    query: String,
    /// Whether this is a browser, which wants a page and no data.
    pub wants_html: bool,
    /// Whether it comes from this machine, by a name that only this machine has, and was not passed on for somebody else: a
    /// page that a browser was lured to by another name is from elsewhere, and so is what a proxy on this machine brings.
    pub is_local: bool,
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>, peer: IpAddr) -> Self {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Asked {
            query: request.uri().query().unwrap_or_default().to_owned(),
            wants_html: header(header::ACCEPT).contains("text/html"),
            is_local: peer.to_canonical().is_loopback()
                && names_this_machine(request)
                && !is_passed_on(request.headers()),
        }
    }

    /// The value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    }
}

/// Whether all that a request says of the host that it is for is a name of this machine alone.
fn names_this_machine<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    hosts.next().is_none() && host.is_some_and(is_local_name) && authority.is_none_or(is_local_name)
}

/// Whether a host is a loopback address or `localhost`: no name that a stranger may have pointed at this machine, and no
/// address under which others know it.
fn is_local_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    name.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}

fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| PASSED_ON.contains(&name.as_str()) || name.as_str().starts_with(PASSED_ON_PREFIX))
}

#[cfg(test)]
mod tests;
