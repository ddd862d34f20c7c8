//! Building is wiring from the end to the start: exporters, each pipeline's fan-out with the connectors behind it, its
//! processors from last to first, then the receivers, which are handed the heads of the pipelines. Connectors lead to entries,
//! which are there before any pipeline is, so that the order of the pipelines does not matter.
//!
//! Beside a graph that runs, what is alike in both is not built again: an exporter or receiver of the same configuration,
//! and a pipeline of the same processors, exporters and connectors.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumer, Consumers, Exporter, Kind, PipelineId, Receiver, Signal};
use host_config::{Junction, Pipeline, Validated, Value};
use host_telemetry::Metrics;
use tokio_util::task::TaskTracker;

use crate::by_cluster::{ByCluster, Together};
use crate::connector::Counted;
use crate::entry::Entry;
use crate::fanout::{Branch, Branches, FanOut};
use crate::graph::{Fresh, Graph, Made, Parts, Running};
use crate::spigot::{Places, Spigots};
use crate::tap::{Start, Tap};
use crate::traced::Traced;

/// Why one component could not be built.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Where a processor or connector stands: one is built for each pipeline whose data it gets.
pub struct Place<'a> {
    pub pipeline: &'a PipelineId,
    /// The names of the routes behind it, in the order of `Delivery::route`.
    pub routes: &'a [String],
}

/// Makes components from what the user wrote about them; the only thing that knows which types there are.
///
/// A built component has bound its sockets and opened its files, and runs nothing yet.
pub trait Factories: Sync {
    fn exporter<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
    ) -> BoxFuture<'a, Result<Arc<dyn Exporter>, Cause>>;

    fn processor<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        place: Place<'a>,
        next: Arc<dyn Consumer>,
    ) -> BoxFuture<'a, Result<Arc<dyn Consumer>, Cause>>;

    /// At the end of a pipeline. `next` leads to the pipelines that have it as a receiver: to all of them, or by the routes of
    /// its place.
    fn connector<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        place: Place<'a>,
        next: Arc<dyn Consumer>,
    ) -> BoxFuture<'a, Result<Arc<dyn Consumer>, Cause>>;

    fn receiver<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        consumers: Consumers,
    ) -> BoxFuture<'a, Result<Box<dyn Receiver>, Cause>>;

    /// Whether the processor is chosen by the cluster that data is of.
    fn is_by_cluster(&self, _id: &ComponentId, _config: &Value) -> bool {
        false
    }

    /// Everything that decides what a component is: where it is the same in two configurations, the component that runs
    /// stays as it is.
    fn content(&self, _kind: Kind, _id: &ComponentId, config: &Value) -> String {
        config.canonical()
    }

    /// Told of each component that stays, before anything is built.
    ///
    /// # Errors
    /// Where it cannot stay as it is in the new configuration.
    fn keep(&self, _kind: Kind, _id: &ComponentId, _config: &Value) -> Result<(), Cause> {
        Ok(())
    }
}

/// Which component could not be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {kind} {id}")]
pub struct BuildError {
    pub kind: Kind,
    pub id: ComponentId,
    #[source]
    pub cause: Cause,
}

/// Builds what the pipelines of `config` name; what none of them names is left alone. Once it runs, `spigots` has every
/// place where one can look at what passes.
///
/// # Errors
/// Names the first component that could not be built; what was built before it is dropped.
pub async fn build(
    config: &Validated,
    factories: &dyn Factories,
    metrics: &Metrics,
    spigots: &Spigots,
) -> Result<Graph, BuildError> {
    let unwaited = TaskTracker::new();
    Builder { config, factories, metrics, spigots, unwaited: &unwaited, beside: None }.graph().await
}

pub(crate) struct Builder<'a> {
    pub(crate) config: &'a Validated,
    pub(crate) factories: &'a dyn Factories,
    pub(crate) metrics: &'a Metrics,
    pub(crate) spigots: &'a Spigots,
    /// What is under way and nobody waits for.
    pub(crate) unwaited: &'a TaskTracker,
    /// What runs already.
    pub(crate) beside: Option<&'a Running>,
}

