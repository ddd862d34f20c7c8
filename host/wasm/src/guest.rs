//! A guest processor's own side: which generation it runs, which one it ran before, and what becomes of a batch that a
//! generation fails on.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_component::{ComponentId, Failure, Payload, PipelineId};
use host_telemetry::traces::{self, Step};

use crate::budget::thread_cpu;
use crate::config::FailurePolicy;
use crate::generation::{BatchError, Done, Generation, Identity};
use crate::instance::Context;
use crate::loader::LoadError;
use crate::meters::{Lane, Meters};
use crate::status::Refused;

/// Batches after which a new generation is trusted as much as the one before it.
const PROBATION: u32 = 100;
const NO_ROOM: Duration = Duration::from_secs(1);

/// One processor of one pipeline.
pub(crate) struct Guest {
    pub(crate) id: ComponentId,
    pub(crate) pipeline: PipelineId,
    pub(crate) module: String,
    pub(crate) policy: FailurePolicy,
    pub(crate) meters: Meters,
    /// The names of the pipeline's routes.
    routes: Vec<String>,
    /// Whether its batches are processed one after another.
    alone: Arc<AtomicBool>,
    slot: Mutex<Slot>,
    refused_last: Mutex<Option<Refused>>,
}

#[derive(Default)]
struct Slot {
    current: Option<Arc<Live>>,
    previous: Option<Arc<Live>>,
    /// What was rolled back last: it is not taken up again by itself.
    given_up: Option<Identity>,
}

/// A generation in use by a processor.
pub(crate) struct Live {
    generation: Arc<Generation>,
    /// For each route of the plan its number in the pipeline.
    routes: Vec<u16>,
    probation: AtomicU32,
}

/// A payload that is done here, and the pipeline's route that it takes.
pub(crate) type Processed = (Option<u16>, Payload);

impl Guest {
    pub(crate) fn new(
        id: ComponentId,
        pipeline: PipelineId,
        module: &str,
        policy: FailurePolicy,
        meters: Meters,
        routes: &[String],
    ) -> Self {
        let (module, routes) = (module.to_owned(), routes.to_vec());
        let (alone, slot, refused_last) = (Arc::default(), Mutex::default(), Mutex::default());
        Guest { id, pipeline, module, policy, meters, routes, alone, slot, refused_last }
    }

    /// What runs now, and what ran before it and stands by.
    pub(crate) fn generations(&self) -> (Option<Arc<Generation>>, Option<Arc<Generation>>) {
        let slot = self.slot();
        let generation = |live: &Option<Arc<Live>>| live.as_ref().map(|live| Arc::clone(&live.generation));
        (generation(&slot.current), generation(&slot.previous))
    }

    /// What was refused last, or taken back.
    pub(crate) fn refused_last(&self) -> Option<Refused> {
        self.refused_last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers that a generation was refused, or taken back.
    pub(crate) fn refuses(&self, digest: String, reason: String) {
        *self.refused_last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Refused::now(digest, reason));
    }

    /// What runs now.
    pub(crate) fn running(&self) -> Option<Identity> {
        self.slot().current.as_ref().map(|live| live.generation.identity().clone())
    }

    /// Whether this was rolled back and nothing else was loaded since.
    pub(crate) fn has_given_up(&self, identity: &Identity) -> bool {
        self.slot().given_up.as_ref() == Some(identity)
    }

    /// Whether its batches are processed one after another; kept up to date.
    pub(crate) fn alone(&self) -> &Arc<AtomicBool> {
        &self.alone
    }

    /// Lets the next batch find `generation`. Batches under way end on the one they began on.
    pub(crate) fn swap(&self, generation: Arc<Generation>) -> Result<(), LoadError> {
        let routes = self.numbers(&generation.plan().routes)?;
        let mut slot = self.slot();
        let replaced = slot.current.take();
        let probation = AtomicU32::new(if replaced.is_some() { PROBATION } else { 0 });
        let identity = generation.identity().clone();
        slot.current = Some(Arc::new(Live { generation, routes, probation }));
        let retired = std::mem::replace(&mut slot.previous, replaced);
        slot.given_up = None;
        self.settle(&slot);
        let previous = slot.previous.as_ref().map(|live| live.generation.identity().clone());
        drop(slot);
        drop(retired);
        self.meters.runs(&identity);
        let previous = previous.map(|identity| identity.to_string());
        self.meters.loaded.inc();
        self.meters.generation.inc();
        tracing::info!(
            processor = %self.id, pipeline = %self.pipeline, module = self.module, digest = identity.digest.short(),
            config = identity.config.short(), previous, "module loaded"
        );
        Ok(())
    }

