//! The cache keeps native code on disk, so that a module is compiled once per host and version.
//!
//! What lies in it is run without further ado, so nothing else may get in: the folder is this user's alone, each file
//! names the SHA-256 of its contents, and a file that does not hold to its name is discarded.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use host_manifest::Digest;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};
use wasmtime::component::Component;

use crate::engine::Engine;

const SUFFIX: &str = ".cwasm";
const SCRATCH: &str = ".tmp-";
/// Nothing is compiled for so long: what is older was left behind by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// Why there is no cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("no folder for native code: set modules.cache, since neither XDG_CACHE_HOME nor HOME is set")]
    Nowhere,
    #[error("the folder for native code {path} cannot be used: {error}; set modules.cache to another")]
    Folder { path: PathBuf, error: io::Error },
    #[error("the folder for native code {path} is open to others: `chmod 700 {path}` or set modules.cache to another")]
    Open { path: PathBuf },
    #[error("the folder for native code {path} belongs to another user: set modules.cache to one of your own")]
    Foreign { path: PathBuf },
    #[error("native code cannot be written to {path}: {error}")]
    Write { path: PathBuf, error: io::Error },
    #[error("native code cannot be loaded: {0:#}")]
    Load(wasmtime::Error),
}

/// Where native code is kept once there is a module: who runs none needs no folder.
pub(crate) struct Place {
    /// Where the configuration names none it is the default one.
    folder: Option<PathBuf>,
    limit: u64,
    opened: OnceLock<Arc<Cache>>,
}

impl Place {
    pub(crate) fn new(folder: Option<PathBuf>, limit: u64) -> Self {
        Place { folder, limit, opened: OnceLock::new() }
    }

    /// The cache, which is opened when it is asked for first.
    pub(crate) fn cache(&self) -> Result<Arc<Cache>, CacheError> {
        if let Some(cache) = self.opened.get() {
            return Ok(Arc::clone(cache));
        }
        let folder = self.folder.clone().map_or_else(Cache::default_folder, Ok)?;
        let cache = Arc::new(Cache::open(folder, self.limit)?);
        Ok(Arc::clone(self.opened.get_or_init(|| cache)))
    }
}

impl From<Cache> for Place {
    fn from(cache: Cache) -> Self {
        Place { folder: Some(cache.folder.clone()), limit: cache.limit, opened: OnceLock::from(Arc::new(cache)) }
    }
}

/// Native code on disk, for one engine.
pub(crate) struct Cache {
    folder: PathBuf,
    limit: u64,
}

