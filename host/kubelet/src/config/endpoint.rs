//! Where the kubelet is: with a scheme and a port that stand for themselves where none is written.

use std::net::Ipv6Addr;

use host_config::{Wrong, without_userinfo};
use http::Uri;

use super::AuthType;

/// The port at which the kubelet wants to know who asks, and the one at which it does not.
const SECURE: u16 = 10250;
const OPEN: u16 = 10255;

/// The address that an endpoint means; `host` is this host. For [`AuthType::KubeConfig`] its host is the name of the node.
pub(super) fn address(endpoint: &str, auth: AuthType, host: &str) -> Result<Uri, Wrong> {
    let wrong = |why: String| Wrong::new("endpoint", why);
    let written = endpoint.trim();
    if auth == AuthType::KubeConfig {
        return node(written).map_err(wrong);
    }
    without_userinfo("endpoint", written)?;
    let (scheme, rest) = match written.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (Some(scheme), rest),
        Some((scheme, _)) => return Err(wrong(format!("it begins with {scheme:?}: write `https://` or `http://`"))),
        None => (None, written),
    };
    if scheme == Some("http") && auth != AuthType::None {
        return Err(wrong(
            "who asks is not shown in the clear: write `https://`, or `auth_type: none` for the port that answers \
             everybody"
                .to_owned(),
        ));
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, port) = match authority {
        "" if written.is_empty() => (host, None),
        other => parts(other).map_err(wrong)?,
    };
    let port = port.unwrap_or(if auth == AuthType::None { OPEN } else { SECURE });
    let scheme = scheme.unwrap_or(if auth == AuthType::None { "http" } else { "https" });
    let name = if name.parse::<Ipv6Addr>().is_ok() { format!("[{name}]") } else { name.to_owned() };
    let whole = format!("{scheme}://{name}:{port}{}", path.trim_end_matches('/'));
    let uri: Result<Uri, _> = whole.parse();
    uri.map_err(|_| wrong(format!("{written:?} is no address: write `host:port` or `https://host:port`")))
}

/// The host and the port. An address of version 6 may stand without its brackets, as a variable brings it.
fn parts(authority: &str) -> Result<(&str, Option<u16>), String> {
    let port = |text: &str| text.parse().map_err(|_| format!("{text:?} is no port: write a number up to 65535"));
    let is_v6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    if let Some(rest) = authority.strip_prefix('[') {
        let closed = rest.split_once(']').filter(|(host, _)| is_v6(host));
        let (host, rest) = closed.ok_or_else(|| format!("{authority:?} has no address of IPv6 in its brackets"))?;
        let port = rest.strip_prefix(':').map(port).transpose()?;
        return Ok((host, port));
    }
    match authority.rsplit_once(':') {
        // The last group of an address could be this, too; nobody means that.
        Some((host, last)) if is_v6(host) && (matches!(last, "10250" | "10255") || !is_v6(authority)) => {
            Ok((host, Some(port(last)?)))
        }
        _ if is_v6(authority) => Ok((authority, None)),
        Some(("", _)) => Err("there is no host in it: is the variable set that it is made of?".to_owned()),
        Some((host, last)) => Ok((host, Some(port(last)?))),
        None if authority.is_empty() => {
            Err("there is no host in it: is the variable set that it is made of?".to_owned())
        }
        None => Ok((authority, None)),
    }
}

fn node(name: &str) -> Result<Uri, String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_name =
        name.bytes().all(|byte| plain(byte) || b"-.".contains(&byte)) && name.bytes().next().is_some_and(plain);
    if name.is_empty() {
        return Err(
            "it is missing: with `auth_type: kubeConfig` it is the name of the node, such as `${env:K8S_NODE_NAME}`"
                .to_owned(),
        );
    }
    let uri = format!("https://{name}").parse();
    uri.ok().filter(|_| is_name).ok_or_else(|| {
        format!(
            "{name:?} is no name of a node: with `auth_type: kubeConfig` the API server asks the kubelet, so write the name \
             alone, without scheme and port"
        )
    })
}
