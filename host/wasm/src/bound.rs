//! A pushed module may be there several times, each time for some clusters: its processor then has a guest for each head, and
//! the cluster that data was bound to says which of them has it.
//!
//! What is closest to a cluster has its data once it is live. Data that nothing is for is refused: it does not pass by.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use futures_util::future::join_all;
use host_component::Shutdown;
use host_config::watched::POLL;
use host_telemetry::Metrics;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::Instrument as _;

use crate::cluster::Clusters;
use crate::config::Limits;
use crate::guest::{Guest, Stand};
use crate::loader::Loader;
use crate::loading::Loading;
use crate::meters::Meters;
use crate::roll::Roll;
use crate::shelf::{Edition, Seat, Shelf};
use crate::source::Source;

/// For so many clusters of no longer names it is known who has their data; names are the senders'.
const CLUSTERS: usize = 4096;
const LONGEST: usize = 256;
/// Modules that are loaded at a time when the collector starts: one is compiled while others are read and tried.
const AT_ONCE: usize = 4;

/// The guests of one processor of a pushed module.
pub(crate) struct Bound {
    mould: Mould,
    /// Stands in while there is no head.
    vacant: Arc<Guest>,
    heads: Mutex<Vec<Held>>,
    /// As long as this is there, others of the module wait for what it says.
    seat: Seat,
    /// Counted up by whatever has a say in who has what.
    turns: Arc<AtomicU64>,
    table: RwLock<Table>,
    /// Whether batches are processed one after another.
    alone: Arc<AtomicBool>,
}

/// What guests of one processor are made of.
pub(crate) struct Mould {
    pub(crate) stand: Stand,
    pub(crate) metrics: Metrics,
    pub(crate) clusters: Arc<Clusters>,
}

struct Held {
    head: String,
    guest: Arc<Guest>,
    /// What was live before, here or on this host: what it is for is for nothing else, even while it does not run.
    claims: Option<Arc<Edition>>,
}

/// Who has the data of which cluster, as of one turn; none where nothing is for it.
#[derive(Default)]
struct Table {
    turn: u64,
    of: HashMap<Box<str>, Option<Arc<Guest>>>,
}

impl Mould {
    pub(crate) fn guest(&self, head: Option<&str>, turns: &Arc<AtomicU64>) -> Guest {
        let Stand { id, pipeline, module, .. } = &self.stand;
        let meters = Meters::new(&self.metrics, &self.clusters, &id.to_string(), pipeline, (module, head));
        Guest::new(self.stand.clone(), head, meters, Arc::clone(turns))
    }
}

impl Bound {
    pub(crate) fn new(mould: Mould, roll: &Roll, shelf: &Arc<Shelf>) -> Arc<Self> {
        let turns = Arc::default();
        let vacant = Arc::new(mould.guest(None, &turns));
        vacant.starts_without();
        roll.enter(&vacant);
        let seat = shelf.seat(&vacant.module, format!("{} in {}", vacant.id, vacant.pipeline));
        let (heads, table, alone) = (Mutex::default(), RwLock::default(), Arc::default());
        Arc::new(Bound { mould, vacant, heads, seat, turns, table, alone })
    }

    pub(crate) fn alone(&self) -> &Arc<AtomicBool> {
        &self.alone
    }

    /// Who has the data of a cluster.
    ///
    /// # Errors
    /// Nobody has it: who may turn it away.
    pub(crate) fn of(&self, cluster: &str) -> Result<Arc<Guest>, &Arc<Guest>> {
        let turn = self.turns.load(Ordering::Acquire);
        let known = {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            table.of.get(cluster).filter(|_| table.turn == turn).cloned()
        };
        let found = known.unwrap_or_else(|| self.find(cluster, turn));
        found.ok_or(&self.vacant)
    }

