//! What becomes of a batch that a module fails on: it is tried again, by another generation where there is one that could,
//! in parts; and what is poison in it goes to the quarantine, or the module is at fault.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use host_component::{Failure, Payload};
use host_telemetry::traces;

use super::live::Live;
use super::{Guest, Processed};
use crate::bisect::{Bisected, Divisible, bisect};
use crate::breaker::Admission;
use crate::config::FailurePolicy;
use crate::generation::BatchError;
use crate::instance::Context;
use crate::meters::{Lane, Rollback};
use crate::quarantine::Place;
use crate::standing::is_too_much;

const NO_ROOM: Duration = Duration::from_secs(1);
/// A bisection takes no longer on the wall, but for the call that is under way.
const BISECTION: Duration = Duration::from_secs(1);

/// A batch, and where it is counted.
pub(super) struct Batch<'b> {
    pub(super) payload: &'b Payload,
    pub(super) context: &'b Context,
    pub(super) lane: &'b Lane,
}

impl Guest {
    pub(super) fn process(&self, live: &Arc<Live>, batch: &Batch<'_>) -> Result<Vec<Processed>, Failure> {
        let trial = match live.breaker.admit(Instant::now) {
            Admission::Closed => None,
            Admission::Trial(trial) => Some(trial),
            Admission::Refused { after, reason } => return Err(Failure::Retryable { reason, after: Some(after) }),
        };
        live.standing.began(batch.payload.items());
        let processed = match self.attempt(live, batch, false) {
            Ok(processed) => {
                live.passed();
                Ok(processed)
            }
            Err(reason) => self.failed(live, batch, &reason, trial.is_some()),
        };
        if let (Ok(_), Some(trial)) = (&processed, trial)
            && self.runs(live)
        {
            trial.succeeded();
            self.meters.breaker(false);
            tracing::info!(
                processor = %self.id, pipeline = %self.pipeline, module = self.module,
                "the module processes batches again"
            );
        }
        processed
    }

    fn failed(
        &self,
        live: &Arc<Live>,
        batch: &Batch<'_>,
        reason: &BatchError,
        is_trial: bool,
    ) -> Result<Vec<Processed>, Failure> {
        let fallback = self.fallback(live);
        if self.policy.failure == FailurePolicy::Open && fallback.is_none() {
            return self.give_up(live, batch, reason);
        }
        let reason = match self.attempt(live, batch, true) {
            Ok(processed) => {
                live.passed();
                if !reason.is_for_want_of_room() {
                    self.fails_too_often(live, &reason.to_string());
                }
                return Ok(processed);
            }
            Err(reason) => reason,
        };
        if let Some(other) = fallback.or_else(|| self.fallback(live))
            && let Ok(processed) = self.attempt(&other, batch, false)
        {
            self.roll_back(live, other, Rollback::Failed, &reason.to_string());
            return Ok(processed);
        }
        match self.policy.failure {
            FailurePolicy::Closed if !reason.is_for_want_of_room() => self.divide(live, batch, reason, is_trial),
            FailurePolicy::Open | FailurePolicy::Closed => self.give_up(live, batch, &reason),
        }
    }

    /// Nobody knows whether it is module or data. Where the module fails too often, the generation before it has the batch.
    fn give_up(&self, live: &Arc<Live>, batch: &Batch<'_>, reason: &BatchError) -> Result<Vec<Processed>, Failure> {
        if !reason.is_for_want_of_room()
            && let Some(restored) = self.fails_too_often(live, &reason.to_string())
            && let Ok(processed) = self.attempt(&restored, batch, false)
        {
            return Ok(processed);
        }
        match self.policy.failure {
            FailurePolicy::Open => Ok(self.pass(batch, reason)),
            FailurePolicy::Closed => Err(self.failure(reason)),
        }
    }

    fn attempt(&self, live: &Live, batch: &Batch<'_>, fresh: bool) -> Result<Vec<Processed>, BatchError> {
        self.attempt_with(live, batch.payload, batch, fresh)
    }

    /// Processes a part of a batch, or all of it.
    fn attempt_with(
        &self,
        live: &Live,
        part: &Payload,
        batch: &Batch<'_>,
        fresh: bool,
    ) -> Result<Vec<Processed>, BatchError> {
        traces::note("digest", || live.generation.identity().digest.to_string());
        match live.generation.process(part.clone(), batch.context, fresh) {
            Ok(done) => {
                batch.lane.succeeded(&done);
                Ok(live.routed(done))
            }
            Err(error) => {
                batch.lane.failed(&error);
                self.meters.exceeded(&error);
                self.tell(live, &error);
                Err(error)
            }
        }
    }

