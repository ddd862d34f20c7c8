//! An authority, and the certificates that it issues to tests.

use host_config::Secret;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key.
    pub(crate) fn issue(&self, params: &CertificateParams) -> (Secret, Secret) {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (Secret::new(certificate.pem()), Secret::new(key.serialize_pem()))
    }

    /// The same for a name alone.
    pub(crate) fn issue_to(&self, name: &str) -> (Secret, Secret) {
        self.issue(&CertificateParams::new(vec![name.to_owned()]).unwrap())
    }
}
