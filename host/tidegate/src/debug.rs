//! The debug pages: what runs, for people and programs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use host_component::{ComponentId, Signal};
use host_config::Pipeline;
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
    pub(crate) sandbox: Arc<Sandbox>,
}

/// The pages of the endpoint that serves the metrics.
pub(crate) fn pages(subject: Subject) -> Pages {
    let Subject { metrics, spigots, health, in_force } = subject;
    let (counts, modules) = (metrics.clone(), Arc::clone(&in_force));
    Pages::new()
        .with_metrics(metrics)
        .with("/debug/pipelines", move |asked| pipelines_page(&in_force.load().pipelines, &counts, asked))
        .with("/debug/modules", move |asked| {
            let status = serde_json::to_value(modules.load().sandbox.status()).expect("a status is plain data");
            Page::document("modules", &status, asked)
        })
        .with(tap::PATH, move |asked| tap::page(&spigots, asked))
        .with(READY, move |_| health.page())
}

/// The pipelines as they were built, with what their components counted.
fn pipelines_page(pipelines: &[Pipeline], metrics: &Metrics, asked: &Asked) -> Page {
    let described: Vec<Value> = pipelines.iter().map(|pipeline| describe(pipeline, metrics)).collect();
    Page::document("pipelines", &Value::from(described), asked)
}

fn describe(pipeline: &Pipeline, metrics: &Metrics) -> Value {
    let signal = pipeline.id.signal();
    let routes: serde_json::Map<_, _> =
        pipeline.routes.iter().map(|(name, exporters)| (name.clone(), json!(names(exporters)))).collect();
    json!({
        "pipeline": pipeline.id.to_string(),
        "receivers": names(&pipeline.receivers),
        "processors": names(&pipeline.processors),
        "exporters": names(&pipeline.exporters),
        "routes": routes,
        "items": items(pipeline, signal, metrics),
    })
}

/// What each component counted of this signal, in all pipelines that it is in.
fn items(pipeline: &Pipeline, signal: Signal, metrics: &Metrics) -> Value {
    let what = signal.items_name();
    let counted = |metric: &str, label: &str, ids: &[ComponentId]| -> BTreeMap<String, u64> {
        let totals = metrics.totals(&format!("{metric}_{what}"), label);
        ids.iter().map(|id| (id.to_string(), totals.get(&id.to_string()).copied().unwrap_or(0))).collect()
    };
    let routed = pipeline.routes.iter().flat_map(|(_, exporters)| exporters);
    let exporters: Vec<ComponentId> = pipeline.exporters.iter().chain(routed).cloned().collect();
    json!({
        "accepted": counted("otelcol_receiver_accepted", "receiver", &pipeline.receivers),
        "refused": counted("otelcol_receiver_refused", "receiver", &pipeline.receivers),
        "failed": counted("otelcol_receiver_failed", "receiver", &pipeline.receivers),
        "sent": counted("otelcol_exporter_sent", "exporter", &exporters),
        "send_failed": counted("otelcol_exporter_send_failed", "exporter", &exporters),
    })
}

fn names(ids: &[ComponentId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
