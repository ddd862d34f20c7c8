//! The loader makes generations: inspect, compile, instantiate, configure, check the plan, try it on a batch of its own.
//! Whatever fails, what runs is not touched.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use host_component::{Origin, Shutdown};
use host_manifest::{Digest, Fields};
use host_otlp::Signal;
use host_projection::{Grants, Plan, PlanError, Projector};
use host_telemetry::Metrics;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::sleep;
use wasmtime::component::{Component, Linker};

use crate::bindings::ProcessorPre;
use crate::budget::Budget;
use crate::cache::{Cache, CacheError, Place};
use crate::compile::{CompileError, Compiler};
use crate::config::{Limits, ModulesLimits};
use crate::engine::Engine;
use crate::generation::{BatchError, Generation, Identity, uses};
use crate::inspect::{self, InspectError};
use crate::instance::{CallError, Context, Instance, START_FACTOR, Template};
use crate::selftest;
use crate::shelf::Edition;
use crate::source::{Fetched, SourceError};
use crate::store::State;
use crate::voice::Voice;

/// Instances that did nothing for so long, or up to twice that, are given up.
const IDLE: Duration = Duration::from_secs(300);

/// Why a module was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Cache(#[from] CacheError),
    #[error("the module has {bytes} bytes of native code, more than the limit of {limit} (modules.limits.native_mib)")]
    Native { bytes: u64, limit: u64 },
    #[error("the module does not fit the world tidegate:processor/processor: {0:#}")]
    World(wasmtime::Error),
    #[error("the module cannot be configured: {0}")]
    Configure(String),
    #[error("the module's plan is refused: {0}")]
    Plan(#[from] PlanError),
    #[error("the module's plan is refused by the grants that it was pushed with: {0}")]
    PushedGrants(PlanError),
    #[error("the module chooses the route {route:?}, which the pipeline does not have: its routes are {known:?}")]
    Route { route: String, known: Vec<String> },
    #[error("the module failed its self-test: {0}")]
    SelfTest(String),
    /// Not the module's fault.
    #[error("{0}")]
    Room(String),
    #[error("the module cannot be started: {0}")]
    Overrun(String),
    #[error("loading was given up: {0}")]
    GivenUp(#[from] JoinError),
}

/// When it makes sense to load the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Soon, whatever happens: the host lacked something.
    Soon,
    /// When the files are touched: it may have been the host that was slow.
    WhenTouched,
    Never,
}

impl LoadError {
    pub(crate) fn again(&self) -> Again {
        match self {
            LoadError::Source(SourceError::Read { error, .. }) if !is_of_the_file(error) => Again::Soon,
            LoadError::Cache(_) | LoadError::Room(_) => Again::Soon,
            LoadError::Compile(CompileError::Start { .. } | CompileError::Files(_)) => Again::Soon,
            LoadError::Source(_) | LoadError::Overrun(_) | LoadError::GivenUp(_) => Again::WhenTouched,
            LoadError::Plan(PlanError::Overrun) => Again::WhenTouched,
            LoadError::Compile(CompileError::Timeout(_) | CompileError::Ended(_)) => Again::WhenTouched,
            _ => Again::Never,
        }
    }
}

impl LoadError {
    /// Whether there is no such module, which may come later.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, LoadError::Source(SourceError::Missing { .. } | SourceError::NotPushed(_)))
    }

    /// The limit that the module ran into, by its key.
    pub(crate) fn limit(&self) -> Option<&'static str> {
        match self {
            LoadError::Inspect(InspectError::Size { .. }) => Some("component_mib"),
            LoadError::Source(SourceError::Size(_)) => Some("component_mib"),
            LoadError::Native { .. } => Some("native_mib"),
            LoadError::Plan(PlanError::Many { what: "patterns", .. }) => Some("patterns"),
            LoadError::Compile(CompileError::Timeout(_)) => Some("compile_timeout"),
            LoadError::Overrun(_) => Some("timeout"),
            _ => None,
        }
    }
}

/// Whether a file cannot be read for what it is, not for what the host lacks.
fn is_of_the_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput)
}

/// Makes generations, and knows those that are in use.
pub(crate) struct Loader {
    engine: Engine,
    linker: Arc<Linker<State>>,
    compiler: Compiler,
    cache: Place,
    grants: BTreeMap<String, Grants>,
    pushed_grants: BTreeMap<String, Grants>,
    ceilings: Ceilings,
    metrics: Metrics,
    voices: Mutex<HashMap<String, Arc<Voice>>>,
    /// Processors that run the same share the instances.
    loaded: Mutex<HashMap<Identity, Weak<Generation>>>,
    /// And those that run the same code with other configurations share that.
    code: Mutex<HashMap<Digest, Weak<ProcessorPre<State>>>>,
}

/// What the loader is made of.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) compiler: Compiler,
    pub(crate) cache: Place,
    pub(crate) grants: BTreeMap<String, Grants>,
    /// The ceiling of what others push: what the operator has written, and nothing besides.
    pub(crate) pushed_grants: BTreeMap<String, Grants>,
    pub(crate) ceilings: Ceilings,
    pub(crate) metrics: Metrics,
}

