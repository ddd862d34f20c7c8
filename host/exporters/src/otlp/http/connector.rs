//! The connector opens connections: plain ones today. One that speaks TLS wraps this one, and takes its place in the type.

use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;

/// What the client makes its connections with.
pub(crate) type Connector = HttpConnector;

pub(crate) fn new(timeout: Duration) -> Connector {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(timeout));
    // A request's end must not wait for the peer's delayed acknowledgement.
    connector.set_nodelay(true);
    connector
}
