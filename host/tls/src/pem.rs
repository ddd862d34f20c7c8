//! Certificates and keys as they lie in files: PEM, with errors that say what is wrong with which of them.

use std::io;
use std::path::{Path, PathBuf};

use host_config::Wrong;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Read;

/// A piece of PEM, and the key of the configuration that it stands behind.
#[derive(Clone)]
pub(crate) struct Material {
    key: &'static str,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Inline(Vec<u8>),
    File(PathBuf),
}

impl Material {
    /// What `file` names, or `text` says; none where both are empty.
    pub(crate) fn of(
        (file_key, file): (&'static str, &Path),
        (text_key, text): (&'static str, &str),
    ) -> Option<Material> {
        if !file.as_os_str().is_empty() {
            return Some(Material { key: file_key, place: Place::File(file.to_owned()) });
        }
        (!text.is_empty()).then(|| Material { key: text_key, place: Place::Inline(text.as_bytes().to_owned()) })
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Inline(_) => None,
            Place::File(path) => Some(path),
        }
    }

    /// The same content, wherever its file goes.
    pub(crate) fn pinned(&self, read: &Read<'_>) -> Result<Material, Wrong> {
        Ok(Material { key: self.key, place: Place::Inline(self.content(read)?) })
    }

    pub(crate) fn wrong(&self, message: &str) -> Wrong {
        match &self.place {
            Place::Inline(_) => Wrong::new(self.key, message),
            Place::File(path) => Wrong::new(self.key, format!("{}: {message}", path.display())),
        }
    }

    fn content(&self, read: &Read<'_>) -> Result<Vec<u8>, Wrong> {
        match &self.place {
            Place::Inline(content) => Ok(content.clone()),
            Place::File(path) => {
                read(path).map_err(|error: io::Error| self.wrong(&format!("the file cannot be read: {error}")))
            }
        }
    }

    /// The certificates in it, of which there is one at least.
    pub(crate) fn certificates(&self, read: &Read<'_>) -> Result<Vec<CertificateDer<'static>>, Wrong> {
        let content = self.content(read)?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
        let found = found.map_err(|error| self.wrong(&format!("its PEM is damaged: {error}")))?;
        if found.is_empty() {
            return Err(self.wrong("there is no certificate in it: PEM with `BEGIN CERTIFICATE` is expected"));
        }
        Ok(found)
    }

    /// The private key in it.
    pub(crate) fn private_key(&self, read: &Read<'_>) -> Result<PrivateKeyDer<'static>, Wrong> {
        let content = self.content(read)?;
        let has = |mark: &str| content.windows(mark.len()).any(|part| part == mark.as_bytes());
        if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
            return Err(self.wrong("the private key is encrypted: decrypt it, for example with `openssl pkey`"));
        }
        PrivateKeyDer::from_pem_slice(&content).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => {
                self.wrong("there is no private key in it: PEM with `BEGIN PRIVATE KEY` is expected")
            }
            error => self.wrong(&format!("its PEM is damaged: {error}")),
        })
    }

    /// Adds the certificates in it to those that are trusted.
    pub(crate) fn add_to(&self, roots: &mut RootCertStore, read: &Read<'_>) -> Result<(), Wrong> {
        let (added, ignored) = roots.add_parsable_certificates(self.certificates(read)?);
        match (added, ignored) {
            (0, _) => Err(self.wrong("none of its certificates can be understood")),
            (_, 0) => Ok(()),
            (_, ignored) => {
                tracing::warn!(key = self.key, ignored, "some of the authorities cannot be understood");
                Ok(())
            }
        }
    }
}
