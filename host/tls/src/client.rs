//! The side that connects: it knows whose certificate it expects, and whose word it takes for that.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use host_config::Wrong;
use host_telemetry::Metrics;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, TlsStream};

use crate::config::{ClientConfig, Read, below};
use crate::fresh::{Fresh, Watch, read};
use crate::policy::Policy;
use crate::server::{files, mismatch};
use crate::stream::Stream;

/// Whom to connect to, and for whom.
pub struct Target<'a> {
    /// The component, as the log and metrics name it.
    pub owner: &'a str,
    /// The key of the configuration that the section stands behind.
    pub key: &'a str,
    /// The name or address of the peer.
    pub host: &'a str,
    /// Whether the endpoint asks for encryption by its scheme.
    pub https: bool,
    /// The protocols that are spoken, as ALPN names them, the best first.
    pub alpn: &'static [&'static [u8]],
    /// The folder that paths start from.
    pub base: &'a Path,
}

/// Makes encrypted streams of connections to one peer. Cloning shares it.
#[derive(Clone)]
pub struct Connector {
    settings: Fresh<rustls::ClientConfig>,
    name: ServerName<'static>,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ClientConfig {
    /// Reads what it names; nothing where data goes in the clear.
    ///
    /// # Errors
    /// When a value makes no sense, or a file cannot be read or used.
    pub fn build(self, target: &Target<'_>, metrics: &Metrics) -> Result<Option<Connector>, Wrong> {
        let Target { owner, key, host, https, alpn, base } = *target;
        if self.is_plain(https) {
            return Ok(None);
        }
        let wrong = |wrong: Wrong| below(key, [wrong]).remove(0);
        let config = self.based(base);
        let name = match config.server_name_override.as_str() {
            "" => ServerName::try_from(host.to_owned())
                .map_err(|_| Wrong::new("endpoint", format!("{host:?} is no name that a certificate could have")))?,
            other => name(other).map_err(wrong)?,
        };
        if config.insecure_skip_verify {
            tracing::warn!(component = owner, "insecure_skip_verify: whoever answers is taken for the peer");
        }
        let files = files(&[config.ca(), config.certificate(), config.key()]);
        let watch = Watch { owner: owner.to_owned(), what: "tls", files, interval: config.reload_interval };
        let settings = Fresh::new(watch, metrics, move || settings(&config, alpn, &read)).map_err(wrong)?;
        Ok(Some(Connector { settings, name }))
    }
}

impl Connector {
    /// The same for another peer, by its name or address: for whoever connects to many, found one after another.
    ///
    /// # Errors
    /// When it is no name that a certificate could have.
    pub fn to(&self, host: &str) -> io::Result<Connector> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::other(format!("{host:?} is no name that a certificate could have")))?;
        Ok(Connector { settings: self.settings.clone(), name })
    }

    /// Shakes hands on a connection.
    ///
    /// # Errors
    /// When the peer is not who it should be, does not want us, or speaks no TLS.
    pub async fn connect(&self, stream: TcpStream) -> io::Result<Stream> {
        let settings = self.settings.get().await;
        let connected = TlsConnector::from(settings).connect(self.name.clone(), stream).await;
        connected.map(|stream| Stream::Tls(Box::new(TlsStream::Client(stream)))).map_err(|error| explained(&error))
    }
}

/// Says what to do about an error that says only what happened.
fn explained(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let hint = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(_)) if text.contains("UnknownIssuer") => {
            "; the peer's certificate is of no authority that is trusted: name its authority in `ca_file`"
        }
        Some(Error::InvalidCertificate(_)) if text.contains("CaUsedAsEndEntity") => {
            "; the peer's certificate is that of an authority: have it issue one for the server"
        }
        Some(Error::InvalidMessage(_)) => {
            "; the peer speaks no TLS: set `insecure: true` where that is as it should be"
        }
        _ => "",
    };
    io::Error::new(error.kind(), format!("the TLS handshake failed: {text}{hint}"))
}

/// A name as a certificate has it.
pub(crate) fn name(text: &str) -> Result<ServerName<'static>, Wrong> {
    ServerName::try_from(text.to_owned())
        .map_err(|_| Wrong::new("server_name_override", format!("{text:?} is neither a DNS name nor an IP address")))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate to show, with its key; checked to belong together.
pub(crate) fn identity(config: &ClientConfig, read: &Read<'_>) -> Result<Option<Identity>, Wrong> {
    let (Some(certificate), Some(key)) = (config.certificate(), config.key()) else { return Ok(None) };
    let (chain, private) = (certificate.certificates(read)?, key.private_key(read)?);
    let provider = Policy::of(&config.wishes())?.provider;
    let trial = rustls::sign::CertifiedKey::from_der(chain.clone(), private.clone_key(), &provider);
    trial.map_err(|error| mismatch(&certificate, &key, &error))?;
    Ok(Some((chain, private)))
}

/// Those who are named in the configuration; none where it names nobody, and the system's are meant.
pub(crate) fn authorities(config: &ClientConfig, read: &Read<'_>) -> Result<Option<RootCertStore>, Wrong> {
    let Some(ca) = config.ca() else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    ca.add_to(&mut roots, read)?;
    Ok(Some(roots))
}

fn settings(config: &ClientConfig, alpn: &[&[u8]], read: &Read<'_>) -> Result<rustls::ClientConfig, Wrong> {
    let policy = Policy::of(&config.wishes())?;
    let builder = rustls::ClientConfig::builder_with_provider(policy.provider.clone())
        .with_protocol_versions(&policy.versions)
        .map_err(|error| Wrong::new("cipher_suites", error.to_string()))?;
    let builder = if config.insecure_skip_verify {
        // What it names is to be in order all the same.
        authorities(config, read)?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(policy.provider.clone())))
    } else {
        let roots = trusted(config, read)?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), policy.provider.clone()).build();
        builder.with_webpki_verifier(verifier.map_err(|error| Wrong::new("ca_file", error.to_string()))?)
    };
    let mut settings = match identity(config, read)? {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            builder.with_client_auth_cert(chain, key).map_err(|error| Wrong::new("key_file", error.to_string()))?
        }
    };
    settings.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    // Connections live long: a new one is verified anew.
    settings.resumption = Resumption::disabled();
    Ok(settings)
}

/// All whose word is taken.
fn trusted(config: &ClientConfig, read: &Read<'_>) -> Result<RootCertStore, Wrong> {
    let named = authorities(config, read)?;
    if let (Some(named), false) = (&named, config.include_system_ca_certs_pool) {
        return Ok(named.clone());
    }
    let mut roots = named.unwrap_or_else(RootCertStore::empty);
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a part of the system's authorities cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let message = "this system has no authorities (such as the package ca-certificates has): name one in \
                       `ca_file`, or set `insecure: true` to send in the clear";
        return Err(Wrong::new("ca_file", message));
    }
    Ok(roots)
}

/// Takes anybody for the peer, as `insecure_skip_verify` says; that it holds the key of its certificate is checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
