//! The side that listens: it shakes hands within a time, counts each handshake that fails, and tells a few of them.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use host_config::Wrong;
use host_telemetry::pages::{Encrypt, Opened};
use host_telemetry::{Counter, Metrics};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{Error, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsStream};

use crate::config::{Read, ServerConfig, below};
use crate::fresh::{Fresh, Watch, read};
use crate::pem::Material;
use crate::policy::Policy;
use crate::stream::Stream;
use crate::throttle::Throttle;

/// How long a client may take to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// What the counters of failures are about.
const HELP: &str = "Connections that ended before they were encrypted, by reason.";

/// A receiver that listens.
pub struct Listener<'a> {
    /// The receiver, as the log and metrics name it.
    pub receiver: &'a str,
    pub transport: &'static str,
    /// The key of the configuration that the section stands behind.
    pub key: &'a str,
    /// The protocols that it speaks, as ALPN names them, the best first.
    pub alpn: &'static [&'static [u8]],
    /// The folder that paths start from.
    pub base: &'a Path,
}

/// An endpoint of the collector's own, such as the one for its metrics, that listens.
pub struct OwnEndpoint<'a> {
    /// Its key, as the log and metrics name it; `tls` stands behind that.
    pub name: &'a str,
    /// The folder that paths start from.
    pub base: &'a Path,
}

/// Makes encrypted streams of connections.
pub struct Acceptor {
    pub(crate) settings: Fresh<Settings>,
    pub(crate) interval: Duration,
    owner: Owner,
    failures: [Counter; Fault::ALL.len()],
    throttle: Throttle,
}

/// Whose connections these are.
enum Owner {
    Receiver { id: String, transport: &'static str },
    Endpoint(String),
}

/// What connections are made with.
pub(crate) struct Settings {
    config: Arc<rustls::ServerConfig>,
    /// Who knows the authorities of clients; none where they show no certificate.
    pub(crate) verifier: Option<Arc<dyn ClientCertVerifier>>,
}

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Slow,
    /// The peer left, or only looked whether somebody listens.
    Closed,
    /// What the peer says is no TLS.
    Plain,
    NoCertificate,
    BadCertificate,
    /// The peer does not want us: it does not trust our certificate, most likely.
    Alert,
    /// The two sides have no version, cipher suite or protocol in common, or the peer breaks the rules.
    Protocol,
}

impl Fault {
    const ALL: [Fault; 7] = [
        Fault::Slow,
        Fault::Closed,
        Fault::Plain,
        Fault::NoCertificate,
        Fault::BadCertificate,
        Fault::Alert,
        Fault::Protocol,
    ];

    fn name(self) -> &'static str {
        match self {
            Fault::Slow => "slow",
            Fault::Closed => "closed",
            Fault::Plain => "plain_text",
            Fault::NoCertificate => "no_certificate",
            Fault::BadCertificate => "bad_certificate",
            Fault::Alert => "peer_refused",
            Fault::Protocol => "protocol",
        }
    }

    fn of(error: &io::Error) -> Fault {
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
            return Fault::Closed;
        };
        match error {
            Error::InvalidMessage(_) => Fault::Plain,
            Error::NoCertificatesPresented => Fault::NoCertificate,
            Error::InvalidCertificate(_) | Error::InvalidCertRevocationList(_) => Fault::BadCertificate,
            Error::AlertReceived(_) => Fault::Alert,
            _ => Fault::Protocol,
        }
    }
}

impl ServerConfig {
    /// Reads what it names.
    ///
    /// # Errors
    /// When a value makes no sense, or a file cannot be read or used.
    pub fn build(self, listener: &Listener<'_>, metrics: &Metrics) -> Result<Acceptor, Wrong> {
        let Listener { receiver, transport, key, alpn, base } = *listener;
        let labels = |fault: Fault| [("receiver", receiver), ("transport", transport), ("reason", fault.name())];
        let failures =
            Fault::ALL.map(|fault| metrics.counter("tidegate_receiver_tls_handshake_failures", HELP, &labels(fault)));
        let owner = Owner::Receiver { id: receiver.to_owned(), transport };
        self.based(base).made(owner, alpn, failures, metrics).map_err(|wrong| below(key, [wrong]).remove(0))
    }

    /// The same for an endpoint that speaks HTTP/1.1.
    ///
    /// # Errors
    /// As [`ServerConfig::build`].
    pub fn build_own(self, endpoint: &OwnEndpoint<'_>, metrics: &Metrics) -> Result<Acceptor, Wrong> {
        let OwnEndpoint { name, base } = *endpoint;
        let labels = |fault: Fault| [("endpoint", name), ("reason", fault.name())];
        let failures =
            Fault::ALL.map(|fault| metrics.counter("tidegate_endpoint_tls_handshake_failures", HELP, &labels(fault)));
        let made = self.based(base).made(Owner::Endpoint(name.to_owned()), &[b"http/1.1"], failures, metrics);
        made.map_err(|wrong| below(&format!("{name}.tls"), [wrong]).remove(0))
    }

    fn made(
        self,
        owner: Owner,
        alpn: &'static [&'static [u8]],
        failures: [Counter; Fault::ALL.len()],
        metrics: &Metrics,
    ) -> Result<Acceptor, Wrong> {
        let config = self;
        let pinned = match config.client_ca() {
            Some(authorities) if !config.client_ca_file_reload => Some(authorities.pinned(&read)?),
            other => other,
        };
        let watched = [config.certificate(), config.key(), pinned.clone()];
        let (name, interval) = (owner.name().to_owned(), config.reload_interval);
        let watch = Watch { owner: name, what: "tls", files: files(&watched), interval };
        let load = move || settings_with(&config, pinned.as_ref(), alpn, &read);
        let settings = Fresh::new(watch, metrics, load)?;
        Ok(Acceptor { settings, interval, owner, failures, throttle: Throttle::default() })
    }
}

