//! What a user may write under `tls:`. The keys are the Collector's, for a side that listens and one that connects.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host_config::time::duration;
use host_config::{Secret, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::pem::Material;
use crate::policy::{Policy, Wishes};
use crate::{client, server};

/// Reads a file that a configuration names.
pub type Read<'a> = dyn Fn(&Path) -> io::Result<Vec<u8>> + 'a;

/// How often files are looked at, unless something else was written.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// `tls:` of a receiver, or of whatever else listens. Encryption is on where the key is there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    pub cert_file: PathBuf,
    pub cert_pem: Secret,
    pub key_file: PathBuf,
    pub key_pem: Secret,
    /// The authorities of clients: each has to show a certificate of one of them.
    pub client_ca_file: PathBuf,
    /// Whether that file is watched, too.
    pub client_ca_file_reload: bool,
    /// Taken to be refused: what it does in the Collector is nothing, and not what one may hope for.
    pub ca_file: PathBuf,
    pub ca_pem: Secret,
    pub min_version: String,
    pub max_version: String,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<String>,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub reload_interval: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            cert_file: PathBuf::new(),
            cert_pem: Secret::default(),
            key_file: PathBuf::new(),
            key_pem: Secret::default(),
            client_ca_file: PathBuf::new(),
            client_ca_file_reload: true,
            ca_file: PathBuf::new(),
            ca_pem: Secret::default(),
            min_version: String::new(),
            max_version: String::new(),
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            reload_interval: RELOAD_INTERVAL,
        }
    }
}

/// `tls:` of an exporter, or of whatever else connects.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    /// No encryption, unless an authority is named or the endpoint says `https`.
    pub insecure: bool,
    /// Encryption with whoever answers.
    pub insecure_skip_verify: bool,
    pub ca_file: PathBuf,
    pub ca_pem: Secret,
    pub include_system_ca_certs_pool: bool,
    pub cert_file: PathBuf,
    pub cert_pem: Secret,
    pub key_file: PathBuf,
    pub key_pem: Secret,
    /// Whose certificate is expected, where that is not the endpoint's name.
    pub server_name_override: String,
    pub min_version: String,
    pub max_version: String,
    pub cipher_suites: Vec<String>,
    pub curve_preferences: Vec<String>,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub reload_interval: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        ClientConfig {
            insecure: false,
            insecure_skip_verify: false,
            ca_file: PathBuf::new(),
            ca_pem: Secret::default(),
            include_system_ca_certs_pool: false,
            cert_file: PathBuf::new(),
            cert_pem: Secret::default(),
            key_file: PathBuf::new(),
            key_pem: Secret::default(),
            server_name_override: String::new(),
            min_version: String::new(),
            max_version: String::new(),
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            reload_interval: RELOAD_INTERVAL,
        }
    }
}

impl ServerConfig {
    /// What makes no sense, with keys below `at`.
    pub fn wrongs(&self, at: &str) -> Vec<Wrong> {
        const CLIENTS: &str = "whoever listens does nothing with it: write `client_ca_file` to let in only clients with \
                               a certificate of these authorities, or take it out";
        let mut wrongs = pairs(&self.identity());
        wrongs.extend(Wrong::among([
            (
                "cert_file",
                self.certificate().is_none(),
                "it is missing: whoever listens with `tls` needs a certificate",
            ),
            (
                "key_file",
                self.key().is_none(),
                "it is missing: whoever listens with `tls` needs the key of its certificate",
            ),
            ("ca_file", is_set(&self.ca_file), CLIENTS),
            ("ca_pem", !self.ca_pem.is_empty(), CLIENTS),
        ]));
        wrongs.extend(Policy::of(&self.wishes()).err());
        below(at, wrongs)
    }

    /// What is wrong with the files that it names, which `read` reads.
    pub fn wrongs_in(&self, at: &str, read: &Read<'_>) -> Vec<Wrong> {
        let mut wrongs = unreadable(&[self.certificate(), self.client_ca()], self.key(), read);
        if wrongs.is_empty() {
            wrongs.extend(server::settings(self, &[], read).err());
        }
        below(at, wrongs)
    }

    pub(crate) fn certificate(&self) -> Option<Material> {
        Material::of(("cert_file", &self.cert_file), ("cert_pem", self.cert_pem.as_str()))
    }

    pub(crate) fn key(&self) -> Option<Material> {
        Material::of(("key_file", &self.key_file), ("key_pem", self.key_pem.as_str()))
    }

    pub(crate) fn client_ca(&self) -> Option<Material> {
        Material::of(("client_ca_file", &self.client_ca_file), ("client_ca_file", ""))
    }

