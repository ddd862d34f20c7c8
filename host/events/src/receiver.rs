//! The receiver follows each of its namespaces, as long as it is the leader where only one is to tell, and hands on what it is
//! told, in order: a batch that the pipeline refuses is handed on again before those behind it.
//!
//! At the end what waits is handed on once more. A successor in this process goes on where this one ended.

mod namespace;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use host_component::claims::{Claims, Held, Taken};
use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown};
use host_config::{Check as _, Wrong};
use host_kubernetes::leader::Leadership;
use host_receivers::{Lanes, storage};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use self::namespace::{Followed, Meters, Way};
use crate::config::Config;
use crate::progress::{Progress, Store};

/// What a receiver leaves to the one that takes its place, by the namespace. Whoever runs holds it.
type Legacy = Mutex<BTreeMap<String, Progress>>;

static LEGACIES: Claims<String, Legacy> = Claims::new();

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
    #[error("{id}: it is there twice: {source}")]
    Twice { id: ComponentId, source: Taken },
}

/// What it is built with besides its configuration.
pub struct Deps<'a> {
    pub receivers: &'a host_receivers::Deps<'a>,
    /// The folder of its storage, where it has one.
    pub storage: Option<&'a Path>,
    /// Whether it is to tell anything, where only one is.
    pub leadership: Option<Leadership>,
}

/// The receiver, not following yet.
pub struct Events {
    namespaces: Vec<Followed>,
    legacy: Held<Legacy>,
}

/// A receiver that stays as it is goes on by itself.
pub fn keep(id: &ComponentId) {
    LEGACIES.keep(&id.to_string());
}

impl Config {
    /// Makes the receiver.
    ///
    /// # Errors
    /// Where a value makes no sense.
    pub fn build(self, id: &ComponentId, consumers: &Consumers, deps: &Deps<'_>) -> Result<Events, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id: id.clone(), wrong });
        }
        let owner = id.to_string();
        let taken =
            LEGACIES.take_over(&owner, &owner).map_err(|source| BuildError::Twice { id: id.clone(), source })?;
        let legacy = taken.unwrap_or_else(|| LEGACIES.claim(owner.clone(), &owner, Legacy::default()));
        let folder = deps.storage.map(|of_all| storage::folder(of_all, id));
        let metrics = deps.receivers.metrics;
        let way = Arc::new(Way {
            receiver: owner.clone(),
            consumers: consumers.clone(),
            lanes: Lanes::new(&owner, "http", metrics),
            budget: deps.receivers.budget.clone(),
        });
        let all = [String::new()];
        let namespaces = if self.namespaces.is_empty() { &all[..] } else { &self.namespaces };
        let followed = |namespace: &String| Followed {
            namespace: namespace.clone(),
            server: self.server(),
            store: folder.as_ref().map(|folder| Store::new(folder, namespace)),
            leadership: deps.leadership.clone(),
            started: Timestamp::now(),
            way: Arc::clone(&way),
            meters: Meters::new(&owner, namespace, metrics),
        };
        Ok(Events { namespaces: namespaces.iter().map(followed).collect(), legacy })
    }
}

impl Receiver for Events {
    fn run(self: Box<Self>, mut shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // The one before this one tells until it has ended.
            let mut legacy = tokio::select! {
                legacy = self.legacy.lock() => legacy,
                () = shutdown.wait() => return,
            };
            let mut running = JoinSet::new();
            for followed in self.namespaces {
                let before = legacy.remove(&followed.namespace);
                let shutdown = shutdown.clone();
                running.spawn(async move { (followed.namespace.clone(), followed.run(before, shutdown).await) });
            }
            while let Some(ended) = running.join_next().await {
                // One that has panicked is told by whoever looks after panics.
                legacy.extend(ended.ok());
            }
        })
    }
}
