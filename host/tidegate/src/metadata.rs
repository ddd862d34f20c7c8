//! Which request metadata is read behind each receiver: by processors that keep data apart by it, by modules that may see
//! it, and by exporters that send it on.

use std::collections::BTreeMap;

use host_component::{Authenticators, ComponentId, Kind, MetadataKeys};
use host_config::{Auth, Errors, Pipeline, Validated};
use host_processors::batch;
use host_wasm::{ModulesConfig, ProcessorConfig};

use crate::catalog::canonical;

/// The keys that are read behind each receiver; whoever is not there has nobody behind it that reads any.
///
/// # Errors
/// When a section is not what validation took it for.
pub(crate) fn read_by(
    config: &Validated,
    modules: &ModulesConfig,
    auth: &Authenticators,
) -> Result<BTreeMap<ComponentId, MetadataKeys>, Errors> {
    let mut receivers: BTreeMap<ComponentId, MetadataKeys> = BTreeMap::new();
    for pipeline in &config.pipelines {
        let mut keys = by_processors(pipeline, config, modules)?;
        keys.extend(by_exporters(pipeline, config, auth)?);
        for receiver in &pipeline.receivers {
            receivers.entry(receiver.clone()).or_default().add(pipeline.id.signal(), keys.clone());
        }
    }
    Ok(receivers)
}

/// The keys that the processors of a pipeline read.
fn by_processors(pipeline: &Pipeline, config: &Validated, modules: &ModulesConfig) -> Result<Vec<String>, Errors> {
    let mut keys = Vec::new();
    for id in &pipeline.processors {
        let Some(section) = config.processors.get(id) else { continue };
        match canonical(Kind::Processor, id) {
            "batch" => keys.extend(section.decode::<batch::Config>()?.metadata_keys),
            "wasm" => keys.extend(modules.metadata_of(&section.decode::<ProcessorConfig>()?)),
            _ => {}
        }
    }
    Ok(keys)
}

/// The keys that the authenticators of a pipeline's exporters read.
fn by_exporters(pipeline: &Pipeline, config: &Validated, auth: &Authenticators) -> Result<Vec<String>, Errors> {
    let mut keys = Vec::new();
    let routed = pipeline.routes.iter().flat_map(|(_, exporters)| exporters);
    for id in pipeline.exporters.iter().chain(routed) {
        let section = config.exporters.get(id).and_then(|section| section.get("auth"));
        let Some(section) = section else { continue };
        let name = section.decode::<Auth>()?.authenticator.parse::<ComponentId>();
        let authenticator = name.ok().and_then(|name| auth.client(&name).cloned());
        keys.extend(authenticator.into_iter().flat_map(|authenticator| authenticator.metadata()));
    }
    Ok(keys)
}
