//! A guard says who may ask an endpoint: it has connections encrypted, and asks each request who it is from.
//!
//! Nothing of a page is made, nor told whether there is one, before a request was let in.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use host_component::{Denied, ServerAuth};
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::page::Page;
use crate::{Counter, Metrics};

/// Who lets requests in may take so long to say so: where hashes of passwords are computed, some wait for others.
const ADMISSION: Duration = Duration::from_secs(10);

/// Encrypts connections: what knows TLS does this for an endpoint, which does not.
pub trait Encrypt: Send + Sync + 'static {
    /// Shakes hands within a time; none where that fails, which was counted and told then.
    fn encrypt(self: Arc<Self>, stream: TcpStream) -> BoxFuture<'static, Option<Opened>>;
}

/// The bytes of a connection, in the clear or not.
pub trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection that is ready for its protocol.
pub struct Opened {
    pub stream: Box<dyn Bytes>,
    /// Returns, and says why, when whoever is at the other end may not stay any longer.
    pub ended: BoxFuture<'static, String>,
}

/// Who may ask. Cloning shares it.
#[derive(Clone, Default)]
pub struct Guard {
    tls: Option<Arc<dyn Encrypt>>,
    auth: Option<Admission>,
}

#[derive(Clone)]
struct Admission {
    auth: Arc<dyn ServerAuth>,
    denied: Counter,
}

impl Guard {
    /// Lets in who speaks TLS with `tls`.
    #[must_use]
    pub fn with_tls(self, tls: Arc<dyn Encrypt>) -> Self {
        Guard { tls: Some(tls), ..self }
    }

    /// Lets in whom `auth` lets in; others are counted for `endpoint`.
    #[must_use]
    pub fn with_auth(self, auth: Arc<dyn ServerAuth>, endpoint: &str, metrics: &Metrics) -> Self {
        let help = "Requests for a page that were not let in.";
        let denied = metrics.counter("tidegate_endpoint_requests_denied", help, &[("endpoint", endpoint)]);
        Guard { auth: Some(Admission { auth, denied }), ..self }
    }

    /// What an address of the endpoint begins with.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Makes of a connection what pages can be served on.
    pub(super) async fn open(&self, stream: TcpStream) -> Option<Opened> {
        match &self.tls {
            Some(tls) => Arc::clone(tls).encrypt(stream).await,
            None => Some(Opened { stream: Box::new(stream), ended: Box::pin(std::future::pending()) }),
        }
    }

    /// Lets a request in by its headers.
    ///
    /// # Errors
    /// What is answered where it is not let in.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<(), Page> {
        let Some(Admission { auth, denied }) = &self.auth else { return Ok(()) };
        let said = headers.get(auth.header()).map(HeaderValue::as_bytes);
        let refused = match timeout(ADMISSION, auth.admit(said)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Denied::Stranger(why))) => Page::text(why + "\n").challenging(&auth.challenge()),
            Ok(Err(Denied::Busy)) | Err(_) => Page::text(format!("{}\n", Denied::Busy)).unavailable(),
        };
        denied.inc();
        Err(refused)
    }
}

#[cfg(test)]
mod tests;
