//! The elections that the extensions `k8s_leader_elector` of a configuration are for.

use std::collections::BTreeMap;

use anyhow::anyhow;
use host_component::Kind;
use host_config::{Component, Validated};
use host_kubernetes::leader::{Config, Electors, Leadership};
use host_telemetry::Metrics;

use crate::catalog::canonical;

const TYPE: &str = "k8s_leader_elector";

/// Those of one configuration; what goes on of them is shared with those before it.
pub(crate) struct Elections {
    configs: BTreeMap<String, Config>,
    electors: Electors,
}

impl Elections {
    /// # Errors
    /// Where a section cannot be decoded.
    pub(crate) fn of(config: &Validated, electors: Electors) -> anyhow::Result<Self> {
        let sections = config.extensions.iter().filter(|(id, _)| canonical(Kind::Extension, id) == TYPE);
        let configs = sections.map(|(id, section)| Ok((id.to_string(), section.decode()?)));
        Ok(Elections { configs: configs.collect::<anyhow::Result<_>>()?, electors })
    }

    pub(crate) fn electors(&self) -> &Electors {
        &self.electors
    }

    /// Takes part in the election of the extension that a component names, where it names one.
    ///
    /// # Errors
    /// Where there is none of this name.
    pub(crate) fn leadership(&self, name: Option<&String>, metrics: &Metrics) -> anyhow::Result<Option<Leadership>> {
        let Some(name) = name else { return Ok(None) };
        let config = self.configs.get(name).ok_or_else(|| anyhow!("there is no leader elector `{name}`"))?;
        Ok(Some(self.electors.leadership(name, config, metrics)))
    }
}

/// Says why an extension elects nobody.
///
/// # Errors
/// Where it does not.
pub(crate) fn check(extension: &Component) -> Result<(), String> {
    match canonical(Kind::Extension, &extension.id) {
        TYPE => Ok(()),
        _ => Err(format!("`{}` elects nobody: name a `{TYPE}`", extension.id)),
    }
}
