//! The sandbox: engine, module store, guest pool and generations. The only crate that sees wasmtime.
//!
//! [`Sandbox::start`] makes it, [`Sandbox::processor`] gives the pipeline a consumer for each `wasm` processor, and
//! [`Sandbox::ready`] loads their modules. From then on files are watched: a change makes a new generation, which takes
//! over at a batch boundary when it has passed all tests, and is given up for the one before it when it fails on data
//! that the other processes.
//!
//! A [`Workbench`] runs one module with nothing around it, for those who write it.

mod bindings;
mod bisect;
mod bound;
mod breaker;
mod budget;
mod cache;
mod cluster;
mod compile;
mod config;
mod engine;
mod generation;
mod guest;
mod inspect;
mod instance;
mod loader;
mod loading;
mod meeting;
mod meters;
mod offline;
mod pool;
mod processor;
mod quarantine;
mod roll;
mod room;
mod sandbox;
mod selftest;
mod shelf;
mod source;
mod standing;
mod status;
mod store;
mod throttle;
mod voice;

use host_projection::Grants;

pub use cache::CacheError;
pub use compile::{CompileError, compile_main};
pub use config::{
    FailurePolicy, GrantsConfig, IfMissing, Limits, ModuleSource, ModulesConfig, ModulesLimits, ProcessorConfig,
    QuarantineConfig, RollbackConfig,
};
pub use engine::EngineError;
pub use inspect::{Facts, InspectError, Producer};
pub use loader::LoadError;
pub use meeting::Standing;
pub use offline::{
    BatchContext, NativeCode, Opened, Part, Processed, Trial, TrialError, Wanted, Workbench, configuration,
};
pub use sandbox::{BuildError, Compile, NotReady, Sandbox, StartError};
pub use shelf::{Edition, Pushed, Shelf};
pub use source::SourceError;
pub use status::Status;
pub use voice::{Said, Severity};

/// A module that the binary carries.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    pub name: &'static str,
    pub component: &'static [u8],
    /// What it may read and write where the configuration does not say; to log and to count is always among it.
    pub reads: &'static [&'static str],
    pub writes: &'static [&'static str],
}

impl Bundled {
    fn grants(&self) -> Grants {
        let owned = |paths: &[&str]| -> Vec<String> { paths.iter().map(|path| (*path).to_owned()).collect() };
        Grants { reads: owned(self.reads), writes: [owned(self.writes), owned(&instance::SAYS)].concat() }
    }
}
