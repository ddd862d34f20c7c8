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
    if user.kind == Kind::Receiver {
        return check_server("receiver", extension);
    }
    let id = &extension.id;
    let is_secret = match canonical(Kind::Extension, id) {
        "basicauth" => {
            has_key(extension, &user.kind.to_string(), "client_auth", |config| config.client_auth.is_some())?;
            true
        }
        "bearertokenauth" | "oauth2client" => true,
        "headers_setter" => false,
        _ => return Err(no_authenticator(id)),
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

/// Says why `user`, which listens, cannot have `extension` let requests in.
///
/// # Errors
/// Where it cannot.
pub(crate) fn check_server(user: &str, extension: &Component) -> Result<(), String> {
    let id = &extension.id;
    match canonical(Kind::Extension, id) {
        "basicauth" => has_key(extension, user, "htpasswd", |config| config.htpasswd.is_some()),
        "bearertokenauth" => Ok(()),
        "oauth2client" | "headers_setter" => {
            let article = if user.starts_with('e') { "an" } else { "a" };
            Err(format!("`{id}` adds to what is sent: {article} {user} needs `basicauth` or `bearertokenauth`"))
        }
        _ => Err(no_authenticator(id)),
    }
}

/// Whether a `basicauth` has what it takes on one side.
fn has_key(
    extension: &Component,
    user: &str,
    key: &str,
    is_there: fn(&basic_auth::Config) -> bool,
) -> Result<(), String> {
    match extension.value.decode::<basic_auth::Config>() {
        Ok(config) if !is_there(&config) => {
            Err(format!("`{}` has no `{key}`, which the {user} asks for", extension.id))
        }
        // What else is wrong with it is told where it stands.
        _ => Ok(()),
    }
}

fn no_authenticator(id: &ComponentId) -> String {
    format!("`{id}` is no authenticator")
}
