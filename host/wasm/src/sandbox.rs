//! The sandbox is all of this for one section `modules`: built from the configuration, asked for processors, made ready,
//! drained. A process has one, and two while a changed section takes over.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use host_component::{ComponentId, Consumer, PipelineId, Shutdown, Trigger};
use host_config::{Check, Wrong};
use host_projection::Grants;
use host_quarantine::OpenError;
use host_telemetry::Metrics;

use crate::Bundled;
use crate::bound::{Bound, Mould, Tender};
use crate::cache::{CacheError, Place};
use crate::cluster::Clusters;
use crate::compile::Compiler;
use crate::config::{IfMissing, Limits, ModuleSource, ModulesConfig, ModulesLimits, ProcessorConfig};
use crate::engine::{Ceilings, Engine, EngineError};
use crate::guest::{Guest, Policy, Stand};
use crate::loader::{self, LoadError, Loader, Parts};
use crate::loading::Loading;
use crate::pool::Pool;
use crate::processor::{Guests, Processor};
use crate::quarantine::Ward;
use crate::roll::Roll;
use crate::shelf::Shelf;
use crate::source::{Places, Source, SourceError};
use crate::standing::Watch;
use crate::status::Status;
use crate::store;

/// The most time that a batch may be given.
const LONGEST: Duration = Duration::from_secs(3600);
/// Instances that there may be where nobody says how many: as many as have room in the memory that they may have together, where
/// each is small. One that is not there takes address space and nothing else.
const INSTANCES: u32 = 1024;

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the sandbox cannot start its threads: {0}")]
    Threads(#[from] std::io::Error),
    #[error("the sandbox cannot link its host functions: {0:#}")]
    Link(wasmtime::Error),
    #[error("modules.quarantine.path: {0}")]
    Quarantine(#[from] OpenError),
    #[error("modules.{}: {}", .0.key, .0.message)]
    Wrong(Wrong),
    #[error("modules.limits.{0} is 0: nothing could run")]
    Zero(&'static str),
    #[error("modules.limits.timeout is {0:?}, more than an hour: no batch may hold a thread for so long")]
    Timeout(Duration),
    #[error(
        "modules.limits.instances is {instances}, less than one for each of the {threads} threads of both lanes and one to load the next \
         module with"
    )]
    Instances { instances: u32, threads: usize },
}

/// Why a processor cannot be built from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("limits.memory_mib is {asked}, more than modules.limits.memory_mib: {ceiling}")]
    Memory { asked: u32, ceiling: u32 },
    #[error("limits.{0} is 0: nothing could run")]
    Zero(&'static str),
    #[error("limits.output_mib is {asked}, more than modules.limits.output_mib: {ceiling}")]
    Output { asked: u32, ceiling: u32 },
    #[error("limits.timeout is {asked:?}, more than modules.limits.timeout: {ceiling:?}")]
    Timeout { asked: Duration, ceiling: Duration },
    #[error("{}: {}", .0.key, .0.message)]
    Wrong(Wrong),
    #[error("`source: kubernetes` needs the section `modules.kubernetes`, which says where modules are pushed to")]
    NoShelf,
}

/// A processor whose module could not be loaded at start.
#[derive(Debug, thiserror::Error)]
#[error("{processor} in {pipeline}: module {module}: {error}")]
pub struct NotReady {
    pub processor: ComponentId,
    pub pipeline: PipelineId,
    pub module: String,
    pub error: LoadError,
}

