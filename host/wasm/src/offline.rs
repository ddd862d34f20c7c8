//! The workbench is the sandbox of those who write modules: one module at a time, on the thread that asks, with neither pool
//! nor pipeline nor watch.
//!
//! A module is read, inspected, compiled, configured and self-tested by the same code as at a start, and refused with the same
//! words. The same limits hold, and nothing more is linked. What it logs and counts is kept for the asker.

mod trial;

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use host_config::watched::Watched;
use host_manifest::Digest;
use host_otlp::Signal;
use host_telemetry::Metrics;
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::Bundled;
use crate::bindings::ProcessorPre;
use crate::cache::{Cache, CacheError};
use crate::compile::Compiler;
use crate::config::{Limits, ModulesLimits};
use crate::engine::Engine;
use crate::inspect::{self, Facts};
use crate::loader::{self, LoadError, Loader, Parts, Request};
use crate::sandbox::{Compile, StartError, ceilings};
use crate::source::{self, Fetched, Places, Source, SourceError};
use crate::store::{self, State};

pub use trial::{BatchContext, Part, Processed, Trial, TrialError, Wanted};

/// Reads what a plan reads and answers without an edit: what is left is the cost of the way there and back.
const IDLE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/idle.wasm"));
/// Not a thread of a pool, but who asks.
const THREADS: usize = 1;

/// Where native code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeCode {
    /// From the folder that collectors of this user keep theirs in, if there is one and it was compiled before.
    Kept,
    /// Compiled for this once, whoever has done it before.
    Anew,
}

/// An engine, and what makes components ready for it.
pub struct Workbench {
    loader: Loader,
    /// Native code that nobody else is to have; gone with the workbench.
    _folder: Option<TempDir>,
}

/// A component that the engine could run.
pub struct Opened {
    name: String,
    digest: Digest,
    facts: Facts,
    native_bytes: u64,
    made_ready: Duration,
    engine: Engine,
    component: Arc<ProcessorPre<State>>,
}

impl Workbench {
    /// Makes the engine. Modules are compiled by this program, in a process with limits.
    ///
    /// # Errors
    /// What the machine does not provide.
    pub fn start(native: NativeCode) -> Result<Self, StartError> {
        Self::start_with(native, Compile::default())
    }

    /// The same, with another program to compile modules.
    ///
    /// # Errors
    /// What the machine does not provide.
    pub fn start_with(native: NativeCode, compile: Compile) -> Result<Self, StartError> {
        let limits = ModulesLimits::default();
        let engine = Engine::new(ceilings(&limits, THREADS)?)?;
        let size = limits.cache_mib.saturating_mul(1 << 20);
        // What cannot be kept is made again: where a folder is missing, read only or not fit, that is all that it costs.
        let kept = match native {
            NativeCode::Kept => Cache::default_folder().and_then(|folder| Cache::open(folder, size)).ok(),
            NativeCode::Anew => None,
        };
        let (cache, folder) = match kept {
            Some(cache) => (cache, None),
            None => {
                let folder = scratch()?;
                (Cache::open(folder.path().to_path_buf(), size)?, Some(folder))
            }
        };
        let loader = Loader::new(Parts {
            linker: store::linker(&engine).map_err(StartError::Link)?,
            engine,
            compiler: Compiler::new(compile.program, compile.arguments, limits.compile_timeout),
            cache: cache.into(),
            grants: BTreeMap::new(),
            pushed_grants: BTreeMap::new(),
            ceilings: loader::Ceilings::of(&limits),
            metrics: Metrics::new(),
        });
        Ok(Workbench { loader, _folder: folder })
    }

    /// Reads a module, which is one of `bundled` or a file, and makes it ready.
    ///
    /// # Errors
    /// What a start would say of it.
    pub async fn open(&self, module: &str, bundled: &[Bundled]) -> Result<Opened, LoadError> {
        let places = Places { base: Path::new(""), folder: None, bundled, may_be_missing: false };
        let mut source = Source::new(module, None, None, &places)?;
        let Fetched { component, .. } = source.fetch(self.loader.component_limit())?;
        self.ready(source.name(), component).await
    }

    /// A module that answers each batch without an edit.
    ///
    /// # Errors
    /// Where it cannot be compiled.
    pub async fn idle(&self) -> Result<Opened, LoadError> {
        self.ready("idle", Bytes::from_static(IDLE)).await
    }

    async fn ready(&self, name: &str, component: Bytes) -> Result<Opened, LoadError> {
        let facts = inspect::inspect(&component, self.loader.component_limit())?;
        let fetched = Fetched { component, config: String::new(), edition: None };
        let request = Request::new(name.to_owned(), Signal::Logs, Limits::default(), fetched);
        let started = Instant::now();
        let native = self.loader.component(&request).await?;
        let made_ready = started.elapsed();
        let image = native.image_range();
        Ok(Opened {
            name: name.to_owned(),
            digest: request.identity.digest,
            facts,
            native_bytes: (image.end.addr() - image.start.addr()) as u64,
            made_ready,
            engine: self.loader.engine().clone(),
            component: Arc::new(self.loader.linked(&native)?),
        })
    }
}

impl Opened {
    /// What grants go by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the component, in hex.
    pub fn digest(&self) -> String {
        self.digest.to_string()
    }

    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The size of what was compiled.
    pub fn native_bytes(&self) -> u64 {
        self.native_bytes
    }

    /// How long it took to have it compiled, or found.
    pub fn made_ready(&self) -> Duration {
        self.made_ready
    }
}

/// The configuration in a file of YAML or JSON, as modules get it.
///
/// # Errors
/// As a start would say it.
pub fn configuration(file: Option<&Path>) -> Result<String, SourceError> {
    match file {
        None => Ok(host_manifest::canonical(&Value::Object(Map::new()))),
        Some(file) => source::config_of(&mut Watched::new(file.to_path_buf())),
    }
}

/// A folder that is gone with the workbench.
fn scratch() -> Result<TempDir, StartError> {
    // What the umask would leave open is closed, as that of the kept folder is.
    let private = Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(private).tempdir().map_err(|error| {
        let path = std::env::temp_dir();
        StartError::Cache(CacheError::Folder { path, error })
    })
}