type Heads = Vec<(PipelineId, Arc<dyn Consumer>)>;

impl Builder<'_> {
    pub(crate) async fn graph(&self) -> Result<Graph, BuildError> {
        self.keep()?;
        let mut parts = Parts { entries: self.entries(), ..Parts::default() };
        for id in self.exporters() {
            let exporter = self.exporter(id).await?;
            parts.exporters.insert(id.clone(), exporter);
        }
        let mut heads: BTreeMap<&ComponentId, Heads> = BTreeMap::new();
        let mut all_places = Vec::new();
        for pipeline in &self.config.pipelines {
            let (made, places) = self.pipeline(pipeline, &parts).await?;
            all_places.extend(places.map(|places| (pipeline.id.clone(), places)));
            for receiver in self.receivers(pipeline) {
                heads.entry(receiver).or_default().push((pipeline.id.clone(), Arc::clone(&made.it)));
            }
            parts.pipelines.insert(pipeline.id.clone(), made);
        }
        let (fresh, kept) = (BTreeMap::new(), BTreeMap::new());
        let (spigots, unwaited) = (self.spigots.clone(), self.unwaited.clone());
        let mut graph = Graph { parts, places: all_places, fresh, kept, spigots, unwaited };
        for (id, heads) in heads {
            let consumers = consumers(id, heads, self.metrics);
            let config = named(&self.config.receivers, id);
            let content = self.factories.content(Kind::Receiver, id, config);
            if self.beside.is_some_and(|running| running.has_receiver(id, &content)) {
                graph.kept.insert(id.clone(), consumers);
                continue;
            }
            let built = self.factories.receiver(id, config, consumers.clone()).await;
            let receiver = built.map_err(|cause| BuildError { kind: Kind::Receiver, id: id.clone(), cause })?;
            graph.fresh.insert(id.clone(), Fresh { content, consumers, receiver });
        }
        Ok(graph)
    }

    /// Tells which components stay, before another could take what is theirs.
    fn keep(&self) -> Result<(), BuildError> {
        let Some(running) = self.beside else { return Ok(()) };
        let keep = |kind, id: &ComponentId, config| {
            let kept = self.factories.keep(kind, id, config);
            kept.map_err(|cause| BuildError { kind, id: id.clone(), cause })
        };
        for id in self.config.pipelines.iter().flat_map(|pipeline| self.receivers(pipeline)) {
            let config = named(&self.config.receivers, id);
            if running.has_receiver(id, &self.factories.content(Kind::Receiver, id, config)) {
                keep(Kind::Receiver, id, config)?;
            }
        }
        for id in self.exporters() {
            let config = named(&self.config.exporters, id);
            if running.exporter(id, &self.factories.content(Kind::Exporter, id, config)).is_some() {
                keep(Kind::Exporter, id, config)?;
            }
        }
        Ok(())
    }

    fn is_connector(&self, id: &ComponentId) -> bool {
        self.config.connectors.contains_key(id)
    }

    /// The receivers of a pipeline, which are no connectors.
    fn receivers<'p>(&self, pipeline: &'p Pipeline) -> impl Iterator<Item = &'p ComponentId> {
        pipeline.receivers.iter().filter(|id| !self.is_connector(id))
    }

    /// The entries of the pipelines that connectors lead to; those of pipelines that run are the ones that they have.
    fn entries(&self) -> BTreeMap<PipelineId, Arc<Entry>> {
        let entered = self.config.pipelines.iter().filter(|to| to.receivers.iter().any(|id| self.is_connector(id)));
        let running = |id| self.beside.and_then(|running| running.entry(id)).cloned();
        entered.map(|to| (to.id.clone(), running(&to.id).unwrap_or_default())).collect()
    }

    /// The exporters that are in use, each once: pipelines and routes share them.
    fn exporters(&self) -> Vec<&ComponentId> {
        let ends = self.config.pipelines.iter().flat_map(Pipeline::ends);
        let mut ids: Vec<&ComponentId> = ends.filter(|id| !self.is_connector(id)).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    async fn exporter(&self, id: &ComponentId) -> Result<Made<Arc<dyn Exporter>>, BuildError> {
        let config = named(&self.config.exporters, id);
        let content = self.factories.content(Kind::Exporter, id, config);
        if let Some(exporter) = self.beside.and_then(|running| running.exporter(id, &content)) {
            return Ok(Made { content, it: Arc::clone(exporter) });
        }
        let built = self.factories.exporter(id, config).await;
        let it = built.map_err(|cause| BuildError { kind: Kind::Exporter, id: id.clone(), cause })?;
        Ok(Made { content, it })
    }

    /// What a pipeline's receivers hand their data to, and where one can look at it; where that is kept, what it has.
    async fn pipeline(
        &self,
        pipeline: &Pipeline,
        parts: &Parts,
    ) -> Result<(Made<Arc<dyn Consumer>>, Option<Places>), BuildError> {
        let content = self.content(pipeline, parts);
        if let Some(head) = self.beside.and_then(|running| running.pipeline(&pipeline.id, &content)) {
            return Ok((Made { content, it: Arc::clone(head) }, None));
        }
        let places = Places::new(&pipeline.processors);
        let next = self.processors(pipeline, &places, self.terminal(pipeline, parts).await?).await?;
        let it: Arc<dyn Consumer> = Arc::new(Start { spigot: Arc::clone(&places.start), next });
        Ok((Made { content, it }, Some(places)))
    }

    /// The processors of a pipeline, before `next`.
    async fn processors(
        &self,
        pipeline: &Pipeline,
        places: &Places,
        mut next: Arc<dyn Consumer>,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        let routes: Vec<String> = pipeline.routes.iter().map(|(name, _)| name.clone()).collect();
        let mut is_by_cluster = false;
        for id in pipeline.processors.iter().rev() {
            let signal = pipeline.id.signal();
            if !is_by_cluster && self.factories.is_by_cluster(id, named(&self.config.processors, id)) {
                is_by_cluster = true;
                next = Together::before(next);
            }
            let outgoing = Tap::outgoing(self.metrics, id, signal, places.after.get(id).cloned(), next);
            let place = Place { pipeline: &pipeline.id, routes: &routes };
            let config = named(&self.config.processors, id);
            let built = self.factories.processor(id, config, place, outgoing).await;
            let built = built.map_err(|cause| BuildError { kind: Kind::Processor, id: id.clone(), cause })?;
            let built = Traced::around(Kind::Processor, id, signal, built);
            next = Tap::incoming(self.metrics, id, signal, built);
        }
        if is_by_cluster {
            next = ByCluster::before(next);
        }
        Ok(next)
    }

    /// The end of a pipeline: the exporter or connector itself where there is only one and nothing to choose.
    async fn terminal(&self, pipeline: &Pipeline, parts: &Parts) -> Result<Arc<dyn Consumer>, BuildError> {
        let mut ends: BTreeMap<&ComponentId, Arc<dyn Consumer>> = BTreeMap::new();
        for id in pipeline.ends() {
            if ends.contains_key(id) {
                continue;
            }
            let end = match parts.exporters.get(id) {
                Some(made) => {
                    Traced::around(Kind::Exporter, id, pipeline.id.signal(), Arc::<dyn Exporter>::clone(&made.it))
                }
                None => self.connector(pipeline, id, parts).await?,
            };
            ends.insert(id, end);
        }
        let end = |id: &ComponentId| Arc::clone(ends.get(id).expect("each end of the pipeline was built"));
        if let ([only], []) = (pipeline.exporters.as_slice(), pipeline.routes.as_slice())
            && self.is_required(only)
        {
            return Ok(end(only));
        }
        let from = pipeline.id.to_string();
        let branch = |id: &ComponentId| match self.is_required(id) {
            true => Branch::new(self.metrics, &from, id.to_string(), end(id)),
            false => Branch::optional(self.metrics, &from, id.to_string(), end(id), self.unwaited),
        };
        let branches = |ids: &[ComponentId]| Branches::new(ids.iter().map(branch).collect());
        let routes = pipeline.routes.iter().map(|(_, ids)| branches(ids)).collect();
        Ok(Arc::new(FanOut::new(self.metrics, &from, branches(&pipeline.exporters), routes)))
    }

    /// Whether a sender waits until this end of a pipeline has its data.
    fn is_required(&self, id: &ComponentId) -> bool {
        let section = self.config.exporters.get(id);
        let written = section.and_then(|section| section.get("required")?.decode::<bool>().ok());
        written.unwrap_or(true)
    }

    /// A connector at the end of a pipeline, before the entries of those that it leads to.
    async fn connector(
        &self,
        pipeline: &Pipeline,
        id: &ComponentId,
        parts: &Parts,
    ) -> Result<Arc<dyn Consumer>, BuildError> {
        let junction = self.junction(pipeline, id);
        let from = id.to_string();
        let branch = |to: &PipelineId| {
            let entry = Arc::clone(parts.entries.get(to).expect("what a connector leads to has an entry"));
            Branch::new(self.metrics, &from, to.to_string(), Counted::produced(self.metrics, id, to, entry))
        };
        let branches = |pipelines: &[PipelineId]| Branches::new(pipelines.iter().map(branch).collect());
        let next: Arc<dyn Consumer> = match junction.routes.as_slice() {
            [] => Arc::new(branches(&junction.pipelines)),
            routes => {
                let routes = routes.iter().map(|(_, pipelines)| branches(pipelines)).collect();
                Arc::new(FanOut::new(self.metrics, &from, branches(&[]), routes))
            }
        };
        let routes: Vec<String> = junction.routes.iter().map(|(name, _)| name.clone()).collect();
        let place = Place { pipeline: &pipeline.id, routes: &routes };
        let built = self.factories.connector(id, named(&self.config.connectors, id), place, next).await;
        let built = built.map_err(|cause| BuildError { kind: Kind::Connector, id: id.clone(), cause })?;
        let built = Traced::around(Kind::Connector, id, pipeline.id.signal(), built);
        Ok(Counted::consumed(self.metrics, id, pipeline.id.signal(), built))
    }

    fn junction(&self, pipeline: &Pipeline, id: &ComponentId) -> &Junction {
        self.config.junction(pipeline, id).expect("a validated pipeline ends in what is an exporter or leads on")
    }

    /// What decides what a pipeline is: its processors, and the exporters and connectors that it leads to. What lies behind a
    /// connector may change under it.
    fn content(&self, pipeline: &Pipeline, parts: &Parts) -> String {
        let mut content = String::new();
        for id in &pipeline.processors {
            let config = named(&self.config.processors, id);
            // Writing to a string cannot fail.
            let _ = writeln!(content, "{id}: {}", self.factories.content(Kind::Processor, id, config));
        }
        let _ = writeln!(content, "{:?} {:?}", pipeline.exporters, pipeline.routes);
        for id in pipeline.ends() {
            let _ = match parts.exporters.get(id) {
                Some(made) => writeln!(content, "{}", made.content),
                None => {
                    let connector = self.factories.content(Kind::Connector, id, named(&self.config.connectors, id));
                    writeln!(content, "{connector} {:?}", self.junction(pipeline, id))
                }
            };
        }
        content
    }
}

/// What a receiver is handed: by signal, the head of the one pipeline, or a fan-out over several.
fn consumers(receiver: &ComponentId, heads: Heads, metrics: &Metrics) -> Consumers {
    let mut consumers = Consumers::default();
    let mut by_signal: BTreeMap<Signal, Heads> = BTreeMap::new();
    for head in heads {
        by_signal.entry(head.0.signal()).or_default().push(head);
    }
    let from = receiver.to_string();
    for (signal, mut heads) in by_signal {
        let consumer: Arc<dyn Consumer> = match heads.len() {
            1 => heads.remove(0).1,
            _ => {
                let branch = |(id, head): (PipelineId, _)| Branch::new(metrics, &from, id.to_string(), head);
                Arc::new(Branches::new(heads.into_iter().map(branch).collect()))
            }
        };
        consumers.set(signal, consumer);
    }
    consumers
}

fn named<'a>(section: &'a BTreeMap<ComponentId, Value>, id: &ComponentId) -> &'a Value {
    section.get(id).expect("a validated pipeline names components that are configured")
}