    /// One line a second and module, since a batch may fail many times.
    fn tell(&self, live: &Live, error: &BatchError) {
        let identity = live.generation.identity();
        let Some(left_out) = live.generation.voice().admits_failure(Instant::now()) else { return };
        let (export, backtrace) = error.trap().map_or(("process", None), |trap| (trap.export, Some(trap.backtrace())));
        tracing::warn!(
            processor = %self.id, pipeline = %self.pipeline, module = identity.name, digest = identity.digest.short(),
            export, cause = %error, backtrace, left_out, "module failed on a batch"
        );
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

    /// The generation before `live`, as long as `live` runs.
    fn previous(&self, live: &Arc<Live>) -> Option<Arc<Live>> {
        let slot = self.slot();
        let runs = slot.current.as_ref().is_some_and(|current| Arc::ptr_eq(current, live));
        runs.then(|| slot.previous.clone()).flatten()
    }

    fn runs(&self, live: &Arc<Live>) -> bool {
        self.slot().current.as_ref().is_some_and(|current| Arc::ptr_eq(current, live))
    }

    /// Counts a batch that failed, and not for its data. Restores the generation before where that are more than a new one may
    /// have; returns it then.
    fn fails_too_often(&self, live: &Arc<Live>, reason: &str) -> Option<Arc<Live>> {
        let watch = &self.policy.watch;
        if !live.standing.failed(watch, Instant::now()) {
            return None;
        }
        let previous = self.previous(live)?;
        let reason = format!("more than {} % of its batches failed, the last with: {reason}", watch.error_percent);
        self.roll_back(live, Arc::clone(&previous), Rollback::Errors, &reason).then_some(previous)
    }

    /// Restores the generation before one that takes longer than a new one may.
    pub(super) fn was_slow(&self, live: &Arc<Live>, spent: Duration) {
        let watch = &self.policy.watch;
        if live.standing.slow(watch, Instant::now())
            && let Some(previous) = self.previous(live)
        {
            let p99 = watch.p99;
            let reason =
                format!("more than one of a hundred batches took longer than {p99:?} of CPU time, the last {spent:?}");
            self.roll_back(live, previous, Rollback::Slow, &reason);
        }
    }

    /// Finds out what in the batch it is that the module fails on.
    fn divide(
        &self,
        live: &Arc<Live>,
        batch: &Batch<'_>,
        reason: BatchError,
        is_trial: bool,
    ) -> Result<Vec<Processed>, Failure> {
        let items = batch.payload.items();
        // What one instance remembers would have seen the parts that passed, and then the same again.
        if live.generation.remembers() && items > 1 {
            return match live.standing.poisoned(items) {
                true => self.at_fault(live, batch, &reason, is_trial),
                false => self.give_up(live, batch, &reason),
            };
        }
        batch.lane.bisections.inc();
        let began = Instant::now();
        let call = |part: &Payload| self.attempt_with(live, part, batch, part.items() <= 1);
        match bisect(batch.payload.clone(), reason, call, || began.elapsed() > BISECTION) {
            Bisected::Spent(reason) => self.at_fault(live, batch, &reason, is_trial),
            Bisected::Stopped(reason) => Err(self.failure(&reason)),
            Bisected::Found { passed, poison } => {
                let passed = joined(passed.into_iter().flatten());
                let Some((_, reason)) = poison.last() else { return Ok(passed) };
                let found: u64 = poison.iter().map(|(part, _)| part.items()).sum();
                batch.lane.poison.inc_by(found);
                if live.standing.poisoned(found) || is_trial && is_too_much(found, items) {
                    return self.at_fault(live, batch, reason, is_trial);
                }
                self.put_away(live, batch, poison).map(|()| passed)
            }
        }
    }

    /// Puts poison into the quarantine. Where that cannot be, the whole batch is refused: a sender has one answer, and would send
    /// what passed again.
    fn put_away(&self, live: &Live, batch: &Batch<'_>, poison: Vec<(Payload, BatchError)>) -> Result<(), Failure> {
        let items: u64 = poison.iter().map(|(part, _)| part.items()).sum();
        let reason = poison.last().map(|(_, reason)| reason.to_string()).unwrap_or_default();
        let identity = live.generation.identity();
        let refused = match &self.policy.quarantine {
            Some(ward) => {
                let place = Place { guest: self, identity, context: batch.context };
                match ward.take(&place, poison) {
                    Ok(()) => None,
                    Err(error) => Some(error.to_string()),
                }
            }
            None => Some("there is no quarantine: set modules.quarantine.path".to_owned()),
        };
        if let Some(left_out) = self.told.admits(Instant::now()) {
            let (processor, pipeline, digest) = (&self.id, &self.pipeline, identity.digest.short());
            match &refused {
                None => tracing::warn!(
                    %processor, %pipeline, module = self.module, digest, items, reason, left_out,
                    "items that the module cannot process were put into the quarantine"
                ),
                Some(refused) => tracing::error!(
                    %processor, %pipeline, module = self.module, digest, items, reason, left_out, refused,
                    "the batch is refused: the module cannot process some of its items, and they cannot be put away"
                ),
            }
        }
        match refused {
            None => Ok(()),
            Some(refused) => {
                let of = batch.payload.items();
                let said = format!("{}: {items} of {of} items cannot be processed ({reason}); {refused}", self.id);
                Err(Failure::Retryable { reason: said, after: Some(NO_ROOM) })
            }
        }
    }

    /// The module fails on too much for the data to be at fault: the generation before it takes over where it can, and
    /// nothing is processed for a while where there is none.
    fn at_fault(
        &self,
        live: &Arc<Live>,
        batch: &Batch<'_>,
        reason: &BatchError,
        is_trial: bool,
    ) -> Result<Vec<Processed>, Failure> {
        if let Some(previous) = self.previous(live)
            && let Ok(processed) = self.attempt(&previous, batch, false)
        {
            self.roll_back(live, previous, Rollback::AtFault, &reason.to_string());
            return Ok(processed);
        }
        live.standing.forget();
        let said = format!("{}: the module {} is at fault: {reason}", self.id, self.module);
        let (after, is_news) = live.breaker.trip(Instant::now(), said.clone(), is_trial);
        // Where another has taken its place since, nothing is refused.
        if is_news && self.runs(live) {
            self.meters.breaker_trips.inc();
            self.meters.breaker(true);
            let digest = live.generation.identity().digest.short();
            tracing::error!(
                processor = %self.id, pipeline = %self.pipeline, module = self.module, digest, %reason, refused_for = ?after,
                "the module is at fault, and not the data: batches are refused until one that tries is processed"
            );
        }
        Err(Failure::Retryable { reason: said, after: Some(after) })
    }

    fn pass(&self, batch: &Batch<'_>, reason: &BatchError) -> Vec<Processed> {
        batch.lane.unprocessed.inc_by(batch.payload.items());
        tracing::debug!(processor = %self.id, %reason, "batch passed on unprocessed: the failure policy is open");
        vec![(None, batch.payload.clone())]
    }

    fn failure(&self, reason: &BatchError) -> Failure {
        let said = format!("{}: {reason}", self.id);
        match reason.is_for_want_of_room() {
            true => Failure::refused(said, NO_ROOM),
            false => Failure::retryable(said),
        }
    }
}

/// What passed in parts goes on as one, for each route that a part of it took.
fn joined(parts: impl Iterator<Item = Processed>) -> Vec<Processed> {
    let mut whole: Vec<Processed> = Vec::new();
    for (route, part) in parts {
        match whole.iter_mut().find(|(known, _)| *known == route) {
            Some((_, payload)) => payload.join(part),
            None => whole.push((route, part)),
        }
    }
    whole
}

impl Divisible for Payload {
    fn items(&self) -> u64 {
        Payload::items(self)
    }

    fn halve(self) -> Result<(Self, Self), Self> {
        let items = Payload::items(&self);
        if items < 2 {
            return Err(self);
        }
        let mut parts = self.clone().split(items / 2, usize::MAX).into_iter();
        let (first, behind) = (parts.next(), parts.reduce(Divisible::join));
        first.zip(behind).ok_or(self)
    }

    fn join(mut self, behind: Self) -> Self {
        Payload::join(&mut self, behind);
        self
    }
}
