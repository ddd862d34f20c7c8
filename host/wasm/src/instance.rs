//! An instance is a module with a memory of its own, configured for one signal. It takes one batch at a time; after a
//! trap it is never used again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use host_component::Origin;
use host_otlp::Signal;
use host_projection::batch::Batch;
use host_projection::plan::Plan;
use host_projection::script::Script;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use crate::bindings::{self, PACKAGE, Processor, ProcessorPre, VERSION, types};
use crate::budget::Budget;
use crate::config::Limits;
use crate::engine::Engine;
use crate::store::{self, OutOfTime, Refusal, State};
use crate::voice::{Voice, one_line};

/// Starting an instance may take this many times what a batch may: interpreters warm up here.
pub(crate) const START_FACTOR: u32 = 20;
/// The interfaces by which a module says something besides its edits. Who imports one asks for it, by this name.
pub(crate) const SAYS: [&str; 2] = ["log", "counters"];
/// Longer reasons are cut: they are a guest's words.
const REASON_BYTES: usize = 512;
/// So are longer names of functions.
const FRAME_BYTES: usize = 160;

/// All that a guest may know besides the cells: kept with the batch, so that a second try is a replay.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) now: u64,
    pub(crate) seed: u64,
    pub(crate) cluster: Option<String>,
    pub(crate) origin: Arc<Origin>,
}

/// Why a call into a guest gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallError {
    /// It did what WASM does not allow, or gave up.
    #[error("the guest trapped: {0}")]
    Trap(Box<Trapped>),
    /// It said no.
    #[error("the guest refused it: {0}")]
    Guest(String),
    #[error("the guest took longer than {0:?} of CPU time")]
    Overrun(Duration),
    #[error("the guest gave back more than its limit of {0} MiB")]
    Output(u32),
    #[error("the guest wanted more memory than its limit of {0} MiB")]
    Memory(u32),
    /// Not the guest's fault.
    #[error("there is no room for another instance: raise modules.limits.instances")]
    NoInstance,
    /// Nor is this.
    #[error("there is no memory left for guests: raise modules.limits.total_memory_mib")]
    NoMemory,
}

/// A call that ended where WASM does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trapped {
    /// What of the guest was called.
    pub(crate) export: &'static str,
    cause: String,
    /// Its functions that were under way, the innermost first.
    frames: Vec<String>,
}

impl Trapped {
    /// The functions on one line; empty where the guest has none to show.
    pub(crate) fn backtrace(&self) -> String {
        self.frames.join("; ")
    }
}

impl fmt::Display for Trapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)
    }
}

impl CallError {
    /// Whether the instance may go on.
    pub(crate) fn leaves_the_instance_sound(&self) -> bool {
        matches!(self, CallError::Guest(_))
    }

    /// Whether the host had no room, and the guest no fault in it.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        matches!(self, CallError::NoInstance | CallError::NoMemory)
    }

    /// The same with the functions that were under way, for those to whom it is told once.
    pub(crate) fn in_full(&self) -> String {
        match self {
            CallError::Trap(trapped) if !trapped.frames.is_empty() => format!("{self}, in {}", trapped.backtrace()),
            other => other.to_string(),
        }
    }
}

/// What instances of one generation are made of.
pub(crate) struct Template {
    pub(crate) engine: Engine,
    /// Shared by all that run the same code.
    pub(crate) component: Arc<ProcessorPre<State>>,
    pub(crate) signal: Signal,
    /// Canonical JSON.
    pub(crate) config: Arc<str>,
    pub(crate) limits: Limits,
    pub(crate) voice: Arc<Voice>,
    pub(crate) digest: Arc<str>,
}

impl Template {
    fn imports(&self, interface: &str) -> bool {
        let component = self.component.instance_pre().component().component_type();
        let name = format!("{PACKAGE}/{interface}@{VERSION}");
        component.imports(self.engine.wasmtime()).any(|(import, _)| import == name)
    }
}

/// A configured guest.
pub(crate) struct Instance {
    store: Store<State>,
    guest: Processor,
    limits: Limits,
    high_water: usize,
}

impl Instance {
    /// Instantiates and configures a guest; `sunk` throws away what it says. Where all instances are taken, others that
    /// are idle make room.
    pub(crate) fn start(template: &Template, sunk: bool) -> Result<(Self, Plan), CallError> {
        loop {
            match Self::start_once(template, sunk) {
                Err(CallError::NoInstance) if template.engine.room().make() => {}
                started => return started,
            }
        }
    }