impl Cache {
    /// The folder that is used where the configuration names none.
    pub(crate) fn default_folder() -> Result<PathBuf, CacheError> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_CACHE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
            .map(|cache| cache.join("tidegate").join("modules"))
            .ok_or(CacheError::Nowhere)
    }

    /// Opens the folder, and makes it where it is not there.
    pub(crate) fn open(folder: PathBuf, limit: u64) -> Result<Self, CacheError> {
        let fails = |error| CacheError::Folder { path: folder.clone(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(fails)?;
        let metadata = fs::symlink_metadata(&folder).map_err(fails)?;
        if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(CacheError::Foreign { path: folder });
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(CacheError::Open { path: folder });
        }
        sweep(&folder);
        Ok(Cache { folder, limit })
    }

    /// A component on its way to the compiler, and the place where the compiler writes: mode 0600, gone when dropped.
    pub(crate) fn scratch(&self, component: &[u8]) -> Result<(TempPath, TempPath), CacheError> {
        let scratch = || NamedTempFile::with_prefix_in(SCRATCH, &self.folder);
        let write = || {
            let (mut input, output) = (scratch()?, scratch()?);
            input.write_all(component)?;
            Ok((input.into_temp_path(), output.into_temp_path()))
        };
        write().map_err(|error| CacheError::Write { path: self.folder.clone(), error })
    }

    /// The native code of this component, if it was compiled before, is whole and has no more bytes than it may.
    pub(crate) fn get(&self, engine: &Engine, digest: &Digest, most: u64) -> Option<Component> {
        let prefix = key(engine, digest);
        let mut fitting = entries(&self.folder).filter(|entry| entry.size <= most).map(|entry| entry.path);
        let path = fitting.find(|path| named(path, &prefix))?;
        match load(engine, &path) {
            Ok(component) => {
                touch(&path);
                Some(component)
            }
            Err(reason) => {
                tracing::warn!(path = %path.display(), reason, "native code was discarded and is compiled anew");
                // Where it cannot be removed it is found wanting again, and compiled again: slow, and safe.
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Takes in what the child wrote, and loads it.
    pub(crate) fn put(&self, engine: &Engine, digest: &Digest, native: TempPath) -> Result<Component, CacheError> {
        let fails = |error| CacheError::Write { path: self.folder.clone(), error };
        let sum = sum(&native).map_err(fails)?;
        let path = self.folder.join(format!("{}-{sum}{SUFFIX}", key(engine, digest)));
        File::open(&native).and_then(|file| file.sync_all()).map_err(fails)?;
        native.persist(&path).map_err(|error| fails(error.error))?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(fails)?;
        self.evict(&path);
        deserialize(engine, &path).map_err(CacheError::Load)
    }

    /// Removes what was not used for longest, until the rest fits; never `keep`.
    fn evict(&self, keep: &Path) {
        let mut entries: Vec<Entry> = entries(&self.folder).collect();
        entries.sort_by_key(|entry| entry.used);
        let mut total: u64 = entries.iter().map(|entry| entry.size).sum();
        for entry in entries {
            if total <= self.limit {
                return;
            }
            if entry.path != keep && fs::remove_file(&entry.path).is_ok() {
                total -= entry.size;
            }
        }
    }
}

struct Entry {
    path: PathBuf,
    size: u64,
    used: SystemTime,
}

fn entries(folder: &Path) -> impl Iterator<Item = Entry> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let path = entry.path();
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let native = path.file_name()?.to_str()?.ends_with(SUFFIX);
        native.then(|| Entry {
            path,
            size: metadata.len(),
            used: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        })
    })
}

/// Removes what processes left behind that were killed while they compiled.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_scratch = entry.file_name().to_str().is_some_and(|name| name.starts_with(SCRATCH));
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        if is_scratch && age.is_some_and(|age| age > ABANDONED) {
            // Where it cannot be removed it lies on: no more than disk.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The component, and what the engine and the CPU must be.
fn key(engine: &Engine, digest: &Digest) -> String {
    format!("{digest}-{:016x}", engine.compatibility())
}

fn named(path: &Path, prefix: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(prefix))
}

fn sum(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut chunk) = (File::open(path)?, Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(host_manifest::hex(&hasher.finalize())),
            read => hasher.update(&chunk[..read]),
        }
    }
}

fn load(engine: &Engine, path: &Path) -> Result<Component, String> {
    let sum = sum(path).map_err(|error| error.to_string())?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.ends_with(&format!("-{sum}{SUFFIX}")) {
        return Err("its contents are not what was written".to_owned());
    }
    deserialize(engine, path).map_err(|error| format!("{error:#}"))
}

/// Moves the file to the end of the queue for eviction; where that fails it is evicted earlier, no more.
fn touch(path: &Path) {
    let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

fn deserialize(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file must be what `precompile_component` wrote, and must not change while it is mapped. It lies in a
    // folder that `Cache::open` found to be this user's and closed to all others, so only this user's processes can have
    // put it there or change it, and those could as well write into this process's memory. It got there by a rename
    // after the child had written it, its SHA-256 is the one in its name, and it is replaced by rename or removed, never
    // written in place: the mapping outlives both. wasmtime checks by itself that version, settings and CPU fit.
    #[expect(unsafe_code, reason = "native code of this host's own making is the one thing that is loaded unchecked")]
    unsafe {
        Component::deserialize_file(engine.wasmtime(), path)
    }
}

#[cfg(test)]
mod tests;
