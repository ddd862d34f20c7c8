//! The connector opens connections for a client: encrypted ones where the address says `https`, and through a proxy where
//! one is named for it.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use host_telemetry::Metrics;
use host_tls::{Stream, Target};
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_service::Service;

use super::host;
use crate::config::Http;

/// What a proxy may say before a tunnel is there.
const GREETING: usize = 8 << 10;

/// What a client makes its connections with. Cloning shares it.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    owner: String,
    base: PathBuf,
    metrics: Metrics,
    /// Made with the first encrypted connection: a job without any needs no authorities.
    tls: OnceLock<Result<host_tls::Connector, String>>,
    proxies: Option<Matcher>,
}

impl Connector {
    pub(super) fn new(http: &Http, owner: &str, base: &std::path::Path, metrics: &Metrics) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let proxies = if http.proxy_from_environment {
            Some(Matcher::from_env())
        } else {
            let is_named = !http.proxy_url.is_empty();
            is_named.then(|| Matcher::builder().all(http.proxy_url.as_str()).no(http.no_proxy.as_str()).build())
        };
        let inner = Inner {
            http: http.clone(),
            owner: owner.to_owned(),
            base: base.to_owned(),
            metrics: metrics.clone(),
            tls: OnceLock::new(),
            proxies,
        };
        Connector { tcp, inner: Arc::new(inner) }
    }

    /// Reads certificates and authorities now.
    ///
    /// # Errors
    /// When they cannot be used.
    pub(super) fn prepare(&self) -> Result<(), String> {
        self.inner.tls().map(|_| ())
    }

    /// What a proxy wants to see with a request that is not encrypted.
    pub(super) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        let plain = self.inner.proxies.as_ref().filter(|_| uri.scheme() == Some(&Scheme::HTTP));
        plain?.intercept(uri)?.basic_auth().cloned()
    }
}

impl Inner {
    fn tls(&self) -> Result<&host_tls::Connector, String> {
        let made = self.tls.get_or_init(|| {
            let target = Target {
                owner: &self.owner,
                key: "tls_config",
                host: "localhost",
                https: true,
                alpn: &[b"http/1.1"],
                base: &self.base,
            };
            let built = self.http.tls_config.client().build(&target, &self.metrics);
            let built = built.map_err(|wrong| wrong.to_string())?;
            built.ok_or_else(|| "there is nothing to encrypt with".to_owned())
        });
        made.as_ref().map_err(Clone::clone)
    }

    /// What encrypts to a host; nothing where the address does not ask for it.
    fn encrypter(&self, uri: &Uri) -> io::Result<Option<host_tls::Connector>> {
        if uri.scheme() != Some(&Scheme::HTTPS) {
            return Ok(None);
        }
        let tls = self.tls().map_err(io::Error::other)?;
        let is_named = !self.http.tls_config.server_name.is_empty();
        if is_named { Ok(Some(tls.clone())) } else { tls.to(host(uri)).map(Some) }
    }
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Wire, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let encrypter = self.inner.encrypter(&uri);
        let proxy = self.inner.proxies.as_ref().and_then(|proxies| proxies.intercept(&uri));
        let connecting = self.tcp.call(proxy.as_ref().map_or(&uri, |proxy| proxy.uri()).clone());
        Box::pin(async move {
            let encrypter = encrypter?;
            let mut tcp = connecting.await?.into_inner();
            let Some(encrypter) = encrypter else {
                return Ok(Wire { stream: TokioIo::new(Stream::Plain(tcp)), is_forwarded: proxy.is_some() });
            };
            if let (Some(proxy), Some(authority)) = (proxy, uri.authority()) {
                tunnel(&mut tcp, authority, proxy.basic_auth()).await?;
            }
            Ok(Wire { stream: TokioIo::new(encrypter.connect(tcp).await?), is_forwarded: false })
        })
    }
}

/// Has a proxy connect to somebody.
async fn tunnel(tcp: &mut TcpStream, to: &Authority, authorization: Option<&HeaderValue>) -> io::Result<()> {
    let port = to.port_u16().unwrap_or(443);
    let mut request = format!("CONNECT {0}:{port} HTTP/1.1\r\nHost: {0}:{port}\r\n", to.host()).into_bytes();
    if let Some(value) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    tcp.write_all(&request).await?;
    let mut greeting = Vec::new();
    // A byte at a time: what stands behind belongs to the handshake.
    while !greeting.ends_with(b"\r\n\r\n") {
        if greeting.len() >= GREETING {
            return Err(io::Error::other("the proxy says too much before a tunnel is there"));
        }
        greeting.push(tcp.read_u8().await?);
    }
    let line = greeting.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let status = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if status.starts_with(b"2") {
        return Ok(());
    }
    let line: String = String::from_utf8_lossy(line).chars().take(120).collect();
    Err(io::Error::other(format!("the proxy makes no tunnel: {line:?}")))
}

/// A connection that knows whether requests on it are for a proxy.
pub(super) struct Wire {
    stream: TokioIo<Stream>,
    is_forwarded: bool,
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_forwarded)
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
