//! What a host has of pushed modules on disk: of each head the revision that it has seen, what was good last and what was taken
//! after that; and the components of these. A file takes the place of another as a whole.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use host_manifest::{Digest, Manifest};
use serde::{Deserialize, Serialize};

use crate::objects::Signed;

/// What is known of a head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) head: String,
    pub(crate) module: String,
    /// The highest revision that was seen and trusted, and the digest of its manifest.
    pub(crate) seen: u64,
    #[serde(default)]
    pub(crate) seen_manifest: String,
    /// The digest of the manifest that was taken back last: it is not taken again.
    #[serde(default)]
    pub(crate) rolled_back: String,
    pub(crate) good: Option<Kept>,
    /// What was good before that, for when it is taken back.
    #[serde(default)]
    pub(crate) before: Option<Kept>,
    /// What was taken after that, while nobody knows yet what comes of it, or where that was nothing good.
    pub(crate) newest: Option<Kept>,
}

impl Record {
    /// What was taken is live, and so good; whether that is news.
    pub(crate) fn proves(&mut self, taken: Option<&Kept>) -> bool {
        if self.newest.as_ref() == taken {
            self.newest = None;
        }
        // It may have been taken back before, by a processor that is gone, or under other limits.
        let was_taken_back = taken.is_some_and(|taken| taken.digest() == self.rolled_back);
        if was_taken_back {
            self.rolled_back.clear();
        }
        if taken.is_none() || self.good.as_ref() == taken {
            return was_taken_back;
        }
        self.before = std::mem::replace(&mut self.good, taken.cloned());
        true
    }

    /// What was taken was good, and is not; whether that is news.
    pub(crate) fn takes_back(&mut self, taken: Option<&Kept>) -> bool {
        if self.good.as_ref() != taken || self.before.is_none() {
            return false;
        }
        self.newest = std::mem::replace(&mut self.good, self.before.take());
        true
    }
}

/// A manifest with its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    manifest: String,
    signatures: String,
}

impl Kept {
    /// The manifest, which was looked at when it was taken.
    pub(crate) fn manifest(&self) -> Option<Manifest> {
        Manifest::read(self.manifest.as_bytes()).ok()
    }

    /// The digest of the manifest.
    pub(crate) fn digest(&self) -> String {
        Digest::of(self.manifest.as_bytes()).to_string()
    }
}

impl From<Signed> for Kept {
    fn from(Signed { manifest, signatures }: Signed) -> Self {
        Kept { manifest, signatures }
    }
}

impl From<Kept> for Signed {
    fn from(Kept { manifest, signatures }: Kept) -> Self {
        Signed { manifest, signatures }
    }
}

pub(crate) struct Store {
    heads: PathBuf,
    components: PathBuf,
}

impl Store {
    /// Opens the folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where that cannot be used.
    pub(crate) fn open(folder: &Path) -> io::Result<Store> {
        let store = Store { heads: folder.join("heads"), components: folder.join("components") };
        for made in [&store.heads, &store.components] {
            DirBuilder::new().recursive(true).mode(0o700).create(made)?;
        }
        Ok(store)
    }

    /// All heads that are known. What cannot be read is told, and is as if it was not there.
    pub(crate) fn records(&self) -> io::Result<Vec<Record>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.heads)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let read =
                fs::read(&path).and_then(|bytes| serde_json::from_slice::<Record>(&bytes).map_err(io::Error::other));
            match read {
                Ok(record) => records.push(record),
                Err(error) => {
                    tracing::error!(path = %path.display(), %error, "what is kept of a pushed module cannot be read: it is taken for one that was never seen");
                }
            }
        }
        records.sort_by(|a, b| (&a.head, &a.module).cmp(&(&b.head, &b.module)));
        Ok(records)
    }

    pub(crate) fn write(&self, record: &Record) -> io::Result<()> {
        let bytes = serde_json::to_vec_pretty(record)?;
        // No name of a module has an `@`, or a `.`; a head may have been of several, each with what was seen of it.
        replace(&self.heads, &format!("{}@{}.json", record.module, record.head), &bytes)
    }

    /// Where the component of this digest lies, or would.
    pub(crate) fn component(&self, digest: Digest) -> PathBuf {
        self.components.join(format!("{digest}.wasm"))
    }

    /// Whether the component is there, and is what it is named by.
    pub(crate) fn has(&self, digest: Digest) -> bool {
        fs::read(self.component(digest)).is_ok_and(|bytes| Digest::of(&bytes) == digest)
    }

    pub(crate) fn keep(&self, digest: Digest, component: &[u8]) -> io::Result<()> {
        replace(&self.components, &format!("{digest}.wasm"), component)
    }

    /// Removes the components that no head is known by.
    pub(crate) fn prune(&self, records: &[&Record]) -> io::Result<()> {
        let kept = records.iter().flat_map(|record| [&record.good, &record.before, &record.newest]).flatten();
        let named = kept.filter_map(Kept::manifest);
        let named: BTreeSet<PathBuf> = named.map(|manifest| self.component(manifest.component.digest)).collect();
        for entry in fs::read_dir(&self.components)? {
            let path = entry?.path();
            if !named.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// Has a file with this content, or the one before it, whatever happens.
fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
