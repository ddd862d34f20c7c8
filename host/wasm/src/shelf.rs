//! The shelf has the modules that come from somewhere else than a file: whoever brings one puts it there, each processor of its
//! name takes it up, and says what has become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host_manifest::{Digest, Fields};
use tokio::sync::watch;

/// One revision of a module, as it was brought. Its component lies in a file, and is read when it is loaded.
#[derive(Debug)]
pub struct Edition {
    pub module: String,
    pub revision: u64,
    pub digest: Digest,
    pub component: PathBuf,
    /// Canonical JSON.
    pub config: String,
    /// What it was pushed with: it gets no more than that, whatever the host grants.
    pub grants: Fields,
    /// By processor and pipeline.
    standings: Mutex<BTreeMap<String, Standing>>,
}

/// What has become of an edition in one processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Live,
    /// Why it was not taken up: what ran before runs on.
    Refused(String),
    /// Why it was taken up and given up again.
    RolledBack(String),
}

impl Edition {
    pub fn new(
        module: String,
        revision: u64,
        digest: Digest,
        component: PathBuf,
        config: String,
        grants: Fields,
    ) -> Edition {
        Edition { module, revision, digest, component, config, grants, standings: Mutex::default() }
    }

    pub(crate) fn tell(&self, processor: String, standing: Standing) {
        self.standings().insert(processor, standing);
    }

    /// How it stands with all processors together, of which there are so many: the worst of it, and none while one of them has not
    /// said anything yet.
    pub fn standing(&self, processors: usize) -> Option<Standing> {
        let standings = self.standings();
        let worst = standings.values().find(|standing| **standing != Standing::Live);
        worst.cloned().or_else(|| (standings.len() >= processors).then_some(Standing::Live))
    }

    fn standings(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where editions are put and taken from, by the name of their module.
#[derive(Debug)]
pub struct Shelf {
    editions: Mutex<BTreeMap<String, Arc<Edition>>>,
    wanted: watch::Sender<BTreeSet<String>>,
}

impl Default for Shelf {
    fn default() -> Self {
        Shelf { editions: Mutex::default(), wanted: watch::Sender::new(BTreeSet::new()) }
    }
}

impl Shelf {
    /// Puts an edition in the place of the one before it.
    pub fn put(&self, edition: Arc<Edition>) {
        self.editions().insert(edition.module.clone(), edition);
    }

    /// There is no such module any more: whatever runs it stops.
    pub fn clear(&self, module: &str) {
        self.editions().remove(module);
    }

    pub fn get(&self, module: &str) -> Option<Arc<Edition>> {
        self.editions().get(module).cloned()
    }

    /// The modules that processors are of, as they come to be wanted.
    pub fn wanted(&self) -> watch::Receiver<BTreeSet<String>> {
        self.wanted.subscribe()
    }

    pub(crate) fn want(&self, module: &str) {
        self.wanted.send_if_modified(|wanted| wanted.insert(module.to_owned()));
    }

    fn editions(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Edition>>> {
        self.editions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
