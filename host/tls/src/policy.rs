//! What two sides may agree on: protocol versions, cipher suites and curves, by the names that the Collector has for them.

use std::sync::Arc;

use host_config::{Wrong, nearest};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::{CipherSuite, ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion, version};

/// Suites of TLS 1.3, which are always on, as in Go; then those of TLS 1.2 that are served, each with its name in Go.
const SUITES: [(&str, CipherSuite); 9] = [
    ("TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// The curves that are served.
fn known_curves() -> [(&'static str, &'static dyn SupportedKxGroup); 3] {
    [("X25519", ring::kx_group::X25519), ("P256", ring::kx_group::SECP256R1), ("P384", ring::kx_group::SECP384R1)]
}

/// What was written about it; empty is the default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes<'a> {
    pub(crate) min_version: &'a str,
    pub(crate) max_version: &'a str,
    pub(crate) cipher_suites: &'a [String],
    pub(crate) curve_preferences: &'a [String],
}

/// What the two sides may agree on.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
}

impl Policy {
    pub(crate) fn of(wishes: &Wishes<'_>) -> Result<Policy, Wrong> {
        let min = version_of("min_version", wishes.min_version)?.unwrap_or(ProtocolVersion::TLSv1_2);
        let max = version_of("max_version", wishes.max_version)?.unwrap_or(ProtocolVersion::TLSv1_3);
        let versions: Vec<_> = [&version::TLS13, &version::TLS12]
            .into_iter()
            .filter(|version| (u16::from(min)..=u16::from(max)).contains(&u16::from(version.version)))
            .collect();
        if versions.is_empty() {
            return Err(Wrong::new("max_version", "it is lower than min_version"));
        }
        let mut provider = ring::default_provider();
        if !wishes.cipher_suites.is_empty() {
            let wanted = suites(wishes.cipher_suites)?;
            let is_1_3 = |suite: &SupportedCipherSuite| suite.version().version == ProtocolVersion::TLSv1_3;
            provider.cipher_suites.retain(|suite| is_1_3(suite) || wanted.contains(&suite.suite()));
        }
        let is_usable = |suite: &SupportedCipherSuite| versions.iter().any(|version| *version == suite.version());
        if !provider.cipher_suites.iter().any(is_usable) {
            return Err(Wrong::new(
                "cipher_suites",
                "none of these belongs to a version between min_version and max_version",
            ));
        }
        if !wishes.curve_preferences.is_empty() {
            provider.kx_groups = curves(wishes.curve_preferences)?;
        }
        Ok(Policy { provider: Arc::new(provider), versions })
    }
}

fn version_of(key: &str, name: &str) -> Result<Option<ProtocolVersion>, Wrong> {
    match name {
        "" => Ok(None),
        "1.2" => Ok(Some(ProtocolVersion::TLSv1_2)),
        "1.3" => Ok(Some(ProtocolVersion::TLSv1_3)),
        "1.0" | "1.1" => Err(Wrong::new(
            key,
            format!(
                "TLS {name} is broken and is not served: write \"1.2\", or leave the key out; peers that know \
                     nothing newer need a proxy in between"
            ),
        )),
        other => Err(Wrong::new(key, format!("{other:?} is no version of TLS: \"1.2\" and \"1.3\" are served"))),
    }
}

fn suites(names: &[String]) -> Result<Vec<CipherSuite>, Wrong> {
    let find = |name: &String| {
        let found = SUITES.iter().find(|(known, _)| known == name).map(|(_, suite)| *suite);
        found.ok_or_else(|| {
            Wrong::new("cipher_suites", unknown(name, "cipher suite", SUITES.iter().map(|(known, _)| *known)))
        })
    };
    names.iter().map(find).collect()
}

fn curves(names: &[String]) -> Result<Vec<&'static dyn SupportedKxGroup>, Wrong> {
    let curves = known_curves();
    let find = |name: &String| {
        let found = curves.iter().find(|(known, _)| known == name).map(|(_, curve)| *curve);
        found.ok_or_else(|| {
            Wrong::new("curve_preferences", unknown(name, "curve", curves.iter().map(|(known, _)| *known)))
        })
    };
    names.iter().map(find).collect()
}

fn unknown<'a>(name: &str, what: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let near = nearest(name, known.clone()).map(|near| format!("; did you mean `{near}`?"));
    let all: Vec<&str> = known.collect();
    format!("the {what} `{name}` is not served{}: there are {}", near.unwrap_or_default(), all.join(", "))
}
