//! A trial is a module with one configuration, for one signal, on a batch at a time.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use host_component::Origin;
use host_manifest::Digest;
use host_otlp::{Payload, Signal};
use host_projection::{Grants, Plan};

use super::Opened;
use crate::budget::thread_cpu;
use crate::config::{GrantsConfig, Limits, ModulesLimits};
use crate::generation::{BatchError, Generation, Identity};
use crate::instance::{Context, Instance, Template};
use crate::loader::{self, Ceilings, LoadError};
use crate::selftest;
use crate::voice::{Said, Voice};

/// How a module is to be tried.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub signal: Signal,
    /// As [`configuration`](super::configuration) gives it.
    pub config: &'a str,
    pub limits: Limits,
    /// What it may read and write; all that it asks for, where nothing is said.
    pub grants: Option<&'a GrantsConfig>,
}

/// All that a module is told besides the cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchContext {
    /// Nanoseconds since the Unix epoch.
    pub now: u64,
    pub seed: u64,
    pub cluster: Option<String>,
    /// By key, in lower case; a key with several values stands several times.
    pub metadata: Vec<(String, String)>,
}

impl Default for BatchContext {
    /// That of a self-test.
    fn default() -> Self {
        BatchContext { now: selftest::START, seed: 1, cluster: None, metadata: Vec::new() }
    }
}

/// A configured module.
pub struct Trial {
    generation: Generation,
    limits: Limits,
    voice: Arc<Voice>,
    /// Keys of metadata that it may see; all, where the operator said nothing.
    metadata: Option<Vec<String>>,
}

/// A batch that was processed, and what it took.
#[derive(Clone, Debug)]
pub struct Processed {
    pub parts: Vec<Part>,
    /// Whether the module was asked at all: not where it reads by patterns and none matched.
    pub called: bool,
    pub cells: u64,
    /// Bytes of the values in these cells.
    pub bytes: u64,
    pub matches: u64,
    pub edits: u64,
    /// Bytes of linear memory that the instance had at the end; none where it was not called.
    pub memory: u64,
    /// Projection, call and edits.
    pub cpu: Duration,
}

/// One of the payloads that a batch became.
#[derive(Clone, Debug)]
pub struct Part {
    /// None for what was not routed.
    pub route: Option<String>,
    pub payload: Payload,
}

/// Why a batch was not processed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct TrialError(BatchError);

impl Opened {
    /// Configures the module, and tries it as each is that is to see live data.
    ///
    /// # Errors
    /// What a start would say of it.
    pub fn configure(&self, wanted: &Wanted<'_>) -> Result<Trial, LoadError> {
        let voice = Arc::new(Voice::keeping(&self.name));
        let identity = self.identity(wanted);
        let template = self.template(wanted.signal, wanted.config, wanted.limits.clone(), &voice);
        let grants = |plan: &Plan| match wanted.grants {
            Some(grants) => grants.clone().into(),
            None => asked_for(plan),
        };
        let limits = Ceilings::of(&ModulesLimits::default()).of_a_plan();
        let generation = loader::start(identity, template, grants, &limits)?;
        let lower = |keys: &Vec<String>| keys.iter().map(|key| key.to_ascii_lowercase()).collect();
        let metadata = wanted.grants.map(|grants| lower(&grants.metadata));
        Ok(Trial { generation, limits: wanted.limits.clone(), voice, metadata })
    }

    fn identity(&self, wanted: &Wanted<'_>) -> Identity {
        Identity {
            name: self.name.clone(),
            digest: self.digest,
            config: Digest::of(wanted.config.as_bytes()),
            grants: None,
            signal: wanted.signal,
            limits: wanted.limits.clone(),
        }
    }

    fn template(&self, signal: Signal, config: &str, limits: Limits, voice: &Arc<Voice>) -> Template {
        Template {
            engine: self.engine.clone(),
            component: Arc::clone(&self.component),
            signal,
            config: config.into(),
            limits,
            voice: Arc::clone(voice),
            digest: self.digest.short().into(),
        }
    }
}

impl Trial {
    /// What the module asked for.
    pub fn plan(&self) -> &Plan {
        self.generation.plan()
    }

    /// Processes a batch, which has to be of the trial's signal.
    ///
    /// # Errors
    /// The module failed on it. The next batch finds a fresh instance where that one is of no more use.
    pub fn process(&self, payload: Payload, context: &BatchContext) -> Result<Processed, TrialError> {
        let context = Context {
            now: context.now,
            seed: context.seed,
            cluster: context.cluster.clone(),
            origin: Arc::new(Origin { metadata: self.known(&context.metadata) }),
        };
        let before = thread_cpu();
        let done = self.generation.process(payload, &context, false).map_err(TrialError)?;
        let cpu = thread_cpu().saturating_sub(before);
        let routes = &self.plan().routes;
        let name = |route: u32| routes.get(route as usize).cloned();
        let parts = done.routed.into_iter();
        let parts = parts.map(|part| Part { route: part.route.and_then(name), payload: part.payload }).collect();
        let work = done.work;
        Ok(Processed {
            parts,
            called: work.called,
            cells: work.cells,
            bytes: work.bytes,
            matches: work.matches,
            edits: work.edits,
            memory: work.memory,
            cpu,
        })
    }

    /// As much of the metadata of a request as the module may know.
    fn known(&self, metadata: &[(String, String)]) -> Vec<(String, String)> {
        let may = |key: &String| self.metadata.as_ref().is_none_or(|keys| keys.contains(key));
        metadata.iter().filter(|(key, _)| may(key)).cloned().collect()
    }

    /// What the module logged and counted since the last call of this; a self-test is not heard.
    pub fn said(&self) -> Said {
        self.voice.take()
    }

    /// Instantiates and configures the module once more, and tells the CPU time that it took.
    ///
    /// # Errors
    /// It does not start a second time.
    pub fn start_again(&self) -> Result<Duration, TrialError> {
        let before = thread_cpu();
        let (instance, _) =
            Instance::start(self.generation.template(), true).map_err(|error| TrialError(error.into()))?;
        let took = thread_cpu().saturating_sub(before);
        drop(instance);
        Ok(took)
    }

    /// The same projection for a module that changes nothing.
    ///
    /// # Errors
    /// It does not start.
    pub fn idle_twin(&self, idle: &Opened) -> Result<Trial, LoadError> {
        let signal = self.generation.identity().signal;
        // Whatever the module at hand may have: the twin is not to run out of room before it does.
        let limits = Limits { memory_mib: ModulesLimits::default().memory_mib, ..self.limits.clone() };
        let voice = Arc::new(Voice::keeping(&idle.name));
        let wanted = Wanted { signal, config: "{}", limits: limits.clone(), grants: None };
        let template = idle.template(signal, wanted.config, limits.clone(), &voice);
        let (instance, _) = loader::configure(&template)?;
        let projector = self.generation.projector().clone();
        let granted = self.generation.granted().clone();
        let generation = Generation::new(idle.identity(&wanted), template, projector, granted);
        generation.keep(instance);
        Ok(Trial { generation, limits, voice, metadata: None })
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trial({})", self.generation.identity())
    }
}

/// As much as a plan needs, and no more.
fn asked_for(plan: &Plan) -> Grants {
    let reads = plan.reads.iter().map(|read| read.path.clone()).collect();
    Grants { reads, writes: plan.writes.clone() }
}
