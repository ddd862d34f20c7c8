//! The connector opens connections for the client: encrypted ones to the hosts of `https://` endpoints, plain ones otherwise.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use host_tls::Stream;
use http::Uri;
use http::uri::{Authority, Scheme};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tower_service::Service;

/// What makes connections encrypted, by host.
pub(crate) type Encryption = BTreeMap<String, host_tls::Connector>;

/// What the client makes its connections with. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    encryption: Arc<Encryption>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(timeout: Duration, encryption: Encryption) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(timeout));
        // A request's end must not wait for the peer's delayed acknowledgement.
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        Connector { tcp, encryption: Arc::new(encryption), timeout }
    }

    /// What encrypts the connection to `uri`; none where it is plain.
    fn encrypter(&self, uri: &Uri) -> io::Result<Option<host_tls::Connector>> {
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Ok(None);
        }
        let name = uri.authority().map_or("", host);
        let unknown = || io::Error::other(format!("nothing is known of how to encrypt to {name}"));
        self.encryption.get(name).cloned().map(Some).ok_or_else(unknown)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (encrypter, timeout) = (self.encrypter(&uri), self.timeout);
        let connecting = self.tcp.call(uri);
        Box::pin(async move {
            let encrypter = encrypter?;
            let tcp = connecting.await?.into_inner();
            let stream = match encrypter {
                None => Stream::Plain(tcp),
                Some(encrypter) => tokio::time::timeout(timeout, encrypter.connect(tcp))
                    .await
                    .map_err(|_| format!("no TLS handshake within {timeout:?}"))??,
            };
            Ok(TokioIo::new(stream))
        })
    }
}

/// The host of an address, without the brackets that one of IPv6 has.
pub(crate) fn host(authority: &Authority) -> &str {
    authority.host().trim_start_matches('[').trim_end_matches(']')
}
