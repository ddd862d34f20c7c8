//! A generation in use by a processor, with what is known of it there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::Processed;
use crate::breaker::Breaker;
use crate::generation::{Done, Generation};
use crate::shelf::Edition;
use crate::standing::{Standing, Watch};

/// Batches in which the generation before a new one takes over at once where it can do what the new one cannot.
pub(super) const PROBATION: u32 = 100;

/// A generation in use by a processor. Clones share what is known of it.
#[derive(Clone)]
pub(crate) struct Live {
    pub(super) generation: Arc<Generation>,
    /// What was pushed, where it was: it says for which clusters this is.
    pub(super) edition: Option<Arc<Edition>>,
    /// For each route of the plan its number in the pipeline.
    routes: Vec<u16>,
    pub(super) probation: Arc<AtomicU32>,
    pub(super) standing: Arc<Standing>,
    pub(super) breaker: Arc<Breaker>,
}

impl Live {
    pub(super) fn new(
        generation: Arc<Generation>,
        edition: Option<Arc<Edition>>,
        routes: Vec<u16>,
        probation: u32,
    ) -> Self {
        let (probation, standing) = (Arc::new(AtomicU32::new(probation)), Arc::new(Standing::new(Instant::now())));
        Live { generation, edition, routes, probation, standing, breaker: Arc::default() }
    }

    /// The same where the routes have other numbers.
    pub(super) fn with_routes(&self, routes: Vec<u16>) -> Self {
        Live { routes, ..self.clone() }
    }

    /// The same by what else was pushed.
    pub(super) fn of(&self, edition: Arc<Edition>) -> Self {
        Live { edition: Some(edition), ..self.clone() }
    }

    /// Whether it may still have to make way for the one before it.
    pub(super) fn is_unproved(&self, watch: &Watch) -> bool {
        self.probation.load(Ordering::Relaxed) > 0 || self.standing.is_watched(watch, Instant::now())
    }

    pub(super) fn passed(&self) {
        // Two that pass at once may both take the last step: it stays at 0.
        let _ = self.probation.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    }

    pub(super) fn routed(&self, done: Done) -> Vec<Processed> {
        let number = |route: u32| usize::try_from(route).ok().and_then(|route| self.routes.get(route)).copied();
        done.routed.into_iter().map(|routed| (routed.route.and_then(number), routed.payload)).collect()
    }
}