/// What one module may take, whatever its processor says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceilings {
    pub(crate) component_bytes: u64,
    pub(crate) native_bytes: u64,
    pub(crate) log_lines: u32,
    pub(crate) patterns: usize,
    pub(crate) pattern_bytes: usize,
}

impl Ceilings {
    pub(crate) fn of(limits: &ModulesLimits) -> Self {
        Ceilings {
            component_bytes: u64::from(limits.component_mib) << 20,
            native_bytes: u64::from(limits.native_mib) << 20,
            log_lines: limits.log_lines,
            patterns: limits.patterns,
            pattern_bytes: (limits.pattern_mib as usize) << 20,
        }
    }

    /// As far as they are about a plan.
    pub(crate) fn of_a_plan(self) -> host_projection::Limits {
        host_projection::Limits {
            patterns: self.patterns,
            pattern_size: self.pattern_bytes,
            ..host_projection::Limits::default()
        }
    }
}

/// What is to be loaded.
pub(crate) struct Request {
    pub(crate) identity: Identity,
    pub(crate) component: Bytes,
    /// Canonical JSON.
    pub(crate) config: Arc<str>,
    /// What was pushed, where it was.
    pub(crate) edition: Option<Arc<Edition>>,
}

impl Request {
    /// Hashes all of it.
    pub(crate) fn new(name: String, signal: Signal, limits: Limits, fetched: Fetched) -> Self {
        let Fetched { component, config, edition } = fetched;
        let (digest, config_digest) = (Digest::of(&component), Digest::of(config.as_bytes()));
        let grants = edition.as_ref().map(|edition| edition.grants.clone());
        let identity = Identity { name, digest, config: config_digest, grants, signal, limits };
        Request { identity, component, config: config.into(), edition }
    }
}

impl Loader {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { engine, linker, compiler, cache, grants, pushed_grants, ceilings, metrics } = parts;
        Loader {
            engine,
            linker: Arc::new(linker),
            compiler,
            cache,
            grants,
            pushed_grants,
            ceilings,
            metrics,
            voices: Mutex::default(),
            loaded: Mutex::default(),
            code: Mutex::default(),
        }
    }

    pub(crate) fn component_limit(&self) -> u64 {
        self.ceilings.component_bytes
    }

    /// Loads what was asked for, or finds it loaded.
    pub(crate) async fn load(&self, request: Request) -> Result<Arc<Generation>, LoadError> {
        if let Some(generation) = self.find(&request.identity) {
            return Ok(generation);
        }
        let component = match self.code_of(request.identity.digest) {
            Some(code) => code,
            None => {
                let (linker, component) = (Arc::clone(&self.linker), self.component(&request).await?);
                let code = spawn_blocking(move || world(&linker, &component)).await??;
                self.share(request.identity.digest, code)
            }
        };
        let engine = self.engine.clone();
        let Request { identity, config, .. } = request;
        let of = if identity.grants.is_some() { &self.pushed_grants } else { &self.grants };
        let (voice, grants) = (self.voice(&identity.name), of.get(&identity.name).cloned().unwrap_or_default());
        let limits = self.ceilings.of_a_plan();
        let generation = spawn_blocking(move || {
            let template = Template {
                engine,
                component,
                signal: identity.signal,
                config,
                limits: identity.limits.clone(),
                voice,
                digest: identity.digest.short().into(),
            };
            start(identity, template, |_| grants, &limits)
        })
        .await??;
        Ok(self.remember(generation))
    }

    /// The component in native code: from the cache, or compiled.
    pub(crate) async fn component(&self, request: &Request) -> Result<Component, LoadError> {
        let (component, limit) = (request.component.clone(), self.ceilings.component_bytes);
        spawn_blocking(move || inspect::inspect(&component, limit)).await??;
        let digest = request.identity.digest;
        let cache = self.cache()?;
        if let Some(component) = self.cached(&cache, digest).await? {
            return Ok(component);
        }
        let turn = self.compiler.turn().await;
        // Another pipeline's processor may have had the same to compile, and the turn before.
        if let Some(component) = self.cached(&cache, digest).await? {
            return Ok(component);
        }
        let started = Instant::now();
        let (scratch, component) = (Arc::clone(&cache), request.component.clone());
        let (input, output) = spawn_blocking(move || scratch.scratch(&component)).await??;
        turn.compile(&input, &output).await?;
        let labels = [("module", request.identity.name.as_str())];
        self.metrics
            .counter("tidegate_module_compile_milliseconds_total", "Time spent on compiling modules.", &labels)
            .inc_by(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        let (engine, limit) = (self.engine.clone(), self.ceilings.native_bytes);
        let component = spawn_blocking(move || match output.metadata().map_or(0, |native| native.len()) {
            bytes if bytes > limit => Err(LoadError::Native { bytes, limit }),
            _ => Ok(cache.put(&engine, &digest, output)?),
        })
        .await??;
        drop(turn);
        Ok(component)
    }

    /// Where native code is kept; it is opened when it is asked for first.
    pub(crate) fn cache(&self) -> Result<Arc<Cache>, CacheError> {
        self.cache.cache()
    }

    async fn cached(&self, cache: &Arc<Cache>, digest: Digest) -> Result<Option<Component>, JoinError> {
        let (cache, engine, limit) = (Arc::clone(cache), self.engine.clone(), self.ceilings.native_bytes);
        spawn_blocking(move || cache.get(&engine, &digest, limit)).await
    }

    /// The component, ready to be instantiated.
    pub(crate) fn linked(&self, component: &Component) -> Result<ProcessorPre<State>, LoadError> {
        world(&self.linker, component)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Has those go, again and again, who did nothing for a while: instances take memory, and are made again when they are needed.
    pub(crate) async fn retire_idle(self: Arc<Self>, mut shutdown: Shutdown) {
        let retire = async {
            loop {
                let then = uses();
                sleep(IDLE).await;
                self.engine.room().retire(then);
            }
        };
        tokio::select! {
            () = shutdown.wait() => {}
            () = retire => {}
        }
    }

    fn find(&self, identity: &Identity) -> Option<Arc<Generation>> {
        let found = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(identity)?.upgrade()?;
        // What a guest remembers is one processor's.
        (!found.remembers()).then_some(found)
    }

    /// Takes a generation in, unless another processor was faster with the same: then that one is shared.
    fn remember(&self, generation: Generation) -> Arc<Generation> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|_, generation| generation.strong_count() > 0);
        let there = loaded.get(generation.identity()).and_then(Weak::upgrade).filter(|there| !there.remembers());
        if let Some(there) = there {
            return there;
        }
        let generation = Arc::new(generation);
        let weak: Weak<Generation> = Arc::downgrade(&generation);
        self.engine.room().register(weak.clone());
        loaded.insert(generation.identity().clone(), weak);
        generation
    }

    /// Code that something runs.
    fn code_of(&self, digest: Digest) -> Option<Arc<ProcessorPre<State>>> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner).get(&digest)?.upgrade()
    }

    /// Has others find code, unless they have brought the same meanwhile.
    fn share(&self, digest: Digest, code: ProcessorPre<State>) -> Arc<ProcessorPre<State>> {
        let mut all = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, code| code.strong_count() > 0);
        if let Some(there) = all.get(&digest).and_then(Weak::upgrade) {
            return there;
        }
        let code = Arc::new(code);
        all.insert(digest, Arc::downgrade(&code));
        code
    }

    fn voice(&self, name: &str) -> Arc<Voice> {
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            voices
                .entry(name.to_owned())
                .or_insert_with(|| Arc::new(Voice::new(name, self.ceilings.log_lines, &self.metrics))),
        )
    }
}

