//! A digest is the SHA-256 of what a module or a configuration is: its identity.

use std::fmt;

use sha2::{Digest, Sha256};

/// SHA-256 of a component or of a canonical configuration.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ModuleDigest([u8; 32]);

impl ModuleDigest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        ModuleDigest(Sha256::digest(bytes).into())
    }

    /// The first twelve digits: enough for people.
    pub(crate) fn short(&self) -> String {
        hex(&self.0[..6])
    }
}

impl fmt::Display for ModuleDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ModuleDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
