//! The `health_check` extension: one page that answers 200 while the collector takes data, and 503 once it drains.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use host_telemetry::pages::{Endpoint, EndpointError, Page, Pages};
use schemars::JsonSchema;
use serde::Deserialize;

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
#[derive(Clone, Default)]
pub(crate) struct Health(Arc<AtomicBool>);

impl Health {
    pub(crate) fn set(&self, taking: bool) {
        self.0.store(taking, Ordering::Relaxed);
    }

    /// What is said of it.
    pub(crate) fn page(&self) -> Page {
        let taking = self.0.load(Ordering::Relaxed);
        let status = if taking { "Server available" } else { "Server not available" };
        let page = Page::json(format!("{{\"status\":\"{status}\"}}\n"));
        if taking { page } else { page.unavailable() }
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
        Endpoint::bind(&self.endpoint, owner, pages).await
    }
}
