//! HTTP to a target or to a server that tells of targets: one request, its redirects, and the whole answer within its limits.

mod client;
mod connector;
mod credentials;

use http::Uri;

pub(crate) use self::client::{Client, GetError};

/// An address that can be asked.
pub(crate) fn address(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let is_whole =
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    is_whole.then_some(uri)
}

/// The address of a proxy that can be used: one without encryption and without a name or a password.
pub(crate) fn proxy_of(text: &str) -> Option<Uri> {
    address(text).filter(|uri| {
        uri.scheme_str() == Some("http") && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    })
}

/// The host of an address, without the brackets that one of IPv6 has.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests;
