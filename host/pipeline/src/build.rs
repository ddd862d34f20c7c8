//! Building is wiring from the end to the start: exporters, each pipeline's fan-out, its processors from last to first,
//! then the receivers, which are handed the heads of the pipelines.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use host_component::{BoxFuture, ComponentId, Consumer, Consumers, Exporter, Kind, PipelineId, Receiver, Signal};
use host_config::{Pipeline, Validated, Value};
use host_telemetry::Metrics;

use crate::fanout::{Branch, Branches, FanOut};
use crate::graph::Graph;
use crate::spigot::{Places, Spigots};
use crate::tap::{Start, Tap};

/// Why one component could not be built.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Where a processor stands: one is built for each pipeline that names it.
pub struct Place<'a> {
    pub pipeline: &'a PipelineId,
    /// The names of the pipeline's routes, in the order of `Delivery::route`.
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

    fn receiver<'a>(
        &'a self,
        id: &'a ComponentId,
        config: &'a Value,
        consumers: Consumers,
    ) -> BoxFuture<'a, Result<Box<dyn Receiver>, Cause>>;
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

/// Builds what the pipelines of `config` name; what none of them names is left alone. `spigots` is told of every place where
/// one can look at what passes.
///
/// # Errors
/// Names the first component that could not be built; what was built before it is dropped.
pub async fn build(
    config: &Validated,
    factories: &dyn Factories,
    metrics: &Metrics,
    spigots: &Spigots,
) -> Result<Graph, BuildError> {
    let exporters = exporters(config, factories).await?;
    let mut heads: BTreeMap<ComponentId, Heads> = BTreeMap::new();
    for pipeline in &config.pipelines {
        let places = Places::new(&pipeline.processors);
        let next = terminal(pipeline, &exporters, metrics);
        let next = processors(config, pipeline, factories, &places, metrics, next).await?;
        let head: Arc<dyn Consumer> = Arc::new(Start { spigot: Arc::clone(&places.start), next });
        spigots.set(pipeline.id.clone(), places);
        for receiver in &pipeline.receivers {
            heads.entry(receiver.clone()).or_default().push((pipeline.id.clone(), Arc::clone(&head)));
        }
    }
    let mut receivers = Vec::new();
    for (id, heads) in heads {
        let consumers = consumers(&id, heads, metrics);
        let settings = named(&config.receivers, &id);
        let receiver = factories.receiver(&id, settings, consumers).await;
        receivers.push((id.clone(), receiver.map_err(|cause| BuildError { kind: Kind::Receiver, id, cause })?));
    }
    Ok(Graph::new(receivers, exporters))
}

type Heads = Vec<(PipelineId, Arc<dyn Consumer>)>;
type Exporters = BTreeMap<ComponentId, Arc<dyn Exporter>>;

/// One of each exporter that is in use: pipelines and routes share it.
async fn exporters(config: &Validated, factories: &dyn Factories) -> Result<Exporters, BuildError> {
    let mut built = Exporters::new();
    for pipeline in &config.pipelines {
        let routed = pipeline.routes.iter().flat_map(|(_, exporters)| exporters);
        for id in pipeline.exporters.iter().chain(routed) {
            if built.contains_key(id) {
                continue;
            }
            let exporter = factories.exporter(id, named(&config.exporters, id)).await;
            let exporter = exporter.map_err(|cause| BuildError { kind: Kind::Exporter, id: id.clone(), cause })?;
            built.insert(id.clone(), exporter);
        }
    }
    Ok(built)
}

/// The processors of a pipeline, before `next`.
async fn processors(
    config: &Validated,
    pipeline: &Pipeline,
    factories: &dyn Factories,
    places: &Places,
    metrics: &Metrics,
    mut next: Arc<dyn Consumer>,
) -> Result<Arc<dyn Consumer>, BuildError> {
    let routes: Vec<String> = pipeline.routes.iter().map(|(name, _)| name.clone()).collect();
    for id in pipeline.processors.iter().rev() {
        let signal = pipeline.id.signal();
        let outgoing = Tap::outgoing(metrics, id, signal, places.after.get(id).cloned(), next);
        let place = Place { pipeline: &pipeline.id, routes: &routes };
        let settings = named(&config.processors, id);
        let built = factories.processor(id, settings, place, outgoing).await;
        let built = built.map_err(|cause| BuildError { kind: Kind::Processor, id: id.clone(), cause })?;
        next = Tap::incoming(metrics, id, signal, built);
    }
    Ok(next)
}

/// The end of a pipeline: the exporter itself where there is only one and nothing to choose.
fn terminal(pipeline: &Pipeline, exporters: &Exporters, metrics: &Metrics) -> Arc<dyn Consumer> {
    let exporter = |id: &ComponentId| -> Arc<dyn Consumer> {
        Arc::<dyn Exporter>::clone(exporters.get(id).expect("each exporter that a pipeline names was built"))
    };
    if let ([only], []) = (pipeline.exporters.as_slice(), pipeline.routes.as_slice()) {
        return exporter(only);
    }
    let from = pipeline.id.to_string();
    let branches = |ids: &[ComponentId]| {
        Branches::new(ids.iter().map(|id| Branch::new(metrics, &from, id.to_string(), exporter(id))).collect())
    };
    let routes = pipeline.routes.iter().map(|(_, ids)| branches(ids)).collect();
    Arc::new(FanOut::new(metrics, &from, branches(&pipeline.exporters), routes))
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
