//! The graph, before it runs, while it runs, and when another takes its place.
//!
//! Draining goes with the stream: receivers take nothing new and answer what they have taken, which empties the
//! processors, since an answer waits for its data; then exporters flush. Nothing that failed is tried again meanwhile: its
//! sender knows better where to try. Whoever has not ended at the deadline is left behind and named.
//!
//! A graph that takes the place of one that runs keeps what is alike in both. A receiver that stays is handed its new
//! successors between two requests; what it has under way ends where it began. One that is replaced stops taking
//! connections when its successor takes them, and drains. Connectors lead to the entries of pipelines, and an entry stays
//! while the pipeline behind it is replaced, so that a pipeline that stays is handed its new successors, too.

use std::collections::BTreeMap;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use host_component::{ComponentId, Consumer, Consumers, Exporter, Kind, PipelineId, Receiver, Trigger, spawn};
use host_config::Validated;
use host_telemetry::Metrics;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::build::{BuildError, Builder, Factories};
use crate::changes::Changes;
use crate::entry::Entry;
use crate::retired::{Drained, Retired};
use crate::spigot::{Places, Spigots};

/// Something that was made of a configuration, and what decides what it is.
pub(crate) struct Made<T> {
    pub(crate) content: String,
    pub(crate) it: T,
}

/// What receivers lead to.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) exporters: BTreeMap<ComponentId, Made<Arc<dyn Exporter>>>,
    /// Where connectors hand data to pipelines.
    pub(crate) entries: BTreeMap<PipelineId, Arc<Entry>>,
    /// The head of each pipeline.
    pub(crate) pipelines: BTreeMap<PipelineId, Made<Arc<dyn Consumer>>>,
}

/// Everything built and bound; nothing of it runs.
pub struct Graph {
    pub(crate) parts: Parts,
    /// Where one can look at what passes, in pipelines that are new.
    pub(crate) places: Vec<(PipelineId, Places)>,
    pub(crate) fresh: BTreeMap<ComponentId, Fresh>,
    /// The new successors of receivers that run already.
    pub(crate) kept: BTreeMap<ComponentId, Consumers>,
    pub(crate) spigots: Spigots,
    pub(crate) unwaited: TaskTracker,
}

/// A receiver that does not run yet.
pub(crate) struct Fresh {
    pub(crate) content: String,
    pub(crate) consumers: Consumers,
    pub(crate) receiver: Box<dyn Receiver>,
}

/// A receiver that runs.
pub(crate) struct Serving {
    content: String,
    consumers: Consumers,
    trigger: Trigger,
    task: JoinHandle<()>,
}

/// How a receiver ended: with the reason where it panicked.
type Ended = (ComponentId, Option<String>);

/// A graph that takes data. Dropping it ends the receivers without waiting for them.
pub struct Running {
    receivers: BTreeMap<ComponentId, Serving>,
    parts: Parts,
    spigots: Spigots,
    /// What is under way and nobody waits for.
    unwaited: TaskTracker,
}

impl Graph {
    /// Starts the receivers.
    pub fn run(self) -> Running {
        let (spigots, unwaited) = (self.spigots.clone(), self.unwaited.clone());
        let mut running = Running { receivers: BTreeMap::new(), parts: Parts::default(), spigots, unwaited };
        // Nothing ran before, so that nothing is left to drain.
        let _ = running.take_over(self);
        running
    }
}

impl Fresh {
    fn start(self, id: &ComponentId) -> Serving {
        let (trigger, shutdown) = Trigger::new();
        let task = spawn("receiver", &id.to_string(), self.receiver.run(shutdown));
        Serving { content: self.content, consumers: self.consumers, trigger, task }
    }
}

impl Serving {
    /// Has it take nothing new; the task ends when it has answered what it took.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.trigger.fire();
        self.task
    }
}

impl Running {
    /// Builds the graph of another configuration beside this one. What is alike in both is not built again.
    ///
    /// # Errors
    /// As [`crate::build`]; this graph stays as it is.
    pub async fn beside(
        &self,
        config: &Validated,
        factories: &dyn Factories,
        metrics: &Metrics,
    ) -> Result<Graph, BuildError> {
        let Running { spigots, unwaited, .. } = self;
        Builder { config, factories, metrics, spigots, unwaited, beside: Some(self) }.graph().await
    }