    fn start_once(template: &Template, sunk: bool) -> Result<(Self, Plan), CallError> {
        let Template { engine, limits, .. } = template;
        let mut store = store::store(engine, limits, &template.voice, &template.digest);
        let _running = engine.running();
        store.data_mut().set_sunk(sunk);
        store.data_mut().begin(Budget::start(limits.timeout * START_FACTOR));
        let guest = match template.component.instantiate(&mut store) {
            Ok(guest) => guest,
            Err(error) => return Err(reason(&error, &store, limits, "start", START_FACTOR)),
        };
        let signal = bindings::signal(template.signal);
        let answer = match guest.call_configure(&mut store, signal, &template.config) {
            Ok(answer) => answer,
            Err(error) => return Err(reason(&error, &store, limits, "configure", START_FACTOR)),
        };
        let mut plan = bindings::plan(answer.map_err(|said| CallError::Guest(cut(&said)))?);
        let said = SAYS.into_iter().filter(|interface| template.imports(interface)).map(str::to_owned);
        let said: Vec<String> = said.filter(|word| !plan.writes.contains(word)).collect();
        plan.writes.extend(said);
        store.data_mut().settle(true);
        // Linear memory never shrinks: a guest that has used three quarters of what it may grow by starts afresh.
        let memory = store.data().memory();
        let high_water = memory.used() + memory.limit().saturating_sub(memory.used()) / 4 * 3;
        Ok((Instance { store, guest, limits: limits.clone(), high_water }, plan))
    }

    /// Hands over a batch and takes the script.
    pub(crate) fn process(
        &mut self,
        engine: &Engine,
        context: &Context,
        batch: &mut Batch,
        budget: Budget,
    ) -> Result<Script, CallError> {
        let context = types::Context {
            now: context.now,
            seed: context.seed,
            cluster: context.cluster.clone(),
            metadata: context.origin.metadata.clone(),
        };
        let lent = bindings::lend(batch);
        self.store.data_mut().begin(budget);
        let answer = {
            let _running = engine.running();
            self.guest.call_process(&mut self.store, &context, &lent)
        };
        bindings::give_back(lent, batch);
        self.store.data_mut().settle(matches!(answer, Ok(Ok(_))));
        match answer {
            Ok(Ok(script)) => Ok(bindings::script(script)),
            Ok(Err(said)) => Err(CallError::Guest(cut(&said))),
            Err(error) => Err(reason(&error, &self.store, &self.limits, "process", 1)),
        }
    }

    /// From here on what it says is heard.
    pub(crate) fn unsink(&mut self) {
        self.store.data_mut().set_sunk(false);
    }

    /// Bytes of linear memory that it has; they are never fewer than they were.
    pub(crate) fn memory(&self) -> u64 {
        self.store.data().memory().used() as u64
    }

    /// Whether it has grown so much that a new one is to take its place.
    pub(crate) fn is_worn(&self) -> bool {
        self.store.data().memory().used() > self.high_water
    }
}

fn reason(
    error: &wasmtime::Error,
    store: &Store<State>,
    limits: &Limits,
    export: &'static str,
    factor: u32,
) -> CallError {
    if error.is::<OutOfTime>() {
        return CallError::Overrun(limits.timeout * factor);
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return CallError::NoInstance;
    }
    match store.data().memory().refused() {
        Some(Refusal::Limit) => return CallError::Memory(limits.memory_mib),
        Some(Refusal::Room) => return CallError::NoMemory,
        None => {}
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return trapped(error, export, trap.to_string());
    }
    // What wasmtime says when a call lifts more than it was given fuel for; the type has no name outside of it.
    let said = format!("{error:#}");
    if said.contains("fuel allocated for hostcalls has been exhausted") {
        return CallError::Output(limits.output_mib);
    }
    trapped(error, export, cut(&said))
}

fn trapped(error: &wasmtime::Error, export: &'static str, cause: String) -> CallError {
    // The engine keeps a few frames; a line of each begins with its number. Names are the module's own words.
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
    let frames = backtrace.lines().map(str::trim).filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let frames = frames.map(|frame| one_line(frame, FRAME_BYTES)).collect();
    CallError::Trap(Box::new(Trapped { export, cause, frames }))
}

fn cut(reason: &str) -> String {
    one_line(reason, REASON_BYTES)
}
