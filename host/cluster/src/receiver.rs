//! The receiver follows each kind of objects, as long as it is the leader where only one is to tell, and collects at an interval
//! what is known by then.

mod following;

use std::sync::{Arc, Mutex, PoisonError};

use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown};
use host_config::{Check as _, Wrong};
use host_kubernetes::leader::Leadership;
use host_periodic::{Blocking, CollectNow, Collected, Missed, Periodic, now};
use host_receivers::Deps;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, ReplicationController, ResourceQuota};
use tokio::task::JoinSet;

use self::following::{Follower, Meters};
use crate::config::Config;
use crate::fact::Plan;
use crate::store::Table;

const NAME: &str = "k8s_cluster";

/// Why a receiver cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id}: {wrong}")]
    Value { id: ComponentId, wrong: Wrong },
}

/// The receiver, not following yet.
pub struct Cluster {
    periodic: Periodic<Blocking<Known>>,
    known: Arc<Shared>,
    leadership: Option<Leadership>,
}

/// What those that follow and what collects share.
pub(crate) struct Shared {
    pub(crate) plan: Plan,
    pub(crate) receiver: String,
    pub(crate) meters: Meters,
    config: Config,
    /// Sums are since then: nanoseconds since the Unix epoch.
    start: u64,
    tables: Mutex<Vec<Arc<Mutex<Table>>>>,
}

/// What is collected.
pub(crate) struct Known(Arc<Shared>);

impl Config {
    /// Makes the receiver. Where there is a `leadership` it tells nothing but while it leads.
    ///
    /// # Errors
    /// Where a value makes no sense.
    pub fn build(
        self,
        id: &ComponentId,
        consumers: &Consumers,
        leadership: Option<Leadership>,
        deps: &Deps<'_>,
    ) -> Result<Cluster, BuildError> {
        if let Some(wrong) = self.wrongs().into_iter().next() {
            return Err(BuildError::Value { id: id.clone(), wrong });
        }
        let receiver = id.to_string();
        let labels = [("receiver", receiver.as_str())];
        let meters = Meters {
            failures: deps.metrics.counter(
                "tidegate_k8s_cluster_watch_failures",
                "Times that objects of a kind could not be followed any more.",
                &labels,
            ),
            objects: deps.metrics.gauge("tidegate_k8s_cluster_objects", "Objects that are known.", &labels),
        };
        let (plan, schedule) = (self.plan(), self.schedule());
        let tables = Mutex::default();
        let known = Arc::new(Shared { plan, receiver, meters, config: self, start: now(), tables });
        let periodic = Periodic::new(id, NAME, schedule, Blocking::new(Known(Arc::clone(&known))), consumers, deps);
        Ok(Cluster { periodic, known, leadership })
    }
}

impl Shared {
    /// A table for what a follower sees.
    fn table(&self) -> Arc<Mutex<Table>> {
        let table = Arc::<Mutex<Table>>::default();
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&table));
        table
    }

    /// Begins with all kinds.
    fn follow(self: &Arc<Self>) -> JoinSet<()> {
        let mut following = JoinSet::new();
        for scope in self.config.scopes() {
            let follower = || Follower {
                shared: Arc::clone(self),
                server: self.config.server(),
                namespace: scope.clone(),
                table: self.table(),
            };
            if scope.is_none() {
                following.spawn(follower().follow::<Node>());
                following.spawn(follower().follow::<Namespace>());
            }
            following.spawn(follower().follow::<Pod>());
            following.spawn(follower().follow::<Deployment>());
            following.spawn(follower().follow::<ReplicaSet>());
            following.spawn(follower().follow::<StatefulSet>());
            following.spawn(follower().follow::<DaemonSet>());
            following.spawn(follower().follow::<ReplicationController>());
            following.spawn(follower().follow::<Job>());
            following.spawn(follower().follow::<CronJob>());
            following.spawn(follower().follow::<HorizontalPodAutoscaler>());
            following.spawn(follower().follow::<ResourceQuota>());
        }
        following
    }

    fn forget(&self) {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.meters.objects.set(0);
    }
}

impl CollectNow for Known {
    // Of a large cluster it is nothing for a thread that others wait for.
    fn collect_now(&mut self) -> Result<Collected, Missed> {
        let Known(shared) = self;
        let time = now();
        let tables = shared.tables.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut metrics, mut objects) = (Vec::new(), 0);
        for table in tables {
            let table = table.lock().unwrap_or_else(PoisonError::into_inner);
            objects += table.len();
            metrics.extend(table.told().map(|told| told.at(&shared.plan, shared.start, time)));
        }
        shared.meters.objects.set(i64::try_from(objects).unwrap_or(i64::MAX));
        Ok(Collected::of(NAME, metrics, Vec::new()))
    }
}

impl Receiver for Cluster {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Cluster { periodic, known, leadership } = *self;
            let following = async {
                let Some(leadership) = leadership else {
                    let _following = known.follow();
                    return std::future::pending().await;
                };
                loop {
                    leadership.won().await;
                    let following = known.follow();
                    leadership.lost().await;
                    drop(following);
                    // Another tells now, and what is known grows old.
                    known.forget();
                }
            };
            tokio::select! {
                () = Box::new(periodic).run(shutdown) => {}
                () = following => {}
            }
        })
    }
}
