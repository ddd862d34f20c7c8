//! What somebody asked a page for.

use std::net::IpAddr;

use http::{Request, header};
use percent_encoding::percent_decode_str;

/// A request for a page.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    query: String,
    /// Whether this is a browser, which wants a page and no data.
    pub wants_html: bool,
    /// Whether it comes from this machine, by a name that only this machine has: a page that a browser was lured to by
    /// another name is from elsewhere.
    pub is_local: bool,
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>, peer: IpAddr) -> Self {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Asked {
            query: request.uri().query().unwrap_or_default().to_owned(),
            wants_html: header(header::ACCEPT).contains("text/html"),
            is_local: peer.to_canonical().is_loopback() && is_local_name(header(header::HOST)),
        }
    }

    /// The value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)?;
        Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
    }
}

/// Whether a `Host` header is an address or `localhost`: no name that a stranger may have pointed at this machine.
fn is_local_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests;
