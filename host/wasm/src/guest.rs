//! A guest processor's own side: which generation it runs, and which one it ran before.

mod failing;
mod live;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use host_component::{ComponentId, Failure, Payload, PipelineId};
use host_telemetry::traces::{self, Step};
use tokio::sync::Notify;

use self::failing::Batch;
use self::live::{Live, PROBATION};
use crate::breaker;
use crate::budget::thread_cpu;
use crate::config::{FailurePolicy, IfMissing};
use crate::generation::{Generation, Identity};
use crate::instance::Context;
use crate::loader::LoadError;
use crate::meters::{Lane, Meters, Rollback};
use crate::quarantine::Ward;
use crate::shelf::Edition;
use crate::standing::Watch;
use crate::status::Refused;
use crate::throttle::Throttle;
use crate::voice::one_line;

const NO_MODULE: Duration = Duration::from_secs(1);
/// Longer names of clusters are cut where they are told: they are the senders'.
const NAME_BYTES: usize = 128;

/// One processor of one pipeline.
pub(crate) struct Guest {
    pub(crate) id: ComponentId,
    pub(crate) pipeline: PipelineId,
    pub(crate) module: String,
    /// The head that its module is pushed under, where it is one of several at this place.
    pub(crate) head: Option<String>,
    pub(crate) policy: Policy,
    pub(crate) meters: Meters,
    /// The names of the pipeline's routes.
    routes: Vec<String>,
    /// Whether its batches are processed one after another.
    alone: Arc<AtomicBool>,
    /// Whether the collector started without its module.
    is_missing: AtomicBool,
    slot: Mutex<Slot>,
    refused_last: Mutex<Option<Refused>>,
    /// For what is told of poison.
    told: Throttle,
    /// For what is told of data that nothing is for.
    turned_away: Throttle,
    /// Counted up with each change of what runs.
    turns: Arc<AtomicU64>,
    /// Told of when something was rolled back.
    gave_up: Notify,
}

/// Where guests stand, and what all that stand there have in common.
#[derive(Clone)]
pub(crate) struct Stand {
    pub(crate) id: ComponentId,
    pub(crate) pipeline: PipelineId,
    pub(crate) module: String,
    pub(crate) policy: Policy,
    /// The names of the pipeline's routes.
    pub(crate) routes: Vec<String>,
}

/// What becomes of a batch that cannot be processed.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) failure: FailurePolicy,
    pub(crate) if_missing: IfMissing,
    pub(crate) watch: Watch,
    /// Whether its module comes from the shelf.
    pub(crate) is_pushed: bool,
    /// Where poison goes; refused where there is no such place.
    pub(crate) quarantine: Option<Arc<Ward>>,
}

#[derive(Default)]
struct Slot {
    current: Option<Arc<Live>>,
    previous: Option<Arc<Live>>,
    /// What was rolled back last: it is not taken up again by itself.
    given_up: Option<Identity>,
}

/// A payload that is done here, and the pipeline's route that it takes.
pub(crate) type Processed = (Option<u16>, Payload);

impl Guest {
    pub(crate) fn new(stand: Stand, head: Option<&str>, meters: Meters, turns: Arc<AtomicU64>) -> Self {
        let Stand { id, pipeline, module, policy, routes } = stand;
        Guest {
            id,
            pipeline,
            module,
            head: head.map(str::to_owned),
            policy,
            meters,
            routes,
            alone: Arc::default(),
            is_missing: AtomicBool::default(),
            slot: Mutex::default(),
            refused_last: Mutex::default(),
            told: Throttle::default(),
            turned_away: Throttle::default(),
            turns,
            gave_up: Notify::new(),
        }
    }

    /// Whether the collector may start without its module, which it then does.
    pub(crate) fn starts_without(&self) -> bool {
        let may = self.policy.if_missing != IfMissing::Fail;
        self.is_missing.store(may, Ordering::Relaxed);
        may
    }

    /// Whether the collector started without its module, and it has not come yet.
    pub(crate) fn is_missing(&self) -> bool {
        self.is_missing.load(Ordering::Relaxed)
    }

    /// Whether others run in the place of it, which has no module.
    pub(crate) fn is_stood_in_for(&self, by_others: bool) {
        self.is_missing.store(!by_others, Ordering::Relaxed);
    }

    /// Whether it stands for modules that run, and has none itself.
    pub(crate) fn has_others_in_its_place(&self) -> bool {
        self.policy.is_pushed && self.head.is_none() && !self.is_missing()
    }

