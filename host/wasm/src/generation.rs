//! A generation is one module with one configuration, loaded: what a processor runs until something better passes the
//! same tests. Its instances are made when they are needed and kept for the next batch.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host_manifest::{Digest, Fields};
use host_otlp::{Payload, Signal};
use host_projection::{Batch, EditError, Grants, Overrun, Plan, Projection, Projector, Routed, State, Values};

use crate::budget::Budget;
use crate::config::Limits;
use crate::instance::{CallError, Context, Instance, Template, Trapped};
use crate::room::Idler;
use crate::voice::Voice;

/// What makes two generations the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) digest: Digest,
    pub(crate) config: Digest,
    /// What it was pushed with, where it was: see [`crate::Edition`].
    pub(crate) grants: Option<Fields>,
    pub(crate) signal: Signal,
    pub(crate) limits: Limits,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.digest.short())
    }
}

/// A loaded module.
pub(crate) struct Generation {
    identity: Identity,
    template: Template,
    projector: Projector,
    /// What the operator allows it, which is at least what it asks for.
    granted: Grants,
    idle: Mutex<Vec<Instance>>,
    /// Held for each batch where the plan's state allows one instance only.
    alone: Mutex<()>,
    /// When it was used last: see [`Idler`].
    used: AtomicU64,
}

/// Uses of all generations.
static USES: AtomicU64 = AtomicU64::new(0);

/// How often generations were used until now: what was used last before that counts less.
pub(crate) fn uses() -> u64 {
    USES.load(Ordering::Relaxed)
}

/// A batch that was processed, and what it took.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) routed: Vec<Routed>,
    pub(crate) work: Work,
}

/// What one batch took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    pub(crate) called: bool,
    pub(crate) cells: u64,
    pub(crate) matches: u64,
    pub(crate) edits: u64,
    /// Bytes of the values that the cells hold.
    pub(crate) bytes: u64,
    /// Bytes of the instance's linear memory when the call was over.
    pub(crate) memory: u64,
}

/// Why a batch was not processed. Its payload is unharmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    #[error(transparent)]
    Call(#[from] CallError),
    /// The script breaks the contract.
    #[error("the guest's {0}")]
    Edit(EditError),
    #[error(transparent)]
    Overrun(#[from] Overrun),
}

impl From<EditError> for BatchError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Overrun => BatchError::Overrun(Overrun),
            error => BatchError::Edit(error),
        }
    }
}