    /// Has `graph`, which was built beside this one, take its place. What it no longer has is given back, and is to be
    /// drained.
    pub fn take_over(&mut self, graph: Graph) -> (Changes, Retired) {
        let Graph { parts, places, fresh, kept, spigots, .. } = graph;
        let mut changes = Changes::default();
        for (id, entry) in &parts.entries {
            if let Some(made) = parts.pipelines.get(id) {
                entry.lead_to(&made.it);
            }
        }
        let mut before = std::mem::take(&mut self.receivers);
        for (id, consumers) in kept {
            if let Some(serving) = before.remove(&id) {
                serving.consumers.follow(&consumers);
                changes.kept(Kind::Receiver.name(), &id);
                self.receivers.insert(id, serving);
            }
        }
        // The new ones take connections before the old ones stop: none is refused in between.
        for (id, fresh) in fresh {
            changes.made(Kind::Receiver.name(), &id, before.contains_key(&id));
            self.receivers.insert(id.clone(), fresh.start(&id));
        }
        let replaced = |id: &ComponentId| self.receivers.contains_key(id);
        before.keys().filter(|id| !replaced(id)).for_each(|id| changes.removed(Kind::Receiver.name(), id));
        let receivers = before.into_iter().map(|(id, serving)| (id, serving.stop())).collect();
        let parts = std::mem::replace(&mut self.parts, parts);
        spigots.replace(places, |id| self.parts.pipelines.contains_key(id));
        let pipelines = retire(parts.pipelines, &self.parts.pipelines, "pipeline", &mut changes);
        let exporters = retire(parts.exporters, &self.parts.exporters, Kind::Exporter.name(), &mut changes);
        self.parts.exporters.values().for_each(|made| made.it.start());
        let heads = pipelines.iter().map(|(_, head)| Arc::downgrade(head)).collect();
        (changes, Retired::new(receivers, heads, exporters))
    }

    pub(crate) fn has_receiver(&self, id: &ComponentId, content: &str) -> bool {
        self.receivers.get(id).is_some_and(|serving| serving.content == content)
    }

    pub(crate) fn exporter(&self, id: &ComponentId, content: &str) -> Option<&Arc<dyn Exporter>> {
        self.parts.exporters.get(id).filter(|made| made.content == content).map(|made| &made.it)
    }

    pub(crate) fn entry(&self, id: &PipelineId) -> Option<&Arc<Entry>> {
        self.parts.entries.get(id)
    }

    pub(crate) fn pipeline(&self, id: &PipelineId, content: &str) -> Option<&Arc<dyn Consumer>> {
        self.parts.pipelines.get(id).filter(|made| made.content == content).map(|made| &made.it)
    }

    /// Returns when a receiver has ended though nobody told it to: which one, and why where it is known.
    pub async fn failed(&mut self) -> Ended {
        let ended = poll_fn(|cx| self.poll_ended(cx)).await;
        self.receivers.remove(&ended.0);
        ended
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        for (id, serving) in &mut self.receivers {
            if let Poll::Ready(ended) = Pin::new(&mut serving.task).poll(cx) {
                return Poll::Ready((id.clone(), ended.err().map(|error| error.to_string())));
            }
        }
        Poll::Pending
    }

    /// Ends the receivers, waits for what is in flight, then has the exporters flush: all within `deadline`.
    pub async fn drain(self, deadline: Duration) -> Drained {
        let Running { receivers, parts, unwaited, .. } = self;
        let receivers = receivers.into_iter().map(|(id, serving)| (id, serving.stop())).collect();
        let exporters = parts.exporters.into_iter().map(|(id, made)| (id, made.it)).collect();
        Retired::new(receivers, Vec::new(), exporters).and_unwaited(unwaited).drain(deadline).await
    }
}

/// Those of `before` that are not among `after`.
fn retire<K: Ord + std::fmt::Display, T: ?Sized>(
    before: BTreeMap<K, Made<Arc<T>>>,
    after: &BTreeMap<K, Made<Arc<T>>>,
    kind: &str,
    changes: &mut Changes,
) -> Vec<(K, Arc<T>)> {
    for (id, made) in after {
        match before.get(id) {
            Some(old) if Arc::ptr_eq(&old.it, &made.it) => changes.kept(kind, id),
            old => changes.made(kind, id, old.is_some()),
        }
    }
    before.keys().filter(|id| !after.contains_key(id)).for_each(|id| changes.removed(kind, id));
    let is_kept = |id: &K, it: &Arc<T>| after.get(id).is_some_and(|made| Arc::ptr_eq(&made.it, it));
    before.into_iter().filter(|(id, made)| !is_kept(id, &made.it)).map(|(id, made)| (id, made.it)).collect()
}
