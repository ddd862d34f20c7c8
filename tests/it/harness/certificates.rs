//! Certificates for the tests: authorities, and what they issue.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The name in every certificate of a server here.
pub(crate) const HUB: &str = "hub.test";

/// Somebody whose word is taken for who others are.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its private key, as PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Identity {
    /// Both in one file.
    pub(crate) fn bundle(&self) -> String {
        format!("{}{}", self.certificate, self.key)
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate of this name that is valid today.
    pub(crate) fn issue(&self, name: &str) -> Identity {
        self.issue_between(name, 2000, 2099)
    }

    /// A certificate of this SPIFFE ID that is valid until then.
    pub(crate) fn issue_spiffe(&self, id: &str, until: SystemTime) -> Identity {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(SanType::URI(Ia5String::try_from(id).unwrap()));
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = until.into();
        self.sign(&params)
    }

    /// A certificate of this name that was valid once.
    pub(crate) fn expired(&self, name: &str) -> Identity {
        self.issue_between(name, 2000, 2001)
    }

    /// A certificate of this name that will be valid one day.
    pub(crate) fn not_yet_valid(&self, name: &str) -> Identity {
        self.issue_between(name, 2098, 2099)
    }

    /// A connection to a hub whose certificate it has issued, on which one of these protocols is spoken.
    pub(crate) async fn connect(&self, address: SocketAddr, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        self.connect_as(None, address, protocols).await
    }

    /// The same for somebody who shows who it is.
    pub(crate) async fn connect_as(
        &self,
        identity: Option<&Identity>,
        address: SocketAddr,
        protocols: &[&[u8]],
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder().with_root_certificates(roots);
        let mut settings = match identity {
            None => builder.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        };
        settings.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let plain = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::new(settings)).connect(ServerName::try_from(HUB).unwrap(), plain).await.unwrap()
    }

    fn issue_between(&self, name: &str, first: i32, last: i32) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(first, 1, 1);
        params.not_after = date_time_ymd(last, 1, 1);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}
