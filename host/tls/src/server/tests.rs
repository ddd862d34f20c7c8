//! An endpoint of the collector's own that is encrypted: who is served there and who is not.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use host_component::Trigger;
use host_config::Secret;
use host_telemetry::{Endpoint, Guard, Metrics, Page, Pages};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::OwnEndpoint;
use crate::tests::authority::Authority;
use crate::{ClientConfig, ServerConfig, Stream, Target};

const NAME: &str = "service.telemetry.metrics";

impl Authority {
    /// Asks for a page, with a certificate of `by` where there is one; nothing where no connection came of it.
    async fn begin(&self, address: SocketAddr, by: Option<&Authority>, path: &str) -> Option<Stream> {
        let (cert_pem, key_pem) = by.map(|authority| authority.issue_to("scraper.test")).unwrap_or_default();
        let client = ClientConfig { cert_pem, key_pem, ca_pem: Secret::new(&self.pem), ..ClientConfig::default() };
        let (alpn, base): (&'static [&'static [u8]], _) = (&[b"http/1.1"], Path::new("."));
        let target = Target { owner: "test", key: "tls", host: "hub.test", https: true, alpn, base };
        let connector = client.build(&target, &Metrics::new()).unwrap().unwrap();
        let mut stream = connector.connect(TcpStream::connect(address).await.unwrap()).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        Some(stream)
    }

    /// What is answered; nothing where no answer came.
    async fn ask(&self, address: SocketAddr, by: Option<&Authority>) -> Option<String> {
        let mut stream = self.begin(address, by, "/page").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }
}

/// An endpoint that asks for certificates of an authority, which is in a file.
struct Hub {
    address: SocketAddr,
    metrics: Metrics,
    folder: TempDir,
    /// Nothing comes of it, and it does not end.
    _flow: mpsc::Sender<Bytes>,
    _trigger: Trigger,
}

impl Hub {
    async fn start(authority: &Authority) -> Hub {
        let (metrics, folder, (cert_pem, key_pem)) =
            (Metrics::new(), tempfile::tempdir().unwrap(), authority.issue_to("hub.test"));
        std::fs::write(folder.path().join("clients.pem"), &authority.pem).unwrap();
        let config =
            ServerConfig { cert_pem, key_pem, client_ca_file: "clients.pem".into(), ..ServerConfig::default() };
        let acceptor = config.build_own(&OwnEndpoint { name: NAME, base: folder.path() }, &metrics).unwrap();
        let (flow, pieces) = mpsc::channel(1);
        let pieces = Mutex::new(Some(pieces));
        let pages = Pages::new()
            .with("/page", |_| Page::text("the page".to_owned()))
            .with("/flow", move |_| Page::stream(pieces.lock().unwrap().take().unwrap()));
        let guard = Guard::default().with_tls(Arc::new(acceptor));
        let endpoint = Endpoint::bind("127.0.0.1:0", NAME, pages, guard).await.unwrap();
        let (address, (trigger, shutdown)) = (endpoint.address(), Trigger::new());
        tokio::spawn(endpoint.run(shutdown));
        Hub { address, metrics, folder, _flow: flow, _trigger: trigger }
    }

    /// Returns when so many handshakes have failed for this reason.
    async fn has_failed(&self, reason: &str, times: u64) {
        while self.metrics.totals("tidegate_endpoint_tls_handshake_failures", "reason")[reason] < times {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn an_own_endpoint_serves_whoever_has_a_certificate_of_the_authority_and_nobody_else() {
    let (authority, strangers) = (Authority::new(), Authority::new());
    let hub = Hub::start(&authority).await;
    let answer = authority.ask(hub.address, Some(&authority)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("the page"), "{answer}");
    assert_eq!(authority.ask(hub.address, None).await, None);
    hub.has_failed("no_certificate", 1).await;
    assert_eq!(authority.ask(hub.address, Some(&strangers)).await, None);
    hub.has_failed("bad_certificate", 1).await;
    let mut plain = TcpStream::connect(hub.address).await.unwrap();
    plain.write_all(b"GET /page HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
    hub.has_failed("plain_text", 1).await;
}

#[tokio::test]
async fn handshakes_that_hang_hold_up_nobody() {
    let authority = Authority::new();
    let hub = Hub::start(&authority).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(TcpStream::connect(hub.address).await.unwrap());
    }
    assert!(authority.ask(hub.address, Some(&authority)).await.is_some());
}

#[tokio::test]
async fn who_is_connected_leaves_when_its_authority_is_taken_out_of_the_file() {
    let authority = Authority::new();
    let hub = Hub::start(&authority).await;
    let mut stream = authority.begin(hub.address, Some(&authority), "/flow").await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    std::fs::write(hub.folder.path().join("clients.pem"), Authority::new().pem).unwrap();
    // The page itself never ends.
    let _ = stream.read_to_end(&mut Vec::new()).await;
    assert_eq!(authority.ask(hub.address, Some(&authority)).await, None);
}

#[test]
fn what_cannot_be_used_is_told_by_the_key_of_the_endpoint() {
    let config = ServerConfig { cert_file: "a.pem".into(), key_file: "a.pem".into(), ..ServerConfig::default() };
    let built = config.build_own(&OwnEndpoint { name: NAME, base: Path::new("/nowhere") }, &Metrics::new());
    let wrong = built.err().unwrap();
    assert_eq!(wrong.key, "service.telemetry.metrics.tls.cert_file", "{wrong}");
}
