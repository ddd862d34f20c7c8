//! The cache follows what plans need, and keeps what is known of it for all of them.
//!
//! There is one for each access and scope in the process: its members, which come and go with configurations, have a slot
//! each in what it knows. It ends with the last of them. Where the API server does not tell, what it told last is served.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use host_component::{Shutdown, Trigger, spawn};
use host_kubernetes::{Kind, Scope, Server};
use host_telemetry::{Gauge, Metrics};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::follower;
use super::intern::Interner;
use super::meters::Watched;
use super::plan::Plan;
use super::store::Store;

/// How often it is looked for pods whose grace is over.
const SWEEP: Duration = Duration::from_secs(1);

/// What is followed, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) server: Server,
    pub(super) pods: Scope,
    /// The only node that matters, where there is one.
    pub(super) node: Option<String>,
}

/// The caches of this process. Cloning shares them.
#[derive(Clone, Default)]
pub struct Caches(Arc<Mutex<Vec<Begun>>>);

/// A cache that was begun, and what for.
type Begun = (Followed, Weak<Cache>);

/// What is known; it is followed for as long as somebody has this.
pub(super) struct Cache {
    pub(super) shared: Arc<Shared>,
    _following: Trigger,
}

/// What members and followers share.
pub(super) struct Shared {
    pub(super) followed: Followed,
    store: RwLock<Store>,
    pub(super) interner: Mutex<Interner>,
    members: Mutex<Members>,
    /// Another member has come.
    anew: Notify,
    /// Grows when a pod is told that was not known, or is known by something new.
    pub(super) changed: watch::Sender<u64>,
    progress: watch::Sender<Progress>,
    /// Why objects are not told, by kind.
    troubles: Mutex<BTreeMap<Kind, String>>,
    pub(super) meters: BTreeMap<Kind, Watched>,
    table: Gauge,
    shown: Mutex<i64>,
    pub(super) is_full: AtomicBool,
}

/// How far the followers are.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// The arrival of the youngest member that is served.
    arrival: u64,
    missing: BTreeSet<Kind>,
}

#[derive(Default)]
struct Members {
    slots: Vec<Weak<Member>>,
    arrivals: u64,
}

/// One plan's part in a cache.
pub(super) struct Member {
    pub(super) cache: Arc<Cache>,
    pub(super) plan: Plan,
    pub(super) slot: usize,
    /// Which member it is, from 1 on.
    pub(super) arrival: u64,
}

impl Caches {
    /// A part in the cache of what is followed, which is begun where there is none. Plans that are alike share theirs.
    pub(super) fn join(&self, followed: Followed, plan: Plan, metrics: &Metrics) -> Arc<Member> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, cache)| cache.strong_count() > 0);
        let there = all.iter().find(|(known, _)| *known == followed).and_then(|(_, cache)| cache.upgrade());
        let cache = there.unwrap_or_else(|| {
            let cache = Arc::new(Cache::start(followed.clone(), metrics));
            all.push((followed, Arc::downgrade(&cache)));
            cache
        });
        Cache::join(cache, plan)
    }
}

impl Cache {
    fn start(followed: Followed, metrics: &Metrics) -> Self {
        let shared = Arc::new(Shared::new(followed, metrics));
        let (trigger, shutdown) = Trigger::new();
        spawn("followers", "k8s_attributes", follow(Arc::clone(&shared), shutdown));
        Cache::of(shared, trigger)
    }

    /// What is known, and what ends the following of it.
    pub(super) fn of(shared: Arc<Shared>, following: Trigger) -> Self {
        Cache { shared, _following: following }
    }

    pub(super) fn join(self: Arc<Self>, plan: Plan) -> Arc<Member> {
        let shared = Arc::clone(&self.shared);
        let mut members = lock(&shared.members);
        let alike = members.slots.iter().filter_map(Weak::upgrade).find(|member| member.plan.content == plan.content);
        if let Some(member) = alike {
            return member;
        }
        members.arrivals += 1;
        let free = members.slots.iter().position(|member| member.strong_count() == 0);
        let slot = free.unwrap_or(members.slots.len());
        let member = Arc::new(Member { cache: self, plan, slot, arrival: members.arrivals });
        match members.slots.get_mut(slot) {
            Some(place) => *place = Arc::downgrade(&member),
            None => members.slots.push(Arc::downgrade(&member)),
        }
        shared.anew.notify_one();
        member
    }
}

