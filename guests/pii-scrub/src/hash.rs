//! Keyed hashes: values of which only equality is left.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use tidegate_sdk::{Edits, Error, Text};

use crate::config::HashConfig;

/// HMAC-SHA-256 under the configuration's key, cut to its length.
pub(crate) struct Hasher {
    /// Keyed once, then copied for each value.
    keyed: Hmac<Sha256>,
    length: usize,
}

/// Bytes of the shortest key: what cannot be guessed.
const KEY: usize = 16;

impl Hasher {
    pub(crate) fn new(config: &HashConfig) -> Result<Hasher, Error> {
        if config.key.len() < KEY {
            return Err(Error::at(
                "hash.key",
                "is shorter than 16 bytes, so that hashes could be turned back by trying",
            ));
        }
        if !(8..=64).contains(&config.length) {
            return Err(Error::at("hash.length", "has to be from 8 to 64 digits"));
        }
        let keyed = Hmac::new_from_slice(config.key.as_bytes()).expect("HMAC takes keys of any length");
        Ok(Hasher { keyed, length: config.length })
    }

    /// Puts the hash by as lower-case hexadecimal digits.
    pub(crate) fn hash(&self, value: &[u8], edits: &mut Edits) -> Text {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let hash = self.keyed.clone().chain_update(value).finalize().into_bytes();
        let mut text = String::with_capacity(64);
        for byte in hash {
            text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        edits.text(&text[..self.length])
    }
}
