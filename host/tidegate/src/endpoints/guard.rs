//! Who may ask the endpoint of the metrics: `tls` and `auth` of `service.telemetry.metrics`, which mean what they mean to a
//! receiver.

use std::sync::Arc;

use host_component::{Authenticators, ComponentId};
use host_config::{Auth, Errors, Files, Value, Wrong};
use host_telemetry::{Guard, Metrics};
use host_tls::{OwnEndpoint, ServerConfig};

use super::METRICS;
use crate::configuration::Configuration;

/// The two sections, as they were written.
pub(super) struct Wanted {
    tls: Option<Value>,
    auth: Option<Auth>,
}

impl Wanted {
    pub(super) fn of(config: &Configuration) -> Self {
        let section = config.validated.telemetry.as_ref().and_then(|section| section.get("metrics"));
        let tls = section.and_then(|section| section.get("tls")).filter(|tls| !tls.is_null());
        Wanted { tls, auth: config.telemetry.metrics.auth.clone() }
    }

    /// What is another where the guard is: the extension is, too, where its section is another.
    pub(super) fn content(&self, config: &Configuration) -> String {
        let tls = self.tls.as_ref().map(Value::canonical);
        let auth = self.auth.as_ref().map(|auth| {
            let id = auth.authenticator.parse::<ComponentId>().ok();
            let extension = id.and_then(|id| config.validated.extensions.get(&id));
            (&auth.authenticator, extension.map(Value::canonical))
        });
        format!("{tls:?} {auth:?}")
    }

    /// Reads what the sections name.
    ///
    /// # Errors
    /// When a file cannot be used, or nobody of that name lets requests in.
    pub(super) fn build(
        &self,
        config: &Configuration,
        known: &Authenticators,
        metrics: &Metrics,
    ) -> anyhow::Result<Guard> {
        let mut guard = Guard::default();
        if let Some(tls) = &self.tls {
            let endpoint = OwnEndpoint { name: METRICS, base: &config.validated.base };
            guard = guard.with_tls(Arc::new(tls.decode::<ServerConfig>()?.build_own(&endpoint, metrics)?));
        }
        if let Some(auth) = &self.auth {
            let found = auth.find(&format!("{METRICS}.auth"), |id| known.server(id).cloned())?;
            guard = guard.with_auth(found, METRICS, metrics);
        }
        Ok(guard)
    }
}

/// What is wrong with the section `tls`.
///
/// # Errors
/// All of it, each at its place.
pub(crate) fn check_tls(section: &Value, files: &Files<'_>) -> Result<(), Errors> {
    let config: ServerConfig = section.decode()?;
    let mut wrongs = config.wrongs("tls");
    if wrongs.is_empty() {
        wrongs = config.wrongs_in("tls", &|path| files.read(path));
    }
    let mut errors = Errors::new();
    for Wrong { key, message } in wrongs {
        let key = key.strip_prefix("tls.").unwrap_or(&key);
        errors.push(section.problem_at(&[key], message));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