impl Member {
    pub(super) fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.cache.shared.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears when more is known of pods.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.cache.shared.changed.subscribe()
    }

    /// Waits until all was told that the plan needs.
    ///
    /// # Errors
    /// Says what was not, where that takes longer than `limit`.
    pub(super) async fn ready(&self, limit: Duration) -> Result<(), String> {
        let mut progress = self.cache.shared.progress.subscribe();
        let is_ready = |progress: &Progress| progress.arrival >= self.arrival && progress.missing.is_empty();
        if timeout(limit, progress.wait_for(is_ready)).await.is_ok() {
            return Ok(());
        }
        let troubles = lock(&self.cache.shared.troubles);
        let missing = progress.borrow().missing.clone();
        let told = missing.iter().map(|kind| match troubles.get(kind) {
            Some(trouble) => format!("{kind}: {trouble}"),
            None => format!("{kind}: no answer"),
        });
        Err(told.collect::<Vec<_>>().join("; "))
    }
}

impl Shared {
    pub(super) fn new(followed: Followed, metrics: &Metrics) -> Self {
        let help = "Pods that are known, those that were deleted a moment ago among them.";
        Shared {
            followed,
            store: RwLock::default(),
            interner: Mutex::default(),
            members: Mutex::default(),
            anew: Notify::new(),
            changed: watch::Sender::new(0),
            progress: watch::Sender::default(),
            troubles: Mutex::default(),
            meters: Kind::ALL.into_iter().map(|kind| (kind, Watched::new(kind, metrics))).collect(),
            table: metrics.gauge("otelcol_k8s_watcher_pod_cache_size", help, &[]),
            shown: Mutex::default(),
            is_full: AtomicBool::new(false),
        }
    }

    pub(super) fn store(&self) -> RwLockWriteGuard<'_, Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The members, by slot; none where a slot is free.
    pub(super) fn members(&self) -> Vec<Option<Arc<Member>>> {
        lock(&self.members).slots.iter().map(Weak::upgrade).collect()
    }

    /// All objects of a kind were told.
    pub(super) fn listed(&self, kind: Kind) {
        self.progress.send_if_modified(|progress| progress.missing.remove(&kind));
        self.changed.send_modify(|changes| *changes += 1);
    }

    /// Shows how many pods are known.
    pub(super) fn show(&self, pods: usize) {
        let mut shown = lock(&self.shown);
        let now = i64::try_from(pods).unwrap_or(i64::MAX);
        self.table.add(now - std::mem::replace(&mut *shown, now));
    }

    /// Tells the log when objects are not told any more, and when they are again; once each.
    pub(super) fn trouble(&self, kind: Kind, trouble: Option<String>) {
        let mut troubles = lock(&self.troubles);
        match trouble {
            Some(trouble) => {
                if let Some(meters) = self.meters.get(&kind) {
                    meters.failures.inc();
                }
                let known = troubles.insert(kind, trouble.clone());
                if known.as_ref() != Some(&trouble) {
                    tracing::warn!(
                        kind = kind.plural(),
                        error = trouble,
                        "k8s_attributes: objects are not told; what was told last is served"
                    );
                }
            }
            None => {
                if troubles.remove(&kind).is_some() {
                    tracing::info!(kind = kind.plural(), "k8s_attributes: objects are told again");
                }
            }
        }
    }

    /// Says once that there are more objects than may be known.
    pub(super) fn full(&self, kind: Kind) {
        if let Some(meters) = self.meters.get(&kind) {
            meters.refused.inc();
        }
        if !self.is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                kind = kind.plural(),
                "k8s_attributes: there are more of them than `max_objects` allows; data of the others goes on as it is"
            );
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.show(0);
    }
}

/// Follows what the members need, anew when another one has come: what is known has to be read for it.
async fn follow(shared: Arc<Shared>, mut shutdown: Shutdown) {
    loop {
        let (arrival, kinds) = {
            let members = lock(&shared.members);
            let alive = members.slots.iter().filter_map(Weak::upgrade);
            let kinds: BTreeSet<Kind> = alive.flat_map(|member| member.plan.kinds()).collect();
            (members.arrivals, kinds)
        };
        shared.progress.send_replace(Progress { arrival, missing: kinds.clone() });
        let mut following = JoinSet::new();
        for kind in kinds {
            following.spawn(follower::run(Arc::clone(&shared), kind));
        }
        following.spawn(sweep(Arc::clone(&shared)));
        while lock(&shared.members).arrivals == arrival {
            tokio::select! {
                () = shared.anew.notified() => {}
                () = shutdown.wait() => return,
            }
        }
        // One that still tells the end of its list would end that of the next.
        following.shutdown().await;
    }
}

async fn sweep(shared: Arc<Shared>) {
    loop {
        sleep(SWEEP).await;
        let pods = {
            let mut store = shared.store();
            store.expire(Instant::now());
            store.pods()
        };
        shared.show(pods);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
