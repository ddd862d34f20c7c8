//! The extensions that others ask: who lets requests in, and who adds to them.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use host_component::{Authenticators, ClientAuth, ComponentId, Kind};
use host_config::{Component, Validated};
use host_extensions::{Deps, basic_auth, bearer_token_auth, headers_setter, oauth2_client};
use host_telemetry::Metrics;

use crate::catalog::canonical;

/// Makes those that `service.extensions` names.
///
/// # Errors
/// Names the first that cannot be made.
pub(crate) fn build(config: &Validated, metrics: &Metrics) -> anyhow::Result<Authenticators> {
    let mut building = Building { config, metrics, made: Authenticators::default() };
    for id in config.extensions.keys() {
        building.add(id, &mut Vec::new()).with_context(|| format!("cannot start {} {id}", Kind::Extension))?;
    }
    Ok(building.made)
}

struct Building<'a> {
    config: &'a Validated,
    metrics: &'a Metrics,
    made: Authenticators,
}

impl Building<'_> {
    /// Makes the extension `id`, and before it those that it builds on; `path` is who asked for it.
    fn add(&mut self, id: &ComponentId, path: &mut Vec<ComponentId>) -> anyhow::Result<()> {
        if self.made.client(id).is_some() || self.made.server(id).is_some() {
            return Ok(());
        }
        let Some(section) = self.config.extensions.get(id) else { return Ok(()) };
        let deps = Deps { id, base: &self.config.base, metrics: self.metrics };
        match canonical(Kind::Extension, id) {
            "basicauth" => {
                let config: basic_auth::Config = section.decode()?;
                let (server, client) = (config.server(&deps)?, config.client(&deps)?);
                server.into_iter().for_each(|server| self.made.add_server(id.clone(), server));
                client.into_iter().for_each(|client| self.made.add_client(id.clone(), client));
            }
            "bearertokenauth" => {
                let bearer = Arc::new(section.decode::<bearer_token_auth::Config>()?.build(&deps)?);
                self.made.add_server(id.clone(), bearer.clone());
                self.made.add_client(id.clone(), bearer);
            }
            "oauth2client" => {
                let client = section.decode::<oauth2_client::Config>()?.build(&deps)?;
                self.made.add_client(id.clone(), client);
            }
            "headers_setter" => {
                let config: headers_setter::Config = section.decode()?;
                let additional = self.additional(id, &config, path)?;
                self.made.add_client(id.clone(), config.build(additional));
            }
            // Whoever answers for health asks nobody, and nobody asks it.
            _ => {}
        }
        Ok(())
    }

    /// What the headers of `id` come after.
    fn additional(
        &mut self,
        id: &ComponentId,
        config: &headers_setter::Config,
        path: &mut Vec<ComponentId>,
    ) -> anyhow::Result<Option<Arc<dyn ClientAuth>>> {
        let Some(name) = &config.additional_auth else { return Ok(None) };
        let additional: ComponentId = name.parse()?;
        path.push(id.clone());
        if path.contains(&additional) {
            return Err(anyhow!("additional_auth: `{additional}` leads back to itself"));
        }
        self.add(&additional, path)?;
        path.pop();
        let found = self.made.client(&additional).cloned();
        found.map(Some).ok_or_else(|| anyhow!("additional_auth: `{additional}` adds nothing to requests"))
    }
}

/// Says why `user` cannot have `extension` as its authenticator.
///
/// # Errors
/// Where it cannot.
pub(crate) fn check(user: &Component, extension: &Component) -> Result<(), String> {
    let (id, receives) = (&extension.id, user.kind == Kind::Receiver);
    let is_secret = match canonical(Kind::Extension, id) {
        "basicauth" => {
            let Ok(config) = extension.value.decode::<basic_auth::Config>() else { return Ok(()) };
            let (is_there, key) = match receives {
                true => (config.htpasswd.is_some(), "htpasswd"),
                false => (config.client_auth.is_some(), "client_auth"),
            };
            if !is_there {
                return Err(format!("`{id}` has no `{key}`, which the {} asks for", user.kind));
            }
            true
        }
        "bearertokenauth" => true,
        "oauth2client" | "headers_setter" if receives => {
            return Err(format!("`{id}` adds to what is sent: a receiver needs `basicauth` or `bearertokenauth`"));
        }
        "oauth2client" => true,
        "headers_setter" => false,
        _ => return Err(format!("`{id}` is no authenticator")),
    };
    let is_plain = match (user.kind, canonical(Kind::Exporter, &user.id)) {
        (Kind::Exporter, "otlp_grpc") => {
            user.value.decode::<host_exporters::otlp::Config>().is_ok_and(|config| config.is_plain())
        }
        (Kind::Exporter, "load_balancing") => {
            user.value.decode::<host_exporters::load_balancing::Config>().is_ok_and(|config| config.is_plain())
        }
        _ => false,
    };
    match is_secret && is_plain {
        true => Err(host_exporters::in_the_clear(&id.to_string())),
        false => Ok(()),
    }
}