fn world(linker: &Linker<State>, component: &Component) -> Result<ProcessorPre<State>, LoadError> {
    let instance = linker.instantiate_pre(component).map_err(LoadError::World)?;
    ProcessorPre::new(instance).map_err(LoadError::World)
}

/// An instance that says nothing, and what it asks for.
pub(crate) fn configure(template: &Template) -> Result<(Instance, Plan), LoadError> {
    Instance::start(template, true).map_err(|error| match error {
        CallError::Guest(said) => LoadError::Configure(said),
        error if error.is_for_want_of_room() => LoadError::Room(error.to_string()),
        CallError::Overrun(_) => LoadError::Overrun(error.to_string()),
        error => LoadError::Configure(error.in_full()),
    })
}

/// The tests that every generation passes before it sees live data.
pub(crate) fn start(
    identity: Identity,
    template: Template,
    grants: impl FnOnce(&Plan) -> Grants,
    limits: &host_projection::Limits,
) -> Result<Generation, LoadError> {
    let (mut instance, plan) = configure(&template)?;
    let grants = grants(&plan);
    // The patterns are the guest's, and a few bytes of them can make a lot of work.
    let mut budget = Budget::start(template.limits.timeout * START_FACTOR);
    let projector = Projector::compile_within(template.signal, &plan, &grants, limits, &mut budget)?;
    if let Some(Fields { reads, writes, .. }) = identity.grants.clone() {
        Projector::allow(template.signal, &plan, &Grants { reads, writes }).map_err(LoadError::PushedGrants)?;
    }
    let generation = Generation::new(identity, template, projector, grants);
    let signal = generation.identity().signal;
    let context = Context { now: selftest::START, seed: 1, cluster: None, origin: Arc::new(Origin::default()) };
    match generation.try_on(&mut instance, selftest::payload(signal), &context) {
        Ok(()) => {}
        // That is about the data, which nobody sent: a statement that parses bodies fails on those that are none of its kind.
        Err(BatchError::Call(CallError::Guest(said))) => {
            let Identity { name, digest, .. } = generation.identity();
            tracing::warn!(
                module = name,
                digest = digest.short(),
                said,
                "the module answered its self-test with an error: it is loaded, and so may batches be answered"
            );
        }
        Err(error) => return Err(LoadError::SelfTest(error.in_full())),
    }
    instance.unsink();
    generation.keep(instance);
    Ok(generation)
}