/// The program that compiles modules, and its arguments before `--input` and `--output`.
#[derive(Clone, Debug)]
pub struct Compile {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

impl Default for Compile {
    /// This program again: the link leads to it even after its file was replaced.
    fn default() -> Self {
        Compile { program: PathBuf::from("/proc/self/exe"), arguments: vec!["compile".into()] }
    }
}

/// What is to be loaded, and watched from then on.
enum Waiting {
    One(Box<Loading>),
    Pushed(Tender),
}

/// Engine, pool, cache and generations of one section `modules`.
pub struct Sandbox {
    config: ModulesConfig,
    bundled: &'static [Bundled],
    base: PathBuf,
    metrics: Metrics,
    clusters: Arc<Clusters>,
    loader: Arc<Loader>,
    pool: Pool,
    quarantine: Option<Arc<Ward>>,
    waiting: Mutex<Vec<Waiting>>,
    roll: Arc<Roll>,
    shelf: Arc<Shelf>,
    /// Instances that do nothing are given up, from when it is ready first.
    retiring: Once,
    trigger: Trigger,
    shutdown: Shutdown,
}

impl Sandbox {
    /// Makes the engine and starts the threads. `base` is the folder that relative paths start from.
    ///
    /// # Errors
    /// What the machine does not provide.
    pub fn start(
        config: ModulesConfig,
        bundled: &'static [Bundled],
        metrics: Metrics,
        base: PathBuf,
    ) -> Result<Arc<Self>, StartError> {
        Self::start_with(config, bundled, metrics, base, Compile::default())
    }

    /// The same, with another program to compile modules.
    ///
    /// # Errors
    /// What the machine does not provide.
    pub fn start_with(
        config: ModulesConfig,
        bundled: &'static [Bundled],
        metrics: Metrics,
        base: PathBuf,
        compile: Compile,
    ) -> Result<Arc<Self>, StartError> {
        let limits = &config.limits;
        let threads =
            limits.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        let engine = Engine::new(ceilings(limits, threads)?)?;
        let folder = config.cache.as_ref().map(|folder| base.join(folder));
        let quarantine = open_quarantine(&config, &base, &metrics)?;
        let pool = Pool::start(threads)?;
        let loader = Loader::new(Parts {
            linker: store::linker(&engine).map_err(StartError::Link)?,
            engine,
            compiler: Compiler::new(compile.program, compile.arguments, limits.compile_timeout),
            cache: Place::new(folder, limits.cache_mib.saturating_mul(1 << 20)),
            grants: grants(&config, bundled),
            pushed_grants: grants(&config, &[]),
            ceilings: loader::Ceilings::of(limits),
            metrics: metrics.clone(),
        });
        let (trigger, shutdown) = Trigger::new();
        let (loader, clusters) = (Arc::new(loader), Arc::default());
        let (waiting, roll) = (Mutex::default(), Arc::default());
        Ok(Arc::new(Sandbox {
            config,
            bundled,
            base,
            metrics,
            clusters,
            loader,
            pool,
            quarantine,
            waiting,
            roll,
            shelf: Arc::default(),
            retiring: Once::new(),
            trigger,
            shutdown,
        }))
    }

    /// A processor that hands on to `next`. It refuses everything until [`Sandbox::ready`] has loaded its module.
    ///
    /// # Errors
    /// What in the configuration cannot work, whatever the module says.
    pub fn processor(
        &self,
        id: ComponentId,
        pipeline: PipelineId,
        config: ProcessorConfig,
        routes: &[String],
        next: Arc<dyn Consumer>,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        check(&config, &self.config.limits)?;
        self.loader.cache()?;
        let metadata = self.config.metadata_of(&config);
        let places = Places {
            base: &self.base,
            folder: self.config.folder.as_deref(),
            bundled: self.bundled,
            may_be_missing: config.if_missing() != IfMissing::Fail,
        };
        let watch = Watch {
            window: config.rollback.window,
            error_percent: config.rollback.error_percent.into(),
            p99: config.rollback.p99.unwrap_or(config.limits.timeout),
        };
        let policy = Policy {
            failure: config.failure_policy,
            if_missing: config.if_missing(),
            watch,
            is_pushed: config.source == ModuleSource::Kubernetes,
            quarantine: self.quarantine.clone(),
        };
        let mould = |module: &str| {
            let (module, routes) = (module.to_owned(), routes.to_vec());
            let (metrics, clusters) = (self.metrics.clone(), Arc::clone(&self.clusters));
            Mould { stand: Stand { id, pipeline, module, policy, routes }, metrics, clusters }
        };
        let (guests, alone, waiting) = match config.source {
            ModuleSource::Local => {
                let source = Source::new(&config.module, config.config, config.config_file.as_deref(), &places)?;
                let guest = Arc::new(mould(source.name()).guest(None, &Arc::default()));
                let before = self.roll.enter(&guest);
                let loading = Loading::new(Arc::clone(&guest), source, config.limits, before, None);
                let alone = Arc::clone(guest.alone());
                (Guests::One(guest), alone, Waiting::One(Box::new(loading)))
            }
            ModuleSource::Kubernetes if !self.config.has_shelf => return Err(BuildError::NoShelf),
            ModuleSource::Kubernetes => {
                self.shelf.want(&config.module);
                let bound = Bound::new(mould(&config.module), &self.roll, &self.shelf);
                let (shelf, roll) = (Arc::clone(&self.shelf), Arc::clone(&self.roll));
                let tender = Tender::new(Arc::clone(&bound), shelf, roll, config.limits);
                let alone = Arc::clone(bound.alone());
                (Guests::Bound(bound), alone, Waiting::Pushed(tender))
            }
        };
        let queue = self.pool.queue(self.config.limits.queue, alone);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
        Ok(Arc::new(Processor::new(guests, metadata, self.pool.clone(), queue, next)))
    }

