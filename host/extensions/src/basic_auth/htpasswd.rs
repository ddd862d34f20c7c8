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
    /// The slowest hash: whoever is wrong in another way than by it waits for it all the same, so that the time that an
    /// answer takes does not tell who is on the list.
    decoy: Option<Decoy>,
    /// Of the last right password of each user: to check one against a slow hash once is enough.
    seen: Mutex<HashMap<String, [u8; 32]>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Decoy {
    cost: u32,
    hash: String,
}

enum Password {
    Plain(Secret),
    Bcrypt { hash: String, cost: u32 },
}

/// What is known of a password without long thought.
pub(crate) enum Verdict {
    Right,
    Wrong,
    /// This hash tells, and takes its time.
    Hash(String),
    /// It is wrong, which is to be told after the time that this hash takes.
    Decoy(String),
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
            let password = Password::of(number, password)?;
            self.decoy = self.decoy.take().max(password.decoy());
            self.passwords.insert(name.to_owned(), password);
        }
        Ok(())
    }

    pub(crate) fn check(&self, name: &str, password: &[u8]) -> Verdict {
        match self.passwords.get(name) {
            Some(Password::Plain(known)) if known.as_str().as_bytes().ct_eq(password).into() => Verdict::Right,
            None | Some(Password::Plain(_)) => match &self.decoy {
                None => Verdict::Wrong,
                Some(decoy) => Verdict::Decoy(decoy.hash.clone()),
            },
            Some(Password::Bcrypt { hash, .. }) => {
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
            return match scheme(text) {
                None => Ok(Password::Plain(Secret::new(text))),
                Some(kind) => Err(format!(
                    "line {number} has a hash of the kind `{kind}`, which is not served, or a password in the clear that \
                     begins as a hash does: write it anew with `htpasswd -B`"
                )),
            };
        }
        match bcrypt::HashParts::from_str(text) {
            Ok(parts) => Ok(Password::Bcrypt { hash: text.to_owned(), cost: parts.get_cost() }),
            Err(error) => Err(format!("line {number} has a bcrypt hash that is damaged: {error}")),
        }
    }

    fn decoy(&self) -> Option<Decoy> {
        match self {
            Password::Plain(_) => None,
            Password::Bcrypt { hash, cost } => Some(Decoy { cost: *cost, hash: hash.clone() }),
        }
    }
}

/// What a text that looks like a hash says of its kind: `$argon2id$…`, `{SSHA256}…`. Were it taken for a password, whoever
/// has read the list could come in with it.
fn scheme(text: &str) -> Option<&str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    [('$', '$'), ('{', '}')].iter().find_map(|(open, close)| {
        let (kind, _) = text.strip_prefix(*open)?.split_once(*close)?;
        (!kind.is_empty() && kind.chars().all(is_name)).then(|| &text[..kind.len() + 2])
    })
}

fn digest(password: &[u8]) -> [u8; 32] {
    Sha256::digest(password).into()
}
