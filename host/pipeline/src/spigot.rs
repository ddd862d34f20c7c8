//! A spigot is where an operator draws from a pipeline: one at its start, one after each processor.
//!
//! While nobody draws, it costs one load a payload. What is drawn is a reference to the payload that passes;
//! who draws too slowly is passed over, and never holds anything up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host_component::{ComponentId, Payload, PipelineId};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Payloads that may wait for one who draws: no budget counts them.
const WAITING: usize = 2;
/// Those who may draw from one place at a time.
const DRAWERS: usize = 4;

/// A place in a pipeline.
#[derive(Default)]
pub(crate) struct Spigot {
    /// How many draw: what the way of the data looks at.
    open: AtomicUsize,
    drawers: Mutex<Vec<Drawer>>,
}

/// Where what is drawn goes, and how many items of it went by unseen.
struct Drawer {
    payloads: mpsc::Sender<Payload>,
    missed: Arc<AtomicU64>,
}

/// What somebody draws.
pub struct Drawn {
    payloads: mpsc::Receiver<Payload>,
    missed: Arc<AtomicU64>,
}

/// Why nothing can be drawn.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    #[error("there is no pipeline {0:?}; there are: {1}")]
    Pipeline(String, String),
    #[error("the pipeline {0} has no processor {1:?}; it has: {2}")]
    Processor(String, String, String),
    #[error("{DRAWERS} look at this place already")]
    Crowded,
}

impl Spigot {
    /// Gives whoever draws here a reference to what passes.
    pub(crate) fn pass(&self, payload: &Payload) {
        if self.open.load(Ordering::Relaxed) > 0 {
            self.hand_out(payload);
        }
    }

    #[cold]
    fn hand_out(&self, payload: &Payload) {
        let mut drawers = self.drawers.lock().unwrap_or_else(PoisonError::into_inner);
        drawers.retain(|drawer| match drawer.payloads.try_send(payload.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(payload)) => {
                drawer.missed.fetch_add(payload.items(), Ordering::Relaxed);
                true
            }
            Err(TrySendError::Closed(_)) => false,
        });
        self.open.store(drawers.len(), Ordering::Relaxed);
    }

    fn draw(&self) -> Result<Drawn, DrawError> {
        let mut drawers = self.drawers.lock().unwrap_or_else(PoisonError::into_inner);
        drawers.retain(|drawer| !drawer.payloads.is_closed());
        if drawers.len() >= DRAWERS {
            return Err(DrawError::Crowded);
        }
        let (sender, payloads) = mpsc::channel(WAITING);
        let missed = Arc::new(AtomicU64::new(0));
        drawers.push(Drawer { payloads: sender, missed: Arc::clone(&missed) });
        self.open.store(drawers.len(), Ordering::Relaxed);
        Ok(Drawn { payloads, missed })
    }
}

impl Drawn {
    /// The next payload; none once the pipeline is gone.
    pub async fn next(&mut self) -> Option<Payload> {
        self.payloads.recv().await
    }

    /// Items that passed unseen since this was asked last.
    pub fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }
}

/// All spigots of a graph. Cloning shares them.
#[derive(Clone, Default)]
pub struct Spigots(Arc<Mutex<BTreeMap<PipelineId, Places>>>);

/// Those of one pipeline.
#[derive(Default)]
pub(crate) struct Places {
    pub(crate) start: Arc<Spigot>,
    pub(crate) after: BTreeMap<ComponentId, Arc<Spigot>>,
}

impl Places {
    pub(crate) fn new(processors: &[ComponentId]) -> Self {
        let after = processors.iter().map(|id| (id.clone(), Arc::default())).collect();
        Places { start: Arc::default(), after }
    }
}

impl Spigots {
    /// Puts the places of pipelines in, instead of those that they had, and takes out those of pipelines that are gone.
    pub(crate) fn replace(&self, fresh: Vec<(PipelineId, Places)>, is_there: impl Fn(&PipelineId) -> bool) {
        let mut places = self.places();
        places.extend(fresh);
        places.retain(|id, _| is_there(id));
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<PipelineId, Places>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws from the start of a pipeline, or from behind one of its processors.
    ///
    /// # Errors
    /// Where there is no such place, or too many draw there.
    pub fn draw(&self, pipeline: &str, after: Option<&str>) -> Result<Drawn, DrawError> {
        let all = self.places();
        let Some((id, places)) = all.iter().find(|(id, _)| id.to_string() == pipeline) else {
            return Err(DrawError::Pipeline(pipeline.to_owned(), listed(all.keys())));
        };
        let Some(after) = after else { return places.start.draw() };
        match places.after.iter().find(|(processor, _)| processor.to_string() == after) {
            Some((_, spigot)) => spigot.draw(),
            None => Err(DrawError::Processor(id.to_string(), after.to_owned(), listed(places.after.keys()))),
        }
    }
}

fn listed(names: impl Iterator<Item = impl ToString>) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
