//! A mask is what takes a match's place: four stars, or a hash of it.

use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use sha3::Sha3_256;
use tidegate_sdk::Error;

use crate::config::Config;

/// What takes a match's place.
pub(crate) enum Mask {
    Stars,
    Md5,
    Sha1,
    Sha3,
    HmacSha256(Hmac<Sha256>),
    HmacSha512(Hmac<Sha512>),
}

pub(crate) const STARS: &str = "****";

impl Mask {
    pub(crate) fn new(config: &Config) -> Result<Mask, Error> {
        let key = config.hmac_key.as_bytes();
        let keyed = |least: usize| match key.len() {
            0 => Err(Error::at("hmac_key", "is missing; the hash function needs a secret")),
            len if len < least => {
                let problem = ["has to be at least ", &least.to_string(), " bytes long"].concat();
                Err(Error::at("hmac_key", &problem))
            }
            _ => Ok(key),
        };
        let takes_any = "HMAC takes keys of any length";
        Ok(match config.hash_function.to_ascii_lowercase().as_str() {
            "" => Mask::Stars,
            "md5" => Mask::Md5,
            "sha1" => Mask::Sha1,
            "sha3" => Mask::Sha3,
            "hmac-sha256" => Mask::HmacSha256(Hmac::new_from_slice(keyed(32)?).expect(takes_any)),
            "hmac-sha512" => Mask::HmacSha512(Hmac::new_from_slice(keyed(64)?).expect(takes_any)),
            _ => return Err(Error::at("hash_function", "is none of md5, sha1, sha3, hmac-sha256 and hmac-sha512")),
        })
    }

    /// What takes the place of `text`.
    pub(crate) fn of(&self, text: &str) -> String {
        let text = text.as_bytes();
        match self {
            Mask::Stars => STARS.to_owned(),
            Mask::Md5 => hex(&Md5::digest(text)),
            Mask::Sha1 => hex(&Sha1::digest(text)),
            Mask::Sha3 => hex(&Sha3_256::digest(text)),
            Mask::HmacSha256(keyed) => hex(&keyed.clone().chain_update(text).finalize().into_bytes()),
            Mask::HmacSha512(keyed) => hex(&keyed.clone().chain_update(text).finalize().into_bytes()),
        }
    }

    /// Characters of which masks consist.
    pub(crate) fn characters(&self) -> &'static [u8] {
        match self {
            Mask::Stars => b"*",
            _ => b"0123456789abcdef",
        }
    }

    /// A whole text masked, line by line: the Collector replaces what `.*` matches.
    pub(crate) fn all(&self, text: &str) -> String {
        let mut masked = String::new();
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                masked.push('\n');
            }
            masked.push_str(&self.of(line));
        }
        masked
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
