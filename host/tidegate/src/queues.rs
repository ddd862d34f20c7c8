//! The queue before an exporter, where its section names a storage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use host_component::{ComponentId, Exporter, Kind};
use host_config::delivery::{Retry, SendingQueue};
use host_config::{Errors, Pipeline, Validated, Value};
use host_pipeline::Cause;
use host_queue::{Config, Durable, Manner, Queue, folder_name, offline};
use host_telemetry::Metrics;
use serde::de::DeserializeOwned;

use crate::catalog::canonical;

/// The storages of one configuration.
pub(crate) struct Storages {
    base: PathBuf,
    configs: BTreeMap<ComponentId, Config>,
}

impl Storages {
    /// Finds those of a configuration, and tells of queues in them that no exporter has any more.
    ///
    /// # Errors
    /// Where a section makes no sense.
    pub(crate) fn of(config: &Validated) -> Result<Self, Errors> {
        let is_storage = |id: &ComponentId| canonical(Kind::Extension, id) == "file_storage";
        let sections = config.extensions.iter().filter(|(id, _)| is_storage(id));
        let configs = sections.map(|(id, section)| Ok((id.clone(), section.decode::<Config>()?)));
        let storages = Storages { base: config.base.clone(), configs: configs.collect::<Result<_, Errors>>()? };
        storages.tell_of_orphans(config);
        Ok(storages)
    }

    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        self.configs.values().map(|config| config.folder(&self.base)).collect()
    }

    fn named(&self, name: &str) -> anyhow::Result<&Config> {
        let found = name.parse().ok().and_then(|id: ComponentId| self.configs.get(&id));
        found.ok_or_else(|| anyhow!("there is no storage `{name}`"))
    }

    /// The folder of the storage that a component names; made, where its section says so.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn folder_of(&self, name: &str) -> anyhow::Result<PathBuf> {
        let config = self.named(name)?;
        let folder = config.folder(&self.base);
        host_queue::make_storage(&folder, config)?;
        Ok(folder)
    }

    fn tell_of_orphans(&self, config: &Validated) {
        let ends: BTreeSet<&ComponentId> = config.pipelines.iter().flat_map(Pipeline::ends).collect();
        let storage_of = |section: &Value| {
            let queue = part::<SendingQueue>(section, "sending_queue").ok()?;
            Some(self.named(&queue.storage?).ok()?.folder(&self.base))
        };
        let used = config.exporters.iter().filter(|(id, _)| ends.contains(id));
        let named: Vec<PathBuf> =
            used.filter_map(|(id, section)| Some(storage_of(section)?.join(folder(id)))).collect();
        for queue in offline::orphans(&self.folders(), &named) {
            tracing::warn!(
                queue = queue.name,
                storage = %queue.folder.parent().unwrap_or(&queue.folder).display(),
                requests = queue.usage.records,
                items = queue.usage.items,
                "no exporter has this queue any more: it stays; `tidegate queue drain` sends what it holds"
            );
        }
    }
}

/// The folder of an exporter's queue: the same under an older name of its type.
fn folder(id: &ComponentId) -> String {
    folder_name(canonical(Kind::Exporter, id), id)
}

/// Puts the queue before `exporter` that its section asks for.
///
/// # Errors
/// Where it cannot be opened.
pub(crate) async fn before(
    id: &ComponentId,
    section: &Value,
    storages: &Storages,
    exporter: Arc<dyn Exporter>,
    metrics: &Metrics,
) -> Result<Arc<dyn Exporter>, Cause> {
    let queue: SendingQueue = part(section, "sending_queue")?;
    let Some(name) = &queue.storage else { return Ok(exporter) };
    let config = storages.named(name).context("sending_queue.storage")?;
    let (storage, retry) = (config.folder(&storages.base), part::<Retry>(section, "retry_on_failure")?);
    let opened = Queue::open(id, &storage, &folder(id), config, metrics).await?;
    Ok(Arc::new(Durable::new(id, opened, exporter, Manner { queue, retry }, config, metrics)))
}

fn part<T: DeserializeOwned + Default>(section: &Value, key: &str) -> Result<T, Errors> {
    section.get(key).map_or_else(|| Ok(T::default()), |part| part.decode())
}
