//! The `health_check` extension: one page that answers 200 while the collector takes data, and 503 once it
//! drains, and while it refuses what a module is to process that is not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use host_telemetry::pages::{Endpoint, EndpointError, Guard, Page, Pages};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::debug::InForce;

/// Where Kubernetes may ask whether to send data here; also on the endpoint of the metrics.
pub(crate) const READY: &str = "/ready";

/// What a user may say about it; the keys and defaults are the Collector's.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    pub(crate) endpoint: String,
    pub(crate) path: String,
}

impl Default for Config {
    fn default() -> Self {
        Config { endpoint: "localhost:13133".to_owned(), path: "/".to_owned() }
    }
}

/// Whether the collector takes data. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Health {
    taking: Arc<AtomicBool>,
    in_force: Arc<ArcSwap<InForce>>,
}

impl Health {
    pub(crate) fn of(in_force: &Arc<ArcSwap<InForce>>) -> Self {
        Health { taking: Arc::default(), in_force: Arc::clone(in_force) }
    }

    pub(crate) fn set(&self, taking: bool) {
        self.taking.store(taking, Ordering::Relaxed);
    }

    /// What is said of it.
    pub(crate) fn page(&self) -> Page {
        let reasons = self.in_force.load().sandbox.unready();
        match self.taking.load(Ordering::Relaxed) && reasons.is_empty() {
            true => Page::json("{\"status\":\"Server available\"}\n".to_owned()),
            false if reasons.is_empty() => {
                Page::json("{\"status\":\"Server not available\"}\n".to_owned()).unavailable()
            }
            false => {
                let page = json!({ "status": "Server not available", "reasons": reasons });
                Page::json(format!("{page}\n")).unavailable()
            }
        }
    }
}

impl Config {
    /// Binds the endpoint for `owner`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub(crate) async fn build(self, owner: &str, health: Health) -> Result<Endpoint, EndpointError> {
        let ready = health.clone();
        let pages = Pages::new().with(READY, move |_| ready.page()).with(self.path, move |_| health.page());
        Endpoint::bind(&self.endpoint, owner, pages, Guard::default()).await
    }
}