    /// Whether it refuses all that comes, for want of a module.
    pub(crate) fn refuses_all(&self) -> bool {
        self.policy.if_missing == IfMissing::Refuse && self.is_missing()
    }

    /// How the breaker stands, where it is open; how many recent items there were, and how many of them were poison.
    pub(crate) fn standing(&self) -> (Option<breaker::Standing>, (u64, u64)) {
        let current = self.slot().current.clone();
        current.map_or((None, (0, 0)), |live| (live.breaker.standing(Instant::now()), live.standing.recent()))
    }

    /// What runs now, and what ran before it and stands by.
    pub(crate) fn generations(&self) -> (Option<Arc<Generation>>, Option<Arc<Generation>>) {
        let slot = self.slot();
        let generation = |live: &Option<Arc<Live>>| live.as_ref().map(|live| Arc::clone(&live.generation));
        (generation(&slot.current), generation(&slot.previous))
    }

    /// What was pushed of which it runs something.
    pub(crate) fn edition(&self) -> Option<Arc<Edition>> {
        self.slot().current.as_ref().and_then(|live| live.edition.clone())
    }

    /// What runs is what was pushed with this, too.
    pub(crate) fn runs_as(&self, edition: &Arc<Edition>) {
        let mut slot = self.slot();
        if let Some(live) =
            slot.current.as_ref().filter(|live| live.edition.as_ref().is_some_and(|of| !Arc::ptr_eq(of, edition)))
        {
            slot.current = Some(Arc::new(live.of(Arc::clone(edition))));
            self.settle(&slot);
        }
    }

