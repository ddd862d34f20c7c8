//! The debug pages: what runs, for people and programs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use host_component::{ComponentId, Signal};
use host_config::{Junction, Pipeline};
use host_pipeline::Spigots;
use host_telemetry::{Asked, Metrics, Page, Pages};
use host_wasm::Sandbox;
use serde_json::{Value, json};

use crate::health::{Health, READY};
use crate::tap;

/// What the pages tell of. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) metrics: Metrics,
    pub(crate) spigots: Spigots,
    pub(crate) health: Health,
    pub(crate) in_force: Arc<ArcSwap<InForce>>,
}

/// What is another when the configuration is.
pub(crate) struct InForce {
    pub(crate) pipelines: Vec<Pipeline>,
    /// Where connectors hand data on.
    pub(crate) junctions: Junctions,
    pub(crate) sandbox: Arc<Sandbox>,
}

type Junctions = BTreeMap<(ComponentId, Signal), Junction>;

/// The pages of the endpoint that serves the metrics.
pub(crate) fn pages(subject: Subject) -> Pages {
    let Subject { metrics, spigots, health, in_force } = subject;
    let (counts, modules) = (metrics.clone(), Arc::clone(&in_force));
    Pages::new()
        .with_metrics(metrics)
        .with("/debug/pipelines", move |asked| pipelines_page(&in_force.load(), &counts, asked))
        .with("/debug/modules", move |asked| {
            let status = serde_json::to_value(modules.load().sandbox.status()).expect("a status is plain data");
            Page::document("modules", &status, asked)
        })
        .with(tap::PATH, move |asked| tap::page(&spigots, asked))
        .with(READY, move |_| health.page())
}

/// The pipelines as they were built, with what their components counted.
fn pipelines_page(in_force: &InForce, metrics: &Metrics, asked: &Asked) -> Page {
    let described: Vec<Value> =
        in_force.pipelines.iter().map(|pipeline| describe(pipeline, &in_force.junctions, metrics)).collect();
    Page::document("pipelines", &Value::from(described), asked)
}

fn describe(pipeline: &Pipeline, junctions: &Junctions, metrics: &Metrics) -> Value {
    let routes: serde_json::Map<_, _> =
        pipeline.routes.iter().map(|(name, exporters)| (name.clone(), json!(names(exporters)))).collect();
    json!({
        "pipeline": pipeline.id.to_string(),
        "receivers": names(&pipeline.receivers),
        "processors": names(&pipeline.processors),
        "exporters": names(&pipeline.exporters),
        "routes": routes,
        "leads_to": leads_to(pipeline, junctions),
        "items": items(pipeline, junctions, metrics),
    })
}

/// The pipelines that its connectors lead to.
fn leads_to(pipeline: &Pipeline, junctions: &Junctions) -> BTreeMap<String, Vec<String>> {
    let junction = |id: &ComponentId| junctions.get(&(id.clone(), pipeline.id.signal()));
    let through = pipeline.ends().filter_map(|id| Some((id.to_string(), junction(id)?)));
    through.map(|(id, junction)| (id, junction.pipelines.iter().map(ToString::to_string).collect())).collect()
}

/// What each component counted of this signal, in all pipelines that it is in.
fn items(pipeline: &Pipeline, junctions: &Junctions, metrics: &Metrics) -> Value {
    let what = pipeline.id.signal().items_name();
    let is_connector = |id: &ComponentId| junctions.contains_key(&(id.clone(), pipeline.id.signal()));
    let counted = |metric: &str, label: &str, ids: &[ComponentId]| -> BTreeMap<String, u64> {
        let totals = metrics.totals(&format!("{metric}_{what}"), label);
        ids.iter().map(|id| (id.to_string(), totals.get(&id.to_string()).copied().unwrap_or(0))).collect()
    };
    let exporters: Vec<ComponentId> = pipeline.ends().filter(|id| !is_connector(id)).cloned().collect();
    let receivers: Vec<ComponentId> = pipeline.receivers.iter().filter(|id| !is_connector(id)).cloned().collect();
    let connected = metrics.totals("otelcol_connector_produced_items", "otelcol_pipeline_id");
    json!({
        "accepted": counted("otelcol_receiver_accepted", "receiver", &receivers),
        "refused": counted("otelcol_receiver_refused", "receiver", &receivers),
        "failed": counted("otelcol_receiver_failed", "receiver", &receivers),
        "sent": counted("otelcol_exporter_sent", "exporter", &exporters),
        "send_failed": counted("otelcol_exporter_send_failed", "exporter", &exporters),
        "from_connectors": connected.get(&pipeline.id.to_string()).copied().unwrap_or(0),
    })
}

fn names(ids: &[ComponentId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
