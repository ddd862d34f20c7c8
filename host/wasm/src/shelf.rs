//! The shelf has the modules that come from somewhere else than a file: whoever brings one puts it there, each processor of its
//! name takes it up, and says what has become of it.
//!
//! A module may be there several times, under several heads and for several clusters.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use host_manifest::{Closeness, ClusterPattern, Digest, Fields};
use tokio::sync::watch;

/// One revision of a module, as it was pushed under a head. Its component lies in a file, and is read when it is loaded.
#[derive(Debug)]
pub struct Pushed {
    pub head: String,
    pub module: String,
    pub revision: u64,
    pub digest: Digest,
    pub component: PathBuf,
    /// Canonical JSON.
    pub config: String,
    /// What it was pushed with: it gets no more than that, whatever the host grants.
    pub grants: Fields,
    /// For which clusters it is.
    pub clusters: Vec<ClusterPattern>,
    /// Whether it was live before on this host: what it is for is for nothing else, even where it cannot be loaded.
    pub is_good: bool,
    /// Why it is not to run any more; what it is for is for nothing else all the same.
    pub withheld: Option<String>,
}

/// What was pushed, and what has become of it.
#[derive(Debug)]
pub struct Edition {
    pushed: Pushed,
    was_live: AtomicBool,
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

impl Deref for Edition {
    type Target = Pushed;

    fn deref(&self) -> &Pushed {
        &self.pushed
    }
}

impl Edition {
    pub fn new(pushed: Pushed) -> Edition {
        let was_live = AtomicBool::new(pushed.is_good);
        Edition { pushed, was_live, standings: Mutex::default() }
    }

    pub(crate) fn tell(&self, processor: String, standing: Standing) {
        if standing == Standing::Live {
            self.was_live.store(true, Ordering::Relaxed);
        }
        self.standings().insert(processor, standing);
    }

    /// Whether it was live once.
    pub(crate) fn was_live(&self) -> bool {
        self.was_live.load(Ordering::Relaxed)
    }

    /// How close it is to a cluster; none where it is not for it.
    pub(crate) fn closeness_to(&self, cluster: &str) -> Option<Closeness> {
        let matching = self.clusters.iter().filter(|pattern| pattern.matches(cluster));
        matching.map(ClusterPattern::closeness).max()
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

/// What is there of a module, by heads.
type Heads = BTreeMap<String, Place>;

#[derive(Debug)]
struct Place {
    edition: Arc<Edition>,
    /// What was live last.
    live: Option<Arc<Edition>>,
}

/// Where editions are put and taken from, by the name of their module.
#[derive(Debug)]
pub struct Shelf {
    editions: Mutex<BTreeMap<String, Heads>>,
    wanted: watch::Sender<BTreeSet<String>>,
    /// Told of whenever something was put or cleared.
    changes: watch::Sender<()>,
}

impl Place {
    fn live(self) -> Option<Arc<Edition>> {
        let Place { edition, live } = self;
        Some(edition).filter(|edition| edition.was_live()).or(live)
    }
}

impl Default for Shelf {
    fn default() -> Self {
        let (wanted, changes) = (watch::Sender::new(BTreeSet::new()), watch::Sender::new(()));
        Shelf { editions: Mutex::default(), wanted, changes }
    }
}

impl Shelf {
    /// Puts an edition in the place of the one before it under the same head.
    pub fn put(&self, edition: Arc<Edition>) {
        {
            let mut editions = self.editions();
            let heads = editions.entry(edition.module.clone()).or_default();
            let live = heads.remove(&edition.head).and_then(Place::live);
            heads.insert(edition.head.clone(), Place { edition, live });
        }
        self.changes.send_replace(());
    }

    /// There is nothing under this head of the module any more: whatever runs it stops.
    pub fn clear(&self, edition: &Edition) {
        if let Some(heads) = self.editions().get_mut(&edition.module) {
            heads.remove(&edition.head);
        }
        self.changes.send_replace(());
    }

    pub(crate) fn get(&self, module: &str, head: &str) -> Option<Arc<Edition>> {
        Some(Arc::clone(&self.editions().get(module)?.get(head)?.edition))
    }

    /// What was live last under a head.
    pub(crate) fn live(&self, module: &str, head: &str) -> Option<Arc<Edition>> {
        let editions = self.editions();
        let Place { edition, live } = editions.get(module)?.get(head)?;
        Some(Arc::clone(edition)).filter(|edition| edition.was_live()).or_else(|| live.clone())
    }

    /// Under which heads the module is there.
    pub(crate) fn heads(&self, module: &str) -> BTreeSet<String> {
        self.editions().get(module).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Wakes whoever waits for something to be put or cleared.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The modules that processors are of, as they come to be wanted.
    pub fn wanted(&self) -> watch::Receiver<BTreeSet<String>> {
        self.wanted.subscribe()
    }

    pub(crate) fn want(&self, module: &str) {
        self.wanted.send_if_modified(|wanted| wanted.insert(module.to_owned()));
    }

    fn editions(&self) -> MutexGuard<'_, BTreeMap<String, Heads>> {
        self.editions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