    /// Why it is not ready: each processor that refuses what comes since its module is missing, with the module's name.
    pub fn unready(&self) -> Vec<String> {
        let guests = self.roll.guests();
        let refusing = guests.iter().filter(|guest| guest.refuses_all());
        refusing
            .map(|guest| format!("{} in {}: the module {} is not loaded", guest.id, guest.pipeline, guest.module))
            .collect()
    }

    /// What an operator may know of each processor that is in use.
    pub fn status(&self) -> Vec<Status> {
        let guests = self.roll.guests();
        guests.iter().filter(|guest| !guest.has_others_in_its_place()).map(|guest| Status::of(guest)).collect()
    }

    /// Loads the modules of all processors that were made, and watches their files from then on.
    ///
    /// # Errors
    /// Each processor whose module cannot be loaded, with the reason.
    pub async fn ready(&self) -> Result<(), Vec<NotReady>> {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let (mut loaded, mut failures) = (Vec::new(), Vec::new());
        for waiting in waiting {
            let mut loading = match waiting {
                Waiting::One(loading) => loading,
                Waiting::Pushed(mut tender) => {
                    tender.load(&self.loader).await;
                    loaded.push(Waiting::Pushed(tender));
                    continue;
                }
            };
            match loading.load(&self.loader).await {
                Ok(()) => loaded.push(Waiting::One(loading)),
                Err(error) if error.is_missing() && loading.may_start_without() => {
                    loaded.push(Waiting::One(loading));
                }
                Err(error) => failures.push(not_ready(loading.guest(), error)),
            }
        }
        if !failures.is_empty() {
            return Err(failures);
        }
        // The last one that got ready was the one that the others have waited for.
        for loaded in &mut loaded {
            if let Waiting::Pushed(tender) = loaded {
                tender.settle();
            }
        }
        self.retiring.call_once(|| {
            let retiring = Arc::clone(&self.loader).retire_idle(self.shutdown.clone());
            host_component::spawn("retire idle instances", "modules", retiring);
        });
        for loaded in loaded {
            let (loader, shutdown) = (Arc::clone(&self.loader), self.shutdown.clone());
            match loaded {
                Waiting::One(loading) => {
                    let owner = loading.guest().id.to_string();
                    host_component::spawn("watch module", &owner, loading.watch(loader, shutdown));
                }
                Waiting::Pushed(tender) => {
                    host_component::spawn("watch pushed module", &tender.owner(), tender.watch(loader, shutdown));
                }
            }
        }
        Ok(())
    }

    /// Where modules are put that come from somewhere else than a file.
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// How many processors are of a module that comes from the shelf.
    pub fn processors_of(&self, module: &str) -> usize {
        self.shelf.processors_of(module)
    }