    pub(crate) fn wishes(&self) -> Wishes<'_> {
        Wishes {
            min_version: &self.min_version,
            max_version: &self.max_version,
            cipher_suites: &self.cipher_suites,
            curve_preferences: &self.curve_preferences,
        }
    }

    fn identity(&self) -> [(&'static str, &Path, &Secret); 2] {
        [("cert", &self.cert_file, &self.cert_pem), ("key", &self.key_file, &self.key_pem)]
    }

    /// The same, with paths that start from `base`.
    #[must_use]
    pub(crate) fn based(mut self, base: &Path) -> Self {
        for path in [&mut self.cert_file, &mut self.key_file, &mut self.client_ca_file] {
            rebase(path, base);
        }
        self
    }
}

impl ClientConfig {
    /// Data in the clear, as tests and private networks have it.
    pub fn plain() -> Self {
        ClientConfig { insecure: true, ..ClientConfig::default() }
    }

    /// Whether nothing is encrypted; `https` is whether the endpoint says so.
    pub fn is_plain(&self, https: bool) -> bool {
        self.insecure && self.ca().is_none() && !https
    }

    /// What makes no sense, with keys below `at`.
    pub fn wrongs(&self, at: &str) -> Vec<Wrong> {
        let mut wrongs = pairs(&self.identity());
        let (certificate, key) = (self.certificate().is_some(), self.key().is_some());
        wrongs.extend(Wrong::among([
            ("cert_file", !certificate && key, "it is missing: `key_file` needs its certificate beside it"),
            ("key_file", certificate && !key, "it is missing: `cert_file` needs its key beside it"),
        ]));
        wrongs.extend(Policy::of(&self.wishes()).err());
        if !self.server_name_override.is_empty() {
            wrongs.extend(client::name(&self.server_name_override).err());
        }
        below(at, wrongs)
    }

    /// What is wrong with the files that it names, which `read` reads.
    pub fn wrongs_in(&self, at: &str, read: &Read<'_>) -> Vec<Wrong> {
        let mut wrongs = unreadable(&[self.certificate(), self.ca()], self.key(), read);
        if wrongs.is_empty() {
            wrongs.extend(client::identity(self, read).err());
            wrongs.extend(client::authorities(self, read).err());
        }
        below(at, wrongs)
    }

    pub(crate) fn ca(&self) -> Option<Material> {
        Material::of(("ca_file", &self.ca_file), ("ca_pem", self.ca_pem.as_str()))
    }

    pub(crate) fn certificate(&self) -> Option<Material> {
        Material::of(("cert_file", &self.cert_file), ("cert_pem", self.cert_pem.as_str()))
    }

    pub(crate) fn key(&self) -> Option<Material> {
        Material::of(("key_file", &self.key_file), ("key_pem", self.key_pem.as_str()))
    }

    pub(crate) fn wishes(&self) -> Wishes<'_> {
        Wishes {
            min_version: &self.min_version,
            max_version: &self.max_version,
            cipher_suites: &self.cipher_suites,
            curve_preferences: &self.curve_preferences,
        }
    }

    fn identity(&self) -> [(&'static str, &Path, &Secret); 3] {
        [
            ("ca", &self.ca_file, &self.ca_pem),
            ("cert", &self.cert_file, &self.cert_pem),
            ("key", &self.key_file, &self.key_pem),
        ]
    }

    /// The same, with paths that start from `base`.
    #[must_use]
    pub(crate) fn based(mut self, base: &Path) -> Self {
        for path in [&mut self.ca_file, &mut self.cert_file, &mut self.key_file] {
            rebase(path, base);
        }
        self
    }
}

/// What is wrong with each of these certificates and with the key.
fn unreadable(certificates: &[Option<Material>], key: Option<Material>, read: &Read<'_>) -> Vec<Wrong> {
    let certificates = certificates.iter().flatten().filter_map(|material| material.certificates(read).err());
    certificates.chain(key.and_then(|material| material.private_key(read).err())).collect()
}

/// A thing that is given as a file and as text at once.
fn pairs(things: &[(&'static str, &Path, &Secret)]) -> Vec<Wrong> {
    let twice = things.iter().filter(|(_, file, text)| is_set(file) && !text.is_empty());
    let told = |(name, ..): &(&str, _, _)| {
        Wrong::new(format!("{name}_pem"), format!("`{name}_file` is set, too: keep one of the two"))
    };
    twice.map(told).collect()
}

fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

fn rebase(path: &mut PathBuf, base: &Path) {
    if is_set(path) {
        *path = base.join(&*path);
    }
}

/// The same, with keys that start at `at`.
pub(crate) fn below(at: &str, wrongs: impl IntoIterator<Item = Wrong>) -> Vec<Wrong> {
    wrongs.into_iter().map(|Wrong { key, message }| Wrong::new(format!("{at}.{key}"), message)).collect()
}
