//! Signatures over the bytes of a manifest, as `cosign sign-blob --key` makes and `cosign verify-blob --key` checks them: ECDSA
//! with P-256 over SHA-256, the signature in DER and that in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _, LineEnding};

use crate::cosign::CosignKey;

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is no public key for ECDSA with P-256 in PEM (`-----BEGIN PUBLIC KEY-----`): {0}")]
    Public(String),
    #[error(
        "it is no private key for ECDSA with P-256 in PEM: {0}; `openssl ecparam -genkey -name prime256v1 -noout | openssl pkcs8 -topk8 -nocrypt` makes one"
    )]
    Private(String),
    #[error(
        "it is encrypted by other means than cosign's, which is not read here: `openssl pkcs8 -topk8 -nocrypt -in FILE` takes the encryption off, and `cosign import-key-pair` puts cosign's on what that writes"
    )]
    Encrypted,
    #[error(
        "it is to be a key that cosign has encrypted, and cannot be read: {0}; take it anew from where it was made, or make another with `cosign generate-key-pair`"
    )]
    Cosign(String),
    #[error(
        "its encryption wants scrypt with N={n}, r={r} and p={p}, and cosign's has an N of 32768, 65536 or 131072, r=8 and p=1: take it anew from where it was made, or make another with `cosign generate-key-pair`"
    )]
    Effort { n: u64, r: u64, p: u64 },
    #[error("the password is not the one that it is encrypted with, or what is encrypted has been changed")]
    Password,
    #[error(
        "what is encrypted in it is no private key for ECDSA with P-256: {0}; `cosign generate-key-pair` makes one"
    )]
    Inside(String),
}

/// Why a manifest is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    #[error("it is not signed")]
    Unsigned,
    #[error("none of its signatures is by one of the keys that are trusted, or what was signed has been changed")]
    Wrong,
}

/// The keys of those who may sign.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys(Vec<VerifyingKey>);

impl PublicKeys {
    /// Adds a key in PEM.
    ///
    /// # Errors
    /// When it is none.
    pub fn add(&mut self, pem: &str) -> Result<(), KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(|error| KeyError::Public(error.to_string()))?;
        self.0.push(key);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the signatures, each on a line of its own, is by one of the keys.
    ///
    /// # Errors
    /// When none is.
    pub fn verify(&self, signed: &[u8], signatures: &str) -> Result<(), TrustError> {
        let mut lines = signatures.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        if lines.peek().is_none() {
            return Err(TrustError::Unsigned);
        }
        let read = lines.filter_map(|line| Signature::from_der(&STANDARD.decode(line).ok()?).ok());
        let is_by_one = |signature: Signature| self.0.iter().any(|key| key.verify(signed, &signature).is_ok());
        if read.into_iter().any(is_by_one) { Ok(()) } else { Err(TrustError::Wrong) }
    }
}

/// What a file with a private key has in it.
pub enum PrivateKey {
    Open(SigningKey),
    /// It takes a password to have the key.
    Sealed(CosignKey),
}

impl PrivateKey {
    /// Reads a private key in PEM: in PKCS #8, as OpenSSL writes those of elliptic curves, or as cosign encrypts them.
    ///
    /// # Errors
    /// When it is none, or is encrypted by other means than cosign's.
    pub fn read(pem: &str) -> Result<Self, KeyError> {
        if CosignKey::is_one(pem) {
            return CosignKey::read(pem).map(PrivateKey::Sealed);
        }
        if pem.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        // What `openssl ecparam -genkey` writes has the parameters of the curve before the key.
        let pem = pem.find("-----BEGIN EC PRIVATE KEY-----").and_then(|at| pem.get(at..)).unwrap_or(pem).trim();
        let key = match pem.starts_with("-----BEGIN EC PRIVATE KEY-----") {
            true => p256::SecretKey::from_sec1_pem(pem).map(p256::ecdsa::SigningKey::from).map_err(|e| e.to_string()),
            false => p256::ecdsa::SigningKey::from_pkcs8_pem(pem).map_err(|error| error.to_string()),
        };
        key.map(|key| PrivateKey::Open(SigningKey(key))).map_err(KeyError::Private)
    }
}

/// A key to sign with.
pub struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    /// Reads a private key in PKCS #8.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, String> {
        p256::ecdsa::SigningKey::from_pkcs8_der(der).map(SigningKey).map_err(|error| error.to_string())
    }

    /// The signature, as it stands in a file or beside a manifest.
    pub fn sign(&self, bytes: &[u8]) -> String {
        let signature: Signature = self.0.sign(bytes);
        STANDARD.encode(signature.to_der())
    }

    /// The public key that belongs to it, as the only one that is trusted.
    pub fn public_keys(&self) -> PublicKeys {
        PublicKeys(vec![*self.0.verifying_key()])
    }

    /// The public key that belongs to it, in PEM.
    ///
    /// # Errors
    /// When it has no form, which no key should make it.
    pub fn public(&self) -> Result<String, KeyError> {
        let key = self.0.verifying_key().to_public_key_pem(LineEnding::LF);
        key.map_err(|error| KeyError::Public(error.to_string()))
    }
}
