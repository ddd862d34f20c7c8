//! Which request metadata is read behind each receiver: by processors that keep data apart by it, and by modules that
//! may see it.

use std::collections::BTreeMap;

use host_component::{ComponentId, Kind, MetadataKeys};
use host_config::{Errors, Pipeline, Validated};
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
) -> Result<BTreeMap<ComponentId, MetadataKeys>, Errors> {
    let mut receivers: BTreeMap<ComponentId, MetadataKeys> = BTreeMap::new();
    for pipeline in &config.pipelines {
        let keys = read_in(pipeline, config, modules)?;
        for receiver in &pipeline.receivers {
            receivers.entry(receiver.clone()).or_default().add(pipeline.id.signal(), keys.clone());
        }
    }
    Ok(receivers)
}

/// The keys that are read in a pipeline.
fn read_in(pipeline: &Pipeline, config: &Validated, modules: &ModulesConfig) -> Result<Vec<String>, Errors> {
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