impl Owner {
    fn name(&self) -> &str {
        match self {
            Owner::Receiver { id, .. } => id,
            Owner::Endpoint(name) => name,
        }
    }
}

impl Acceptor {
    /// Shakes hands; none where that fails, which was counted and told then.
    pub async fn accept(&self, stream: TcpStream) -> Option<Stream> {
        let peer = stream.peer_addr();
        let accepting = async { TlsAcceptor::from(self.settings.get().await.config.clone()).accept(stream).await };
        let (fault, error) = match timeout(HANDSHAKE, accepting).await {
            Ok(Ok(stream)) => return Some(Stream::Tls(Box::new(TlsStream::Server(stream)))),
            Ok(Err(error)) => (Fault::of(&error), error.to_string()),
            Err(_) => (Fault::Slow, format!("the client took longer than {HANDSHAKE:?}")),
        };
        self.failures[fault as usize].inc();
        let (receiver, transport, endpoint) = match &self.owner {
            Owner::Receiver { id, transport } => (Some(id), Some(*transport), None),
            Owner::Endpoint(name) => (None, None, Some(name)),
        };
        let reason = fault.name();
        let peer = peer.as_ref().ok().map(tracing::field::display);
        // Whoever looks whether a port is open is nothing to be told about.
        if fault == Fault::Closed {
            tracing::debug!(receiver, transport, endpoint, peer, error, "a client left before the handshake was over");
        } else if let Some(held_back) = self.throttle.pass() {
            tracing::warn!(receiver, transport, endpoint, peer, reason, error, held_back, "a TLS handshake failed");
        }
        None
    }
}

/// As an endpoint of the collector's own wants it: whoever had to show a certificate stays for as long as that is good.
impl Encrypt for Acceptor {
    fn encrypt(self: Arc<Self>, stream: TcpStream) -> Pin<Box<dyn Future<Output = Option<Opened>> + Send>> {
        Box::pin(async move {
            let stream = self.accept(stream).await?;
            let vouched = self.vouched(&stream);
            let ended = async move {
                match vouched {
                    None => std::future::pending().await,
                    Some(Ok(vouched)) => vouched.ended().await.to_string(),
                    Some(Err(unreadable)) => unreadable,
                }
            };
            Some(Opened { stream: Box::new(stream), ended: Box::pin(ended) })
        })
    }
}

/// The files among these.
pub(crate) fn files(materials: &[Option<Material>]) -> Vec<PathBuf> {
    materials.iter().flatten().filter_map(Material::file).map(Path::to_owned).collect()
}

/// What the configuration says, with its files read by `read`.
pub(crate) fn settings(config: &ServerConfig, alpn: &[&[u8]], read: &Read<'_>) -> Result<Settings, Wrong> {
    settings_with(config, config.client_ca().as_ref(), alpn, read)
}

fn settings_with(
    config: &ServerConfig,
    client_ca: Option<&Material>,
    alpn: &[&[u8]],
    read: &Read<'_>,
) -> Result<Settings, Wrong> {
    let policy = Policy::of(&config.wishes())?;
    let missing = |key| Wrong::new(key, "it is missing");
    let certificate = config.certificate().ok_or_else(|| missing("cert_file"))?;
    let key = config.key().ok_or_else(|| missing("key_file"))?;
    let builder = rustls::ServerConfig::builder_with_provider(policy.provider.clone())
        .with_protocol_versions(&policy.versions)
        .map_err(|error| Wrong::new("cipher_suites", error.to_string()))?;
    let verifier = client_ca.map(|authorities| verifier(authorities, &policy, read)).transpose()?;
    let builder = match &verifier {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
    };
    let built = builder.with_single_cert(certificate.certificates(read)?, key.private_key(read)?);
    let mut settings = built.map_err(|error| mismatch(&certificate, &key, &error))?;
    settings.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    // Connections live long: a client that comes anew shows its certificate anew, which may have been withdrawn.
    settings.session_storage = Arc::new(NoServerSessionStorage {});
    settings.send_tls13_tickets = 0;
    Ok(Settings { config: Arc::new(settings), verifier })
}

/// Who lets in clients with a certificate of these authorities.
fn verifier(authorities: &Material, policy: &Policy, read: &Read<'_>) -> Result<Arc<dyn ClientCertVerifier>, Wrong> {
    let mut roots = RootCertStore::empty();
    authorities.add_to(&mut roots, read)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), policy.provider.clone()).build();
    verifier.map_err(|error| authorities.wrong(&error.to_string()))
}

/// Why a certificate and a key are not used together.
pub(crate) fn mismatch(certificate: &Material, key: &Material, error: &Error) -> Wrong {
    match error {
        Error::InconsistentKeys(_) => key.wrong("the private key is not the one of the certificate"),
        Error::InvalidCertificate(error) => certificate.wrong(&format!("the certificate cannot be used: {error:?}")),
        error => key.wrong(&format!(
            "the private key cannot be used ({error}): RSA of at least 2048 bits, ECDSA on P-256 or P-384, and Ed25519 \
             are served"
        )),
    }
}

#[cfg(test)]
mod tests;
