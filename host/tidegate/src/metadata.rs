//! Which request metadata is read behind each receiver: by processors that keep data apart by it, by modules that may see
//! it, and by exporters that send it on, also behind connectors.

use std::collections::{BTreeMap, BTreeSet};

use host_component::{Authenticators, ComponentId, Kind, MetadataKeys, PEER, PipelineId};
use host_config::{Auth, Errors, Pipeline, Validated, Value};
use host_processors::{batch, k8s_attributes};
use host_wasm::{ModulesConfig, ProcessorConfig};

use crate::catalog::{canonical, find};

/// The keys that are read behind each receiver; whoever is not there has nobody behind it that reads any.
///
/// # Errors
/// When a section is not what validation took it for.
pub(crate) fn read_by(
    config: &Validated,
    modules: &ModulesConfig,
    auth: &Authenticators,
) -> Result<BTreeMap<ComponentId, MetadataKeys>, Errors> {
    let mut read: BTreeMap<&PipelineId, Vec<String>> = BTreeMap::new();
    for pipeline in &config.pipelines {
        let mut keys = by_processors(pipeline, config, modules)?;
        keys.extend(by_exporters(pipeline, config, auth)?);
        read.insert(&pipeline.id, keys);
    }
    let mut receivers: BTreeMap<ComponentId, MetadataKeys> = BTreeMap::new();
    for pipeline in &config.pipelines {
        let behind = behind(pipeline, config);
        let keys: Vec<String> = behind.iter().filter_map(|id| read.get(*id)).flatten().cloned().collect();
        for receiver in &pipeline.receivers {
            receivers.entry(receiver.clone()).or_default().add(pipeline.id.signal(), keys.clone());
        }
    }
    Ok(receivers)
}

/// The pipelines that data of `first` comes to, itself included.
fn behind<'a>(first: &'a Pipeline, config: &'a Validated) -> BTreeSet<&'a PipelineId> {
    let (mut seen, mut to_do) = (BTreeSet::from([&first.id]), vec![first]);
    while let Some(pipeline) = to_do.pop() {
        let junctions = pipeline.ends().filter_map(|id| config.junction(pipeline, id));
        for id in junctions.flat_map(|junction| &junction.pipelines) {
            if seen.insert(id) {
                to_do.extend(config.pipelines.iter().find(|next| next.id == *id));
            }
        }
    }
    seen
}

/// The keys that the processors of a pipeline read, and the connectors at its end.
fn by_processors(pipeline: &Pipeline, config: &Validated, modules: &ModulesConfig) -> Result<Vec<String>, Errors> {
    let mut keys = Vec::new();
    for id in &pipeline.processors {
        let Some(section) = config.processors.get(id) else { continue };
        match canonical(Kind::Processor, id) {
            "batch" => keys.extend(section.decode::<batch::Config>()?.metadata_keys),
            "k8s_attributes" if section.decode::<k8s_attributes::Config>()?.reads_peer() => keys.push(PEER.to_owned()),
            "wasm" => keys.extend(modules.metadata_of(&section.decode::<ProcessorConfig>()?)),
            _ => keys.extend(by_guest(Kind::Processor, id, section)),
        }
    }
    let connectors = pipeline.ends().filter_map(|id| Some((id, config.connectors.get(id)?)));
    keys.extend(connectors.flat_map(|(id, section)| by_guest(Kind::Connector, id, section)));
    Ok(keys)
}

/// The keys that a bundled module reads under the Collector's type.
fn by_guest(kind: Kind, id: &ComponentId, section: &Value) -> Vec<String> {
    let guest = find(kind, id.r#type()).and_then(|entry| entry.guest.as_ref());
    guest.map(|guest| guest.request_keys(section)).unwrap_or_default()
}

/// The keys that the exporters of a pipeline read, and their authenticators.
fn by_exporters(pipeline: &Pipeline, config: &Validated, auth: &Authenticators) -> Result<Vec<String>, Errors> {
    let mut keys = Vec::new();
    for id in pipeline.ends() {
        let Some(section) = config.exporters.get(id) else { continue };
        // What `kafka` has under `auth` is no extension.
        if canonical(Kind::Exporter, id) == "kafka" {
            keys.extend(section.decode::<host_kafka::exporter::Config>()?.metadata_keys().cloned());
            continue;
        }
        if let Some(sent_on) = section.get("include_metadata_keys") {
            keys.extend(sent_on.decode::<Vec<String>>()?);
        }
        let below = |keys: &[&str]| keys.iter().try_fold(section.clone(), |value, key| value.get(key));
        let places: [&[&str]; 3] = [&["auth"], &["http", "auth"], &["protocol", "otlp", "auth"]];
        let Some(section) = places.into_iter().find_map(below) else { continue };
        let name = section.decode::<Auth>()?.authenticator.parse::<ComponentId>();
        let authenticator = name.ok().and_then(|name| auth.client(&name).cloned());
        keys.extend(authenticator.into_iter().flat_map(|authenticator| authenticator.metadata()));
    }
    Ok(keys)
}
