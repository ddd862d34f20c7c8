//! Which values are secrets: by their keys, since a module's own configuration has no types.

use super::REDACTED;
use crate::node::{Data, Node};

/// Parts of the names of keys that hold a secret.
const SECRET: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "cookie",
    "api_key",
    "apikey",
    "private_key",
    "hmac_key",
    "key_pem",
];

/// Endings of names that say where a secret is kept, or for how long.
const ABOUT_SECRETS: [&str; 7] = ["_file", "_path", "_url", "_name", "_id", "_type", "_lifetime"];

/// Keys that hold a secret below another.
const BELOW: [(&str, &str); 3] = [("hash", "key"), ("api", "key"), ("htpasswd", "inline")];

/// Keys below which everything may be a secret.
const WHOLE: [&str; 3] = ["headers", "headers_list", "endpoint_params"];

/// What is hidden at one place of a tree.
#[derive(Clone, Copy, Default)]
pub(super) struct Veil<'a> {
    is_lifted: bool,
    hides: bool,
    parent: &'a str,
}

impl<'a> Veil<'a> {
    /// Hides nothing.
    pub(super) fn lifted() -> Self {
        Veil { is_lifted: true, ..Veil::default() }
    }

    /// At the value of `key`.
    pub(super) fn below(self, key: &'a str) -> Self {
        let hides = self.hides || is_secret(self.parent, key);
        Veil { hides, parent: key, ..self }
    }

    /// Whether this is hidden as a whole: what came from elsewhere as one text may be a secret that looks like a mapping, a
    /// list or a word of YAML.
    pub(super) fn hides_all_of(self, node: &Node) -> bool {
        self.hides && !self.is_lifted && node.original.as_ref().is_some_and(|text| !text.is_empty())
    }

    /// A text without the users and passwords that stand in the URLs in it.
    pub(super) fn without_passwords(self, text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, url)) = rest.split_once("://").filter(|_| !self.is_lifted) {
            out.extend([before, "://"]);
            let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
            let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
            out.push_str(if user.is_empty() { "" } else { REDACTED });
            rest = &url[user.len()..];
        }
        out + rest
    }

    /// Whether this scalar is hidden: a switch is no secret, and neither is nothing.
    pub(super) fn hides(self, node: &Node) -> bool {
        let is_something = !matches!(node.data, Data::Null | Data::Bool(..)) && node.text() != Some("");
        self.hides && !self.is_lifted && is_something
    }
}

fn is_secret(parent: &str, key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let is_about = ABOUT_SECRETS.iter().any(|ending| key.ends_with(ending));
    WHOLE.contains(&key.as_str())
        || BELOW.contains(&(parent, key.as_str()))
        || (!is_about && SECRET.iter().any(|part| key.contains(part)))
}