    /// Begins as `before` stands, which has this place in the configuration in force, where that took `found` back or has not
    /// proved it yet: what was learned of a generation holds when a pipeline is built anew. Returns whether it does.
    pub(crate) fn goes_on_from(&self, before: &Guest, found: &Identity) -> Result<bool, LoadError> {
        let (there, previous, given_up) = {
            let slot = before.slot();
            (slot.current.clone(), slot.previous.clone(), slot.given_up.clone())
        };
        let Some(there) = there else { return Ok(false) };
        let was_given_up = given_up.as_ref() == Some(found);
        let probation = there.probation.load(Ordering::Relaxed);
        let is_unproved = probation > 0 && previous.is_some() && there.generation.identity() == found;
        if !was_given_up && !is_unproved {
            return Ok(false);
        }
        let identity = there.generation.identity().clone();
        let current = self.live(Arc::clone(&there.generation), probation)?;
        // Where the pipeline no longer has its routes, there is nothing to go back to.
        let previous = previous.and_then(|previous| self.live(Arc::clone(&previous.generation), 0).ok());
        {
            let mut slot = self.slot();
            *slot = Slot { current: Some(current), previous, given_up: given_up.filter(|_| was_given_up) };
            self.settle(&slot);
        }
        self.meters.runs(&identity);
        if was_given_up {
            *self.refused_last.lock().unwrap_or_else(PoisonError::into_inner) = before.refused_last();
            tracing::warn!(
                processor = %self.id, pipeline = %self.pipeline, module = self.module, digest = found.digest.short(),
                running = %identity, "the module was rolled back before, and is not taken up again until it changes"
            );
        }
        Ok(true)
    }

    fn live(&self, generation: Arc<Generation>, probation: u32) -> Result<Arc<Live>, LoadError> {
        let routes = self.numbers(&generation.plan().routes)?;
        Ok(Arc::new(Live { generation, routes, probation: AtomicU32::new(probation) }))
    }

    /// The pipeline's numbers of the routes that a plan names.
    fn numbers(&self, planned: &[String]) -> Result<Vec<u16>, LoadError> {
        let number = |route: &String| {
            let found = self.routes.iter().position(|known| known == route);
            found
                .and_then(|index| u16::try_from(index).ok())
                .ok_or_else(|| LoadError::Route { route: route.clone(), known: self.routes.clone() })
        };
        planned.iter().map(number).collect()
    }

    /// The step that a batch is here, where there are traces: the wait for a thread is a part of it.
    pub(crate) fn step(&self, payload: &Payload) -> Option<Step> {
        if !traces::are_on() {
            return None;
        }
        let attributes = [("processor", &*self.id.to_string()), ("module", &*self.module)];
        let step = traces::step(&format!("guest/{}", self.module), &attributes)?;
        step.number("items", payload.items());
        Some(step)
    }

    /// Processes one batch on this thread, by the failure policy.
    pub(crate) fn serve(&self, payload: &Payload, context: &Context) -> Result<Vec<Processed>, Failure> {
        let before = thread_cpu();
        let lane = self.meters.lane_of(payload);
        lane.batches.inc();
        lane.items.inc_by(payload.items());
        let served = self.process(payload, context, &lane);
        let spent = thread_cpu().saturating_sub(before).as_secs_f64();
        lane.cpu.inc_by(spent);
        lane.calls_took.observe(spent);
        if served.is_err() {
            lane.refused.inc_by(payload.items());
        }
        served
    }