    /// Returns when something was rolled back.
    pub(crate) async fn gave_up(&self) {
        self.gave_up.notified().await;
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
    pub(crate) fn swap(&self, generation: Arc<Generation>, edition: Option<Arc<Edition>>) -> Result<(), LoadError> {
        let routes = self.numbers(&generation.plan().routes)?;
        let mut slot = self.slot();
        let replaced = slot.current.take();
        let probation = if replaced.is_some() { PROBATION } else { 0 };
        let identity = generation.identity().clone();
        slot.current = Some(Arc::new(Live::new(generation, edition, routes, probation)));
        let retired = std::mem::replace(&mut slot.previous, replaced);
        slot.given_up = None;
        self.settle(&slot);
        let previous = slot.previous.as_ref().map(|live| live.generation.identity().clone());
        drop(slot);
        drop(retired);
        self.is_missing.store(false, Ordering::Relaxed);
        self.meters.runs(&identity);
        self.meters.breaker(false);
        let previous = previous.map(|identity| identity.to_string());
        self.meters.loaded.inc();
        self.meters.generation.inc();
        tracing::info!(
            processor = %self.id, pipeline = %self.pipeline, module = self.module, head = self.head,
            digest = identity.digest.short(), config = identity.config.short(), previous, "module loaded"
        );
        Ok(())
    }

    /// Whether a generation may run here, where its plan is good.
    pub(crate) fn fits(&self, generation: &Generation) -> Result<(), LoadError> {
        self.numbers(&generation.plan().routes).map(drop)
    }

    /// Runs what another has run at this place.
    pub(crate) fn runs_what_ran(&self, before: &Guest) -> Result<(), LoadError> {
        let live = before.slot().current.clone();
        live.map_or(Ok(()), |live| self.swap(Arc::clone(&live.generation), live.edition.clone()))
    }

    /// Begins as `before` stands, which has this place in the configuration in force, where that took `found` back, has not
    /// proved it yet or found it at fault: what was learned of a generation holds when a pipeline is built anew. Returns whether
    /// it does.
    pub(crate) fn goes_on_from(&self, before: &Guest, found: &Identity) -> Result<bool, LoadError> {
        let (there, previous, given_up) = {
            let slot = before.slot();
            (slot.current.clone(), slot.previous.clone(), slot.given_up.clone())
        };
        let Some(there) = there else { return Ok(false) };
        let was_given_up = given_up.as_ref() == Some(found);
        let is_unproved = previous.is_some() && there.is_unproved(&self.policy.watch);
        let is_same = there.generation.identity() == found && (is_unproved || there.breaker.is_open());
        if !was_given_up && !is_same {
            return Ok(false);
        }
        let identity = there.generation.identity().clone();
        let current = self.like(&there)?;
        let is_open = current.breaker.is_open();
        // Where the pipeline no longer has its routes, there is nothing to go back to.
        let previous = previous.and_then(|previous| self.like(&previous).ok());
        {
            let mut slot = self.slot();
            *slot = Slot { current: Some(current), previous, given_up: given_up.filter(|_| was_given_up) };
            self.settle(&slot);
        }
        self.meters.runs(&identity);
        self.meters.breaker(is_open);
        if was_given_up {
            *self.refused_last.lock().unwrap_or_else(PoisonError::into_inner) = before.refused_last();
            tracing::warn!(
                processor = %self.id, pipeline = %self.pipeline, module = self.module, digest = found.digest.short(),
                running = %identity, "the module was rolled back before, and is not taken up again until it changes"
            );
        }
        Ok(true)
    }

    /// The same generation at this place, with what is known of it.
    fn like(&self, there: &Live) -> Result<Arc<Live>, LoadError> {
        Ok(Arc::new(there.with_routes(self.numbers(&there.generation.plan().routes)?)))
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
        let current = self.slot().current.clone();
        let served = match &current {
            Some(live) => self.process(live, &Batch { payload, context, lane: &lane }),
            None => self.without_module(payload, &lane),
        };
        let spent = thread_cpu().saturating_sub(before);
        lane.cpu.inc_by(spent.as_secs_f64());
        lane.calls_took.observe(spent.as_secs_f64());
        match (&current, &served) {
            (_, Err(_)) => lane.refused.inc_by(payload.items()),
            (Some(live), Ok(_)) if spent > self.policy.watch.p99 => self.was_slow(live, spent),
            _ => {}
        }
        served
    }

    /// Nothing passes unprocessed since nothing is loaded, unless the operator wants it so.
    fn without_module(&self, payload: &Payload, lane: &Lane) -> Result<Vec<Processed>, Failure> {
        if self.policy.if_missing == IfMissing::Pass && self.is_missing() {
            lane.unprocessed.inc_by(payload.items());
            return Ok(vec![(None, payload.clone())]);
        }
        let reason = format!("{}: the module {} is not loaded yet", self.id, self.module);
        Err(Failure::Retryable { reason, after: Some(NO_MODULE) })
    }

    /// Nothing is for the cluster that a batch is of: its sender may try again.
    pub(crate) fn turn_away(&self, payload: &Payload, cluster: &str) -> Failure {
        let lane = self.meters.lane_of(payload);
        lane.batches.inc();
        lane.items.inc_by(payload.items());
        lane.refused.inc_by(payload.items());
        let cluster = one_line(cluster, NAME_BYTES);
        if let Some(left_out) = self.turned_away.admits(Instant::now()) {
            tracing::warn!(
                processor = %self.id, pipeline = %self.pipeline, module = self.module, cluster, left_out,
                "data is refused: no module that runs is for its cluster"
            );
        }
        let reason = match cluster.as_str() {
            "" => {
                format!("{}: it has no cluster.id, and no module {} that runs is for such data", self.id, self.module)
            }
            _ => format!("{}: no module {} that runs is for the cluster {cluster:?}", self.id, self.module),
        };
        Failure::Retryable { reason, after: Some(NO_MODULE) }
    }

    /// Goes back to the generation before the one that failed, unless that was done already; whether it was now.
    fn roll_back(&self, failed: &Arc<Live>, previous: Arc<Live>, why: Rollback, reason: &str) -> bool {
        let mut slot = self.slot();
        if !slot.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, failed)) {
            return false;
        }
        let to = previous.generation.identity().clone();
        previous.probation.store(0, Ordering::Relaxed);
        slot.current = Some(previous);
        slot.previous = None;
        slot.given_up = Some(failed.generation.identity().clone());
        self.settle(&slot);
        drop(slot);
        self.meters.rolled_back(why);
        self.meters.runs(&to);
        self.meters.breaker(false);
        let digest = failed.generation.identity().digest.short();
        self.refuses(digest.clone(), format!("rolled back: {reason}"));
        self.gave_up.notify_one();
        tracing::warn!(
            processor = %self.id, pipeline = %self.pipeline, module = self.module, digest, why = why.name(), reason, %to,
            "module rolled back: {}", why.told()
        );
        true
    }

    /// Lets the pool know how many threads may process its batches.
    fn settle(&self, slot: &Slot) {
        let alone = slot.current.as_ref().is_some_and(|live| live.generation.remembers());
        self.alone.store(alone, Ordering::Relaxed);
        self.turns.fetch_add(1, Ordering::Release);
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
