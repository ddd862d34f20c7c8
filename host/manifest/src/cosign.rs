//! Private keys as `cosign generate-key-pair` and `cosign import-key-pair` write them: PKCS #8 under a password, by scrypt and NaCl's
//! secretbox (XSalsa20 and Poly1305), in JSON in PEM. What is public of one is read first, and a password opens it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, XSalsa20Poly1305};
use p256::pkcs8::der::pem;
use scrypt::Params;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{KeyError, SigningKey};

/// The labels in PEM: today's, and the one of before cosign 2.
const LABELS: [&str; 2] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];
const KEY: usize = 32;
const NONCE: usize = XSalsa20Poly1305::NONCE_SIZE;
const TAG: usize = XSalsa20Poly1305::TAG_SIZE;

/// A private key that nobody has given the password for yet.
pub struct CosignKey {
    effort: Params,
    salt: Vec<u8>,
    nonce: [u8; NONCE],
    sealed: Vec<u8>,
}

impl CosignKey {
    /// Whether this is to be one, sound or not.
    pub(crate) fn is_one(text: &str) -> bool {
        start(text).is_some()
    }

    /// Reads one in PEM, up to what is encrypted.
    ///
    /// # Errors
    /// It is none, or is encrypted by other means than cosign's.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let at = start(text).ok_or_else(|| broken(format!("there is no `-----BEGIN {}-----`", LABELS[0])))?;
        let (_, json) = pem::decode_vec(text[at..].trim().as_bytes()).map_err(broken)?;
        let written: Written = serde_json::from_slice(&json).map_err(broken)?;
        for (is, known) in [(&written.kdf.name, "scrypt"), (&written.cipher.name, "nacl/secretbox")] {
            if is != known {
                return Err(broken(format!("it is encrypted by `{is}`, not by `{known}`")));
            }
        }
        let bytes =
            |name: &str, text: &str| STANDARD.decode(text).map_err(|error| broken(format!("its {name}: {error}")));
        let nonce = bytes("nonce", &written.cipher.nonce)?;
        let nonce = nonce
            .try_into()
            .map_err(|nonce: Vec<u8>| broken(format!("its nonce has {} bytes of {NONCE}", nonce.len())))?;
        let sealed = bytes("ciphertext", &written.ciphertext)?;
        if sealed.len() < TAG {
            return Err(broken(format!("its ciphertext has {} bytes, fewer than the {TAG} of its tag", sealed.len())));
        }
        Ok(Self { effort: written.kdf.params.effort()?, salt: bytes("salt", &written.kdf.salt)?, nonce, sealed })
    }

    /// The key itself. That takes up to 128 MiB of memory and some tenths of a second, as cosign wants it to.
    ///
    /// # Errors
    /// The password is another one, or what is encrypted is no key that we sign with.
    pub fn open(&self, password: &[u8]) -> Result<SigningKey, KeyError> {
        let mut key = Zeroizing::new([0; KEY]);
        scrypt::scrypt(password, &self.salt, &self.effort, key.as_mut_slice()).map_err(broken)?;
        let mut opened = Zeroizing::new(self.sealed.clone());
        let opening = XSalsa20Poly1305::new((&*key).into());
        let tried = opening.decrypt_in_place((&self.nonce).into(), b"", &mut *opened);
        tried.map_err(|_| KeyError::Password)?;
        SigningKey::from_pkcs8(&opened).map_err(KeyError::Inside)
    }
}

/// Where the PEM begins.
fn start(text: &str) -> Option<usize> {
    LABELS.iter().find_map(|label| text.find(&format!("-----BEGIN {label}-----")))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`, which gives what it has")]
fn broken(problem: impl ToString) -> KeyError {
    KeyError::Cosign(problem.to_string())
}

/// What stands in the PEM.
#[derive(Deserialize)]
struct Written {
    kdf: Derivation,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Derivation {
    name: String,
    params: Effort,
    salt: String,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

#[derive(Deserialize)]
struct Effort {
    #[serde(rename = "N")]
    n: u64,
    r: u64,
    p: u64,
}

impl Effort {
    /// Only what cosign itself writes and takes: whoever writes the file would else say how much memory and time we spend.
    fn effort(&self) -> Result<Params, KeyError> {
        let log_n = match (self.n, self.r, self.p) {
            (0x8000, 8, 1) => 15,
            (0x1_0000, 8, 1) => 16,
            (0x2_0000, 8, 1) => 17,
            (n, r, p) => return Err(KeyError::Effort { n, r, p }),
        };
        Params::new(log_n, 8, 1, KEY).map_err(broken)
    }
}