    /// Ends when it is drained.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Forgets the processors that were made since it was ready last: what they were made for came to nothing.
    pub fn forget(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Loads nothing more, does what is queued, and ends the threads. What is still queued after `patience` is given back
    /// undone, so that a module that takes its time for each batch does not hold up the end.
    pub async fn drain(&self, patience: Duration) {
        self.trigger.fire();
        let pool = self.pool.clone();
        let mut drained = tokio::task::spawn_blocking(move || pool.drain());
        if tokio::time::timeout(patience, &mut drained).await.is_err() {
            self.pool.discard();
            // The pool catches the panics of its jobs, and draining has none of its own.
            let _ = drained.await;
        }
    }
}

impl Drop for Sandbox {
    /// A sandbox that never came into force was not drained: its threads end when they have done what is queued.
    fn drop(&mut self) {
        self.pool.close();
    }
}

fn open_quarantine(config: &ModulesConfig, base: &Path, metrics: &Metrics) -> Result<Option<Arc<Ward>>, StartError> {
    if let Some(wrong) = config.wrongs().into_iter().next() {
        return Err(StartError::Wrong(wrong));
    }
    Ok(Ward::open(&config.quarantine, base, metrics)?.map(Arc::new))
}

fn not_ready(guest: &Guest, error: LoadError) -> NotReady {
    let (processor, pipeline, module) = (guest.id.clone(), guest.pipeline.clone(), guest.module.clone());
    NotReady { processor, pipeline, module, error }
}

/// What the operator grants, and what the bundled modules come with where nothing is said of them.
fn grants(config: &ModulesConfig, bundled: &[Bundled]) -> BTreeMap<String, Grants> {
    let bundled = bundled.iter().map(|module| (module.name.to_owned(), module.grants()));
    bundled.chain(config.grants.iter().map(|(name, grants)| (name.clone(), grants.clone().into()))).collect()
}

/// What is fixed at start, as far as it makes sense.
pub(crate) fn ceilings(limits: &ModulesLimits, threads: usize) -> Result<Ceilings, StartError> {
    let zero = [
        ("threads", threads == 0),
        ("memory_mib", limits.memory_mib == 0),
        ("total_memory_mib", limits.total_memory_mib == 0),
        ("timeout", limits.timeout.is_zero()),
        ("output_mib", limits.output_mib == 0),
        ("component_mib", limits.component_mib == 0),
        ("native_mib", limits.native_mib == 0),
        ("queue", limits.queue == 0),
        ("compile_timeout", limits.compile_timeout.is_zero()),
    ];
    if let Some((name, _)) = zero.into_iter().find(|(_, zero)| *zero) {
        return Err(StartError::Zero(name));
    }
    if limits.timeout > LONGEST {
        return Err(StartError::Timeout(limits.timeout));
    }
    // There are two lanes of them.
    let threads = threads.saturating_mul(2);
    let per_thread = u32::try_from(threads).unwrap_or(u32::MAX);
    let instances = limits.instances.unwrap_or_else(|| per_thread.saturating_mul(2).max(INSTANCES));
    if instances <= per_thread {
        return Err(StartError::Instances { instances, threads });
    }
    let mib = |mib: u32| mib as usize * (1 << 20);
    let (memory_bytes, total_memory_bytes) = (mib(limits.memory_mib), mib(limits.total_memory_mib));
    Ok(Ceilings { instances, memory_bytes, total_memory_bytes })
}

fn check(config: &ProcessorConfig, ceilings: &ModulesLimits) -> Result<(), BuildError> {
    let Limits { memory_mib, timeout, output_mib } = config.limits;
    if memory_mib > ceilings.memory_mib {
        return Err(BuildError::Memory { asked: memory_mib, ceiling: ceilings.memory_mib });
    }
    if timeout > ceilings.timeout {
        return Err(BuildError::Timeout { asked: timeout, ceiling: ceilings.timeout });
    }
    if output_mib > ceilings.output_mib {
        return Err(BuildError::Output { asked: output_mib, ceiling: ceilings.output_mib });
    }
    if let Some(wrong) = config.wrongs().into_iter().next() {
        return Err(BuildError::Wrong(wrong));
    }
    let zero = [("memory_mib", memory_mib == 0), ("timeout", timeout.is_zero()), ("output_mib", output_mib == 0)];
    match zero.into_iter().find(|(_, zero)| *zero) {
        Some((name, _)) => Err(BuildError::Zero(name)),
        None => Ok(()),
    }
}