    fn find(&self, cluster: &str, turn: u64) -> Option<Arc<Guest>> {
        let found = self.choose(cluster);
        if cluster.len() > LONGEST {
            return found;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if table.turn != turn || table.of.len() >= CLUSTERS {
            self.settle();
            *table = Table { turn, of: HashMap::new() };
        }
        table.of.insert(cluster.into(), found.clone());
        found
    }

    /// The closest of those that are for a cluster; whoever stands in where nothing is there at all.
    fn choose(&self, cluster: &str) -> Option<Arc<Guest>> {
        let heads = self.heads();
        let bound = heads.iter().filter_map(|held| Some((held, held.bound_to()?)));
        let mut is_vacant = true;
        let matching = bound.filter_map(|(held, edition)| {
            is_vacant = false;
            Some((edition.closeness_to(cluster)?, held))
        });
        let closest = matching.max_by_key(|(closeness, held)| (*closeness, std::cmp::Reverse(held.head.clone())));
        let found = closest.map(|(_, held)| Arc::clone(&held.guest));
        found.or_else(|| is_vacant.then(|| Arc::clone(&self.vacant)))
    }

    /// Has those who ask know how it stands: whether anything runs, and whether it remembers.
    fn settle(&self) {
        let heads = self.heads();
        let generations = || heads.iter().filter_map(|held| held.guest.generations().0);
        self.alone.store(generations().any(|generation| generation.remembers()), Ordering::Relaxed);
        self.vacant.is_stood_in_for(heads.iter().any(|held| held.guest.running().is_some()));
    }

    fn hold(&self, held: Held) {
        self.heads().push(held);
        self.turns.fetch_add(1, Ordering::Release);
    }

    /// Forgets the heads that are not there any more.
    fn keep(&self, there: &BTreeSet<String>) {
        let gone = {
            // At no time is there less than what stays.
            let mut heads = self.heads();
            let (kept, gone): (Vec<Held>, Vec<Held>) = heads.drain(..).partition(|held| there.contains(&held.head));
            *heads = kept;
            gone
        };
        if gone.is_empty() {
            return;
        }
        self.turns.fetch_add(1, Ordering::Release);
        // Who is gone is not to be found there, nor held.
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Table::default();
        for Held { head, .. } in gone {
            let Stand { id, pipeline, module, .. } = &self.mould.stand;
            tracing::warn!(processor = %id, %pipeline, module, head, "module unloaded: it is gone");
        }
    }

    fn heads(&self) -> MutexGuard<'_, Vec<Held>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// By what it is bound to clusters; none where it is not.
    fn bound_to(&self) -> Option<Arc<Edition>> {
        self.guest.edition().or_else(|| self.claims.clone())
    }
}

/// Keeps the guests of one processor in step with the shelf.
pub(crate) struct Tender {
    bound: Arc<Bound>,
    shelf: Arc<Shelf>,
    roll: Arc<Roll>,
    limits: Limits,
    /// Those that were loaded, and are to be watched.
    loaded: Vec<Loading>,
}

impl Tender {
    pub(crate) fn new(bound: Arc<Bound>, shelf: Arc<Shelf>, roll: Arc<Roll>, limits: Limits) -> Self {
        Tender { bound, shelf, roll, limits, loaded: Vec::new() }
    }

    pub(crate) fn owner(&self) -> String {
        self.bound.mould.stand.id.to_string()
    }

    /// Loads what is on the shelf. What cannot be loaded keeps nobody from their work: it was told, and what ran before runs on.
    pub(crate) async fn load(&mut self, loader: &Loader) {
        let mut new = self.meet();
        for some in new.chunks_mut(AT_ONCE) {
            join_all(some.iter_mut().map(|loading| loading.load(loader))).await;
        }
        self.loaded.extend(new);
        self.bound.settle();
    }

    /// Has those take up what they have got ready who did not have all others with them by then.
    pub(crate) fn settle(&mut self) {
        self.loaded.iter_mut().for_each(Loading::settle);
        self.bound.settle();
    }

    /// Guests for the heads that are new; those that are gone are forgotten.
    fn meet(&self) -> Vec<Loading> {
        let module = &self.bound.mould.stand.module;
        let mut there = self.shelf.heads(module);
        self.bound.keep(&there);
        self.bound.heads().iter().for_each(|held| {
            there.remove(&held.head);
        });
        there.iter().map(|head| self.welcome(module, head)).collect()
    }

    fn welcome(&self, module: &str, head: &str) -> Loading {
        let guest = Arc::new(self.bound.mould.guest(Some(head), &self.bound.turns));
        let before = self.roll.enter(&guest);
        let claims = self.shelf.live(module, head);
        self.bound.hold(Held { head: head.to_owned(), guest: Arc::clone(&guest), claims });
        let source = Source::on_shelf(module, head, Arc::clone(&self.shelf));
        Loading::new(guest, source, self.limits.clone(), before, Some(self.bound.seat.member().clone()))
    }

    /// Loads what comes to the shelf, until the end or that of the processor.
    pub(crate) async fn watch(mut self, loader: Arc<Loader>, shutdown: Shutdown) {
        // They end with this.
        let mut watching = JoinSet::new();
        let work = async {
            let mut changes = self.shelf.changes();
            loop {
                for loading in std::mem::take(&mut self.loaded).into_iter().chain(self.meet()) {
                    let span = host_component::task_span("watch module", &self.owner());
                    watching.spawn(loading.watch(Arc::clone(&loader), shutdown.clone()).instrument(span));
                }
                while watching.try_join_next().is_some() {}
                self.bound.settle();
                // The shelf is there as long as this is. Nobody tells that the processor is gone.
                let _ = timeout(POLL, changes.changed()).await;
                if Arc::strong_count(&self.bound) == 1 {
                    return;
                }
            }
        };
        let mut end = shutdown.clone();
        tokio::select! {
            () = end.wait() => {}
            () = work => {}
        }
    }
}
