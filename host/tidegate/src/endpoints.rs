//! The endpoints that show the collector to its operator: metrics, and the health of each `health_check`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use host_component::{ComponentId, Kind, Trigger, spawn};
use host_config::Value;
use host_telemetry::{Endpoint, listen};

use crate::catalog::canonical;
use crate::configuration::Configuration;
use crate::debug::{self, Subject};
use crate::health;

/// The name of the endpoint for metrics: its key.
const METRICS: &str = "service.telemetry.metrics";

/// The endpoints that serve, by what they are for.
#[derive(Default)]
pub(crate) struct Endpoints(BTreeMap<String, Serving>);

struct Serving {
    /// What was configured.
    content: String,
    address: SocketAddr,
    /// Ends it when it is dropped.
    _trigger: Trigger,
}

/// The endpoints of another configuration, as far as they do not serve already.
pub(crate) struct Next(Vec<Wanted>, Vec<(Wanted, Endpoint)>);

struct Wanted {
    name: String,
    content: String,
    health: Option<health::Config>,
}

impl Endpoints {
    /// Tells which endpoints stay, before another could take their sockets.
    pub(crate) fn keep(&self, config: &Configuration) -> anyhow::Result<()> {
        for wanted in Wanted::of(config)? {
            if self.has(&wanted) {
                listen::keep(&wanted.name);
            }
        }
        Ok(())
    }

    /// Binds what `config` wants beside what serves.
    ///
    /// # Errors
    /// Names the address that cannot be bound.
    pub(crate) async fn beside(&self, config: &Configuration, shown: &Subject) -> anyhow::Result<Next> {
        let (mut kept, mut bound) = (Vec::new(), Vec::new());
        for wanted in Wanted::of(config)? {
            if self.has(&wanted) {
                kept.push(wanted);
                continue;
            }
            let endpoint = match &wanted.health {
                Some(health) => health.clone().build(&wanted.name, shown.health.clone()).await?,
                None => Endpoint::bind(&wanted.content, METRICS, debug::pages(shown.clone())).await?,
            };
            bound.push((wanted, endpoint));
        }
        Ok(Next(kept, bound))
    }

    /// Serves the endpoints of another configuration, and ends what it does not have.
    pub(crate) fn take_over(&mut self, next: Next) {
        let Next(kept, bound) = next;
        let mut serving = BTreeMap::new();
        for (Wanted { name, content, .. }, endpoint) in bound {
            let (trigger, shutdown) = Trigger::new();
            let address = endpoint.address();
            spawn("endpoint", &name, endpoint.run(shutdown));
            serving.insert(name, Serving { content, address, _trigger: trigger });
        }
        for Wanted { name, .. } in kept {
            if let Some(there) = self.0.remove(&name) {
                serving.insert(name, there);
            }
        }
        self.0 = serving;
    }

    /// Where metrics are served.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.0.get(METRICS).map(|serving| serving.address)
    }

    fn has(&self, wanted: &Wanted) -> bool {
        self.0.get(&wanted.name).is_some_and(|serving| serving.content == wanted.content)
    }
}

impl Wanted {
    fn of(config: &Configuration) -> anyhow::Result<Vec<Wanted>> {
        let mut wanted = Vec::new();
        for (id, settings) in &config.validated.extensions {
            if canonical(Kind::Extension, id) == "health_check" {
                wanted.push(Wanted::health(id, settings)?);
            }
        }
        wanted.extend(config.metrics_address().map(|content| Wanted {
            name: METRICS.to_owned(),
            content,
            health: None,
        }));
        Ok(wanted)
    }

    fn health(id: &ComponentId, settings: &Value) -> anyhow::Result<Wanted> {
        let name = format!("{} {id}", Kind::Extension);
        Ok(Wanted { name, content: settings.canonical(), health: Some(settings.decode()?) })
    }
}
