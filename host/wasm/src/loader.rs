//! The loader makes generations: inspect, compile, instantiate, configure, check the plan, try it on a batch of its own.
//! Whatever fails, what runs is not touched.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use host_component::Origin;
use host_otlp::Signal;
use host_projection::{Grants, PlanError, Projector, State as PlanState};
use host_telemetry::Metrics;
use tokio::task::{JoinError, spawn_blocking};
use wasmtime::component::{Component, Linker};

use crate::bindings::ProcessorPre;
use crate::cache::{Cache, CacheError};
use crate::compile::{CompileError, Compiler};
use crate::config::Limits;
use crate::digest::ModuleDigest;
use crate::engine::Engine;
use crate::generation::{BatchError, Generation, Identity};
use crate::inspect::{self, InspectError};
use crate::instance::{CallError, Context, Instance, Template};
use crate::selftest;
use crate::source::{Fetched, SourceError};
use crate::store::State;
use crate::voice::Voice;

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
    #[error("the module does not fit the world tidegate:processor/processor: {0:#}")]
    World(wasmtime::Error),
    #[error("the module cannot be configured: {0}")]
    Configure(String),
    #[error("the module's plan is refused: {0}")]
    Plan(#[from] PlanError),
    #[error("the module chooses the route {route:?}, which the pipeline does not have: its routes are {known:?}")]
    Route { route: String, known: Vec<String> },
    #[error("the module failed its self-test: {0}")]
    SelfTest(String),
    #[error("loading was given up: {0}")]
    GivenUp(#[from] JoinError),
}

impl LoadError {
    /// Whether the same files would fail again.
    pub(crate) fn is_lasting(&self) -> bool {
        match self {
            LoadError::Source(_) | LoadError::Cache(_) | LoadError::GivenUp(_) => false,
            LoadError::Compile(error) => matches!(error, CompileError::Refused(_)),
            _ => true,
        }
    }
}

/// Makes generations, and knows those that are in use.
pub(crate) struct Loader {
    engine: Engine,
    linker: Arc<Linker<State>>,
    compiler: Compiler,
    cache: Arc<Cache>,
    grants: BTreeMap<String, Grants>,
    component_limit: u64,
    metrics: Metrics,
    voices: Mutex<HashMap<String, Arc<Voice>>>,
    /// Processors that run the same share the instances.
    loaded: Mutex<HashMap<Identity, Weak<Generation>>>,
}

/// What the loader is made of.
pub(crate) struct Parts {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) compiler: Compiler,
    pub(crate) cache: Cache,
    pub(crate) grants: BTreeMap<String, Grants>,
    pub(crate) component_limit: u64,
    pub(crate) metrics: Metrics,
}

/// What is to be loaded.
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) signal: Signal,
    pub(crate) limits: Limits,
    pub(crate) fetched: Fetched,
}

impl Request {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            name: self.name.clone(),
            digest: ModuleDigest::of(&self.fetched.component),
            config: ModuleDigest::of(self.fetched.config.as_bytes()),
            signal: self.signal,
            limits: self.limits.clone(),
        }
    }
}

impl Loader {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { engine, linker, compiler, cache, grants, component_limit, metrics } = parts;
        Loader {
            engine,
            linker: Arc::new(linker),
            compiler,
            cache: Arc::new(cache),
            grants,
            component_limit,
            metrics,
            voices: Mutex::default(),
            loaded: Mutex::default(),
        }
    }

    pub(crate) fn component_limit(&self) -> u64 {
        self.component_limit
    }

    /// Loads what was asked for, or finds it loaded.
    pub(crate) async fn load(&self, request: Request, identity: Identity) -> Result<Arc<Generation>, LoadError> {
        if let Some(generation) = self.find(&identity) {
            return Ok(generation);
        }
        let component = self.component(&request, &identity.digest).await?;
        let (linker, engine) = (Arc::clone(&self.linker), self.engine.clone());
        let (voice, grants) = (self.voice(&request.name), self.grants.get(&request.name).cloned().unwrap_or_default());
        let generation = spawn_blocking(move || {
            let component = world(&linker, &component)?;
            let template = Template {
                engine,
                component,
                signal: request.signal,
                config: request.fetched.config.into(),
                limits: request.limits,
                voice,
                digest: identity.digest.short().into(),
            };
            start(identity, template, &grants)
        })
        .await??;
        let generation = Arc::new(generation);
        self.remember(&generation);
        Ok(generation)
    }

    /// The component in native code: from the cache, or compiled.
    async fn component(&self, request: &Request, digest: &ModuleDigest) -> Result<Component, LoadError> {
        inspect::inspect(&request.fetched.component, self.component_limit)?;
        let (cache, engine, digest) = (Arc::clone(&self.cache), self.engine.clone(), *digest);
        if let Some(component) = spawn_blocking(move || cache.get(&engine, &digest)).await? {
            return Ok(component);
        }
        let started = Instant::now();
        let (mut input, output) = (self.cache.scratch()?, self.cache.scratch()?.into_temp_path());
        std::io::Write::write_all(&mut input, &request.fetched.component).map_err(CompileError::Files)?;
        self.compiler.compile(input.path(), &output).await?;
        let labels = [("module", request.name.as_str())];
        self.metrics
            .counter("tidegate_module_compile_milliseconds_total", "Time spent on compiling modules.", &labels)
            .inc_by(u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
        let (cache, engine) = (Arc::clone(&self.cache), self.engine.clone());
        Ok(spawn_blocking(move || cache.put(&engine, &digest, output)).await??)
    }

    fn find(&self, identity: &Identity) -> Option<Arc<Generation>> {
        let found = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(identity)?.upgrade()?;
        // What a guest remembers is one processor's.
        (found.plan().state == PlanState::None).then_some(found)
    }

    fn remember(&self, generation: &Arc<Generation>) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.retain(|_, generation| generation.strong_count() > 0);
        loaded.insert(generation.identity().clone(), Arc::downgrade(generation));
    }

    fn voice(&self, name: &str) -> Arc<Voice> {
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(voices.entry(name.to_owned()).or_insert_with(|| Arc::new(Voice::new(name, &self.metrics))))
    }
}

fn world(linker: &Linker<State>, component: &Component) -> Result<ProcessorPre<State>, LoadError> {
    let instance = linker.instantiate_pre(component).map_err(LoadError::World)?;
    ProcessorPre::new(instance).map_err(LoadError::World)
}

/// The tests that every generation passes before it sees live data.
fn start(identity: Identity, template: Template, grants: &Grants) -> Result<Generation, LoadError> {
    let (mut instance, plan) = Instance::start(&template, true).map_err(|error| {
        LoadError::Configure(match error {
            CallError::Guest(said) => said,
            error => error.to_string(),
        })
    })?;
    let projector = Projector::compile(template.signal, &plan, grants, &host_projection::Limits::default())?;
    let generation = Generation::new(identity, template, projector);
    let signal = generation.identity().signal;
    let context = Context { now: 1_700_000_000_000_000_000, seed: 1, origin: Arc::new(Origin::default()) };
    generation
        .try_on(&mut instance, selftest::payload(signal), &context)
        .map_err(|error: BatchError| LoadError::SelfTest(error.to_string()))?;
    instance.unsink();
    generation.keep(instance);
    Ok(generation)
}
