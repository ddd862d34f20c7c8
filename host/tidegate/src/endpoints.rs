//! The endpoints that show the collector to its operator: metrics, and the health of each `health_check`.

mod guard;

use std::collections::BTreeMap;

use host_component::{Authenticators, ComponentId, Kind, Trigger, spawn};
use host_config::Value;
use host_telemetry::{Endpoint, listen};

use crate::catalog::canonical;
use crate::configuration::Configuration;
use crate::debug::{self, Subject};
use crate::health;

pub(crate) use self::guard::check_tls;

/// The name of the endpoint for metrics: its key.
const METRICS: &str = "service.telemetry.metrics";

/// The endpoints that serve, by what they are for.
#[derive(Default)]
pub(crate) struct Endpoints(BTreeMap<String, Serving>);

struct Serving {
    /// What was configured.
    content: String,
    url: String,
    /// Ends it when it is dropped.
    _trigger: Trigger,
}

/// The endpoints of another configuration, as far as they do not serve already.
pub(crate) struct Next(Vec<Wanted>, Vec<(Wanted, Endpoint)>);

struct Wanted {
    name: String,
    content: String,
    what: What,
}

enum What {
    Health(health::Config),
    Metrics { address: String, guard: guard::Wanted },
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

    /// Binds what `config` wants beside what serves. `auth` are its authenticators.
    ///
    /// # Errors
    /// Names the address that cannot be bound, or what of those who may ask it cannot be used.
    pub(crate) async fn beside(
        &self,
        config: &Configuration,
        auth: &Authenticators,
        shown: &Subject,
    ) -> anyhow::Result<Next> {
        let (mut kept, mut bound) = (Vec::new(), Vec::new());
        for wanted in Wanted::of(config)? {
            if self.has(&wanted) {
                kept.push(wanted);
                continue;
            }
            let endpoint = match &wanted.what {
                What::Health(health) => health.clone().build(&wanted.name, shown.health.clone()).await?,
                What::Metrics { address, guard } => {
                    let guard = guard.build(config, auth, &shown.metrics)?;
                    Endpoint::bind(address, METRICS, debug::pages(shown.clone()), guard).await?
                }
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
            let url = endpoint.url();
            spawn("endpoint", &name, endpoint.run(shutdown));
            serving.insert(name, Serving { content, url, _trigger: trigger });
        }
        for Wanted { name, .. } in kept {
            if let Some(there) = self.0.remove(&name) {
                serving.insert(name, there);
            }
        }
        self.0 = serving;
    }

    /// Where metrics are served, as a URL without a path.
    pub(crate) fn metrics_url(&self) -> Option<&str> {
        self.0.get(METRICS).map(|serving| serving.url.as_str())
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
        wanted.extend(config.telemetry.metrics.endpoint().map(|address| {
            let guard = guard::Wanted::of(config);
            let content = format!("{address} {}", guard.content(config));
            Wanted { name: METRICS.to_owned(), content, what: What::Metrics { address, guard } }
        }));
        Ok(wanted)
    }

    fn health(id: &ComponentId, settings: &Value) -> anyhow::Result<Wanted> {
        let name = format!("{} {id}", Kind::Extension);
        Ok(Wanted { name, content: settings.canonical(), what: What::Health(settings.decode()?) })
    }
}