    fn process(&self, payload: &Payload, context: &Context, lane: &Lane) -> Result<Vec<Processed>, Failure> {
        let Some(live) = self.slot().current.clone() else {
            return Err(Failure::refused(format!("{}: the module is not loaded yet", self.id), NO_ROOM));
        };
        let reason = match self.attempt(&live, payload, context, lane, false) {
            Ok(processed) => return Ok(processed),
            Err(reason) => reason,
        };
        let fallback = self.fallback(&live);
        if self.policy == FailurePolicy::Open && fallback.is_none() {
            return Ok(self.pass(payload, lane, &reason));
        }
        let reason = match self.attempt(&live, payload, context, lane, true) {
            Ok(processed) => return Ok(processed),
            Err(reason) => reason,
        };
        if let Some(other) = fallback.or_else(|| self.fallback(&live))
            && let Ok(processed) = self.attempt(&other, payload, context, lane, false)
        {
            self.roll_back(&live, other, &reason);
            return Ok(processed);
        }
        match self.policy {
            FailurePolicy::Open => Ok(self.pass(payload, lane, &reason)),
            FailurePolicy::Closed => Err(self.failure(&reason)),
        }
    }

    fn attempt(
        &self,
        live: &Live,
        payload: &Payload,
        context: &Context,
        lane: &Lane,
        fresh: bool,
    ) -> Result<Vec<Processed>, BatchError> {
        traces::note("digest", || live.generation.identity().digest.to_string());
        match live.generation.process(payload.clone(), context, fresh) {
            Ok(done) => {
                lane.succeeded(&done);
                live.passed();
                Ok(live.routed(done))
            }
            Err(error) => {
                lane.failed(&error);
                tracing::debug!(processor = %self.id, module = %live.generation.identity(), %error, "batch failed");
                Err(error)
            }
        }
    }

    /// Who else could process a batch that `live` failed on: the generation before it, while `live` still has to prove
    /// itself, or the one that has taken its place since.
    fn fallback(&self, live: &Arc<Live>) -> Option<Arc<Live>> {
        let slot = self.slot();
        let current = slot.current.as_ref()?;
        if !Arc::ptr_eq(current, live) {
            return Some(Arc::clone(current));
        }
        if live.probation.load(Ordering::Relaxed) == 0 {
            return None;
        }
        slot.previous.clone()
    }

    /// Goes back to the generation that did what `failed` could not, unless that was done already.
    fn roll_back(&self, failed: &Arc<Live>, previous: Arc<Live>, reason: &BatchError) {
        let mut slot = self.slot();
        if !slot.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, failed)) {
            return;
        }
        let to = previous.generation.identity().clone();
        previous.probation.store(0, Ordering::Relaxed);
        slot.current = Some(previous);
        slot.previous = None;
        slot.given_up = Some(failed.generation.identity().clone());
        self.settle(&slot);
        drop(slot);
        self.meters.rollbacks.inc();
        self.meters.runs(&to);
        self.refuses(failed.generation.identity().digest.short(), format!("rolled back: {reason}"));
        tracing::warn!(
            processor = %self.id, pipeline = %self.pipeline, module = self.module,
            digest = failed.generation.identity().digest.short(), %reason, %to,
            "module rolled back: it failed on a batch that the generation before it processes"
        );
    }

    /// Lets the pool know how many threads may process its batches.
    fn settle(&self, slot: &Slot) {
        let alone = slot.current.as_ref().is_some_and(|live| live.generation.remembers());
        self.alone.store(alone, Ordering::Relaxed);
    }

    fn pass(&self, payload: &Payload, lane: &Lane, reason: &BatchError) -> Vec<Processed> {
        lane.unprocessed.inc_by(payload.items());
        tracing::debug!(processor = %self.id, %reason, "batch passed on unprocessed: the failure policy is open");
        vec![(None, payload.clone())]
    }

    fn failure(&self, reason: &BatchError) -> Failure {
        let said = format!("{}: {reason}", self.id);
        match reason {
            BatchError::Call(error) if error.is_for_want_of_room() => Failure::refused(said, NO_ROOM),
            _ => Failure::retryable(said),
        }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn passed(&self) {
        // Two that pass at once may both take the last step: it stays at 0.
        let _ = self.probation.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    }

    fn routed(&self, done: Done) -> Vec<Processed> {
        let number = |route: u32| usize::try_from(route).ok().and_then(|route| self.routes.get(route)).copied();
        done.routed.into_iter().map(|routed| (routed.route.and_then(number), routed.payload)).collect()
    }
}