impl Generation {
    pub(crate) fn new(identity: Identity, template: Template, projector: Projector, granted: Grants) -> Self {
        let used = AtomicU64::new(USES.fetch_add(1, Ordering::Relaxed));
        Generation { identity, template, projector, granted, idle: Mutex::default(), alone: Mutex::default(), used }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn granted(&self) -> &Grants {
        &self.granted
    }

    /// What its guests may say, and what is said of them.
    pub(crate) fn voice(&self) -> &Voice {
        &self.template.voice
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.projector.plan()
    }

    pub(crate) fn projector(&self) -> &Projector {
        &self.projector
    }

    /// What its instances are made of.
    pub(crate) fn template(&self) -> &Template {
        &self.template
    }

    /// Processes one batch on this thread. `fresh` does it on an instance that has seen nothing before.
    pub(crate) fn process(&self, payload: Payload, context: &Context, fresh: bool) -> Result<Done, BatchError> {
        let _alone = self.remembers().then(|| self.alone.lock().unwrap_or_else(PoisonError::into_inner));
        let mut budget = Budget::start(self.template.limits.timeout);
        let projection = self.projector.project(payload, &mut budget)?;
        let (cells, bytes) = seen(&projection.batch);
        let mut work = Work { cells, bytes, matches: matches(&projection.batch), ..Work::default() };
        if !projection.needs_guest() {
            return Ok(Done { routed: vec![Routed { route: None, payload: projection.into_payload() }], work });
        }
        self.used.store(USES.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let mut instance = budget.pause(|| if fresh { self.renew() } else { self.take() })?;
        work.called = true;
        let routed = self.call(&mut instance, projection, context, budget, &mut work);
        work.memory = instance.memory();
        if routed.as_ref().err().is_none_or(BatchError::leaves_the_instance_sound) && !instance.is_worn() {
            self.keep(instance);
        }
        Ok(Done { routed: routed?, work })
    }

    /// Processes a batch on an instance that nobody else has yet, and forgets what came of it.
    pub(crate) fn try_on(
        &self,
        instance: &mut Instance,
        payload: Payload,
        context: &Context,
    ) -> Result<(), BatchError> {
        let mut budget = Budget::start(self.template.limits.timeout);
        let projection = self.projector.project(payload, &mut budget)?;
        if projection.needs_guest() {
            self.call(instance, projection, context, budget, &mut Work::default())?;
        }
        Ok(())
    }

    fn call(
        &self,
        instance: &mut Instance,
        mut projection: Projection,
        context: &Context,
        mut budget: Budget,
        work: &mut Work,
    ) -> Result<Vec<Routed>, BatchError> {
        let narrowed = self.narrowed(context);
        let context = narrowed.as_ref().unwrap_or(context);
        let script = instance.process(&self.template.engine, context, &mut projection.batch, budget)?;
        work.edits = script.edits.len() as u64;
        Ok(projection.apply(&script, &mut budget)?)
    }

    /// The context with no more request metadata than the module was pushed with; none where that is all of it.
    fn narrowed(&self, context: &Context) -> Option<Context> {
        let keys = &self.identity.grants.as_ref()?.metadata;
        let is_granted = |key: &str| keys.iter().any(|granted| granted.eq_ignore_ascii_case(key));
        let metadata = &context.origin.metadata;
        if metadata.iter().all(|(key, _)| is_granted(key)) {
            return None;
        }
        let metadata = metadata.iter().filter(|(key, _)| is_granted(key)).cloned().collect();
        Some(Context { origin: Arc::new(host_component::Origin { metadata }), ..context.clone() })
    }

    /// Puts an instance where the next batch finds it.
    pub(crate) fn keep(&self, instance: Instance) {
        self.idle().push(instance);
    }

    /// The instance that ran last is the one whose memory is still in some cache.
    fn take(&self) -> Result<Instance, CallError> {
        let idle = self.idle().pop();
        idle.map_or_else(|| self.start(), Ok)
    }

    /// An instance that has seen nothing before, in place of the one that was used last: that may be the one that failed.
    fn renew(&self) -> Result<Instance, CallError> {
        let last = self.idle().pop();
        drop(last);
        self.start()
    }

    fn start(&self) -> Result<Instance, CallError> {
        let (instance, plan) = Instance::start(&self.template, false)?;
        if plan != *self.plan() {
            return Err(CallError::Guest("it asked for another plan than the time before".to_owned()));
        }
        Ok(instance)
    }

    /// Whether it has one instance, which remembers.
    pub(crate) fn remembers(&self) -> bool {
        self.plan().state == State::Rebuildable
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idler for Generation {
    fn last_used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// What an instance remembers is not given up for room.
    fn give_up_one(&self) -> bool {
        if self.remembers() {
            return false;
        }
        let given = self.idle().pop();
        given.is_some()
    }
}

impl BatchError {
    /// Whether the host had no room, and the guest no fault in it.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        matches!(self, BatchError::Call(error) if error.is_for_want_of_room())
    }

    pub(crate) fn is_overrun(&self) -> bool {
        matches!(self, BatchError::Overrun(_) | BatchError::Call(CallError::Overrun(_)))
    }

    /// Whether a part of the batch may pass, though there is nothing wrong with the rest of it.
    pub(crate) fn may_be_for_size(&self) -> bool {
        self.is_overrun() || matches!(self, BatchError::Call(CallError::Output(_) | CallError::Memory(_)))
    }

    pub(crate) fn trap(&self) -> Option<&Trapped> {
        match self {
            BatchError::Call(CallError::Trap(trapped)) => Some(trapped),
            _ => None,
        }
    }

    /// The same with the functions that were under way.
    pub(crate) fn in_full(&self) -> String {
        match self {
            BatchError::Call(error) => error.in_full(),
            other => other.to_string(),
        }
    }

    /// The limit that it ran into, by its key.
    pub(crate) fn limit(&self) -> Option<&'static str> {
        match self {
            BatchError::Overrun(_) | BatchError::Call(CallError::Overrun(_)) => Some("timeout"),
            BatchError::Call(CallError::Output(_)) => Some("output_mib"),
            BatchError::Call(CallError::Memory(_)) => Some("memory_mib"),
            BatchError::Call(CallError::NoInstance) => Some("instances"),
            BatchError::Call(CallError::NoMemory) => Some("total_memory_mib"),
            BatchError::Call(CallError::Trap(_) | CallError::Guest(_)) | BatchError::Edit(_) => None,
        }
    }

    fn leaves_the_instance_sound(&self) -> bool {
        match self {
            BatchError::Call(error) => error.leaves_the_instance_sound(),
            BatchError::Edit(_) | BatchError::Overrun(_) => true,
        }
    }
}

fn matches(batch: &Batch) -> u64 {
    batch.columns.iter().map(|column| column.matches.len() as u64).sum()
}

/// Cells, and the bytes of their values.
fn seen(batch: &Batch) -> (u64, u64) {
    let count = |values: &Values| match values {
        Values::Text(packed) | Values::Bytes(packed) | Values::Encoded(packed) => {
            (packed.ends.len(), packed.bytes.len())
        }
        Values::Signed(numbers) => (numbers.len(), size_of_val(numbers.as_slice())),
        Values::Unsigned(numbers) => (numbers.len(), size_of_val(numbers.as_slice())),
        Values::Double(numbers) => (numbers.len(), size_of_val(numbers.as_slice())),
        Values::Boolean(truths) => (truths.len(), truths.len()),
    };
    let counts = batch.columns.iter().map(|column| count(&column.values));
    counts.fold((0, 0), |sums, (cells, bytes)| (sums.0 + cells as u64, sums.1 + bytes as u64))
}
