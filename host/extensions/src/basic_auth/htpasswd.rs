//! Users and their passwords, as `htpasswd` writes them: one a line, hashed with bcrypt or as they are.
//!
//! Hashes that are quick to guess, which the Collector takes, are refused by name and not taken for passwords.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::{Mutex, PoisonError};

use host_config::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Beginnings of hashes that are not served.
const WEAK: [(&str, &str); 6] = [
    ("$apr1$", "MD5"),
    ("$1$", "MD5"),
    ("$5$", "SHA-256 crypt"),
    ("$6$", "SHA-512 crypt"),
    ("{SHA}", "SHA-1"),
    ("{SSHA}", "SHA-1"),
];

/// Who is let in.
#[derive(Default)]
pub(crate) struct Users {
    passwords: HashMap<String, Password>,
    /// Of the last right password of each user: to check one against a slow hash once is enough.
    seen: Mutex<HashMap<String, [u8; 32]>>,
}

enum Password {
    Plain(Secret),
    Bcrypt(String),
}

/// What is known of a password without long thought.
pub(crate) enum Verdict {
    Right,
    Wrong,
    /// This hash tells, and takes its time.
    Hash(String),
}

impl Users {
    /// Takes the users of a text; one that is there already gets the password that is written here.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), String> {
        let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let (name, password) = line
                .split_once(':')
                .ok_or_else(|| format!("line {number} has no colon: `name:password` is expected"))?;
            if name.is_empty() || password.is_empty() {
                return Err(format!("line {number} has an empty name or password, which would let in anybody"));
            }
            self.passwords.insert(name.to_owned(), Password::of(number, password)?);
        }
        Ok(())
    }

    pub(crate) fn check(&self, name: &str, password: &[u8]) -> Verdict {
        match self.passwords.get(name) {
            None => Verdict::Wrong,
            Some(Password::Plain(known)) if known.as_str().as_bytes().ct_eq(password).into() => Verdict::Right,
            Some(Password::Plain(_)) => Verdict::Wrong,
            Some(Password::Bcrypt(hash)) => {
                let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                match seen.get(name) {
                    Some(digest) if digest[..].ct_eq(&self::digest(password)).into() => Verdict::Right,
                    _ => Verdict::Hash(hash.clone()),
                }
            }
        }
    }

    /// Remembers that this was right.
    pub(crate) fn remember(&self, name: &str, password: &[u8]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(name.to_owned(), digest(password));
    }
}

impl Password {
    fn of(number: usize, text: &str) -> Result<Self, String> {
        if let Some((_, kind)) = WEAK.iter().find(|(beginning, _)| text.starts_with(beginning)) {
            return Err(format!(
                "line {number} has a hash with {kind}, which is not served: write it anew with `htpasswd -B`"
            ));
        }
        let is_bcrypt = ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|beginning| text.starts_with(beginning));
        if !is_bcrypt {
            return Ok(Password::Plain(Secret::new(text)));
        }
        match bcrypt::HashParts::from_str(text) {
            Ok(_) => Ok(Password::Bcrypt(text.to_owned())),
            Err(error) => Err(format!("line {number} has a bcrypt hash that is damaged: {error}")),
        }
    }
}

fn digest(password: &[u8]) -> [u8; 32] {
    Sha256::digest(password).into()
}
